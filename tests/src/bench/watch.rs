//! One write, and how long it takes until the last of many watch clients has it. The clients run in the same process.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use reqwest::{Client, Response};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Figures;
use super::process::open_files_limit;
use super::serving::{Serving, annotate};

const CLIENTS: usize = 1000;
/// Each client takes a file at both ends; some are left for the store.
const SPARE_FILES: usize = 100;
/// The slowest of so many writes counts.
const WRITES: usize = 5;
const PATIENCE: Duration = Duration::from_secs(30);

/// A thousand clients watch; fewer if the system lets the process open too few files, which is then noted.
///
/// # Errors
/// When a watch cannot be opened, ends, or misses a write.
pub async fn measure() -> Result<Figures> {
    let mut figures = Figures::default();
    let clients = CLIENTS.min(open_files_limit()?.saturating_sub(SPARE_FILES) / 2);
    if clients < CLIENTS {
        figures.note(format!("only {clients} watch clients: the limit of open files allows no more"));
    }
    let serving = Serving::start().await?;
    let stack = serving.create("shop").await?;
    let (heard, mut hearing) = mpsc::unbounded_channel();
    let mut watches = JoinSet::new();
    for _ in 0..clients {
        let stream = open(&serving.stacks()).await?;
        watches.spawn(listen(stream, heard.clone()));
    }
    // Each gets the stack as it is at first.
    all(&mut hearing, clients, None, &mut watches).await?;
    let writer = Client::new();
    let mut slowest = Duration::ZERO;
    for number in 0..WRITES {
        let value = format!("write-{number}-");
        let began = Instant::now();
        annotate(&writer, &stack, &value).await?;
        let last = all(&mut hearing, clients, Some(number), &mut watches).await?;
        slowest = slowest.max(last.duration_since(began));
    }
    figures.add("watch.fanout_1000_ms", slowest.as_secs_f64() * 1000.0);
    Ok(figures)
}

async fn open(stacks: &str) -> Result<Response> {
    // A client of its own is a connection of its own.
    let response = Client::builder().http1_only().build()?.get(format!("{stacks}?watch=true")).send().await?;
    Ok(response.error_for_status()?)
}

/// What a client heard, and when: `None` is the stack without a write.
type Heard = (Option<usize>, Instant);

async fn listen(mut stream: Response, heard: mpsc::UnboundedSender<Heard>) -> Result<()> {
    let mut line = Vec::new();
    while let Some(chunk) = stream.chunk().await? {
        for byte in chunk {
            if byte != b'\n' {
                line.push(byte);
                continue;
            }
            let at = Instant::now();
            let text = String::from_utf8_lossy(&line);
            heard.send((written(&text), at))?;
            line.clear();
        }
    }
    bail!("a watch ended")
}

/// Which write an event shows.
fn written(event: &str) -> Option<usize> {
    let (_, rest) = event.split_once("write-")?;
    rest.split_once('-')?.0.parse().ok()
}

/// Waits until all clients heard of `write`; when the last one did.
async fn all(
    hearing: &mut mpsc::UnboundedReceiver<Heard>,
    clients: usize,
    write: Option<usize>,
    watches: &mut JoinSet<Result<()>>,
) -> Result<Instant> {
    let mut last = Instant::now();
    for _ in 0..clients {
        tokio::select! {
            heard = hearing.recv() => {
                let (which, at) = heard.context("nobody watches")?;
                anyhow::ensure!(which == write, "a client heard {which:?}, and the write was {write:?}");
                last = last.max(at);
            }
            Some(ended) = watches.join_next() => ended??,
            () = tokio::time::sleep(PATIENCE) => bail!("not every client heard of {write:?} in {PATIENCE:?}"),
        }
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_says_which_write_it_shows() {
        assert_eq!(written(r#"{"type":"MODIFIED","object":{"a":"write-3-"}}"#), Some(3));
        assert_eq!(written(r#"{"type":"ADDED"}"#), None);
    }
}
