//! The real daemon as a process of its own, with a client for its API.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kube::api::Api;
use lamp_api::v1alpha1::LampStack;

use crate::support::REGION;

/// How long a daemon may take until it answers.
const START: Duration = Duration::from_secs(30);

/// Where a daemon lives: what stays the same when its process is started again.
pub(crate) struct Home {
    directory: tempfile::TempDir,
    listen: String,
    cloud: Cloud,
}

/// What the daemon keeps.
enum Cloud {
    /// The AWS at this endpoint, as this installation.
    Endpoint { url: String, install: String },
    /// A region in the daemon's own memory, so many times as fast as the wall clock.
    Simulated { speed: u32 },
}

impl Home {
    /// An empty data directory, and a free port, for the AWS at `endpoint`.
    pub(crate) fn on_endpoint(endpoint: &str, install: &str) -> Result<Self> {
        Self::of(Cloud::Endpoint { url: endpoint.to_owned(), install: install.to_owned() })
    }

    /// The same for a simulated region, which begins empty with each process.
    pub(crate) fn simulated(speed: u32) -> Result<Self> {
        Self::of(Cloud::Simulated { speed })
    }

    fn of(cloud: Cloud) -> Result<Self> {
        let listen = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        Ok(Self { directory: tempfile::tempdir()?, listen, cloud })
    }

    /// Address of the API, without a slash at its end.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.listen)
    }

    /// The stacks of the namespace `default`, through the API.
    pub(crate) fn stacks(&self) -> Result<Api<LampStack>> {
        Ok(Api::namespaced(self.client()?, "default"))
    }

    /// A client of the API.
    pub(crate) fn client(&self) -> Result<kube::Client> {
        Ok(kube::Client::try_from(kube::Config::new(self.url().parse()?))?)
    }

    /// Starts the daemon, and waits until it answers.
    pub(crate) async fn start(&self) -> Result<Daemon> {
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
        daemon.until_it_answers(&self.client()?).await?;
        Ok(daemon)
    }

    fn command(&self) -> Result<Command> {
        let mut command = Command::new(binary("lamplighter")?);
        command.args(["serve", "--region", REGION, "--listen", &self.listen]);
        command.arg("--data-dir").arg(self.directory.path().join("data"));
        match &self.cloud {
            Cloud::Endpoint { url, install } => command
                .args(["--cloud", "aws", "--install", install])
                // An emulator hides nothing and throttles nobody.
                .args(["--observe-seconds", "1", "--rate-percent", "5000", "--consistency-seconds", "3"])
                .env("AWS_ENDPOINT_URL", url)
                .env("AWS_ACCESS_KEY_ID", "test")
                .env("AWS_SECRET_ACCESS_KEY", "test"),
            Cloud::Simulated { speed } => command.args(["--cloud", "sim", "--sim-speed", &speed.to_string()]),
        };
        Ok(command)
    }
}

/// A running daemon. It is killed when it is dropped.
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    async fn until_it_answers(&mut self, client: &kube::Client) -> Result<()> {
        let began = Instant::now();
        while client.apiserver_version().await.is_err() {
            ensure!(self.child.try_wait()?.is_none(), "the daemon ended: {}", self.log());
            ensure!(began.elapsed() < START, "the daemon does not answer: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// The end of what all processes of this home have said.
    pub(crate) fn log(&self) -> String {
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

/// A program of this workspace, as `cargo xtask test` has built it.
pub(crate) fn binary(name: &str) -> Result<PathBuf> {
    let folder = match std::env::var_os("LAMPLIGHTER_BINARIES") {
        Some(folder) => PathBuf::from(folder),
        // Test binaries lie in `deps` beside the programs.
        None => std::env::current_exe()?.ancestors().nth(2).unwrap_or(Path::new(".")).to_path_buf(),
    };
    let path = folder.join(name);
    ensure!(path.is_file(), "{} is not built: `cargo build --workspace --all-targets`", path.display());
    Ok(path)
}
