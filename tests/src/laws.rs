//! The laws of a run, held against the truth: the region's, its log, and what is on the daemon's disk. Never against
//! what the daemon believes.
//!
//! Each is a small function with the name that the reliability study gives it. Laws of calls are asked just before a
//! call reaches the region, laws of moments after every step. Others the region itself judges (`lamp-sim`,
//! `violations.rs`): what it can see without knowing whose a resource is by the daemon's records.

mod capacity;
mod case;
mod cost;
mod data;
mod existence;
mod files;
mod healing;
mod history;
mod ownership;
mod scaling;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use lamp_cloud::Request;
use lamp_sim::World;
use lamp_store::{Key, Store};

pub use case::{Case, Scene};
pub use files::{Dossier, Files};
pub use history::History;

use crate::disk::Disk;

/// A law that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    pub at: Timestamp,
    /// As the study numbers it, for example `S-D1`.
    pub law: &'static str,
    pub text: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.at, self.law, self.text)
    }
}

/// What breaks a law, in a sentence; `None` where it holds.
type OfCall = fn(&Case<'_>) -> Option<String>;
type OfMoment = fn(&Scene<'_>) -> Option<String>;

/// Laws of a call, asked before it reaches the region.
pub const OF_CALLS: &[(&str, OfCall)] = &[
    ("S-U3", ownership::intent_is_durable),
    ("S-A1", ownership::reason_is_recorded),
    ("S-D1", ownership::two_keys),
    ("S-E3", ownership::paused_is_paused),
    ("S-D2", data::nothing_goes_without_a_snapshot),
    ("S-D3", data::only_replicas_go_as_replicas),
    ("S-D5", data::nothing_is_made_again_empty),
    ("S-D4", existence::nothing_is_made_that_stands),
    ("S-D4", existence::nothing_wanted_goes),
    ("S-U4", existence::restarts_are_made_once),
    ("S-U5", existence::creations_end),
    ("S-E2", existence::corrections_end),
    ("S-N2", existence::routes_lead_to_what_works),
    ("S-C1", capacity::service_stays_above_the_minimum),
    ("S-C2", capacity::replicas_go_one_at_a_time),
    ("S-B1", capacity::few_are_under_way),
    ("S-H1", healing::what_serves_stays),
    ("S-H1", healing::all_sick_is_nobody_sick),
    ("S-H2", healing::sickness_takes_its_time),
    ("S-H3", healing::nobody_heals_blind),
    ("S-H4", healing::replacements_of_an_hour),
    ("S-S1", scaling::nothing_shrinks_without_data),
    ("S-S2", scaling::within_bounds_and_not_at_once),
    ("S-S3", scaling::bounds_move_nothing_by_themselves),
];

/// Laws of every moment.
pub const OF_MOMENTS: &[(&str, OfMoment)] = &[
    ("S-U1", existence::nothing_stays_twice),
    ("S-U2", existence::everything_is_on_record),
    ("S-D6", existence::nothing_outlives_its_object),
    ("S-P1", data::one_primary),
    ("S-W1", files::what_was_acknowledged_is_there),
    ("S-$1", cost::within_the_spec),
];

/// Holds a run to the laws. Clones judge the same run; each daemon of it has its own files.
#[derive(Clone, Debug, Default)]
pub struct Judge {
    court: Option<Arc<Mutex<Court>>>,
    files: Option<Files>,
}

#[derive(Debug, Default)]
struct Court {
    history: History,
    broken: Vec<Broken>,
}

impl Judge {
    /// One that judges; [`Judge::default`] does not.
    pub fn sitting() -> Self {
        Self { court: Some(Arc::default()), files: None }
    }

    /// The same judge, for the daemon that works with these files.
    #[must_use]
    pub fn of(&self, store: &Store, disk: &Disk) -> Self {
        Self { files: Some(Files::new(store.clone(), disk.clone())), ..self.clone() }
    }

    fn court(&self) -> Option<MutexGuard<'_, Court>> {
        self.court.as_ref().map(|court| court.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The parts that the site consists of while its spec is what it is.
    pub fn expect(&self, parts: BTreeSet<String>) {
        if let Some(mut court) = self.court() {
            court.history.expected = parts;
        }
    }

    /// A client was told that an object has this generation; `None`: that it is to be deleted.
    pub fn acknowledge(&self, key: &Key, generation: Option<i64>) {
        if let Some(mut court) = self.court() {
            court.history.acknowledge(key, generation);
        }
    }

    /// A call is about to reach the region.
    pub fn before(&self, world: &World, request: &Request) {
        let (Some(mut court), Some(files)) = (self.court(), &self.files) else { return };
        let court = &mut *court;
        let case = Case::new(Scene { world, files, history: &court.history }, request);
        let broken = OF_CALLS.iter().filter_map(|(law, holds)| Some((*law, holds(&case)?)));
        let broken: Vec<_> = broken.collect();
        let healed = case.healed().cloned();
        court.history.healed.extend(healed);
        court.note(world.now(), broken);
    }

    /// A moment has passed.
    pub fn look(&self, world: &World) {
        let (Some(mut court), Some(files)) = (self.court(), &self.files) else { return };
        let court = &mut *court;
        court.history.look(world, &files.dossiers());
        let scene = Scene { world, files, history: &court.history };
        let broken = OF_MOMENTS.iter().filter_map(|(law, holds)| Some((*law, holds(&scene)?)));
        let broken: Vec<_> = broken.collect();
        court.note(world.now(), broken);
    }

    /// What was broken so far, in the order of its happening.
    pub fn broken(&self) -> Vec<Broken> {
        self.court().map(|court| court.broken.clone()).unwrap_or_default()
    }

    /// Whether anything was broken.
    pub fn is_content(&self) -> bool {
        self.court().is_none_or(|court| court.broken.is_empty())
    }
}

/// More tell nothing new.
const MOST: usize = 20;

impl Court {
    fn note(&mut self, at: Timestamp, broken: Vec<(&'static str, String)>) {
        let room = MOST.saturating_sub(self.broken.len());
        let broken = broken.into_iter().map(|(law, text)| Broken { at, law, text });
        self.broken.extend(broken.take(room));
    }
}
