//! Habits that hold only while a test holds them.

use std::path::{Path, PathBuf};

use crate::files::root;

/// A file that grows past this does more than one thing.
const LINES: usize = 500;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn all_sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["crates", "tests", "xtask"] {
        sources(&root().join(folder), &mut found);
    }
    assert!(found.len() > 50, "found only {} sources", found.len());
    found
}

#[test]
fn files_stay_small() {
    for path in all_sources() {
        let lines = std::fs::read_to_string(&path).expect("a source").lines().count();
        assert!(lines <= LINES, "{} has {lines} lines: does it do one thing?", path.display());
    }
}

#[test]
fn names_say_what_a_thing_is() {
    for path in all_sources() {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        for vague in ["util", "utils", "common", "helper", "helpers", "misc", "manager"] {
            assert!(stem != vague, "{}: the name says nothing", path.display());
        }
    }
}

#[test]
fn every_crate_says_what_it_is() {
    for entry in std::fs::read_dir(root().join("crates")).expect("crates").flatten() {
        let source = ["src/lib.rs", "src/main.rs"].map(|file| entry.path().join(file));
        let first = source.iter().find_map(|path| std::fs::read_to_string(path).ok()).expect("a root module");
        assert!(first.starts_with("//!"), "{} does not say what it is", entry.path().display());
    }
}
