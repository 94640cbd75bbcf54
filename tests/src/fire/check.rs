//! Looks at a store from a process of its own: whatever damage does to that one, a hang or an end, this one can tell.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use lamp_store::Store;

use super::told::Told;
use crate::daemon::binary;

/// How much longer than it may a process is waited for.
const GRACE: Duration = Duration::from_secs(30);

/// Opens the store, and prints everything in it: the other end of [`look`].
///
/// # Errors
/// When the store cannot be opened or read.
pub fn check(dir: &Path) -> Result<()> {
    let store = Store::open(dir, jiff::Timestamp::now)?;
    for stored in store.list("lampstacks", None)?.0 {
        let number = stored.object["spec"]["number"].as_u64().context("an object has no number")?;
        println!("object {} {number}", stored.key.name.trim_start_matches('s'));
    }
    for (name, value) in store.ledger("fire")? {
        println!("record {} {}", name.trim_start_matches('s'), value.as_u64().context("no number")?);
    }
    println!("repaired {}", store.health().repaired.len());
    Ok(())
}

/// What a store was found to be.
#[derive(Debug)]
pub(super) enum Seen {
    Open {
        found: BTreeMap<String, u64>,
        repaired: u64,
    },
    /// It was refused, with these words.
    Refused(String),
    Hung,
}

/// What [`check`] says, and how long it took.
pub(super) fn look(dir: &Path) -> Result<(Seen, Duration)> {
    let began = Instant::now();
    let mut child = start("--check", dir, &[])?;
    let lines = lines(&mut child);
    let deadline = began + super::PATIENCE + GRACE;
    let (mut found, mut repaired) = (BTreeMap::new(), 0);
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => match line.rsplit_once(' ') {
                Some(("repaired", count)) => repaired = count.parse()?,
                Some((name, value)) => drop(found.insert(name.to_owned(), value.parse()?)),
                None => {}
            },
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                child.kill()?;
                child.wait()?;
                return Ok((Seen::Hung, began.elapsed()));
            }
        }
    }
    let took = began.elapsed();
    let mut words = String::new();
    child.stderr.take().context("no standard error")?.read_to_string(&mut words)?;
    let seen = if child.wait()?.success() { Seen::Open { found, repaired } } else { Seen::Refused(words) };
    Ok((seen, took))
}

/// Looks, and notes what must not be. Whether the store was opened.
pub(super) fn judge(
    dir: &Path,
    told: &Told,
    may_refuse: bool,
    round: &str,
    report: &mut super::Report,
) -> Result<bool> {
    let (seen, took) = look(dir)?;
    report.slowest = report.slowest.max(took);
    if took > super::PATIENCE {
        report.fail(format!("{round}: the opening took {} s", took.as_secs()));
    }
    match seen {
        Seen::Open { found, repaired } => {
            report.repaired += u32::from(repaired > 0);
            for wrong in told.contradictions(&found) {
                report.fail(format!("{round}: {wrong}"));
            }
            return Ok(true);
        }
        Seen::Refused(words) if may_refuse && words.contains("is damaged") => report.refused += 1,
        Seen::Refused(words) => report.fail(format!("{round}: refused: {words}")),
        Seen::Hung => report.fail(format!("{round}: it hangs")),
    }
    Ok(false)
}

/// This program as another process, which has something to do in a data directory. What a file may not grow to is an error
/// for it, and not its end.
pub(super) fn start(task: &str, dir: &Path, more: &[&str]) -> Result<Child> {
    let child = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$@\"", "sh"])
        .arg(binary("store-fire")?)
        .arg(task)
        .arg(dir)
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    child.context("store-fire does not start")
}

/// Its lines, as they come; the end of the channel is the end of the process.
pub(super) fn lines(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    if let Some(output) = child.stdout.take() {
        std::thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            // Nobody listens any more: nothing is left to say.
            lines.into_iter().take_while(|line| sender.send(line.clone()).is_ok()).for_each(drop);
        });
    }
    receiver
}
