//! Which zone the next replica goes to.

use std::collections::BTreeMap;

use lamp_cloud::Body;

use super::pool::{Condition, Pool};
use crate::Draft;
use crate::kinds::db_instance::observed_primary;
use crate::parts::{self, Layer};

/// The zones of the site, with the number of replicas in each.
#[derive(Debug)]
pub(super) struct Zones {
    replicas: BTreeMap<String, usize>,
    primary: Option<String>,
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
        Self { replicas, primary }
    }

    /// The zone with the fewest replicas, rather not the primary's; `None` lets AWS choose.
    pub(super) fn next(&mut self) -> Option<String> {
        let primary = self.primary.as_ref();
        let (name, number) =
            self.replicas.iter_mut().min_by_key(|(name, number)| (**number, Some(*name) == primary))?;
        *number += 1;
        Some(name.clone())
    }
}
