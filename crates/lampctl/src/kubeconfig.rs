//! The kubeconfig as a file: one server, user and context are put into it, and everything else stays.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::exit::Failure;
use crate::printer::format::yaml_text;

/// What is put into a kubeconfig, under one name.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) cluster: Value,
    pub(crate) user: Value,
    pub(crate) context: Value,
}

/// A kubeconfig with nothing but `entry`.
pub(crate) fn alone(entry: &Entry) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": entry.name, "cluster": entry.cluster}],
        "users": [{"name": entry.name, "user": entry.user}],
        "contexts": [{"name": entry.name, "context": entry.context}],
        "current-context": entry.name,
    })
}

/// Which file is written: of those that are named the first that is there, whose word counts first, else the last; else
/// `~/.kube/config`.
pub(crate) fn target(named: Option<&OsString>) -> Result<PathBuf, Failure> {
    let paths = named.into_iter().flat_map(env::split_paths).filter(|path| !path.as_os_str().is_empty());
    let mut paths: Vec<PathBuf> = paths.collect();
    if let Some(there) = paths.iter().find(|path| path.exists()) {
        return Ok(there.clone());
    }
    let homeless = || {
        Failure::failed("there is no HOME, and so no kubeconfig: name one with --kubeconfig or KUBECONFIG")
    };
    let home = || env::home_dir().map(|home| home.join(".kube/config"));
    paths.pop().or_else(home).ok_or_else(homeless)
}

/// Puts `entry` into the file and makes it current. After a crash there is the old file or the new one, and nobody else
/// may read it.
pub(crate) fn merge_into(file: &Path, entry: &Entry) -> Result<(), Failure> {
    let old = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Failure::failed(format!("cannot read {}: {error}", file.display()))),
    };
    let wrong = |cause: String| {
        Failure::failed(format!("{} is no kubeconfig, and was not changed: {cause}", file.display()))
    };
    let old = if old.trim().is_empty() {
        json!({})
    } else {
        serde_saphyr::from_str(&old).map_err(|error| wrong(error.to_string()))?
    };
    let text = yaml_text(&merged(old, entry).map_err(wrong)?)?;
    replace(file, &text).map_err(|error| Failure::failed(format!("cannot write {}: {error}", file.display())))
}

/// Whatever of the same name was there is replaced.
fn merged(mut file: Value, entry: &Entry) -> Result<Value, String> {
    let Some(fields) = file.as_object_mut() else { return Err("it is no mapping".to_owned()) };
    fields.entry("apiVersion").or_insert_with(|| json!("v1"));
    fields.entry("kind").or_insert_with(|| json!("Config"));
    for (list, key, value) in [
        ("clusters", "cluster", &entry.cluster),
        ("users", "user", &entry.user),
        ("contexts", "context", &entry.context),
    ] {
        let items = fields.entry(list).or_insert_with(|| json!([]));
        if items.is_null() {
            *items = json!([]);
        }
        let items = items.as_array_mut().ok_or_else(|| format!("its {list} are no list"))?;
        let item = json!({"name": entry.name, key: value});
        match items.iter_mut().find(|item| item["name"] == entry.name.as_str()) {
            Some(old) => *old = item,
            None => items.push(item),
        }
    }
    fields.insert("current-context".to_owned(), json!(entry.name));
    Ok(file)
}

fn replace(file: &Path, text: &str) -> io::Result<()> {
    // A link stays one.
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let folder = file.parent().filter(|path| !path.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut temporary = NamedTempFile::new_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().sync_all()?;
    temporary.persist(&file).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn entry(name: &str) -> Entry {
        Entry {
            name: name.to_owned(),
            cluster: json!({"server": "https://a:1"}),
            user: json!({"token": "t"}),
            context: json!({"cluster": name, "user": name}),
        }
    }

    fn read(file: &Path) -> Value {
        serde_saphyr::from_str(&fs::read_to_string(file).unwrap()).unwrap()
    }

    #[test]
    fn a_new_file_has_the_entry_alone_and_nobody_else_reads_it() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join(".kube/config");
        merge_into(&file, &entry("lamp")).unwrap();
        assert_eq!(read(&file), alone(&entry("lamp")));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn everything_else_in_the_file_stays() {
        let home = tempfile::tempdir().unwrap();
        let (file, link) = (home.path().join("config"), home.path().join("link"));
        let old = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "prod", "preferences": {"colors": true},
            "x-theirs": [1, "yes"],
            "clusters": [{"name": "prod", "cluster": {"server": "https://b"}, "x": 1},
                         {"name": "lamp", "cluster": {"server": "https://old", "insecure-skip-tls-verify": true}}],
            "users": null,
            "contexts": [{"name": "prod", "context": {"cluster": "prod", "user": "prod"}}]
        });
        fs::write(&file, yaml_text(&old).unwrap()).unwrap();
        symlink(&file, &link).unwrap();
        merge_into(&link, &entry("lamp")).unwrap();
        let new = read(&file);
        for kept in ["apiVersion", "preferences", "x-theirs"] {
            assert_eq!(new[kept], old[kept]);
        }
        assert_eq!(new["current-context"], "lamp");
        assert_eq!(new["clusters"][0], old["clusters"][0]);
        assert_eq!(new["clusters"][1], json!({"name": "lamp", "cluster": {"server": "https://a:1"}}));
        assert_eq!(new["users"], json!([{"name": "lamp", "user": {"token": "t"}}]));
        assert_eq!(new["contexts"].as_array().unwrap().len(), 2);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }

    #[test]
    fn what_is_no_kubeconfig_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("config");
        for text in ["- a list", "clusters: {}", "a: [", "a: 1\n---\nb: 2\n"] {
            fs::write(&file, text).unwrap();
            let failure = merge_into(&file, &entry("lamp")).unwrap_err().to_string();
            assert!(failure.contains("config is no kubeconfig, and was not changed"), "{failure}");
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
    }

    #[test]
    fn the_first_file_that_is_there_is_written() {
        let home = tempfile::tempdir().unwrap();
        let paths = ["a", "b", "c"].map(|name| home.path().join(name));
        let named = env::join_paths(&paths).unwrap();
        assert_eq!(target(Some(&named)).unwrap(), paths[2]);
        fs::write(&paths[1], "").unwrap();
        assert_eq!(target(Some(&named)).unwrap(), paths[1]);
    }
}
