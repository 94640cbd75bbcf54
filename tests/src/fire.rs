//! The store under fire: processes that write are killed, disks fill up, bits flip. What was acknowledged must be there
//! afterwards, or the store must be refused; it must never come back smaller without a word, and never hang.

mod check;
mod flips;
mod full;
mod kills;
mod told;
mod writer;

use std::time::Duration;

use anyhow::Result;

pub use check::check;
pub use writer::write;

/// How often.
#[derive(Clone, Copy, Debug)]
pub struct Fire {
    pub kills: u32,
    pub full_disks: u32,
    pub flips: u32,
    pub seed: u64,
}

/// The longest that an opening may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What must never happen: a loss, a hang, a store that does not go on.
    pub failures: Vec<String>,
    /// Writes that were acknowledged, and were looked for afterwards.
    pub acknowledged: u64,
    /// Rounds in which something was damaged, and the store made it good.
    pub repaired: u32,
    /// Rounds in which damage took the only copy of something, and the store was refused.
    pub refused: u32,
    /// How a full disk was made: by a file system of a few megabytes, or by a limit of the process.
    pub full_disks_by: Option<&'static str>,
    /// The longest opening.
    pub slowest: Duration,
}

impl Report {
    fn fail(&mut self, what: impl Into<String>) {
        self.failures.push(what.into());
    }
}

/// Runs all rounds.
///
/// # Errors
/// When the machine does not let them run: no temporary directory, no process.
pub fn fire(fire: &Fire) -> Result<Report> {
    let mut report = Report::default();
    kills::run(fire.kills, fire.seed, &mut report)?;
    full::run(fire.full_disks, fire.seed, &mut report)?;
    flips::run(fire.flips, fire.seed, &mut report)?;
    Ok(report)
}
