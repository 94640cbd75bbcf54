//! Laws of apply, for objects and managers of all sorts.

use jiff::Timestamp;
use lamp_api::kinds::LAMPSTACK;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Apply, Operation, Owner, Owners, Writer};

fn writer(manager: &str, second: i64) -> Writer {
    let owner =
        Owner { operation: Operation::Apply, manager: manager.to_owned(), subresource: String::new() };
    Writer { owner, api_version: LAMPSTACK.api_version(), now: Timestamp::from_second(second).unwrap() }
}

/// The object after an apply; `None`: it has conflicts.
fn applied(live: &Value, config: &Value, writer: &Writer, force: bool) -> Option<Value> {
    let apply = Apply::new(&LAMPSTACK, writer, live, config);
    let mut object = apply.merged();
    if object["metadata"].is_null() {
        object["metadata"] = json!({});
    }
    if !force && !apply.conflicts(&object).is_empty() {
        return None;
    }
    let owners = apply.owners(&object);
    owners.write(&mut object);
    Some(object)
}

/// Some of the fields of a stack: scalars, maps, keyed items, a set and a list that is one value.
fn config() -> impl Strategy<Value = Value> {
    let labels = prop::collection::btree_map("[abc]", "[xy]", 0..3);
    let finalizers = prop::collection::btree_set("[fgh]/x", 0..3);
    let tiers = prop::collection::btree_map(
        prop::sample::select(vec!["web", "app", "job"]),
        (prop::option::of(80..82_u16), prop::option::of(1..3_u8), prop::option::of("[st]")),
        0..3,
    );
    let mode = prop::option::of(prop::sample::select(vec!["Enforce", "Paused"]));
    (labels, finalizers, tiers, mode).prop_map(|(labels, finalizers, tiers, mode)| {
        let (mut metadata, mut spec) = (Map::new(), Map::new());
        if !labels.is_empty() {
            metadata.insert("labels".to_owned(), json!(labels));
        }
        if !finalizers.is_empty() {
            metadata.insert("finalizers".to_owned(), json!(finalizers));
        }
        if !tiers.is_empty() {
            spec.insert("tiers".to_owned(), tiers.into_iter().map(tier).collect());
        }
        if let Some(mode) = mode {
            spec.insert("mode".to_owned(), json!(mode));
        }
        let mut config = json!({"metadata": metadata});
        if !spec.is_empty() {
            config["spec"] = Value::Object(spec);
        }
        config
    })
}

/// Port, least capacity and instance type of a tier, where they are set.
type Tier = (Option<u16>, Option<u8>, Option<String>);

fn tier((name, (port, min, instance)): (&str, Tier)) -> Value {
    let mut tier = json!({"name": name});
    if let Some(port) = port {
        tier["port"] = json!(port);
    }
    if let Some(min) = min {
        tier["capacity"] = json!({"min": min});
    }
    if let Some(instance) = instance {
        tier["instanceTypes"] = json!([instance]);
    }
    tier
}

/// Of what both have, all that the second has is taken out, so that both are about different fields.
fn without(config: &Value, other: &Value) -> Value {
    let mut left = config.clone();
    if let Some(labels) = left["metadata"]["labels"].as_object_mut() {
        labels.retain(|name, _| other["metadata"]["labels"].get(name).is_none());
    }
    if let Some(spec) = left.get_mut("spec").and_then(Value::as_object_mut) {
        if other["spec"].get("mode").is_some() {
            spec.remove("mode");
        }
        if let Some(tiers) = spec.get_mut("tiers").and_then(Value::as_array_mut) {
            let named = |tier: &Value| {
                other["spec"]["tiers"].as_array().into_iter().flatten().any(|one| one["name"] == tier["name"])
            };
            tiers.retain(|tier| !named(tier));
        }
    }
    left
}

/// An object without what is kept about it.
fn bare(object: &Value) -> Value {
    let mut object = object.clone();
    Owners::default().write(&mut object);
    object
}

proptest! {
    #[test]
    fn what_was_applied_can_be_applied_again_and_nothing_changes(live in config(), config in config()) {
        let live = applied(&Value::Null, &live, &writer("other", 1), true).unwrap();
        let once = applied(&live, &config, &writer("a", 2), true).unwrap();
        prop_assert_eq!(applied(&once, &config, &writer("a", 3), false), Some(once));
    }

    #[test]
    fn managers_of_different_fields_never_conflict(first in config(), second in config(), later in config()) {
        let (second, later) = (without(&second, &first), without(&later, &first));
        let mut live = applied(&Value::Null, &first, &writer("a", 1), false).unwrap();
        for config in [&second, &later] {
            let next = applied(&live, config, &writer("b", 2), false);
            prop_assert!(next.is_some());
            live = next.unwrap();
            // What the other manager applied is as it applied it.
            let again = applied(&live, &first, &writer("a", 3), false);
            prop_assert_eq!(again.as_ref(), Some(&live));
        }
    }

    #[test]
    fn who_applies_nothing_any_more_leaves_no_trace(first in config(), second in config()) {
        let before = applied(&Value::Null, &first, &writer("a", 1), false).unwrap();
        if let Some(both) = applied(&before, &second, &writer("b", 2), false) {
            let after = applied(&both, &json!({}), &writer("b", 3), false);
            prop_assert_eq!(after, Some(before));
        }
    }

    #[test]
    fn what_one_manager_applies_is_the_object(first in config(), second in config()) {
        let before = applied(&Value::Null, &first, &writer("a", 1), false).unwrap();
        let after = applied(&before, &second, &writer("a", 2), false).unwrap();
        let fresh = applied(&Value::Null, &second, &writer("a", 2), false).unwrap();
        prop_assert_eq!(sorted(&bare(&after)), sorted(&bare(&fresh)));
    }

    #[test]
    fn whoever_forces_gets_all_that_was_sent(first in config(), second in config()) {
        let before = applied(&Value::Null, &first, &writer("a", 1), false).unwrap();
        let after = applied(&before, &second, &writer("b", 2), true).unwrap();
        let other = writer("c", 3);
        let merged = Apply::new(&LAMPSTACK, &other, &after, &second);
        prop_assert_eq!(merged.conflicts(&after), vec![]);
        prop_assert_eq!(bare(&merged.merged()), bare(&after));
    }
}

/// The order of items has no meaning.
fn sorted(object: &Value) -> Value {
    let mut object = object.clone();
    for pointer in ["/spec/tiers", "/metadata/finalizers"] {
        if let Some(items) = object.pointer_mut(pointer).and_then(Value::as_array_mut) {
            items.sort_by_key(ToString::to_string);
        }
    }
    object
}
