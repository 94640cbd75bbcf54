//! Network interfaces, which hold what they stand in and what guards them: AWS deletes none of it before they are gone.
//! Those of ours go by themselves, minutes after what they served, and are waited for. Those of others a person must
//! remove. AWS has the last word on what holds what: it is asked once, and after its refusal no more while they stand.

use lamp_api::v1alpha1::PartState;
use lamp_cloud::{
    Body, ErrorClass, InstanceState, Inventory, Kind, NetworkInterface, Outcome, Part, Reference, Resource,
    ResourceId, tag,
};

use crate::{Ask, Blocker, Draft, PlanInput};

/// Services that make interfaces for what we make: `amazon-elb` names its load balancer, `amazon-rds` names nothing.
const SERVICES: [&str; 2] = ["amazon-elb", "amazon-rds"];

/// Reports a part that interfaces hold, or that may be held by some. `true`: its deletion must wait.
pub(super) fn hold(draft: &mut Draft<'_>, part: &Part, row: &Resource) -> bool {
    let Some(vpc) = network(row) else { return false };
    let Some(holders) = holders(draft, row) else {
        draft.look_at(draft.input.inventory.observed_at() + draft.input.settings.agreement);
        let reason = format!("AWS is asked which network interfaces stand in {vpc}");
        draft.report(part, row.kind(), Some(&row.id), PartState::Waiting, reason);
        return true;
    };
    let (ours, others): (Vec<_>, Vec<_>) =
        holders.into_iter().partition(|holder| is_ours(&draft.input, holder));
    match (ours.first(), others.first()) {
        (Some(first), _) => {
            let reason = held_by(&draft.input, first, false);
            draft.report(part, row.kind(), Some(&row.id), PartState::Waiting, reason);
        }
        (None, Some(other)) if was_refused(draft, part) => {
            draft.hold(part, row.kind(), &row.id, held_by(&draft.input, other, true));
        }
        (None, _) => return false,
    }
    let going = ours.into_iter().map(|holder| blocker(&draft.input, part, row, holder, false));
    let going: Vec<Blocker> = going.collect();
    draft.plan.blockers.extend(going);
    true
}

/// Names what others have in the way of a part, however much of ours must go before. Of an interface that tells nothing of
/// itself, only AWS's refusal shows that it matters.
pub(crate) fn foreign(draft: &mut Draft<'_>, part: &Part, row: &Resource) {
    let holders = holders(draft, row).unwrap_or_default();
    let refused = was_refused(draft, part);
    let others = holders
        .into_iter()
        .filter(|holder| !is_ours(&draft.input, holder) && (refused || tells_its_owner(holder)));
    let blockers: Vec<_> = others.map(|holder| blocker(&draft.input, part, row, holder, true)).collect();
    draft.plan.blockers.extend(blockers);
}

/// Whether AWS refused to delete a part, or to prepare its deletion, as something depends on it.
fn was_refused(draft: &Draft<'_>, part: &Part) -> bool {
    let last = draft.entry(part).and_then(|entry| entry.last.as_ref());
    last.is_some_and(|last| match &last.outcome {
        Outcome::Failed(error) => error.class == ErrorClass::Dependency,
        Outcome::Done => false,
    })
}

fn tells_its_owner(interface: &NetworkInterface) -> bool {
    let NetworkInterface { description, name, managed, instance, .. } = interface;
    *managed || instance.is_some() || name.is_some() || !description.is_empty()
}

/// The interfaces that hold a resource, once AWS has said which there are.
fn holders<'a>(draft: &mut Draft<'a>, row: &Resource) -> Option<Vec<&'a NetworkInterface>> {
    let Some(vpc) = network(row) else { return Some(Vec::new()) };
    draft.plan.asks.insert(Ask::Interfaces { vpc: vpc.clone() });
    let inventory = draft.input.inventory;
    let standing = inventory.interfaces.get(vpc)?.iter().filter(|interface| stands(inventory, interface));
    Some(standing.filter(|interface| holds(&draft.input, interface, row)).collect())
}

/// The network that a resource stands in, if interfaces can hold it.
fn network(row: &Resource) -> Option<&ResourceId> {
    let reference = match &row.body {
        Body::Vpc(_) => return Some(&row.id),
        Body::Subnet(subnet) => &subnet.vpc,
        Body::SecurityGroup(group) => &group.vpc,
        Body::InternetGateway(gateway) => gateway.vpc.as_ref()?,
        _ => return None,
    };
    match reference {
        Reference::Id(id) => Some(id),
        Reference::Part(_) => None,
    }
}

/// An instance that is terminated has none any more, whatever a reading still shows.
fn stands(inventory: &Inventory, interface: &NetworkInterface) -> bool {
    let mut ended =
        inventory.instances.values().flatten().filter(|one| one.state == InstanceState::Terminated);
    !ended.any(|instance| Some(&instance.id) == interface.instance.as_ref())
}

fn holds(input: &PlanInput<'_>, interface: &NetworkInterface, row: &Resource) -> bool {
    match row.kind() {
        Kind::Subnet => interface.subnet == row.id,
        Kind::SecurityGroup => interface.security_groups.contains(&row.id),
        // It cannot be detached while the network has mapped public addresses.
        Kind::InternetGateway => interface.public_address.is_some(),
        // What stands in a subnet of ours holds that.
        Kind::Vpc => !input.inventory.resources().any(|other| other.id == interface.subnet),
        _ => false,
    }
}

/// Whether an interface goes by itself, as it serves what is ours.
pub(crate) fn is_ours(input: &PlanInput<'_>, interface: &NetworkInterface) -> bool {
    if let Some(instance) = &interface.instance {
        return is_our_instance(input, instance);
    }
    interface.managed && (names_ours(input, interface) || is_of_our_groups(input, interface))
}

fn is_our_instance(input: &PlanInput<'_>, id: &ResourceId) -> bool {
    let is_member = |row: &Resource| match &row.body {
        Body::AutoScalingGroup(group) => group.members.iter().any(|member| member.instance == *id),
        _ => false,
    };
    let inventory = input.inventory;
    inventory.instances.values().flatten().any(|instance| instance.id == *id)
        || inventory.resources().any(|row| is_member(row))
}

/// Whether its description ends with something of ours: `ELB app/web/50dc…`, `Interface for NAT Gateway nat-…`.
fn names_ours(input: &PlanInput<'_>, interface: &NetworkInterface) -> bool {
    let Some(named) = interface.description.split_whitespace().next_back() else { return false };
    let names =
        |id: &ResourceId| id.strip_suffix(named).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
    let recorded = input.ledger.values().filter_map(|entry| entry.id.as_ref());
    let listed = input.inventory.resources().map(|row| &row.id);
    recorded.chain(listed).any(names)
}

/// Whether nothing but groups of ours guards an interface of a service that we use: what it served may be gone.
fn is_of_our_groups(input: &PlanInput<'_>, interface: &NetworkInterface) -> bool {
    let is_group = |id: &ResourceId| {
        let recorded = input.ledger.values().any(|entry| entry.id.as_ref() == Some(id));
        recorded || input.inventory.resources().any(|row| row.id == *id)
    };
    let used = interface.requester.as_deref().is_some_and(|name| SERVICES.contains(&name));
    used && !interface.security_groups.is_empty() && interface.security_groups.iter().all(is_group)
}

fn blocker(
    input: &PlanInput<'_>,
    part: &Part,
    row: &Resource,
    holder: &NetworkInterface,
    foreign: bool,
) -> Blocker {
    let message = format!("{} ({part}) is {}", row.id, held_by(input, holder, foreign));
    Blocker { part: part.clone(), id: row.id.clone(), by: holder.id.clone(), message, foreign }
}

fn held_by(input: &PlanInput<'_>, holder: &NetworkInterface, foreign: bool) -> String {
    let end = if foreign {
        "it is none of this stack's and is left alone: remove it, and the deletion goes on"
    } else {
        "it goes by itself"
    };
    format!("held by {}; {end}", told(input, holder))
}

/// An interface as a person finds it again: `eni-1 "bastion": made by hand, of instance i-1`.
fn told(input: &PlanInput<'_>, interface: &NetworkInterface) -> String {
    let name = interface.name.iter().map(|name| format!(" {name:?}")).collect::<String>();
    let description = Some(interface.description.clone()).filter(|text| !text.is_empty());
    let instance = interface.instance.as_ref().map(|id| {
        let tags = input.inventory.unclaimed.get(id).map(|instance| &instance.tags);
        let name = tags.and_then(|tags| tags.get(tag::NAME)).map(|name| format!(" ({name:?})"));
        format!("of instance {id}{}", name.unwrap_or_default())
    });
    let requester = interface.requester.as_ref().filter(|_| interface.managed);
    let requester = requester.map(|who| format!("made by {who}"));
    let facts: Vec<String> = description.into_iter().chain(instance).chain(requester).collect();
    let facts = if facts.is_empty() { "without a description".to_owned() } else { facts.join(", ") };
    format!("{}{name}: {facts}", interface.id)
}
