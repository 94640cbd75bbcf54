//! Bugs that are put in on purpose, and how many seeds it takes to find each.

use std::time::{Duration, Instant};

use super::{Calms, Trouble, live};
use crate::bugs::Bug;

/// A bug that was found.
#[derive(Clone, Debug)]
pub struct Found {
    pub bug: Bug,
    /// The seed that found it, and how many it took.
    pub seed: u64,
    pub seeds: u64,
    /// What it broke.
    pub kind: String,
    pub text: String,
    pub took: Duration,
}

/// Takes one seed after the other until one fails, at most so many. With no bug, none would.
pub fn hunt(bug: Bug, calms: &Calms, first: u64, most: u64) -> Option<Found> {
    let began = Instant::now();
    (first..first + most).find_map(|seed| {
        let failure = live(&Trouble::draw(seed), calms, Some(bug)).err()?;
        let (kind, text) = (failure.kind, failure.text);
        Some(Found { bug, seed, seeds: seed - first + 1, kind, text, took: began.elapsed() })
    })
}
