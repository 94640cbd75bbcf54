//! What else may make an instance look sick: a dependency that is down, too much load, a zone that is out, a change on
//! the way to it.

use jiff::Timestamp;
use lamp_api::v1alpha1::Tier;
use lamp_cloud::{Body, MetricName, Resource, State};

use super::change;
use super::diagnosis::Patient;
use crate::live::tier_view::TierView;
use crate::scaling::finding::Evidence;
use crate::scaling::measure::{Demand, measure};
use crate::{Draft, ailments, parts, queries, site};

/// Processors that are busier than this, per cent, are overloaded whatever the tier scales by.
const BUSY: f64 = 90.0;

/// Why replacing this patient would not help, if there is a reason.
pub(super) fn of(draft: &Draft<'_>, tier: &Tier, view: &TierView<'_>, patient: &Patient) -> Option<String> {
    // EC2's own verdict on the machine does not depend on load or on what the tier calls.
    if !patient.is_judged_by_visitors() {
        return None;
    }
    let since = draft.plan.memory.sick.get(&patient.instance).map(|sickness| sickness.since);
    of_many(draft, tier, view, since)
}

/// What makes every instance of a tier look sick, if it does; those that do have done so since `since`.
pub(super) fn of_many(
    draft: &Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    since: Option<Timestamp>,
) -> Option<String> {
    let changed = || change::before(draft, tier, since?);
    broken_dependency(draft, tier).or_else(|| overload(draft, tier, view)).or_else(changed)
}

/// The zone, if AWS says that it is not available.
pub(super) fn closed_zone(draft: &Draft<'_>, zone: &str) -> Option<String> {
    let zones = &draft.input.inventory.region.zones;
    zones.iter().find(|known| known.name == zone && !known.available).map(|zone| zone.name.clone())
}

/// What the tier uses and does not serve, if there is such a thing.
pub(super) fn broken_dependency(draft: &Draft<'_>, tier: &Tier) -> Option<String> {
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

/// Instances that shed requests, because there are too many, are not sick: the scaler acts, as far as it may.
fn overload(draft: &Draft<'_>, tier: &Tier, view: &TierView<'_>) -> Option<String> {
    let load = asks_for_more(draft, tier, view).or_else(|| is_busy(draft, tier))?;
    let limit = if view.body.desired >= tier.capacity.max && !tier.scaling.policies.is_empty() {
        format!("; capacity.max, {}, is reached", tier.capacity.max)
    } else {
        String::new()
    };
    Some(format!("{load}: overloaded, not sick{limit}"))
}

/// Load that asks for half as much again as there is.
fn asks_for_more(draft: &Draft<'_>, tier: &Tier, view: &TierView<'_>) -> Option<String> {
    let part = parts::auto_scaling_group(&tier.name);
    let (_, wanted) = draft.plan.memory.scaling.get(&part)?.recommendations.last().copied()?;
    let current = view.body.desired;
    let overloaded = u64::from(wanted) * 2 >= u64::from(current) * 3 && wanted > current;
    overloaded.then(|| format!("the load asks for {wanted} instances and there are {current}"))
}

fn is_busy(draft: &Draft<'_>, tier: &Tier) -> Option<String> {
    let inventory = draft.input.inventory;
    let query = queries::of_group(inventory, tier, MetricName::GroupCpuUtilization)?;
    let minutes = measure(inventory.region.signals.get(&query), &Demand::cpu(), draft.input.now).ok()?;
    let cpu = Evidence { minutes, measured: 1, missing: 0 }.steady();
    (cpu >= BUSY).then(|| format!("its processors are {cpu:.0} % busy"))
}
