//! The AWS emulator as a process: found or installed, started on a free port, ended with the test binary.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Error, Result};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// A running emulator. It ends when its standard input does: when this is dropped, or when this process dies.
pub(crate) struct Server {
    url: String,
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Server {
    /// Starts one on a free port.
    pub(crate) fn start() -> Result<Self> {
        Self::start_with(&[])
    }

    /// Starts one with these arguments: see `tests/moto/moto_server.py`.
    pub(crate) fn start_with(arguments: &[&OsStr]) -> Result<Self> {
        let root = root();
        let mut child = Command::new(python(&root)?)
            .arg(root.join("tests/moto/moto_server.py"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log()?)
            .spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or_else(|| Error::other("no standard output"))?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let url = line.trim().strip_prefix("ready ").ok_or_else(|| unready(&line))?.to_owned();
        Ok(Self { url, child, stdin })
    }

    /// For example `http://127.0.0.1:40001`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    #[allow(dead_code, reason = "not every test binary that this file is part of needs it")]
    /// Runs a Python program with boto3, pointed at this emulator, and gives what it printed.
    pub(crate) fn python(&self, region: &str, program: &str) -> Result<String> {
        let output = Command::new(python(&root())?)
            .args(["-c", program])
            .env("AWS_ENDPOINT_URL", &self.url)
            .env("AWS_DEFAULT_REGION", region)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .output()?;
        if !output.status.success() {
            return Err(Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // Its end was asked for; that it is reaped is all that is left to do.
        let _ = self.child.wait();
    }
}

fn unready(line: &str) -> Error {
    Error::other(format!(
        "the emulator said {line:?} instead of where it listens; see {}",
        log_path().display()
    ))
}

fn log_path() -> PathBuf {
    std::env::temp_dir().join(format!("lamplighter-moto-{}.log", std::process::id()))
}

fn log() -> Result<Stdio> {
    Ok(File::create(log_path())?.into())
}

/// The workspace, from whichever package's tests this file is part of.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().find(|folder| folder.join("Cargo.lock").is_file()).unwrap_or(package).to_path_buf()
}

/// A Python that has boto3.
#[allow(
    dead_code,
    reason = "only some of the test binaries that this file is part of run programs of their own"
)]
pub(crate) fn interpreter() -> Result<PathBuf> {
    python(&root())
}

/// The interpreter that `cargo xtask test` names, or one that is made here in the same place.
fn python(root: &Path) -> Result<PathBuf> {
    if let Some(python) = std::env::var_os("LAMPLIGHTER_MOTO_PYTHON") {
        return Ok(python.into());
    }
    let target = root.join("target");
    let venv = target.join("moto-venv");
    let requirements = root.join("tests/moto/requirements.txt");
    let wanted = std::fs::read_to_string(&requirements)?;
    std::fs::create_dir_all(&target)?;
    let lock = File::create(target.join("moto-venv.lock"))?;
    lock.lock()?;
    let complete = venv.join("complete");
    let python = venv.join("bin/python");
    if std::fs::read_to_string(&complete).is_ok_and(|have| have == wanted) {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    run(Command::new(&python).args(install).arg(&requirements))?;
    std::fs::write(complete, wanted)?;
    Ok(python)
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(Error::other(format!("{command:?} failed: {status}"))) }
}
