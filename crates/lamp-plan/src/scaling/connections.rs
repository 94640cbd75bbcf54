//! Bounds across tiers: no tier grows beyond the connections that the database bears, and where both must grow the
//! read replicas go first.

use lamp_api::v1alpha1::{Database, DatabaseConnections, LampStackSpec, Tier};

use super::evaluation::Floor;
use crate::kinds::auto_scaling_group;
use crate::{Draft, PlanInput, parts};

/// How many instances of `tier` the database bears beside the other tiers, and why no more.
pub(crate) fn bound(draft: &Draft<'_>, tier: &Tier) -> Option<(u32, String)> {
    bound_by(draft, tier, serving(draft))
}

/// How many instances AWS may make by itself. A replica that fails for a while changes nothing of that.
pub(crate) fn most_at_aws(draft: &Draft<'_>, tier: &Tier) -> Option<u32> {
    let replicas = &draft.input.spec.database.as_ref()?.replicas;
    bound_by(draft, tier, serving(draft).max(replicas.min)).map(|(most, _)| most)
}

/// How many read replicas serve.
fn serving(draft: &Draft<'_>) -> u32 {
    draft.plan.database.as_ref().map_or(0, |report| report.replicas_ready)
}

fn bound_by(draft: &Draft<'_>, tier: &Tier, serving: u32) -> Option<(u32, String)> {
    let own = tier.database_connections?;
    let database = draft.input.spec.database.as_ref()?;
    let servers = Servers::of(database, serving)?;
    let others = |of: fn(&Servers, DatabaseConnections) -> u32| {
        let tiers = connected(draft.input.spec).filter(|(other, _)| other.name != tier.name);
        tiers
            .map(|(other, connections)| instances(draft, other) * u64::from(of(&servers, connections)))
            .sum::<u64>()
    };
    let to_primary = most(servers.primary, others(Servers::to_primary), servers.to_primary(own));
    let to_replicas = most(servers.replicas, others(Servers::to_replicas), servers.to_replicas(own));
    let primary = to_primary.map(|most| (most, format!("the primary, {} connections", servers.primary)));
    let replicas = to_replicas
        .map(|most| (most, format!("{serving} read replicas, {} connections together", servers.replicas)));
    let (most, server) = primary.into_iter().chain(replicas).min_by_key(|(most, _)| *most)?;
    Some((most, format!("the database bears {most} instances: they may take of {server}")))
}

/// How many replicas what the tiers want needs; a replica takes ten minutes, and so it is begun before they can grow.
pub(crate) fn replicas_needed(input: &PlanInput<'_>, database: &Database) -> Option<Floor> {
    let each = allowed(database, database.replica_class())?;
    let opened: u64 = connected(input.spec)
        .map(|(tier, connections)| wanted(input, tier) * u64::from(connections.replicas))
        .sum();
    if opened == 0 {
        return None;
    }
    let capacity = u32::try_from(opened.div_ceil(each.max(1))).unwrap_or(u32::MAX);
    let reason = format!("{opened} connections to read replicas are wanted, of which each bears {each}");
    Some(Floor { capacity, reason })
}

/// What the tiers may open.
struct Servers {
    /// Connections to the primary.
    primary: u64,
    /// Connections to all replicas that serve.
    replicas: u64,
    /// Whether any does: without one, reads go to the primary.
    has_replicas: bool,
}

impl Servers {
    fn of(database: &Database, serving: u32) -> Option<Self> {
        let primary = allowed(database, &database.instance_class)?;
        let replicas = allowed(database, database.replica_class())? * u64::from(serving);
        Some(Self { primary, replicas, has_replicas: serving > 0 })
    }

    fn to_primary(&self, connections: DatabaseConnections) -> u32 {
        if self.has_replicas {
            connections.primary
        } else {
            connections.primary.saturating_add(connections.replicas)
        }
    }

    fn to_replicas(&self, connections: DatabaseConnections) -> u32 {
        if self.has_replicas { connections.replicas } else { 0 }
    }
}

/// The share of a server's connections that all tiers together may open.
fn allowed(database: &Database, class: &str) -> Option<u64> {
    let limit = database.connection_limit(class)?;
    Some(u64::from(limit) * u64::from(database.connections.share_percent) / 100)
}

/// How many instances fit; none says anything of those that open no connection.
fn most(allowed: u64, by_others: u64, each: u32) -> Option<u32> {
    let fit = allowed.saturating_sub(by_others).checked_div(u64::from(each))?;
    Some(u32::try_from(fit).unwrap_or(u32::MAX))
}

fn connected(spec: &LampStackSpec) -> impl Iterator<Item = (&Tier, DatabaseConnections)> {
    spec.tiers.iter().filter_map(|tier| Some((tier, tier.database_connections?)))
}

/// How many instances another tier has or will have, by this plan or by what is in force.
fn instances(draft: &Draft<'_>, tier: &Tier) -> u64 {
    let planned = draft.plan.tiers.get(&tier.name).map_or(0, |report| report.desired);
    u64::from(planned.max(in_force(&draft.input, tier)))
}

/// How many instances a tier wants, where the connections of the database bound it too.
fn wanted(input: &PlanInput<'_>, tier: &Tier) -> u64 {
    let memory = input.memory.scaling.get(&parts::auto_scaling_group(&tier.name));
    let bounded = memory.and_then(|memory| memory.bounded).unwrap_or_default();
    u64::from(bounded.max(in_force(input, tier)))
}

fn in_force(input: &PlanInput<'_>, tier: &Tier) -> u32 {
    let group = auto_scaling_group::observed(input, tier);
    group.map_or(tier.capacity.min, |group| group.desired).max(tier.capacity.min)
}
