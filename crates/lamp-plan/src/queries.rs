//! Which metrics a stack needs: only what a decision uses.

use lamp_api::v1alpha1::{LampStackSpec, Metric, Scaling, ScalingPolicy, Tier};
use lamp_cloud::{Body, Inventory, MetricName, MetricQuery, Owner, Resource, ResourceId, TargetState};

use crate::parts;
use crate::scaling::readings::{self, Places};

/// Every metric that planning of this stack asks for. Resources that do not exist yet have none.
pub fn queries(spec: &LampStackSpec, owner: &Owner, inventory: &Inventory) -> Vec<MetricQuery> {
    let mut queries: Vec<_> = spec.tiers.iter().flat_map(|tier| of_whole_tier(inventory, tier)).collect();
    if let Some(database) = &spec.database {
        for replica in replicas(owner, inventory) {
            queries.push(of_database(&replica.id, MetricName::ReplicaLag));
            let metrics = database.replicas.scaling.policies.iter().filter_map(|policy| policy.metric);
            let metrics = metrics.filter_map(replica_metric);
            queries.extend(metrics.map(|metric| of_database(&replica.id, metric)));
        }
        let places = readings::places_of_replicas(inventory);
        queries.extend(of_formulas(&database.replicas.scaling, &places));
        // Only what can be grown is watched for that.
        let grows = database.storage.max_gib.is_some() && database.storage.grow_below_free_percent > 0;
        let ours = inventory.resources().filter(|row| grows && is_database(row) && row.belongs_to(owner));
        queries.extend(ours.map(|row| of_database(&row.id, MetricName::FreeStorageSpace)));
    }
    queries.sort();
    queries.dedup();
    queries
}

fn of_whole_tier(inventory: &Inventory, tier: &Tier) -> Vec<MetricQuery> {
    let scaled = tier.scaling.policies.iter().filter_map(|policy| of_tier(inventory, tier, policy));
    // Where instances fail, healing must know whether they are overloaded.
    let judged =
        is_failing(inventory, tier).then(|| of_group(inventory, tier, MetricName::GroupCpuUtilization));
    let own = of_formulas(&tier.scaling, &readings::places_of_tier(inventory, &tier.name));
    let scaled = scaled.chain(judged.flatten()).chain(own);
    scaled.chain(of_targets(inventory, tier, MetricName::UnhealthyHostCount)).collect()
}

/// Whether a target of a tier fails its health checks.
fn is_failing(inventory: &Inventory, tier: &Tier) -> bool {
    let group = inventory.present(&parts::target_group(&tier.name));
    let rows = group.and_then(|group| inventory.targets.get(&group.id));
    rows.is_some_and(|(_, rows)| rows.iter().any(|row| row.state == TargetState::Unhealthy))
}

/// The query of the metric that a tier's policy names; none while its resource does not exist, or if a tier has no
/// such metric.
pub(crate) fn of_tier(inventory: &Inventory, tier: &Tier, policy: &ScalingPolicy) -> Option<MetricQuery> {
    match policy.metric? {
        Metric::CPUUtilization => of_group(inventory, tier, MetricName::GroupCpuUtilization),
        Metric::NetworkIn => of_group(inventory, tier, MetricName::GroupNetworkIn),
        Metric::NetworkOut => of_group(inventory, tier, MetricName::GroupNetworkOut),
        Metric::RequestCountPerTarget => of_targets(inventory, tier, MetricName::RequestCountPerTarget),
        Metric::TargetResponseTime => {
            let statistic = policy.statistic.as_deref().unwrap_or(ScalingPolicy::STATISTIC).to_owned();
            of_targets(inventory, tier, MetricName::TargetResponseTime(statistic))
        }
        Metric::DatabaseConnections | Metric::ReplicaLag => None,
    }
}

/// The query of a metric of a tier's group.
pub(crate) fn of_group(inventory: &Inventory, tier: &Tier, metric: MetricName) -> Option<MetricQuery> {
    let resource = inventory.present(&parts::auto_scaling_group(&tier.name))?.id.clone();
    Some(MetricQuery { metric, resource, load_balancer: None })
}

/// What formulas need. What cannot be asked for yet is left out, and then the formula says so.
fn of_formulas(scaling: &Scaling, places: &Places) -> Vec<MetricQuery> {
    let custom = scaling.policies.iter().filter_map(|policy| policy.custom_metric.as_ref());
    let queries = custom.filter_map(|custom| readings::queries(custom, places).ok());
    queries.flatten().map(|(_, query)| query).collect()
}

/// The query of a metric of a tier's targets; a tier without a load balancer has none.
pub(crate) fn of_targets(inventory: &Inventory, tier: &Tier, metric: MetricName) -> Option<MetricQuery> {
    tier.load_balancer.as_ref()?;
    let resource = inventory.present(&parts::target_group(&tier.name))?.id.clone();
    let load_balancer = Some(inventory.present(&parts::load_balancer(&tier.name))?.id.clone());
    Some(MetricQuery { metric, resource, load_balancer })
}

/// The metric's name for a database; a database counts no requests.
pub(crate) fn replica_metric(metric: Metric) -> Option<MetricName> {
    match metric {
        Metric::CPUUtilization => Some(MetricName::DatabaseCpuUtilization),
        Metric::DatabaseConnections => Some(MetricName::DatabaseConnections),
        Metric::ReplicaLag => Some(MetricName::ReplicaLag),
        Metric::RequestCountPerTarget
        | Metric::TargetResponseTime
        | Metric::NetworkIn
        | Metric::NetworkOut => None,
    }
}

/// The query of a database metric.
pub(crate) fn of_database(id: &ResourceId, metric: MetricName) -> MetricQuery {
    MetricQuery { metric, resource: id.clone(), load_balancer: None }
}

/// The read replicas of a stack that there are.
pub(crate) fn replicas<'a>(owner: &'a Owner, inventory: &'a Inventory) -> impl Iterator<Item = &'a Resource> {
    inventory.resources().map(|row| &**row).filter(|resource| is_replica(resource, owner))
}

fn is_database(resource: &Resource) -> bool {
    matches!(&resource.body, Body::DbInstance(_))
}

fn is_replica(resource: &Resource, owner: &Owner) -> bool {
    matches!(&resource.body, Body::DbInstance(body) if body.is_replica()) && resource.belongs_to(owner)
}
