//! The files of an audit log: `audit/NUMBER.jsonl`, named by their first line.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::AuditVerified;
use super::chain::{self, Link};
use crate::backend::directory;
use crate::error::StoreError;

pub(crate) const FOLDER: &str = "audit";

/// The file that is written to, its size, and where the chain ends.
pub(super) fn open(folder: &Path) -> Result<(PathBuf, File, u64, Link), StoreError> {
    directory::create(folder)?;
    let mut earlier = files(folder)?;
    let Some(path) = earlier.pop() else {
        let (path, file) = begin(folder, &Link::NONE)?;
        return Ok((path, file, 0, Link::NONE));
    };
    let (bytes, end) = end(&path)?;
    let failed = |error| StoreError::io("open", &path, error);
    let file = File::options().append(true).open(&path).map_err(failed)?;
    // What follows the last whole line was cut off by a crash.
    file.set_len(bytes).map_err(failed)?;
    let end = match end {
        Some(end) => end,
        None => last(earlier)?,
    };
    Ok((path, file, bytes, end))
}

/// Makes the file that begins after this end.
pub(super) fn begin(folder: &Path, end: &Link) -> Result<(PathBuf, File), StoreError> {
    let path = folder.join(format!("{:012}.jsonl", end.sequence + 1));
    let file = File::options().create(true).append(true).mode(0o600).open(&path);
    let file = file.map_err(|error| StoreError::io("create", &path, error))?;
    directory::sync(folder)?;
    Ok((path, file))
}

/// Keeps the newest files, so many.
pub(super) fn keep(folder: &Path, count: usize) -> Result<(), StoreError> {
    let files = files(folder)?;
    for path in files.iter().take(files.len().saturating_sub(count)) {
        fs::remove_file(path).map_err(|error| StoreError::io("remove", path, error))?;
    }
    Ok(())
}

pub(super) fn verify(folder: &Path) -> Result<AuditVerified, StoreError> {
    let mut verified = AuditVerified { entries: 0, broken: None };
    let mut before: Option<Link> = None;
    for path in files(folder)? {
        for line in lines(&path)? {
            let line = line?;
            let link = match chain::follow(before.as_ref(), &line) {
                Ok(link) => link,
                Err(why) => {
                    verified.broken = Some(format!("{}: {why}", path.display()));
                    return Ok(verified);
                }
            };
            verified.entries += 1;
            before = Some(link);
        }
    }
    Ok(verified)
}

/// Oldest first.
fn files(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let failed = |error| StoreError::io("read", folder, error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Where the chain ends in these files, the newest of which come last.
fn last(files: Vec<PathBuf>) -> Result<Link, StoreError> {
    for path in files.iter().rev() {
        if let (_, Some(end)) = end(path)? {
            return Ok(end);
        }
    }
    Ok(Link::NONE)
}

fn lines(path: &Path) -> Result<impl Iterator<Item = Result<String, StoreError>>, StoreError> {
    let owned = path.to_owned();
    let failed = move |error| StoreError::io("read", &owned, error);
    let file = File::open(path).map_err(&failed)?;
    Ok(BufReader::new(file).lines().map(move |line| line.map_err(&failed)))
}

/// How many bytes whole lines take, and where the chain ends with the last of them.
fn end(path: &Path) -> Result<(u64, Option<Link>), StoreError> {
    let failed = |error| StoreError::io("read", path, error);
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    let (mut bytes, mut end, mut line) = (0, None, Vec::new());
    while reader.read_until(b'\n', &mut line).map_err(failed)? > 0 {
        let whole = line.strip_suffix(b"\n").and_then(|line| std::str::from_utf8(line).ok());
        if let Some((link, _)) = whole.and_then(|line| chain::read(line).ok()) {
            end = Some(link);
        } else if !line.ends_with(b"\n") {
            break;
        }
        bytes += line.len() as u64;
        line.clear();
    }
    Ok((bytes, end))
}
