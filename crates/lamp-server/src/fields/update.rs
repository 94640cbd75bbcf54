//! Who owns what after a write that is no apply.

use lamp_api::kinds::KindInfo;
use lamp_api::schema;
use serde_json::Value;

use super::nodes::difference;
use super::owners::{Owners, Writer};
use super::path::Set;

/// The owners of an object that `writer` created. What the server would give an empty object (`given`: its finalizer)
/// is nobody's; defaults are the writer's, as with the custom resources of Kubernetes, which are defaulted before.
pub(crate) fn after_creation(kind: &KindInfo, given: &Value, created: &Value, writer: &Writer) -> Owners {
    changed(kind, given, created, Owners::default(), writer)
}

/// The owners after `writer` made `after` of `before`: what changed is the writer's.
///
/// An object of which nothing is known (stored before managed fields were kept, or they were taken away) stays so
/// until somebody applies, as in Kubernetes.
pub(crate) fn after_update(
    kind: &KindInfo,
    before: &Value,
    after: &Value,
    owners: Owners,
    writer: &Writer,
) -> Owners {
    if owners.is_empty() { owners } else { changed(kind, before, after, owners, writer) }
}

fn changed(kind: &KindInfo, before: &Value, after: &Value, mut owners: Owners, writer: &Writer) -> Owners {
    let schema = schema::of(kind).unwrap_or(&Value::Null);
    let changes = difference(schema, before, after);
    let own = owners.0.get(&writer.owner).map(|claim| claim.set.clone()).unwrap_or_default();
    let set: Set = own.difference(&changes.removed).chain(&changes.set).cloned().collect();
    let touched: Set = changes.set.union(&changes.removed).cloned().collect();
    owners.take(&writer.owner, &touched);
    owners.record(writer, set, !changes.set.is_empty());
    owners
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use lamp_api::kinds::LAMPSTACK;
    use serde_json::json;

    use super::*;
    use crate::fields::owners::tests::writer;

    fn shown(owners: &Owners) -> String {
        let mut lines = String::new();
        for (owner, claim) in &owners.0 {
            let paths: Vec<String> = claim.set.iter().map(ToString::to_string).collect();
            lines += &format!("{}: {}\n", owner.manager, paths.join(" "));
        }
        lines
    }

    #[test]
    fn what_changes_is_the_writers_and_what_goes_is_nobodys() {
        let given = json!({"metadata": {"finalizers": ["f/g"]}});
        let first = json!({
            "metadata": {"finalizers": ["f/g"], "labels": {"x": "1", "y": "1"}},
            "spec": {"mode": "Enforce", "tiers": [{"name": "web", "port": 80}]}
        });
        let second = json!({
            "metadata": {"labels": {"x": "2"}},
            "spec": {"mode": "Enforce", "tiers": [{"name": "web", "port": 81}]}
        });
        let owners = after_creation(&LAMPSTACK, &given, &first, &writer("a", 1));
        let owners = after_update(&LAMPSTACK, &first, &second, owners, &writer("b", 2));
        expect![[r#"
            a: .metadata.labels .spec .spec.mode .spec.tiers .spec.tiers[name="web"] .spec.tiers[name="web"].name
            b: .metadata.labels.x .spec.tiers[name="web"].port
        "#]]
        .assert_eq(&shown(&owners));
        let same = after_update(&LAMPSTACK, &second, &second, owners.clone(), &writer("c", 3));
        assert_eq!(same, owners);
    }

    #[test]
    fn of_what_nothing_is_known_nothing_is_kept() {
        let (before, after) = (json!({"spec": {"mode": "Enforce"}}), json!({"spec": {"mode": "Paused"}}));
        assert!(after_update(&LAMPSTACK, &before, &after, Owners::default(), &writer("a", 1)).is_empty());
    }
}
