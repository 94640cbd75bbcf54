//! The real daemon as a process of its own.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::account::REGION;

/// Ports for daemons. Linux gives those from 32768 on to connections.
const PORTS: std::ops::Range<u32> = 20_000..32_000;
/// How long a daemon may take until it answers.
const START: Duration = Duration::from_secs(30);

/// Flags for a test that is in a hurry: an emulator hides nothing and throttles nobody.
pub const HURRIED: [&str; 6] =
    ["--observe-seconds", "1", "--rate-percent", "5000", "--consistency-seconds", "3"];

/// Where a daemon lives: what stays the same when its process is started again.
#[derive(Debug)]
pub struct Home {
    directory: tempfile::TempDir,
    listen: String,
    cloud: Cloud,
    /// Whether the API is served over TLS, as it is unless the daemon is told otherwise.
    tls: bool,
}

/// What the daemon keeps.
#[derive(Debug)]
enum Cloud {
    /// The AWS at this endpoint, as this installation, with these flags besides.
    Endpoint { url: String, install: String, flags: Vec<String> },
    /// A region in the daemon's own memory, so many times as fast as the wall clock.
    Simulated { speed: u32 },
}

impl Home {
    /// An empty data directory, and a free port, for the AWS at `endpoint`. `flags` are added to those that are needed.
    ///
    /// # Errors
    /// When the machine has neither directory nor port.
    pub fn on_endpoint(endpoint: &str, install: &str, flags: &[&str]) -> Result<Self> {
        let flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        Self::of(Cloud::Endpoint { url: endpoint.to_owned(), install: install.to_owned(), flags })
    }

    /// The same for a simulated region, which begins empty with each process.
    ///
    /// # Errors
    /// As [`Home::on_endpoint`].
    pub fn simulated(speed: u32) -> Result<Self> {
        Self::of(Cloud::Simulated { speed })
    }

    fn of(cloud: Cloud) -> Result<Self> {
        Ok(Self { directory: tempfile::tempdir()?, listen: free_address()?, cloud, tls: false })
    }

    /// The same home, in which the API is served over TLS.
    #[must_use]
    pub fn secured(self) -> Self {
        Self { tls: true, ..self }
    }

    /// The administrator's kubeconfig, which the daemon writes where the API is served over TLS.
    pub fn kubeconfig(&self) -> PathBuf {
        self.data_dir().join("admin.kubeconfig")
    }

    /// Address of the API, without a slash at its end.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.listen)
    }

    /// The data directory of the daemon.
    pub fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Starts the daemon, and waits until it answers.
    ///
    /// # Errors
    /// When it does not start, or does not answer in time: the end of its log.
    pub async fn start(&self) -> Result<Daemon> {
        let log = self.directory.path().join("log");
        let output = File::options().create(true).append(true).open(&log)?;
        let child = self
            .command()?
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(output)
            .spawn()
            .context("the daemon does not start")?;
        let mut daemon = Daemon { child, log };
        daemon.until_it_answers(self).await?;
        Ok(daemon)
    }

    fn command(&self) -> Result<Command> {
        let mut command = Command::new(binary("lamplighter")?);
        command.args(["serve", "--region", REGION, "--listen", &self.listen]);
        command.arg("--data-dir").arg(self.data_dir());
        if self.tls {
            // All that can be said, and none of it a secret.
            command.env("RUST_LOG", "trace");
        } else {
            command.arg("--plain-http");
        }
        match &self.cloud {
            Cloud::Endpoint { url, install, flags } => command
                .args(["--cloud", "aws", "--install", install])
                .args(flags)
                .env("AWS_ENDPOINT_URL", url)
                .env("AWS_ACCESS_KEY_ID", "test")
                .env("AWS_SECRET_ACCESS_KEY", "test"),
            Cloud::Simulated { speed } => command.args(["--cloud", "sim", "--sim-speed", &speed.to_string()]),
        };
        Ok(command)
    }
}

/// An address that nobody listens on, and that stays free while a daemon is down: below the ports that the kernel gives
/// to connections, and no other home of this process has it.
fn free_address() -> Result<String> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..PORTS.len() {
        let offset = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(std::process::id().wrapping_mul(61));
        let address = format!("127.0.0.1:{}", PORTS.start + offset % (PORTS.end - PORTS.start));
        if TcpListener::bind(&address).is_ok() {
            return Ok(address);
        }
    }
    bail!("no port from {} to {} is free", PORTS.start, PORTS.end - 1)
}

/// A running daemon. It is killed when it is dropped.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    async fn until_it_answers(&mut self, home: &Home) -> Result<()> {
        let began = Instant::now();
        // A client that trusts no certificate sees a secured port open, after the kubeconfig was written.
        let answers = async || {
            let url = format!("{}/version", home.url());
            let plain = reqwest::get(url).await.and_then(reqwest::Response::error_for_status);
            plain.is_ok()
                || (home.tls && home.kubeconfig().exists() && TcpStream::connect(&home.listen).is_ok())
        };
        while !answers().await {
            ensure!(self.child.try_wait()?.is_none(), "the daemon ended: {}", self.log());
            ensure!(began.elapsed() < START, "the daemon does not answer: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    ///
    /// # Errors
    /// When it could not be killed.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// All that all processes of this home have said.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn whole_log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(&self.log)?)
    }

    /// The end of what all processes of this home have said.
    pub fn log(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already; nobody is left to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program of this workspace: where `LAMPLIGHTER_BINARIES` says, or beside the program that runs.
///
/// # Errors
/// When it is not built.
pub fn binary(name: &str) -> Result<PathBuf> {
    let folder = match std::env::var_os("LAMPLIGHTER_BINARIES") {
        Some(folder) => PathBuf::from(folder),
        None => own_folder()?,
    };
    let path = folder.join(name);
    ensure!(path.is_file(), "{} is not built: `cargo build --workspace --all-targets`", path.display());
    Ok(path)
}

/// Test binaries lie in `deps` beside the programs.
fn own_folder() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.parent().context("the program lies nowhere")?;
    let above = folder.parent().filter(|_| folder.ends_with("deps"));
    Ok(above.unwrap_or(folder).to_path_buf())
}
