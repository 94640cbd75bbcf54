//! Instances zone by zone. While a zone is out of service, `DescribeInstances` over the region can fail as a whole; those
//! of the other zones can be listed all the same, and must be: they are what serves.

use std::collections::BTreeMap;

use lamp_cloud::{Cloud, Instance, Listing, Read, ResourceId, Zone};

use super::listing::{Rows, pages_of};
use super::observed::Observed;
use crate::calls::Calls;

/// The instances of the zones that answered.
#[derive(Debug, Default)]
pub(crate) struct ByZone {
    pub(crate) rows: BTreeMap<ResourceId, Instance>,
    /// The zones that did not, and why.
    pub(crate) unseen: BTreeMap<String, String>,
}

/// Asks each zone.
pub(crate) async fn instances<C: Cloud>(calls: &Calls<C>, zones: &[Zone], pages: usize) -> ByZone {
    let mut found = ByZone::default();
    for Zone { name, .. } in zones {
        let read = |page| Read::ZoneInstances { zone: name.clone(), page };
        match pages_of(calls, Listing::Instances, pages, read).await {
            Ok(Rows::Instances(rows)) => found.rows.extend(rows),
            Ok(_) => drop(found.unseen.insert(name.clone(), "the answer is of another kind".to_owned())),
            Err(failure) => drop(found.unseen.insert(name.clone(), failure.to_string())),
        }
    }
    found
}

/// What was there when these zones were last seen: that it is not seen now is no loss.
pub(crate) fn hidden(previous: &Observed, unseen: &BTreeMap<String, String>) -> Vec<ResourceId> {
    let slices = previous.slices.values().flat_map(|slice| slice.instances.values().flatten());
    let hidden = slices.filter(|instance| unseen.contains_key(&instance.zone));
    hidden.map(|instance| instance.id.clone()).collect()
}
