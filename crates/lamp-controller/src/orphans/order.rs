//! A stored `OrphanDeletion`: a person's order, which is the second key of what it names.

use std::collections::BTreeSet;

use jiff::Timestamp;
use lamp_api::kinds::ORPHAN_DELETION;
use lamp_api::v1alpha1::{DoomedResource, OrphanDeletionPhase, OrphanDeletionSpec, OrphanDeletionStatus};
use lamp_cloud::{Kind, Owner, ResourceId};
use lamp_store::{Key, Store, StoreError, Stored};
use serde::Deserialize;

use crate::stack::{Identity, created_at};

/// An order as stored.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) identity: Identity,
    /// The uid of the lost stack, and what is to be deleted; or why that cannot be read.
    pub(crate) spec: Result<OrphanDeletionSpec, String>,
    pub(crate) status: OrphanDeletionStatus,
    pub(crate) created_at: Option<Timestamp>,
}

impl Order {
    pub(crate) fn decode(stored: &Stored, install: &str) -> Self {
        let object = &*stored.object;
        Self {
            identity: Identity::decode(stored, install),
            spec: OrphanDeletionSpec::deserialize(&object["spec"]).map_err(|error| error.to_string()),
            status: OrphanDeletionStatus::deserialize(&object["status"]).unwrap_or_default(),
            created_at: created_at(object),
        }
    }

    pub(crate) fn key(&self) -> &Key {
        &self.identity.key
    }

    /// Whether it was accepted and has not ended.
    pub(crate) fn is_under_way(&self) -> bool {
        self.status.phase == OrphanDeletionPhase::Deleting
    }

    /// The lost stack that it is about.
    pub(crate) fn uid(&self) -> Option<&str> {
        self.spec.as_ref().ok().map(|spec| spec.uid.as_str())
    }

    /// What it names, of kinds that there are.
    pub(crate) fn named(&self) -> BTreeSet<(Kind, ResourceId)> {
        let resources = self.spec.iter().flat_map(|spec| &spec.resources);
        resources.filter_map(|one| Some((kind(one)?, one.id.clone()))).collect()
    }

    /// The lost stack as an owner: its uid is what counts, its name is for people.
    pub(crate) fn owner(&self) -> Owner {
        let stack = self.status.stack.clone().unwrap_or_default();
        let (namespace, name) = stack.split_once('/').unwrap_or(("", stack.as_str()));
        Owner {
            install: self.identity.owner.install.clone(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: self.uid().unwrap_or_default().to_owned(),
        }
    }
}

/// The kind of a resource that an order names, if there is such a kind.
pub(super) fn kind(resource: &DoomedResource) -> Option<Kind> {
    Kind::ALL.iter().copied().find(|kind| kind.name() == resource.kind)
}

/// Whether a key is that of an order.
pub(crate) fn is_order(key: &Key) -> bool {
    key.plural == ORPHAN_DELETION.plural
}

/// Every order of the store, the oldest first.
pub(crate) fn orders(store: &Store, install: &str) -> Result<Vec<Order>, StoreError> {
    let (stored, _) = store.list(ORPHAN_DELETION.plural, None)?;
    let mut orders: Vec<Order> = stored.iter().map(|stored| Order::decode(stored, install)).collect();
    orders.sort_by(|a, b| (a.created_at, a.key()).cmp(&(b.created_at, b.key())));
    Ok(orders)
}
