//! S-$1: what it costs. A cheap net for whatever leaks.

use lamp_cloud::{Body, InstanceState, State, tag};

use super::{Dossier, Scene};

/// Dollars an hour, as `us-east-1` lists them, rounded. Only their proportions matter.
const INSTANCE: f64 = 0.04;
const DATABASE: f64 = 0.25;

fn price(body: &Body) -> f64 {
    match body {
        Body::NatGateway(_) => 0.045,
        Body::LoadBalancer(_) => 0.0225,
        Body::ElasticIp(_) => 0.005,
        Body::DbInstance(_) => DATABASE,
        _ => 0.0,
    }
}

/// What came late, and what is replaced new before old, costs twice for a while.
const SURGE: f64 = 2.0;

/// S-$1: a stack costs what its spec allows at the most, and the surge of replacing it.
pub(super) fn within_the_spec(scene: &Scene<'_>) -> Option<String> {
    if scene.history.expected.is_empty() {
        return None;
    }
    scene.files.dossiers().iter().find_map(|dossier| {
        let (costs, allowed) = (spent(scene, dossier), allowed(dossier) * SURGE);
        (costs > allowed)
            .then(|| format!("{} costs ${costs:.2} an hour; ${allowed:.2} is the most", dossier.key.name))
    })
}

fn spent(scene: &Scene<'_>, dossier: &Dossier) -> f64 {
    let of_stack = |tags: &lamp_cloud::Tags| tags.get(tag::UID) == Some(&dossier.uid);
    let standing = scene.world.resources().filter(|row| of_stack(&row.tags) && row.state != State::Deleting);
    let declared: f64 = standing.map(|row| price(&row.body)).sum();
    let runs = |state| matches!(state, InstanceState::Pending | InstanceState::Running);
    let instances = scene.world.instances().filter(|row| of_stack(&row.tags) && runs(row.state)).count();
    declared + INSTANCE * f64::from(u32::try_from(instances).unwrap_or(u32::MAX))
}

fn allowed(dossier: &Dossier) -> f64 {
    let spec = &dossier.spec;
    let instances: u32 = spec.tiers.iter().map(|tier| tier.capacity.max).sum();
    let balancers = spec.tiers.iter().filter(|tier| tier.load_balancer.is_some()).count();
    let databases = spec
        .database
        .as_ref()
        .map_or(0, |database| 1 + database.replicas.max.unwrap_or(database.replicas.min));
    // Three gateways with their addresses, at the most.
    f64::from(instances) * INSTANCE
        + f64::from(databases) * DATABASE
        + f64::from(u32::try_from(balancers).unwrap_or(u32::MAX)) * 0.0225
        + 3.0 * 0.05
}
