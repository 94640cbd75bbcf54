//! Which zone the next replica goes to.

use std::collections::{BTreeMap, BTreeSet};

use lamp_cloud::{Body, ErrorClass, Outcome, Request};

use super::pool::{Condition, Pool};
use crate::Draft;
use crate::kinds::db_instance::observed_primary;
use crate::parts::{self, Layer};

/// The zones of the site, with the number of replicas in each.
#[derive(Debug)]
pub(super) struct Zones {
    replicas: BTreeMap<String, usize>,
    primary: Option<String>,
    /// Zones in which AWS had no room when a replica was last to be made there.
    full: BTreeSet<String>,
}

impl Zones {
    /// Zones of the data subnets that AWS says can be used.
    pub(super) fn of(draft: &Draft<'_>, pool: &Pool<'_>) -> Self {
        let inventory = draft.input.inventory;
        let closed =
            |name: &str| inventory.region.zones.iter().any(|zone| zone.name == name && !zone.available);
        let subnets = (1..=draft.input.spec.network.zones.count())
            .filter_map(|number| inventory.present(&parts::subnet(Layer::Data, number)));
        let names = subnets.filter_map(|subnet| match &subnet.body {
            Body::Subnet(body) if !closed(&body.zone) => Some(body.zone.clone()),
            _ => None,
        });
        let mut replicas: BTreeMap<String, usize> = names.map(|name| (name, 0)).collect();
        for zone in pool.of(&Condition::Kept).filter_map(|replica| replica.zone()) {
            if let Some(number) = replicas.get_mut(zone) {
                *number += 1;
            }
        }
        let primary = observed_primary(&draft.input).and_then(|body| body.zone.clone());
        Self { replicas, primary, full: full(draft) }
    }

    /// A zone that has room, with the fewest replicas, rather not the primary's; `None` lets AWS choose.
    pub(super) fn next(&mut self) -> Option<String> {
        let (primary, full) = (self.primary.as_ref(), &self.full);
        let order = |name: &String, number: usize| (full.contains(name), number, Some(name) == primary);
        let (name, number) = self.replicas.iter_mut().min_by_key(|(name, number)| order(name, **number))?;
        *number += 1;
        Some(name.clone())
    }
}

fn full(draft: &Draft<'_>) -> BTreeSet<String> {
    let entries = draft.input.ledger.iter().filter(|(part, _)| parts::replica_slot(part).is_some());
    let failed = entries.filter_map(|(_, entry)| entry.last.as_ref()).filter(
        |last| matches!(&last.outcome, Outcome::Failed(error) if error.class == ErrorClass::Capacity),
    );
    let zone = |request: &Request| match request {
        Request::Create { body: Body::DbInstance(body), .. } => body.zone.clone(),
        _ => None,
    };
    failed.filter_map(|last| zone(&last.request)).collect()
}
