//! Who still uses a resource: it goes after them.

use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::{Body, InstanceState, Kind, LedgerEntry, Part, Request, Resource, State};

use crate::observed::{is_grave, referrers};
use crate::{Draft, obsolete};

/// How long a NAT gateway that we deleted may still hold its address and its subnet: AWS shows no difference between
/// one that is going and one that is gone.
const NAT_GATEWAY_GOES: Duration = Duration::from_secs(90);

/// Until when a NAT gateway that we deleted may still hold what it used.
pub(super) fn going_until(entry: &LedgerEntry) -> Option<Timestamp> {
    let last = entry.last.as_ref()?;
    matches!(last.request, Request::Delete { kind: Kind::NatGateway, .. }).then(|| last.at + NAT_GATEWAY_GOES)
}

/// Kinds whose resources may use one of `kind`.
fn possible_users(kind: Kind) -> &'static [Kind] {
    match kind {
        Kind::Vpc => &[
            Kind::Subnet,
            Kind::InternetGateway,
            Kind::RouteTable,
            Kind::SecurityGroup,
            Kind::LoadBalancer,
            Kind::TargetGroup,
        ],
        Kind::Subnet => &[
            Kind::NatGateway,
            Kind::RouteTable,
            Kind::LoadBalancer,
            Kind::AutoScalingGroup,
            Kind::DbSubnetGroup,
        ],
        Kind::InternetGateway => &[Kind::RouteTable, Kind::NatGateway, Kind::LoadBalancer],
        Kind::ElasticIp => &[Kind::NatGateway],
        Kind::NatGateway => &[Kind::RouteTable],
        Kind::SecurityGroup => &[Kind::LoadBalancer, Kind::LaunchTemplate, Kind::DbInstance],
        Kind::LoadBalancer => &[Kind::Listener],
        Kind::TargetGroup => &[Kind::Listener, Kind::AutoScalingGroup],
        Kind::LaunchTemplate => &[Kind::AutoScalingGroup],
        Kind::DbSubnetGroup | Kind::DbParameterGroup | Kind::Secret | Kind::DbInstance => &[Kind::DbInstance],
        Kind::RouteTable | Kind::Listener | Kind::AutoScalingGroup => &[],
    }
}

/// Why it cannot be said who uses a resource of `kind`, if it cannot: a user that we made may be there unseen.
pub(super) fn unknown_users(draft: &Draft<'_>, kind: Kind) -> Option<String> {
    let recorded: Vec<Kind> = obsolete::declared(&draft.input).into_values().collect();
    let users = possible_users(kind).iter().filter(|user| recorded.contains(user));
    users.into_iter().find_map(|user| {
        let why = draft.input.inventory.region.unknown(user.listing())?;
        Some(format!("what uses it is not known: {} could not be listed: {why}", user.name()))
    })
}

/// Parts that must go first: those that name it, and those that AWS knows to depend on it. Rules of security groups
/// are not counted, as groups that name each other give up their rules first.
pub(super) fn users(draft: &Draft<'_>, row: &Resource) -> Vec<Part> {
    if is_dead_end(row) {
        return Vec::new();
    }
    let input = &draft.input;
    let mut users = referrers(input, &row.id);
    if row.kind() == Kind::SecurityGroup {
        users.retain(|user| !is_security_group(draft, user));
    }
    let hidden: &[Kind] = match &row.body {
        Body::InternetGateway(gateway) if gateway.vpc.is_some() => &[Kind::NatGateway, Kind::LoadBalancer],
        Body::Secret(_) => &[Kind::DbInstance],
        _ => &[],
    };
    let depends = |other: &Resource| {
        if is_grave(other) {
            let names_it = other.body.references().iter().any(|r| r.as_id() == Some(row.id.as_str()));
            (names_it || hidden.contains(&other.kind())) && is_going(draft, other)
        } else {
            hidden.contains(&other.kind())
        }
    };
    users.extend(input.inventory.resources().filter(|other| depends(other)).filter_map(|other| other.part()));
    users.sort();
    users.dedup();
    users
}

/// AWS lets go of what failed while others name it: routes to such a NAT gateway lead nowhere, and listeners go with
/// their load balancer (`DeleteLoadBalancer` in the API reference).
fn is_dead_end(row: &Resource) -> bool {
    matches!(row.kind(), Kind::NatGateway | Kind::LoadBalancer) && matches!(row.state, State::Failed(_))
}

fn is_going(draft: &Draft<'_>, grave: &Resource) -> bool {
    let entry = grave.part().and_then(|part| draft.entry(&part));
    entry.and_then(going_until).is_some_and(|until| draft.input.now < until)
}

fn is_security_group(draft: &Draft<'_>, part: &Part) -> bool {
    let rows = draft.input.inventory.parts.get(part).into_iter().flatten();
    rows.into_iter().all(|row| row.kind() == Kind::SecurityGroup)
}

pub(super) fn only_rules_name_it(draft: &Draft<'_>, row: &Resource) -> bool {
    row.kind() == Kind::SecurityGroup && !referrers(&draft.input, &row.id).is_empty()
}

/// Instances that still stand in subnets and security groups, though their group is gone.
pub(super) fn instances(draft: &Draft<'_>, kind: Kind) -> usize {
    if !draft.input.deleting || !matches!(kind, Kind::Subnet | Kind::SecurityGroup) {
        return 0;
    }
    let all = draft.input.inventory.instances.values().flatten();
    all.filter(|instance| instance.state != InstanceState::Terminated).count()
}
