//! Cuts one pass into the slices of its stacks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lamp_cloud::{Body, Instance, InstanceState, Inventory, Kind, Part, Resource, ResourceId, State, tag};

use super::details::{Detail, Details};
use super::listed::{Listed, is_ours};
use super::marks::Marks;

/// The resources of the previous pass: equal ones are shared, so that an unchanged region costs neither memory nor
/// comparisons.
pub(crate) type Interned = BTreeMap<(Kind, ResourceId), Arc<Resource>>;

/// One stack's rows.
#[derive(Debug, Default)]
pub(crate) struct Slice {
    pub(crate) inventory: Inventory,
    pub(crate) kinds: BTreeMap<Part, Kind>,
}

/// Completes every resource and sorts it to its stack, by uid.
#[derive(Debug)]
pub(crate) struct Cutter<'a> {
    pub(crate) install: &'a str,
    pub(crate) details: &'a Details,
    pub(crate) marks: &'a Marks,
    pub(crate) previous: &'a Interned,
    pub(crate) interned: Interned,
    pub(crate) slices: BTreeMap<String, Slice>,
}

impl Cutter<'_> {
    pub(crate) fn cut(&mut self, listed: &mut Listed) {
        let resources = std::mem::take(&mut listed.resources);
        for row in resources.into_values().flat_map(BTreeMap::into_values) {
            self.resource(row, listed);
        }
        for instance in std::mem::take(&mut listed.instances).into_values() {
            self.instance(instance);
        }
        self.unclaimed();
        for slice in self.slices.values_mut() {
            slice.inventory.parts.values_mut().for_each(|rows| order(rows));
        }
    }

    fn resource(&mut self, mut row: Resource, listed: &Listed) {
        let mut complete = self.details.complete(&mut row, self.marks);
        if let Body::LaunchTemplate(template) = &mut row.body {
            // An observed version that is not the newest any more would look like drift.
            let newest =
                listed.templates.get(&row.id).filter(|(version, _)| *version >= template.latest_version);
            if let Some((_, data)) = newest {
                template.data = Some(data.clone());
            }
            complete &= template.data.is_some();
        }
        if row.kind() == Kind::LoadBalancer {
            complete &= self.listeners(&row.id);
        }
        let id = row.id.clone();
        let targets = self.targets(&row);
        let Some(slice) = self.place(row) else { return };
        slice.inventory.targets.extend(targets);
        if !complete {
            slice.inventory.incomplete.insert(id);
        }
    }

    /// What runs in the network of each stack without its tags.
    fn unclaimed(&mut self) {
        for (uid, slice) in &mut self.slices {
            let networks = slice.inventory.resources().filter(|row| row.kind() == Kind::Vpc);
            let rows =
                networks.filter_map(|row| self.details.network_instances(&row.id, self.marks)).flatten();
            // It may have been read before its tags were put back.
            let claimed: BTreeSet<_> =
                slice.inventory.instances.values().flatten().map(|instance| &instance.id).collect();
            let unclaimed = rows.map(|(_, instance)| instance).filter(|instance| {
                instance.state != InstanceState::Terminated
                    && instance.tags.get(tag::UID) != Some(uid)
                    && !claimed.contains(&instance.id)
            });
            slice.inventory.unclaimed =
                unclaimed.map(|instance| (instance.id.clone(), instance.clone())).collect();
        }
    }

    /// Places the listeners of a load balancer; whether all of them are known.
    fn listeners(&mut self, load_balancer: &str) -> bool {
        let Some(rows) = self.details.listeners(load_balancer, self.marks).map(<[_]>::to_vec) else {
            return false;
        };
        let mut complete = true;
        for mut row in rows {
            if row.tags.is_empty() {
                let tags = self.details.tags(Kind::Listener, &row.id, self.marks);
                complete &= tags.is_some();
                row.tags = tags.cloned().unwrap_or_default();
            }
            if is_ours(&row.tags, self.install) {
                self.place(row);
            }
        }
        complete
    }

    fn targets(
        &self,
        row: &Resource,
    ) -> Option<(ResourceId, (jiff::Timestamp, Vec<lamp_cloud::TargetHealth>))> {
        let has_targets = Detail::of(row.kind()).contains(&Detail::TargetHealth);
        let (at, targets) = self.details.targets(&row.id, self.marks).filter(|_| has_targets)?;
        Some((row.id.clone(), (at, targets.to_vec())))
    }

    fn place(&mut self, row: Resource) -> Option<&mut Slice> {
        let uid = row.tags.get(tag::UID)?.clone();
        let part = row.part()?;
        let key = (row.kind(), row.id.clone());
        let shared = match self.previous.get(&key) {
            Some(known) if **known == row => Arc::clone(known),
            _ => Arc::new(row),
        };
        let slice = self.slices.entry(uid).or_default();
        slice.kinds.insert(part.clone(), key.0);
        slice.inventory.parts.entry(part).or_default().push(Arc::clone(&shared));
        self.interned.insert(key, shared);
        Some(slice)
    }

    fn instance(&mut self, instance: Instance) {
        let (Some(uid), Some(group)) = (instance.tags.get(tag::UID), &instance.group) else { return };
        let slice = self.slices.entry(uid.clone()).or_default();
        slice.inventory.instances.entry(group.clone()).or_default().push(instance);
    }
}

/// Puts the row to keep first: what is alive before what goes, what works before what failed, the oldest first.
fn order(rows: &mut [Arc<Resource>]) {
    rows.sort_by_key(|row| {
        let grave = row.state == State::Deleting;
        (grave, matches!(row.state, State::Failed(_)), row.created_at, row.id.clone())
    });
}

/// Whether two slices of one stack say the same, whenever they were read.
pub(crate) fn same(one: &Inventory, other: &Inventory) -> bool {
    same_parts(one, other)
        && one.instances == other.instances
        && one.unclaimed == other.unclaimed
        && one.incomplete == other.incomplete
        && one.missing_since == other.missing_since
        && one.unlisted == other.unlisted
        && one.interfaces == other.interfaces
        && one.first_pass == other.first_pass
        && one.targets.iter().map(health).eq(other.targets.iter().map(health))
}

type Health<'a> = (&'a ResourceId, &'a Vec<lamp_cloud::TargetHealth>);

fn health<'a>(
    (id, (_, targets)): (&'a ResourceId, &'a (jiff::Timestamp, Vec<lamp_cloud::TargetHealth>)),
) -> Health<'a> {
    (id, targets)
}

fn same_parts(one: &Inventory, other: &Inventory) -> bool {
    let same_rows = |one: &[Arc<Resource>], other: &[Arc<Resource>]| {
        one.len() == other.len() && one.iter().zip(other).all(|(one, other)| Arc::ptr_eq(one, other))
    };
    one.parts.len() == other.parts.len()
        && one
            .parts
            .iter()
            .zip(&other.parts)
            .all(|(one, other)| one.0 == other.0 && same_rows(one.1, other.1))
}

/// The uids of all slices.
pub(crate) fn owners(slices: &BTreeMap<String, Slice>) -> BTreeSet<String> {
    slices.keys().cloned().collect()
}
