//! `metadata.managedFields`: who owns which fields of an object, and since when.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use lamp_api::FieldError;
use serde_json::{Value, json};

use super::path::Set;

/// Entries of updates beyond these are put together, the oldest first: clients with a new name each time must not make
/// an object grow without end.
const MOST_UPDATERS: usize = 10;
const ANCIENT: &str = "ancient-changes";

/// How fields came to be owned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    /// By server-side apply: what the manager leaves out the next time goes.
    Apply,
    Update,
}

/// Whoever owns fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Owner {
    pub(crate) operation: Operation,
    pub(crate) manager: String,
    /// Empty for the object itself.
    pub(crate) subresource: String,
}

/// Whoever writes now.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    pub(crate) owner: Owner,
    pub(crate) api_version: String,
    pub(crate) now: Timestamp,
}

/// What one owner has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(super) api_version: String,
    /// When the owner last changed the object; in RFC 3339.
    pub(super) time: Option<String>,
    pub(super) set: Set,
}

/// All owners of the fields of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Owners(pub(super) BTreeMap<Owner, Claim>);

impl Owners {
    /// Those that a stored object has.
    pub(crate) fn of(object: &Value) -> Owners {
        // What is stored has been read before it was stored; whatever else stands there says nothing.
        Owners::read(&object["metadata"]["managedFields"]).unwrap_or_default()
    }

    /// What a client means by the `managedFields` that it sent: an empty list, or one whose only entry is empty, takes
    /// all of them away; none means those of the stored object, as many clients know nothing of them.
    ///
    /// # Errors
    /// As [`Owners::read`].
    pub(crate) fn sent(value: &Value, stored: &Value) -> Result<Owners, FieldError> {
        if *value == json!([]) || *value == json!([{}]) {
            Ok(Owners::default())
        } else if value.is_null() {
            Ok(Owners::of(stored))
        } else {
            Owners::read(value)
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All but one.
    pub(super) fn others<'a>(&'a self, owner: &'a Owner) -> impl Iterator<Item = (&'a Owner, &'a Claim)> {
        self.0.iter().filter(move |(other, _)| *other != owner)
    }

    /// Makes `set` what the writer owns. The time stays if the writer changed neither that nor the object.
    pub(super) fn record(&mut self, writer: &Writer, set: Set, changed: bool) {
        if set.is_empty() {
            self.0.remove(&writer.owner);
        } else if changed || self.0.get(&writer.owner).is_none_or(|claim| claim.set != set) {
            let time = Some(writer.now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
            let claim = Claim { api_version: writer.api_version.clone(), time, set };
            self.0.insert(writer.owner.clone(), claim);
        }
        self.unite_ancient();
    }

    /// Takes fields from all but one.
    pub(super) fn take(&mut self, owner: &Owner, fields: &Set) {
        for (_, claim) in self.0.iter_mut().filter(|(other, _)| *other != owner) {
            claim.set.retain(|path| !fields.contains(path));
        }
        self.0.retain(|_, claim| !claim.set.is_empty());
    }

    fn unite_ancient(&mut self) {
        let is_updater = |owner: &&Owner| owner.operation == Operation::Update;
        while self.0.keys().filter(is_updater).count() > MOST_UPDATERS {
            let age = |owner: &Owner| self.0.get(owner).and_then(|claim| claim.time.clone());
            let mut oldest: Vec<Owner> =
                self.0.keys().filter(is_updater).filter(|owner| owner.manager != ANCIENT).cloned().collect();
            oldest.sort_by_key(|owner| Reverse((age(owner), owner.clone())));
            let Some(claim) = oldest.pop().and_then(|owner| self.0.remove(&owner)) else { return };
            let ancient = Owner {
                operation: Operation::Update,
                manager: ANCIENT.to_owned(),
                subresource: String::new(),
            };
            let united = self.0.entry(ancient).or_insert_with(|| claim.clone());
            united.set.extend(claim.set);
            united.time = united.time.clone().max(claim.time);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::fields::path::Path;

    pub(in crate::fields) fn writer(manager: &str, second: i64) -> Writer {
        Writer {
            owner: Owner {
                operation: Operation::Update,
                manager: manager.to_owned(),
                subresource: String::new(),
            },
            api_version: "v1".to_owned(),
            now: Timestamp::from_second(second).unwrap(),
        }
    }

    pub(in crate::fields) fn set(field: &str) -> Set {
        [Path::fields(&["spec", field])].into_iter().collect()
    }

    #[test]
    fn the_time_is_that_of_the_last_change() {
        let mut owners = Owners::default();
        owners.record(&writer("a", 1), set("x"), true);
        let first = owners.clone();
        owners.record(&writer("a", 2), set("x"), false);
        assert_eq!(owners, first);
        for (second, field, changed) in [(2, "x", true), (3, "y", false)] {
            let before = owners.clone();
            owners.record(&writer("a", second), set(field), changed);
            assert_ne!(owners, before);
        }
        owners.record(&writer("a", 4), Set::new(), true);
        assert!(owners.is_empty());
    }

    #[test]
    fn the_oldest_of_many_updaters_become_one() {
        let mut owners = Owners::default();
        for n in 0..30 {
            owners.record(&writer(&format!("m{n:02}"), n), set(&format!("f{n}")), true);
        }
        assert_eq!(owners.0.len(), MOST_UPDATERS);
        let fields: usize = owners.0.values().map(|claim| claim.set.len()).sum();
        assert_eq!(fields, 30, "nothing loses its owner");
        assert!(owners.0.keys().any(|owner| owner.manager == "m29"));
    }

    #[test]
    fn a_client_takes_ownership_away_by_saying_that_there_is_none() {
        let mut owners = Owners::default();
        owners.record(&writer("a", 1), set("x"), true);
        let mut stored = json!({"metadata": {}});
        owners.write(&mut stored);
        for reset in [json!([]), json!([{}])] {
            assert_eq!(Owners::sent(&reset, &stored), Ok(Owners::default()));
        }
        assert_eq!(Owners::sent(&Value::Null, &stored), Ok(owners.clone()));
        assert_eq!(Owners::sent(&stored["metadata"]["managedFields"], &Value::Null), Ok(owners));
        assert!(Owners::sent(&json!("none"), &stored).is_err());
    }
}
