//! What tests need and cargo does not bring: the AWS emulator (PyPI), and promtool (Debian).

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::tree;

/// A Python with moto, made once. Returns its interpreter.
pub(crate) fn moto() -> Result<PathBuf> {
    let folder = tree::target().join("moto-venv");
    let python = folder.join("bin/python");
    let complete = folder.join("complete");
    let wanted = std::fs::read_to_string(requirements())?;
    if std::fs::read_to_string(&complete).is_ok_and(|have| have == wanted) {
        return Ok(python);
    }
    eprintln!("installing the AWS emulator into {}", folder.display());
    tree::run(Command::new("python3").args(["-m", "venv"]).arg(&folder))
        .context("python3 with venv is needed for the tests against the AWS endpoint")?;
    let mut install = Command::new(&python);
    install
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg(requirements());
    tree::run(&mut install)?;
    std::fs::write(complete, wanted)?;
    Ok(python)
}

fn requirements() -> PathBuf {
    tree::root().join("tests/moto/requirements.txt")
}

/// Unpacks promtool from Debian's package, without installing it. Tests that want it say so when it is missing.
pub(crate) fn promtool() {
    if tree::is_installed("promtool") || tools().join("usr/bin/promtool").is_file() {
        return;
    }
    if let Err(error) = unpack("prometheus") {
        eprintln!("promtool could not be fetched ({error:#}): the metrics are not checked with it");
    }
}

fn unpack(package: &str) -> Result<()> {
    let folder = tools();
    std::fs::create_dir_all(&folder)?;
    let download = || {
        let mut command = Command::new("apt-get");
        command.args(["download", package]).current_dir(&folder).stdout(Stdio::null()).stderr(Stdio::null());
        tree::run(&mut command)
    };
    if download().is_err() {
        tree::run(Command::new("apt-get").args(["update", "-qq"]).stdout(Stdio::null()))?;
        download()?;
    }
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            tree::run(Command::new("dpkg").arg("-x").arg(&path).arg(&folder))?;
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

fn tools() -> PathBuf {
    tree::target().join("tools")
}

/// The PATH, with the fetched tools in front.
pub(crate) fn path_with_tools() -> Result<OsString> {
    let current = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(tools().join("usr/bin")).chain(std::env::split_paths(&current));
    Ok(std::env::join_paths(folders)?)
}
