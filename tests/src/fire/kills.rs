//! `kill -9` at any moment: while the store is opened, while it writes, while it makes a checkpoint.

use std::time::Duration;

use anyhow::Result;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Report;
use super::check::{judge, lines, start};
use super::told::Told;

/// How long a process lives.
const LIFE: std::ops::Range<u64> = 0..150;
/// After so many, an empty directory is begun: a new store is made under fire as well.
const FRESH: u32 = 100;

pub(super) fn run(rounds: u32, seed: u64, report: &mut Report) -> Result<()> {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let mut home = tempfile::tempdir()?;
    let mut told = Told::default();
    for round in 1..=rounds {
        if round % FRESH == 0 {
            (home, told) = (tempfile::tempdir()?, Told::default());
        }
        let dir = home.path().join("data");
        let mut child = start("--write", &dir, &[])?;
        let said = lines(&mut child);
        std::thread::sleep(Duration::from_millis(chance.random_range(LIFE)));
        child.kill()?;
        child.wait()?;
        let before = told.acknowledgements;
        said.iter().for_each(|line| told.hear(&line));
        report.acknowledged += told.acknowledgements - before;
        judge(&dir, &told, false, &format!("kill {round}"), report)?;
    }
    Ok(())
}
