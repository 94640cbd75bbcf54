//! What operators do: edits in a hurry, nonsense, pauses, deletions.

use std::time::Duration;

use anyhow::{Result, ensure};
use lamp_api::v1alpha1::Mode;
use lamp_sim::Fate;
use lamp_store::StoreError;
use serde_json::{Value, json};

use super::{Struck, pick, struck};
use crate::site::admit;
use crate::swarm::trial::Trial;
use crate::swarm::trouble::MARKS;

/// A value, made from the one that stood there.
type Edited = fn(&Value) -> Value;
/// A value, made from nothing.
type Made = fn() -> Value;

/// Edits that every site takes, and that interrupt nothing: where, and what.
const EDITS: [(&str, Edited); 5] = [
    ("/spec/tiers/0/loadBalancer/healthCheck/path", |_| json!("/alive")),
    ("/spec/tiers/0/instanceTypes", |_| json!(["t3.medium"])),
    ("/spec/tiers/0/capacity/max", |before| json!(before.as_u64().unwrap_or(4) + 2)),
    ("/spec/tiers/0/userData", |before| json!(format!("{}# edited\n", before.as_str().unwrap_or_default()))),
    ("/spec/tiers/0/capacity/min", |before| json!(before.as_u64().unwrap_or(2) + 1)),
];

/// Specs that make no sense: where, and what.
const NONSENSE: [(&str, Made); 9] = [
    ("/spec/tiers/0/capacity", || json!({"min": 5, "max": 2})),
    ("/spec/network", || json!({"cidr": "10.0.0.0/33"})),
    ("/spec/tiers/0/port", || json!(0)),
    ("/spec/region", || json!("mars-north-1")),
    ("/spec/tiers/0/instanceTypes", || json!([])),
    ("/spec/tiers/0/uses", || json!(["nobody"])),
    ("/spec/tiers/0/loadBalancer/healthCheck/path", || json!("../../etc/passwd")),
    ("/spec/tiers", || json!([{"name": "twin"}, {"name": "twin"}])),
    ("/spec/surprise", || json!(true)),
];

/// Numbers that are too large or too small to be meant.
const ABSURD: [(&str, Made); 3] = [
    ("/spec/tiers/0/capacity", || json!({"min": 2, "max": 1_000_000_000_u64})),
    ("/spec/tiers/0/rootVolume", || json!({"gib": 1_000_000})),
    ("/spec/tiers/0/healing", || json!({"gracePeriodSeconds": 1_000_000_000_u64})),
];

impl Trial {
    /// Whether there is an object to edit.
    fn is_there(&self) -> Result<bool> {
        Ok(!self.goes && !self.again && !self.is_deleting()? && self.site.status(&self.key)?.is_some())
    }

    /// Edits one place of the spec. A full disk takes nothing; then the next edit brings it.
    fn put(&mut self, place: &str, value: Value) {
        set(&mut self.current, place, Some(value));
        drop(self.site.apply(&self.current));
    }

    /// Puts one place of the spec back.
    fn put_back(&mut self, place: &str) -> Result<()> {
        let before = self.base.pointer(place).cloned();
        set(&mut self.current, place, before);
        if self.is_there()? {
            drop(self.site.apply(&self.current));
        }
        Ok(())
    }

    pub(super) fn edit_and_back(&mut self, which: usize, lasts: Duration) -> Struck {
        if !self.is_there()? {
            return Ok(None);
        }
        let Some((place, value)) = pick(&EDITS, which) else { return Ok(None) };
        let before = self.base.pointer(place).cloned().unwrap_or_default();
        self.put(place, value(&before));
        let place = *place;
        self.later(lasts, move |trial| trial.put_back(place));
        struck("LampStack")
    }

    pub(super) fn release(&mut self, fate: Fate, lasts: Duration) -> Struck {
        const PLACE: &str = "/spec/tiers/0/userData";
        if !self.is_there()? {
            return Ok(None);
        }
        let mark = MARKS.iter().find(|(_, other)| *other == fate).map_or("", |(mark, _)| mark);
        let before = self.base.pointer(PLACE).and_then(Value::as_str).unwrap_or_default().to_owned();
        self.put(PLACE, json!(format!("{before}# {mark}\n")));
        self.later(lasts, |trial| trial.put_back(PLACE));
        struck("LaunchTemplate")
    }

    /// Forty edits in forty seconds, the last of which puts everything back.
    pub(super) fn edit_every_second(&mut self) -> Struck {
        const PLACE: &str = "/spec/tiers/0/loadBalancer/healthCheck/path";
        for second in 0..20 {
            if !self.is_there()? {
                break;
            }
            self.put(PLACE, json!(format!("/alive/{second}")));
            self.step(Duration::from_secs(1))?;
            self.put_back(PLACE)?;
            self.step(Duration::from_secs(1))?;
        }
        struck("LampStack")
    }

    /// An edit that was made from what is no longer there is refused.
    pub(super) fn edit_stale(&mut self) -> Struck {
        let Some(stored) = self.site.store().get(&self.key)? else { return Ok(None) };
        let stale = stored.revision.saturating_sub(1);
        let Ok(outcome) = self.site.update_from(&self.key, stale, stored.object.as_ref().clone()) else {
            // The daemon died over it.
            return Ok(None);
        };
        let refused = matches!(outcome, Err(StoreError::Conflict { .. } | StoreError::Unavailable { .. }));
        ensure!(
            refused,
            "S-W5: an edit from revision {stale} was taken, and the object is at {}",
            stored.revision
        );
        struck("LampStack")
    }

    pub(super) fn apply_nonsense(&mut self, which: usize) -> Struck {
        let Some((place, value)) = pick(&NONSENSE, which) else { return Ok(None) };
        self.is_refused("O4", place, value())
    }

    pub(super) fn apply_absurdity(&mut self, which: usize) -> Struck {
        let Some((place, value)) = pick(&ABSURD, which) else { return Ok(None) };
        self.is_refused("O6", place, value())
    }

    fn is_refused(&mut self, row: &str, place: &str, value: Value) -> Struck {
        let Some(stored) = self.site.store().get(&self.key)? else { return Ok(None) };
        let mut bad = self.current.clone();
        set(&mut bad, place, Some(value));
        let taken = admit(&bad, Some(stored.object.as_ref())).is_ok();
        ensure!(!taken, "{row}: {place} = {} was admitted", bad.pointer(place).unwrap_or(&Value::Null));
        struck("LampStack")
    }

    /// A change that interrupts the database: nobody consents, and it is taken back.
    pub(super) fn ask_for_danger(&mut self, lasts: Duration) -> Struck {
        const PLACE: &str = "/spec/database/instanceClass";
        if !self.is_there()? || self.base.pointer(PLACE).is_none() {
            return Ok(None);
        }
        self.put(PLACE, json!("db.r6g.2xlarge"));
        self.later(lasts, |trial| trial.put_back(PLACE));
        struck("DbInstance")
    }

    pub(super) fn change_mode(&mut self, mode: Mode, lasts: Duration) -> Struck {
        const PLACE: &str = "/spec/mode";
        if !self.is_there()? {
            return Ok(None);
        }
        self.put(PLACE, json!(mode));
        self.later(lasts, |trial| trial.put_back(PLACE));
        struck("LampStack")
    }

    pub(super) fn recreate(&mut self) -> Struck {
        self.again = self.asks_to_delete()?;
        Ok(self.again.then(|| "LampStack".to_owned()))
    }

    pub(super) fn delete_for_good(&mut self) -> Struck {
        self.goes = self.asks_to_delete()?;
        Ok(self.goes.then(|| "LampStack".to_owned()))
    }

    /// What is paused is not deleted before it is resumed: so it is resumed first.
    fn asks_to_delete(&mut self) -> Result<bool> {
        if !self.is_there()? {
            return Ok(false);
        }
        self.current = self.base.clone();
        Ok(self.site.apply(&self.base).is_ok() && self.site.delete(&self.key).is_ok())
    }
}

/// Sets, or removes, one place of an object.
fn set(object: &mut Value, place: &str, value: Option<Value>) {
    let (parent, name) = place.rsplit_once('/').unwrap_or(("", place));
    let Some(parent) = object.pointer_mut(parent) else { return };
    match (parent, value) {
        (Value::Object(fields), Some(value)) => drop(fields.insert(name.to_owned(), value)),
        (Value::Object(fields), None) => drop(fields.remove(name)),
        (Value::Array(items), Some(value)) => {
            if let Some(item) = name.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
                *item = value;
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_set_and_removed() {
        let mut object = json!({"spec": {"tiers": [{"port": 80}]}});
        set(&mut object, "/spec/tiers/0/port", Some(json!(81)));
        set(&mut object, "/spec/mode", Some(json!("Paused")));
        assert_eq!(object, json!({"spec": {"tiers": [{"port": 81}], "mode": "Paused"}}));
        set(&mut object, "/spec/mode", None);
        assert_eq!(object, json!({"spec": {"tiers": [{"port": 81}]}}));
    }
}
