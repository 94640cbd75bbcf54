//! What processes take: CPU time and memory, as the kernel counts them.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// The kernel shows times in ticks of this many a second, on every machine (`USER_HZ`).
const TICKS: f64 = 100.0;
/// Memory of short-lived processes is looked at this often.
const SAMPLE: Duration = Duration::from_millis(50);

/// What a command took, with everything that it started.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    pub(super) seconds: f64,
    pub(super) cpu_seconds: f64,
    /// Largest sum over all of its processes at once.
    pub(super) peak_mib: f64,
}

/// Runs a command to its end.
///
/// # Errors
/// When it cannot be started, or `/proc` does not say.
pub(super) fn measured(command: &mut Command) -> Result<(ExitStatus, Usage)> {
    let before = cpu_of_ended_children()?;
    let began = Instant::now();
    let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
    let (status, peak_mib) = wait(child)?;
    let seconds = began.elapsed().as_secs_f64();
    Ok((status, Usage { seconds, cpu_seconds: cpu_of_ended_children()? - before, peak_mib }))
}

fn wait(mut child: Child) -> Result<(ExitStatus, f64)> {
    let (id, ended) = (child.id(), AtomicBool::new(false));
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut peak = 0.0_f64;
            while !ended.load(Ordering::Relaxed) {
                peak = peak.max(tree_mib(id));
                thread::sleep(SAMPLE);
            }
            peak
        });
        let status = child.wait();
        ended.store(true, Ordering::Relaxed);
        let peak = watcher.join().unwrap_or_default();
        Ok((status?, peak))
    })
}

/// CPU time of a running process, in seconds.
///
/// # Errors
/// When `/proc` does not say.
pub(super) fn cpu(id: u32) -> Result<f64> {
    let fields = stat(&format!("/proc/{id}/stat")).with_context(|| format!("process {id} is gone"))?;
    ticks(&fields, 11)
}

/// Largest memory that a running process ever had, in MiB.
///
/// # Errors
/// When `/proc` does not say.
pub(super) fn peak_mib(id: u32) -> Result<f64> {
    memory(id, "VmHWM:").with_context(|| format!("process {id} is gone"))
}

/// CPU time of all children of this process that have ended, and of theirs.
fn cpu_of_ended_children() -> Result<f64> {
    ticks(&stat("/proc/self/stat").context("no /proc: figures are taken on Linux")?, 13)
}

/// User and system time, which stand side by side.
fn ticks(fields: &[String], at: usize) -> Result<f64> {
    let of = |at: usize| -> Result<f64> { Ok(fields.get(at).context("a short stat")?.parse()?) };
    Ok((of(at)? + of(at + 1)?) / TICKS)
}

/// The fields behind the name of the program, which may hold anything.
fn stat(path: &str) -> Option<Vec<String>> {
    let text = fs::read_to_string(path).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

fn memory(id: u32, field: &str) -> Option<f64> {
    let text = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib / 1024.0)
}

/// Memory of a process and all that it started; those that end meanwhile count no more.
fn tree_mib(root: u32) -> f64 {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for id in processes() {
        let parent = stat(&format!("/proc/{id}/stat")).and_then(|fields| fields.get(1)?.parse().ok());
        if let Some(parent) = parent {
            children.entry(parent).or_default().push(id);
        }
    }
    let (mut left, mut sum) = (vec![root], 0.0);
    while let Some(id) = left.pop() {
        sum += memory(id, "VmRSS:").unwrap_or_default();
        left.extend(children.remove(&id).unwrap_or_default());
    }
    sum
}

fn processes() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_counts_with_what_it_starts() {
        let work = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        let nested = format!("sh -c '{work}'; exit 3");
        let (status, usage) = measured(Command::new("sh").args(["-c", &nested])).unwrap();
        assert_eq!(status.code(), Some(3));
        assert!(usage.cpu_seconds > 0.0 && usage.seconds > 0.0 && usage.peak_mib > 0.0, "{usage:?}");
    }

    #[test]
    fn a_running_process_shows_its_time_and_memory() {
        let id = std::process::id();
        assert!(cpu(id).unwrap() >= 0.0);
        assert!(peak_mib(id).unwrap() > 1.0);
        assert!(cpu(0).is_err(), "there is no such process");
    }
}
