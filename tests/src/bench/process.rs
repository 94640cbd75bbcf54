//! What the kernel says of this process.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// CPU time of all threads that live now.
///
/// # Errors
/// When `/proc` does not say.
pub(super) fn cpu() -> Result<Duration> {
    let mut nanoseconds = 0;
    for task in fs::read_dir("/proc/self/task").context("no /proc: figures are taken on Linux")? {
        let text = fs::read_to_string(task?.path().join("schedstat"))?;
        nanoseconds += text.split_whitespace().next().context("an empty schedstat")?.parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

/// Memory that the process has now, in MiB.
///
/// # Errors
/// When `/proc` does not say.
pub(super) fn resident_mib() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}

/// How many files the process may have open.
///
/// # Errors
/// When `/proc` does not say.
pub(super) fn open_files_limit() -> Result<usize> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    let line =
        limits.lines().find_map(|line| line.strip_prefix("Max open files")).context("no limit of files")?;
    let soft = line.split_whitespace().next().context("no limit of files")?;
    Ok(if soft == "unlimited" { usize::MAX } else { soft.parse()? })
}
