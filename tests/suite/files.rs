//! Files of the project that tests hold to the code.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// Root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_path_buf()
}

/// The text of a file, by its path from the root.
pub(crate) fn read(path: &str) -> Result<String> {
    std::fs::read_to_string(root().join(path)).with_context(|| format!("cannot read {path}"))
}

/// Paths, from the root, of the files in a folder.
pub(crate) fn in_folder(folder: &str) -> Result<Vec<String>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(root().join(folder)).with_context(|| format!("cannot read {folder}"))? {
        paths.push(format!("{folder}/{}", entry?.file_name().to_string_lossy()));
    }
    ensure!(!paths.is_empty(), "{folder} is empty");
    Ok(paths)
}
