//! What a swarm met: which row of the catalogue, on which kind of thing, in which phase of a site's life.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::AddAssign;

use lamp_cloud::{Listing, Read, Request};
use lamp_sim::{Asked, Call};

use super::catalogue::{How, ROWS, row_of};

/// Where a site is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It was never ready.
    Create,
    /// It was ready, and is not.
    Update,
    Delete,
    /// It is ready.
    Quiet,
}

/// How often what was met where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    hits: BTreeMap<(&'static str, String, Phase), u64>,
}

impl Coverage {
    /// Something of a row happened to something of a kind.
    pub fn hit(&mut self, row: &'static str, kind: impl Into<String>, phase: Phase) {
        *self.hits.entry((row, kind.into(), phase)).or_default() += 1;
    }

    /// A call, if a fault struck it.
    pub fn call(&mut self, call: &Call, phase: Phase) {
        if let Some(fault) = call.fault {
            self.hit(row_of(fault), subject(&call.what), phase);
        }
    }

    /// How often something of a row happened.
    pub fn of_row(&self, row: &str) -> u64 {
        self.hits.iter().filter(|((other, ..), _)| *other == row).map(|(_, count)| count).sum()
    }

    /// How many different combinations of row, kind and phase were met.
    pub fn combinations(&self) -> usize {
        self.hits.len()
    }

    /// Rows that are drawn, and were not met.
    pub fn holes(&self) -> Vec<&'static str> {
        let drawn = ROWS.iter().filter(|row| row.how == How::Drawn);
        drawn.filter(|row| self.of_row(row.id) == 0).map(|row| row.id).collect()
    }

    fn places(&self, row: &str) -> String {
        let of_row: Vec<_> = self.hits.keys().filter(|(other, ..)| *other == row).collect();
        let kinds: BTreeSet<&String> = of_row.iter().map(|(_, kind, _)| kind).collect();
        let phases: BTreeSet<String> =
            of_row.iter().map(|(_, _, phase)| format!("{phase:?}").to_lowercase()).collect();
        format!("{} kinds; {}", kinds.len(), phases.into_iter().collect::<Vec<_>>().join(", "))
    }
}

impl AddAssign for Coverage {
    fn add_assign(&mut self, other: Self) {
        for (place, count) in other.hits {
            *self.hits.entry(place).or_default() += count;
        }
    }
}

/// A line for each row of the catalogue.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in ROWS {
            let what = match row.how {
                How::Drawn => match self.of_row(row.id) {
                    0 => "not met".to_owned(),
                    count => format!("{count} times: {}", self.places(row.id)),
                },
                How::Tested(test) => format!("test: {test}"),
                How::NotYet(why) => format!("not applicable yet: {why}"),
            };
            writeln!(f, "{:<4} {:<48} {what}", row.id, row.what)?;
        }
        write!(f, "{} combinations of row, kind and phase", self.combinations())
    }
}

/// What a call is about.
pub(super) fn subject(asked: &Asked) -> String {
    match asked {
        Asked::Request(request) => of_request(request).to_owned(),
        Asked::Read(Read::List { listing: Listing::Resources(kind), .. } | Read::Everyones { kind, .. }) => {
            kind.name().to_owned()
        }
        Asked::Read(Read::One { kind, .. } | Read::Tags { kind, .. }) => kind.name().to_owned(),
        Asked::Read(Read::List { listing, .. }) => listing.name().to_owned(),
        Asked::Read(read) => read.operation().trim_start_matches("Describe").to_owned(),
    }
}

fn of_request(request: &Request) -> &'static str {
    match request {
        Request::Create { body, .. } => body.kind().name(),
        Request::Change { change, .. } => change.kind().name(),
        Request::Tag { kind, .. } | Request::Delete { kind, .. } => kind.name(),
        Request::ReplaceInstance { .. } | Request::TagInstance { .. } => "Instance",
        Request::RegisterTargets { .. } | Request::DeregisterTargets { .. } => "Target",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_met_is_a_hole_and_the_report_names_every_row() {
        let mut coverage = Coverage::default();
        assert!(coverage.holes().contains(&"A1"));
        coverage.hit("A1", "Vpc", Phase::Create);
        coverage += coverage.clone();
        assert!(!coverage.holes().contains(&"A1"));
        assert_eq!((coverage.of_row("A1"), coverage.combinations()), (2, 1));
        let report = coverage.to_string();
        assert!(ROWS.iter().all(|row| report.contains(row.what)), "{report}");
    }
}
