//! The past of metrics, of which forecasts are made: read when it is first wanted and then every six hours, for all
//! stacks together, and never at the cost of a pass.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use lamp_cloud::{Cloud, HISTORY_DAYS, Histories, History, HistoryQuery, Read, Reading, Series};

use crate::budget::of_reading;
use crate::calls::Calls;

/// As often as AWS makes its own forecasts anew.
const REFRESH: SignedDuration = SignedDuration::from_hours(6);
/// What was read longer ago is read again together with what is due, so that one call does for all.
const TOGETHER: SignedDuration = SignedDuration::from_hours(1);
/// What failed is read again after this time, and after twice as long each time that it fails again.
const RETRY: SignedDuration = SignedDuration::from_mins(1);
/// What nobody has wanted for so long is forgotten. A listing that failed wants nothing for a while.
const UNWANTED: SignedDuration = SignedDuration::from_hours(24);
/// Calls in one pass: CloudWatch gives 180,000 old datapoints a second, and one call asks for 100,000.
const CALLS_PER_PASS: usize = 2;

/// What was read of the past, and what is to be read when.
#[derive(Debug, Default)]
pub(super) struct Past {
    known: Arc<Histories>,
    schedule: BTreeMap<HistoryQuery, Schedule>,
}

#[derive(Clone, Copy, Debug)]
struct Schedule {
    wanted_at: Timestamp,
    due_at: Timestamp,
    /// Readings that failed in a row.
    failures: u32,
}

impl Past {
    /// What is known.
    pub(super) fn known(&self) -> Arc<Histories> {
        Arc::clone(&self.known)
    }

    /// Reads what is due of `wanted`. What fails is tried again later, and what was known of it stays.
    pub(super) async fn refresh<C: Cloud>(
        &mut self,
        calls: &Calls<C>,
        wanted: BTreeSet<HistoryQuery>,
        now: Timestamp,
        deadline: Timestamp,
    ) {
        self.want(&wanted, now);
        let due = self.due(&wanted, now);
        for batch in due.chunks(Read::histories_per_call()).take(CALLS_PER_PASS) {
            let read = Read::History { queries: batch.to_vec(), days: HISTORY_DAYS };
            let answer = match calls.read_before(&read, of_reading(&read), deadline).await {
                Ok(Reading::History(rows)) => rows,
                Ok(_) => {
                    tracing::warn!("the answer to a reading of histories is of another kind");
                    Vec::new()
                }
                Err(error) => {
                    tracing::warn!(%error, metrics = batch.len(), "the past of metrics could not be read");
                    Vec::new()
                }
            };
            self.take(batch, answer, now);
        }
    }

    fn want(&mut self, wanted: &BTreeSet<HistoryQuery>, now: Timestamp) {
        for query in wanted {
            let first = Schedule { wanted_at: now, due_at: now, failures: 0 };
            self.schedule.entry(query.clone()).or_insert(first).wanted_at = now;
        }
        let before = self.schedule.len();
        self.schedule.retain(|_, schedule| now.duration_since(schedule.wanted_at) < UNWANTED);
        if self.schedule.len() < before {
            let schedule = &self.schedule;
            Arc::make_mut(&mut self.known).retain(|query, _| schedule.contains_key(query));
        }
    }

    /// What is to be read now, the longest overdue first; nothing, while nothing is due.
    fn due(&self, wanted: &BTreeSet<HistoryQuery>, now: Timestamp) -> Vec<HistoryQuery> {
        let due = |query: &&HistoryQuery| self.schedule.get(query).is_some_and(|one| one.due_at <= now);
        if !wanted.iter().any(|query| due(&query)) {
            return Vec::new();
        }
        let old = |query: &&HistoryQuery| {
            self.known.get(*query).is_some_and(|known| now.duration_since(known.read_at) >= TOGETHER)
                && self.schedule.get(query).is_some_and(|one| one.failures == 0)
        };
        let mut rows: Vec<_> = wanted.iter().filter(|query| due(query) || old(query)).cloned().collect();
        rows.sort_by_key(|query| self.schedule.get(query).map(|one| one.due_at));
        rows
    }

    fn take(&mut self, batch: &[HistoryQuery], answer: Vec<(HistoryQuery, Series)>, now: Timestamp) {
        let mut answer: BTreeMap<HistoryQuery, Series> = answer.into_iter().collect();
        for query in batch {
            let series = answer.remove(query).filter(|series| self.is_believed(query, series));
            let Some(schedule) = self.schedule.get_mut(query) else { continue };
            match series {
                Some(series) => {
                    (schedule.failures, schedule.due_at) = (0, later(now, REFRESH));
                    let history = History { read_at: now, points: series.points };
                    Arc::make_mut(&mut self.known).insert(query.clone(), Arc::new(history));
                }
                None => {
                    let pause = RETRY.saturating_mul(1 << schedule.failures.min(10)).min(REFRESH);
                    schedule.failures = schedule.failures.saturating_add(1);
                    schedule.due_at = later(now, pause);
                }
            }
        }
    }

    /// Whether an answer is whole. The past does not vanish: far less than before is no answer.
    fn is_believed(&self, query: &HistoryQuery, series: &Series) -> bool {
        let before = self.known.get(query).map_or(0, |known| known.points.len());
        !series.incomplete && series.points.len() >= before / 2
    }
}

fn later(now: Timestamp, span: SignedDuration) -> Timestamp {
    now.saturating_add(span).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use lamp_cloud::HistoryMetric;

    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    fn query(resource: &str) -> HistoryQuery {
        let resource = resource.to_owned();
        HistoryQuery { metric: HistoryMetric::GroupCpu, resource, load_balancer: None }
    }

    fn wanted(resources: &[&str]) -> BTreeSet<HistoryQuery> {
        resources.iter().map(|resource| query(resource)).collect()
    }

    fn series(points: i64) -> Series {
        Series { points: (0..points).map(|index| (at(index * 15), 1.0)).collect(), incomplete: false }
    }

    /// What is due at a minute; it is answered with so many points, or not at all.
    fn step(past: &mut Past, wanted: &BTreeSet<HistoryQuery>, minute: i64, points: Option<i64>) -> usize {
        past.want(wanted, at(minute));
        let due = past.due(wanted, at(minute));
        let answer = points.map(|points| due.iter().map(|query| (query.clone(), series(points))).collect());
        past.take(&due, answer.unwrap_or_default(), at(minute));
        due.len()
    }

    #[test]
    fn what_is_new_is_read_at_once_and_then_every_six_hours() {
        let (mut past, web) = (Past::default(), wanted(&["web"]));
        let read: Vec<i64> =
            (0..800).filter(|minute| step(&mut past, &web, *minute, Some(100)) > 0).collect();
        assert_eq!(read, [0, 360, 720]);
    }

    #[test]
    fn what_began_at_different_times_is_read_together_from_then_on() {
        let mut past = Past::default();
        step(&mut past, &wanted(&["web"]), 0, Some(100));
        let both = wanted(&["web", "app"]);
        assert_eq!(step(&mut past, &both, 30, Some(100)), 1, "one that is young is left alone");
        let read: Vec<_> = (31..1000)
            .filter_map(|minute| match step(&mut past, &both, minute, Some(100)) {
                0 => None,
                queries => Some((minute, queries)),
            })
            .collect();
        assert_eq!(read, [(360, 2), (720, 2)]);
    }

    #[test]
    fn what_fails_is_tried_again_later_and_later_and_what_was_known_stays() {
        let (mut past, web) = (Past::default(), wanted(&["web"]));
        step(&mut past, &web, 0, Some(100));
        let read: Vec<i64> = (1..400).filter(|minute| step(&mut past, &web, *minute, None) > 0).collect();
        assert_eq!(read, [360, 361, 363, 367, 375, 391]);
        assert_eq!(past.known()[&query("web")].read_at, at(0));
    }

    #[test]
    fn a_past_that_vanished_is_not_believed() {
        let (mut past, web) = (Past::default(), wanted(&["web"]));
        step(&mut past, &web, 0, Some(100));
        step(&mut past, &web, 360, Some(49));
        assert_eq!(past.known()[&query("web")].points.len(), 100);
        step(&mut past, &web, 361, Some(50));
        assert_eq!(past.known()[&query("web")].points.len(), 50);
        let half = Series { incomplete: true, ..series(100) };
        past.take(&[query("web")], vec![(query("web"), half)], at(362));
        assert_eq!(past.known()[&query("web")].points.len(), 50);
    }

    #[test]
    fn what_nobody_wants_is_forgotten_after_a_day_and_not_for_one_bad_pass() {
        let (mut past, none) = (Past::default(), wanted(&[]));
        step(&mut past, &wanted(&["web"]), 0, Some(100));
        step(&mut past, &none, 1439, Some(100));
        assert_eq!(past.known().len(), 1);
        step(&mut past, &none, 1440, Some(100));
        assert_eq!(past.known().len(), 0);
    }
}
