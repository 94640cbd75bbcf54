//! An empty AWS account behind an emulator of its own, and a hand in it: another client than the one under test.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use serde_json::Value;

#[path = "../../crates/lamp-aws/tests/moto/server.rs"]
mod server;

/// The region of the specs that come with Lamplighter.
pub const REGION: &str = "ap-northeast-2";

/// An AWS account. It is gone when this is dropped.
pub struct Account {
    server: server::Server,
    hand: Mutex<Option<Hand>>,
}

impl std::fmt::Debug for Account {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Account").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl Account {
    /// # Errors
    /// When the emulator does not start.
    pub fn new() -> Result<Self> {
        server::Server::start().map(Self::of).context("the AWS emulator does not start")
    }

    /// An account in an emulator that a Python program has changed.
    ///
    /// # Errors
    /// When the emulator does not start.
    pub fn patched(patch: &Path) -> Result<Self> {
        let arguments: [&OsStr; 2] = ["--patch".as_ref(), patch.as_ref()];
        server::Server::start_with(&arguments).map(Self::of).context("the AWS emulator does not start")
    }

    fn of(server: server::Server) -> Self {
        Self { server, hand: Mutex::default() }
    }

    /// For example `http://127.0.0.1:40001`.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// A spec with a certificate that the account has, wherever it names one.
    ///
    /// # Errors
    /// When the account does not give one.
    pub fn with_certificate(&self, mut object: Value) -> Result<Value> {
        for tier in object["spec"]["tiers"].as_array_mut().into_iter().flatten() {
            if tier.pointer("/loadBalancer/certificateArn").is_some() {
                tier["loadBalancer"]["certificateArn"] = self.hand(&["certificate"])?;
            }
        }
        Ok(object)
    }

    /// What another client does or sees: see `tests/moto/hand.py`.
    ///
    /// # Errors
    /// What the client says.
    pub fn hand(&self, command: &[&str]) -> Result<Value> {
        let mut hand = self.hand.lock().unwrap_or_else(PoisonError::into_inner);
        let hand = match &mut *hand {
            Some(hand) => hand,
            none => none.insert(Hand::new(self.url())?),
        };
        hand.obey(command).with_context(|| format!("hand.py {:?}", &command[..command.len().min(2)]))
    }
}

/// A client of its own, which takes one command after the other. It ends when its standard input does.
struct Hand {
    child: Child,
    commands: Option<ChildStdin>,
    replies: BufReader<ChildStdout>,
}

impl Hand {
    fn new(endpoint: &str) -> Result<Self> {
        let mut child = Command::new(server::interpreter()?)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/moto/hand.py"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("AWS_ENDPOINT_URL", endpoint)
            .env("AWS_REGION", REGION)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the hand in the account does not start")?;
        let commands = child.stdin.take();
        let replies = child.stdout.take().context("no standard output")?;
        Ok(Self { child, commands, replies: BufReader::new(replies) })
    }

    fn obey(&mut self, command: &[&str]) -> Result<Value> {
        writeln!(self.commands.as_mut().context("no standard input")?, "{}", Value::from(command))?;
        let mut line = String::new();
        self.replies.read_line(&mut line)?;
        let mut reply: Value =
            serde_json::from_str(&line).context("it ended; its standard error says why")?;
        match reply.get("error") {
            Some(error) => bail!("{}", error.as_str().unwrap_or_default()),
            None => Ok(reply["answer"].take()),
        }
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        drop(self.commands.take());
        // Its end was asked for; that it is reaped is all that is left to do.
        let _ = self.child.wait();
    }
}
