//! What else may make an instance look sick: a dependency that is down, too much load, a zone that is out.

use lamp_api::v1alpha1::Tier;
use lamp_cloud::{Body, Resource, State};

use super::{Diagnosis, Patient};
use crate::live::tier_view::TierView;
use crate::{Draft, ailments, parts, site};

/// Why replacing this patient would not help, if there is a reason.
pub(super) fn of(draft: &Draft<'_>, tier: &Tier, view: &TierView<'_>, patient: &Patient) -> Option<String> {
    if let Some(zone) = closed_zone(draft, &patient.zone) {
        return Some(format!("{} is in {zone}, which AWS says is not available", patient.instance));
    }
    // EC2's own verdict on the machine does not depend on load or on what the tier calls.
    if !matches!(patient.diagnosis, Some(Diagnosis::Unhealthy(_))) {
        return None;
    }
    common(draft, tier, view)
}

/// What makes every instance of a tier look sick, if it does.
pub(super) fn common(draft: &Draft<'_>, tier: &Tier, view: &TierView<'_>) -> Option<String> {
    broken_dependency(draft, tier).or_else(|| overload(draft, tier, view))
}

/// The zone, if AWS says that it is not available.
pub(super) fn closed_zone(draft: &Draft<'_>, zone: &str) -> Option<String> {
    let zones = &draft.input.inventory.region.zones;
    zones.iter().find(|known| known.name == zone && !known.available).map(|zone| zone.name.clone())
}

fn broken_dependency(draft: &Draft<'_>, tier: &Tier) -> Option<String> {
    let (spec, inventory) = (draft.input.spec, draft.input.inventory);
    let database = inventory.present(&parts::database());
    if site::uses_database(spec, tier) && !database.is_some_and(|database| serves(database)) {
        return Some(
            "the database that it uses does not serve: the cause lies there, nothing is replaced".to_owned(),
        );
    }
    let silent = site::used_tiers(spec, tier)
        .find(|used| TierView::of(inventory, used).is_some_and(|view| view.ready() == 0))?;
    Some(format!(
        "no instance of {}, which it uses, is ready: the cause lies there, nothing is replaced",
        silent.name
    ))
}

/// States in which RDS works on an instance that goes on serving.
const SERVING: [&str; 5] =
    ["backing-up", "modifying", "storage-optimization", "configuring-log-exports", "maintenance"];

fn serves(database: &Resource) -> bool {
    let Body::DbInstance(body) = &database.body else { return false };
    ailments::serves(database)
        || (matches!(database.state, State::Pending(_)) && SERVING.contains(&body.facts.status.as_str()))
}

/// Load that asks for half as much again as there is: instances that shed requests are not sick.
fn overload(draft: &Draft<'_>, tier: &Tier, view: &TierView<'_>) -> Option<String> {
    let part = parts::auto_scaling_group(&tier.name);
    let (_, wanted) = draft.plan.memory.scaling.get(&part)?.recommendations.last().copied()?;
    let current = view.body.desired;
    let overloaded = u64::from(wanted) * 2 >= u64::from(current) * 3 && wanted > current;
    overloaded.then(|| {
        format!("the load asks for {wanted} instances and there are {current}: overloaded, not sick")
    })
}
