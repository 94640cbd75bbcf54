//! The data directory: who may use it, and its state before the engine opens it.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::error::StoreError;

/// The lock on a data directory, held for as long as the value lives. The kernel lets go of it when the process
/// ends, however it ends.
#[derive(Debug)]
pub(crate) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes `dir/LOCK` for this process, at once or not at all.
    pub(crate) fn acquire(dir: &Path) -> Result<DirectoryLock, StoreError> {
        let path = dir.join("LOCK");
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| StoreError::io("open", &path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::Locked { dir: dir.to_owned(), holder: holder(&mut file) });
            }
            Err(TryLockError::Error(error)) => return Err(StoreError::io("lock", &path, error)),
        }
        write_holder(&mut file).map_err(|error| StoreError::io("write", &path, error))?;
        Ok(DirectoryLock { _file: file })
    }
}

/// The process id that the holder wrote into its lock file, for the message.
fn holder(file: &mut File) -> Option<String> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    let pid = text.trim();
    (!pid.is_empty()).then(|| pid.to_owned())
}

fn write_holder(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// Creates the directory, readable by its owner alone, and makes its entry durable.
pub(crate) fn create(dir: &Path) -> Result<(), StoreError> {
    if dir.is_dir() {
        return close_to_others(dir);
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| StoreError::io("create directory", dir, error))?;
    match dir.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => sync(parent),
        None => Ok(()),
    }
}

fn close_to_others(dir: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::io("set permissions of", dir, error);
    let mode = fs::metadata(dir).map_err(failed)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(failed)
}

/// Removes snapshots that a crash left half written. The engine takes such a file for its newest snapshot and
/// then refuses to open; the complete snapshot before it and the log are still there.
pub(crate) fn remove_unfinished_snapshots(dir: &Path) -> Result<(), StoreError> {
    for path in files(dir)? {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            tracing::warn!(file = %path.display(), "removing a snapshot that a crash left unfinished");
            fs::remove_file(&path).map_err(|error| StoreError::io("remove", &path, error))?;
        }
    }
    Ok(())
}

/// Takes every permission from group and others on the files in `dir`.
pub(crate) fn restrict(dir: &Path) -> Result<(), StoreError> {
    for path in files(dir)? {
        match fs::set_permissions(&path, Permissions::from_mode(0o600)) {
            // The engine replaces its snapshot files while it works.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            result => result.map_err(|error| StoreError::io("set permissions of", &path, error))?,
        }
    }
    Ok(())
}

/// The plain files directly in `dir`.
pub(crate) fn files(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let failed = |error| StoreError::io("read directory", dir, error);
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_file() {
            paths.push(entry.path());
        }
    }
    Ok(paths)
}

/// Makes a file, or the entries of a directory, durable.
pub(crate) fn sync(path: &Path) -> Result<(), StoreError> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|error| StoreError::io("fsync", path, error))
}

/// Files that were replaced are kept in so many folders, for whoever wants to know what happened to them.
const QUARANTINES: usize = 6;
const QUARANTINE: &str = "replaced-";

/// Moves files and folders out of the way, into a folder of the data directory that is named with the time. The folder.
pub(crate) fn quarantine(data_dir: &Path, paths: &[PathBuf]) -> Result<PathBuf, StoreError> {
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%S").to_string();
    let free = |number: &u32| {
        let folder = data_dir.join(format!("{QUARANTINE}{time}-{number}"));
        (!folder.exists()).then_some(folder)
    };
    let folder = (1..u32::MAX).find_map(|number| free(&number)).unwrap_or_else(|| data_dir.join(QUARANTINE));
    create(&folder)?;
    for path in paths.iter().filter(|path| path.exists()) {
        let name = path.file_name().map(|name| folder.join(name)).unwrap_or_else(|| folder.clone());
        fs::rename(path, name).map_err(|error| StoreError::io("move away", path, error))?;
    }
    sync(&folder)?;
    sync(data_dir)?;
    forget_old_quarantines(data_dir)?;
    Ok(folder)
}

fn forget_old_quarantines(data_dir: &Path) -> Result<(), StoreError> {
    let mut folders = quarantines(data_dir)?;
    folders.truncate(folders.len().saturating_sub(QUARANTINES));
    for folder in folders {
        fs::remove_dir_all(&folder).map_err(|error| StoreError::io("remove", &folder, error))?;
    }
    Ok(())
}

/// The folders of what was moved away, oldest first.
pub(crate) fn quarantines(data_dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let failed = |error| StoreError::io("read directory", data_dir, error);
    let mut folders = Vec::new();
    for entry in fs::read_dir(data_dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with(QUARANTINE) && path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}
