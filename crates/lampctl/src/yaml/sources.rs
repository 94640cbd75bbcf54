//! Which files are read: files as named, folders for what looks like an object, and standard input.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::cli::Files;
use crate::exit::Failure;

/// A file that was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// As the user would name it.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// Reads everything that `-f` names, in the order of the flags, folders by name.
pub(crate) fn read(files: &Files) -> Result<Vec<Rc<Source>>, Failure> {
    let mut sources = Vec::new();
    for path in &files.filename {
        if path.as_os_str() == "-" {
            sources.push(standard_input()?);
        } else {
            for file in expand(path, files.recursive)? {
                sources.push(one(&file)?);
            }
        }
    }
    Ok(sources)
}

fn standard_input() -> Result<Rc<Source>, Failure> {
    let mut text = String::new();
    let unreadable = |e| Failure::failed(format!("cannot read standard input: {e}"));
    std::io::stdin().read_to_string(&mut text).map_err(unreadable)?;
    Ok(Rc::new(Source { name: "<stdin>".to_owned(), text }))
}

fn one(path: &Path) -> Result<Rc<Source>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| unreadable(path, &e))?;
    Ok(Rc::new(Source { name: path.display().to_string(), text }))
}

fn expand(path: &Path, recursive: bool) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    folder(path, recursive, &mut found)?;
    if found.is_empty() {
        let hint = if recursive { "" } else { "; -R looks into the folders below, too" };
        return Err(Failure::failed(format!("no .yaml, .yml or .json file is in {}{hint}", path.display())));
    }
    Ok(found)
}

fn folder(path: &Path, recursive: bool, found: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let entries = std::fs::read_dir(path).map_err(|e| unreadable(path, &e))?;
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<_, _>>()
        .map_err(|e| unreadable(path, &e))?;
    paths.sort();
    for entry in paths {
        let kind = entry.extension().and_then(|e| e.to_str());
        if entry.is_dir() && recursive {
            folder(&entry, recursive, found)?;
        } else if entry.is_file() && matches!(kind, Some("yaml" | "yml" | "json")) {
            found.push(entry);
        }
    }
    Ok(())
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format!("cannot read {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &Path, recursive: bool) -> Vec<String> {
        let files = Files { filename: vec![path.to_owned()], recursive };
        let stem = |s: Rc<Source>| Path::new(&s.name).file_name().unwrap().to_string_lossy().into_owned();
        read(&files).unwrap().into_iter().map(stem).collect()
    }

    #[test]
    fn folders_give_their_objects_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["b.yaml", "a.json", "README.md"] {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        std::fs::create_dir(folder.path().join("inner")).unwrap();
        std::fs::write(folder.path().join("inner/c.yml"), "").unwrap();
        assert_eq!(names(folder.path(), false), ["a.json", "b.yaml"]);
        assert_eq!(names(folder.path(), true), ["a.json", "b.yaml", "c.yml"]);
    }

    #[test]
    fn what_is_not_there_is_named() {
        let files = Files { filename: vec!["/nowhere/a.yaml".into()], recursive: false };
        assert!(read(&files).unwrap_err().to_string().contains("cannot read /nowhere/a.yaml"));
        let empty = tempfile::tempdir().unwrap();
        let files = Files { filename: vec![empty.path().into()], recursive: false };
        assert!(read(&files).unwrap_err().to_string().contains("-R looks"));
    }
}
