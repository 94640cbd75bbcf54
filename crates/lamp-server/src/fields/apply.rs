//! What a server-side apply makes of an object, and who owns what after it.

use lamp_api::kinds::KindInfo;
use lamp_api::schema;
use serde_json::{Map, Value};

use super::conflict::{Conflict, conflicts};
use super::last_applied;
use super::merge::{get, merge, remove, without_nulls};
use super::nodes::{Shape, difference, members, nodes};
use super::owners::{Operation, Owner, Owners, Writer};
use super::path::{Element, Path, Set, with_ancestors};

/// Who owns what was there before the first apply.
const BEFORE: &str = "before-first-apply";

/// An apply to one object as it is.
#[derive(Debug)]
pub(crate) struct Apply<'a> {
    kind: &'static KindInfo,
    writer: &'a Writer,
    live: &'a Value,
    owners: Owners,
    /// What the manager sent, of what it can set at this address.
    config: Value,
}

impl<'a> Apply<'a> {
    /// `live` is null if the object is to be created.
    pub(crate) fn new(
        kind: &'static KindInfo,
        writer: &'a Writer,
        live: &'a Value,
        config: &Value,
    ) -> Apply<'a> {
        let mut owners = Owners::of(live);
        if owners.is_empty() && !live.is_null() {
            owners = before_first_apply(kind, writer, live);
        }
        let config = settable(kind, &writer.owner.subresource, &without_nulls(config));
        Apply { kind, writer, live, owners, config }
    }

    fn schema(&self) -> &'static Value {
        schema::of(self.kind).unwrap_or(&Value::Null)
    }

    fn applied(&self) -> Set {
        members(&nodes(self.schema(), &self.config))
    }

    /// The object with what was sent in it, and without what this manager applied before, leaves out now, and nobody
    /// else owns. It is yet to be admitted.
    pub(crate) fn merged(&self) -> Value {
        let mut merged = self.live.clone();
        merge(self.schema(), &mut merged, &self.config);
        last_applied::refresh(&mut merged, &self.config, &self.writer.owner.manager);
        if let Some(before) = self.owners.0.get(&self.writer.owner) {
            self.prune(&mut merged, &before.set);
        }
        merged
    }

    fn prune(&self, merged: &mut Value, before: &Set) {
        let applied = self.applied();
        let others = self.owners.others(&self.writer.owner).flat_map(|(_, claim)| &claim.set);
        let kept = with_ancestors(others.chain(&applied));
        let shapes: Vec<(Path, Shape)> = {
            let nodes = nodes(self.schema(), merged);
            let gone = with_ancestors(before)
                .into_iter()
                .filter(|path| !kept.contains(path) && !path.is_key_of_item());
            // What is deepest goes first, so that a map is seen to be empty.
            gone.rev().filter_map(|path| nodes.get(&path).map(|node| node.shape).map(|s| (path, s))).collect()
        };
        for (path, shape) in shapes {
            // Items that nobody owns stay; an item takes its defaults along.
            let is_item = matches!(path.0.last(), Some(Element::Key(_)));
            let stays =
                shape == Shape::Open && !is_item && get(merged, &path).is_some_and(|value| !is_empty(value));
            if !stays {
                remove(merged, &path);
            }
        }
    }

    /// The fields of others that `new` would change; `new` is the object as admitted, or, if it was refused, as merged.
    pub(crate) fn conflicts(&self, new: &Value) -> Vec<Conflict> {
        let forgiven = last_applied::forgiven(self.kind, self.live, &self.writer.owner.manager);
        let mut found = conflicts(&self.owners, &self.writer.owner, &self.set_anew(new));
        found.retain(|conflict| !forgiven.contains(&conflict.path));
        found
    }

    /// What was sent and is not as it was.
    fn set_anew(&self, new: &Value) -> Set {
        let changes = difference(self.schema(), self.live, new);
        changes.set.intersection(&self.applied()).cloned().collect()
    }

    /// The owners once `admitted` is stored: what it changed is taken from others.
    pub(crate) fn owners(mut self, admitted: &Value) -> Owners {
        let present = nodes(self.schema(), admitted);
        let changes = difference(self.schema(), self.live, admitted);
        let set: Set = self.applied().into_iter().filter(|path| present.contains_key(path)).collect();
        let won = changes.set.intersection(&set).cloned().collect();
        self.owners.take(&self.writer.owner, &won);
        self.owners.record(self.writer, set, !(changes.set.is_empty() && changes.removed.is_empty()));
        self.owners
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

/// An object of which nothing is known belongs to those who were there before.
fn before_first_apply(kind: &KindInfo, writer: &Writer, live: &Value) -> Owners {
    let schema = schema::of(kind).unwrap_or(&Value::Null);
    let mut set: Set = nodes(schema, live).into_keys().collect();
    if kind.has_status {
        set.retain(|path| path.0.first() != Some(&Element::Field("status".to_owned())));
    }
    let owner =
        Owner { operation: Operation::Update, manager: BEFORE.to_owned(), subresource: String::new() };
    let before = Writer { owner, ..writer.clone() };
    let mut owners = Owners::default();
    owners.record(&before, set, true);
    owners
}

/// What can be set at an address: the object without its status, or the status alone.
fn settable(kind: &KindInfo, subresource: &str, config: &Value) -> Value {
    let mut settable = config.clone();
    let Some(fields) = settable.as_object_mut() else { return settable };
    let metadata = config["metadata"].clone();
    if subresource == "status" {
        fields.retain(|name, _| matches!(name.as_str(), "apiVersion" | "kind" | "status"));
        let address = ["name", "namespace", "uid", "resourceVersion"];
        let named = address.iter().filter_map(|name| Some(((*name).to_owned(), metadata.get(name)?.clone())));
        fields.insert("metadata".to_owned(), Value::Object(named.collect()));
    } else if kind.has_status {
        fields.remove("status");
    }
    settable
}

#[cfg(test)]
mod tests {
    use lamp_api::kinds::LAMPSTACK;
    use serde_json::json;

    use super::*;
    use crate::fields::owners::tests::writer;
    use crate::fields::update::{after_creation, after_update};

    fn applier(manager: &str) -> Writer {
        let mut writer = writer(manager, 9);
        writer.owner.operation = Operation::Apply;
        writer
    }

    /// What a `manager` that applies makes of an object, and what it would have conflicts about.
    fn applied(live: &Value, config: &Value, manager: &str) -> (Value, Vec<String>) {
        let writer = applier(manager);
        let apply = Apply::new(&LAMPSTACK, &writer, live, config);
        let mut object = apply.merged();
        let conflicts = apply.conflicts(&object).iter().map(|conflict| conflict.path.to_string()).collect();
        apply.owners(&object).write(&mut object);
        (object, conflicts)
    }

    /// What `kubectl apply` makes, of which somebody else changes the mode.
    fn client_side(config: &Value, mode: &str) -> Value {
        let mut stack = config.clone();
        stack["metadata"]["annotations"] = json!({last_applied::ANNOTATION: config.to_string()});
        let owners = after_creation(&LAMPSTACK, &json!({}), &stack, &writer("kubectl-client-side-apply", 1));
        owners.write(&mut stack);
        let mut changed = stack.clone();
        changed["spec"]["mode"] = json!(mode);
        after_update(&LAMPSTACK, &stack, &changed, Owners::of(&stack), &writer("editor", 2))
            .write(&mut changed);
        changed
    }

    #[test]
    fn kubectl_takes_over_what_it_set_from_the_client_side_and_nobody_changed() {
        let config = json!({"metadata": {"labels": {"x": "1"}}, "spec": {"region": "r", "mode": "Enforce"}});
        let mut new = config.clone();
        new["metadata"]["labels"]["x"] = json!("2");
        let live = client_side(&config, "Enforce");
        let (object, conflicts) = applied(&live, &new, "kubectl");
        assert_eq!(conflicts, Vec::<String>::new());
        let annotation = object["metadata"]["annotations"][last_applied::ANNOTATION].as_str().unwrap();
        assert_eq!(annotation.trim_end(), new.to_string(), "client-side apply goes on from here");
        assert_eq!(applied(&live, &new, "other").1, [".metadata.labels.x"]);
        let live = client_side(&config, "Paused");
        assert_eq!(applied(&live, &new, "kubectl").1, [".spec.mode"]);
    }

    #[test]
    fn a_key_stays_with_its_item() {
        let item = |fields: Value| json!({"metadata": {"name": "shop"}, "spec": {"tiers": [fields]}});
        let (live, _) = applied(&Value::Null, &item(json!({"name": "web", "port": 80})), "a");
        let mut scaled = live.clone();
        scaled["spec"]["tiers"][0]["capacity"] = json!({"max": 3});
        after_update(&LAMPSTACK, &live, &scaled, Owners::of(&live), &writer("scaler", 2)).write(&mut scaled);
        let (object, _) = applied(&scaled, &json!({}), "a");
        assert_eq!(object["spec"], item(json!({"name": "web", "capacity": {"max": 3}}))["spec"]);
    }

    #[test]
    fn what_nobody_owns_goes_with_the_item_and_not_with_the_map() {
        let config = json!({"metadata": {"labels": {"x": "1"}}, "spec": {"tiers": [{"name": "web"}]}});
        let (mut live, _) = applied(&Value::Null, &config, "a");
        live["metadata"]["labels"]["theirs"] = json!("1");
        live["spec"]["tiers"][0]["port"] = json!(80);
        let (object, _) = applied(&live, &json!({"spec": {"mode": "Paused"}}), "a");
        assert_eq!(object["metadata"]["labels"], json!({"theirs": "1"}));
        assert_eq!(object["spec"], json!({"mode": "Paused"}));
    }

    #[test]
    fn a_null_sets_nothing() {
        let config = json!({"metadata": {"labels": null}, "spec": {"mode": "Paused", "database": null}});
        let (object, _) = applied(&Value::Null, &config, "a");
        assert_eq!(object["spec"], json!({"mode": "Paused"}));
        assert_eq!(object["metadata"].get("labels"), None);
    }
}
