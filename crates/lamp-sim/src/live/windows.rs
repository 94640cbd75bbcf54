//! Maintenance windows: RDS makes in them what it was asked for without hurry.

use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::Kind;
use lamp_cloud::kinds::Declared;
use lamp_cloud::kinds::db_instance::{Change, DbInstance, Modification};

use super::databases::names;
use crate::agenda::Step;
use crate::world::World;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY: u32 = 24 * 60;
const WEEK: u32 = 7 * DAY;
/// The clock of Unix begins on a Thursday.
const EPOCH: u32 = 3 * DAY;

impl World {
    /// The window that RDS gives an instance that asks for none: half an hour of some night.
    pub(crate) fn any_window(&self, id: &str) -> String {
        let day = self.dice.number(&["window day", id], 0) % 7;
        let hour = self.dice.number(&["window hour", id], 0) % 8;
        let day = DAYS[usize::try_from(day).unwrap_or_default()];
        format!("{day}:{hour:02}:15-{day}:{hour:02}:45")
    }

    /// Somebody wants a change in the window.
    pub(crate) fn wait_for_window(&mut self, id: &str, modification: Modification) {
        let waiting = names(&modification);
        self.update(id, |body: &mut DbInstance| body.facts.pending_changes = waiting);
        if let Some(database) = self.databases.get_mut(id) {
            database.in_window = Some(modification);
        }
        let window = self.body::<DbInstance>(id).and_then(|body| body.maintenance_window.clone());
        let Some(opens_at) = window.and_then(|window| next_opening(&window, self.now)) else { return };
        self.plan_step_at(Kind::DbInstance, id, Step::Window, opens_at);
    }

    pub(super) fn window_opens(&mut self, id: &str) {
        let waits = self.databases.get(id).is_some_and(|database| database.in_window.is_some());
        if waits && self.lives(Kind::DbInstance, id) {
            self.modify_database(id, &Modification::default());
        }
    }

    /// A database with what was asked for and is not made yet, as if it were. What its parameters wait for stays.
    pub(crate) fn with_pending(&self, body: &DbInstance) -> DbInstance {
        let mut shown = body.clone();
        let id = body.facts.arn.as_deref().and_then(|arn| arn.rsplit(':').next());
        let Some(database) = id.and_then(|id| self.databases.get(id)) else { return shown };
        for modification in database.pending.iter().chain(&database.in_window) {
            shown.apply(&Change::Modify(Box::new(modification.clone())));
        }
        shown.parameters_in_effect = body.parameters_in_effect;
        shown
    }
}

/// How many minutes a window is open; `None` if it is not written as RDS writes it.
pub(crate) fn minutes_of(window: &str) -> Option<u32> {
    let (from, to) = window.split_once('-')?;
    Some((minute(to)? + WEEK - minute(from)?) % WEEK)
}

fn minute(text: &str) -> Option<u32> {
    let mut words = text.split(':');
    let day = words.next().and_then(|day| DAYS.iter().position(|name| *name == day))?;
    let mut number = || words.next()?.parse::<u32>().ok();
    let (hour, minute) = (number()?, number()?);
    (hour < 24 && minute < 60).then_some(u32::try_from(day).ok()? * DAY + hour * 60 + minute)
}

fn next_opening(window: &str, now: Timestamp) -> Option<Timestamp> {
    let opens = i64::from(minute(window.split('-').next()?)?) - i64::from(EPOCH);
    let until = (opens * 60 - now.as_second()).rem_euclid(i64::from(WEEK) * 60);
    let until = if until == 0 { u64::from(WEEK) * 60 } else { until.unsigned_abs() };
    Some(now + Duration::from_secs(until))
}
