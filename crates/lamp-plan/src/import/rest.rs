//! What a spec that was read from a site still says otherwise than the site: found by planning it.

use std::collections::BTreeMap;
use std::sync::Arc;

use lamp_api::v1alpha1::LampStackSpec;
use lamp_cloud::{Inventory, Kind, Listing, Part, Region, ResourceId, Section, Zone};

use super::{Found, Survey};
use crate::{Adoption, Future, Holds, Ledger, Memory, PlanInput, Settings, Taken};

/// A field that the spec cannot say as AWS has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unexpressed {
    pub part: Part,
    pub id: ResourceId,
    pub field: String,
    /// What the spec would want.
    pub wanted: String,
    pub found: String,
}

/// What the comparison gives.
#[derive(Debug)]
pub(super) struct Rest {
    pub(super) unexpressed: Vec<Unexpressed>,
    pub(super) made: Vec<Part>,
}

/// Plans the spec as if everything that was found were taken over.
pub(super) fn compare(survey: &Survey<'_>, spec: &LampStackSpec, found: &Found<'_>) -> Rest {
    let inventory = inventory(survey);
    let input = PlanInput {
        owner: survey.owner,
        spec,
        generation: 1,
        deleting: false,
        confirmed: false,
        requested: None,
        order: None,
        adoption: &Adoption::default(),
        holds: &Holds::default(),
        inventory: &inventory,
        ledger: &Ledger::new(),
        memory: &Memory::default(),
        settings: &Settings::default(),
        now: survey.now,
    };
    let taken: Vec<Taken> = found
        .iter()
        .map(|(part, row)| Taken {
            part: part.clone(),
            id: row.id.clone(),
            row: Some(Arc::new((*row).clone())),
        })
        .collect();
    let future = Future::of(&input, &taken);
    let made = future.wanted.iter().filter(|part| !found.contains_key(*part)).cloned().collect();
    Rest { unexpressed: unexpressed(&future, found), made }
}

fn unexpressed(future: &Future, found: &Found<'_>) -> Vec<Unexpressed> {
    let of_part = |(part, row): (&Part, &&lamp_cloud::Resource)| {
        let mut differences = future.differences.get(part).cloned().unwrap_or_default();
        // Those that the spec says are put beside those that there are.
        differences.retain(|difference| difference.field != "policies");
        let (part, id) = (part.clone(), row.id.clone());
        differences.into_iter().map(move |difference| Unexpressed {
            part: part.clone(),
            id: id.clone(),
            field: difference.field,
            wanted: difference.desired,
            found: difference.observed,
        })
    };
    found.iter().flat_map(of_part).collect()
}

/// A region in which everything is known, and nothing is ours yet.
fn inventory(survey: &Survey<'_>) -> Inventory {
    let since = survey.now;
    let mut zones: BTreeMap<&str, ()> = BTreeMap::new();
    zones.extend(survey.subnets().map(|(_, subnet)| (subnet.zone.as_str(), ())));
    let zone = |name: &&str| Zone { name: (*name).to_owned(), available: true };
    let region = Region {
        observed_at: survey.now,
        sections: Listing::all().into_iter().map(|listing| (listing, Section::Known { since })).collect(),
        zones: zones.keys().map(zone).collect(),
        ..Region::default()
    };
    let first_pass = Kind::ALL.iter().map(|kind| (*kind, since)).collect();
    Inventory { region: Arc::new(region), first_pass, ..Inventory::default() }
}
