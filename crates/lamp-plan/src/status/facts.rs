//! What the conditions are decided on.

use jiff::Timestamp;
use lamp_api::v1alpha1::{DeletionStatus, PartState, Tier};
use lamp_cloud::kinds::auto_scaling_group::Change as GroupChange;
use lamp_cloud::{Change, CloudError, Kind, Outcome, Part, Request};

use crate::kinds::auto_scaling_group;
use crate::{PartReport, Plan, PlanInput, left_alone, parts};

/// A part that is not as it should be.
#[derive(Debug)]
pub(super) struct Unready<'a> {
    pub part: &'a Part,
    pub report: &'a PartReport,
    /// When it was made, for "since".
    pub since: Option<Timestamp>,
    /// The error that its last call failed with.
    pub error: Option<&'a CloudError>,
}

/// The room of the site that a kind belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Network,
    Tiers,
    Database,
}

#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub input: &'a PlanInput<'a>,
    pub plan: &'a Plan,
    pub failures: &'a [(Part, CloudError)],
    /// Readings that are not allowed.
    pub denied: &'a [CloudError],
    /// The one that tells most comes first.
    pub unready: Vec<Unready<'a>>,
    /// Tiers with fewer serving instances than their minimum: name, ready, minimum.
    pub too_few: Vec<(&'a str, u32, u32)>,
    /// Tiers with fewer serving instances than wanted right now: name, ready, desired.
    pub short: Vec<(&'a str, u32, u32)>,
    /// How the deletion goes, if the stack is being deleted.
    pub deletion: Option<&'a DeletionStatus>,
    /// Whether the site was whole before: only then can it miss something.
    pub was_whole: bool,
}

impl<'a> Facts<'a> {
    pub(super) fn gather(
        input: &'a PlanInput<'a>,
        plan: &'a Plan,
        (failures, denied): (&'a [(Part, CloudError)], &'a [CloudError]),
        was_whole: bool,
        deletion: Option<&'a DeletionStatus>,
    ) -> Self {
        let mut unready: Vec<Unready<'a>> = plan
            .parts
            .iter()
            .filter(|(part, report)| is_unready(plan, part, report))
            .map(|(part, report)| {
                let entry = input.ledger.get(part);
                let error =
                    entry.and_then(|entry| entry.last.as_ref()).and_then(|last| match &last.outcome {
                        Outcome::Failed(error) => Some(error),
                        Outcome::Done => None,
                    });
                Unready { part, report, since: entry.and_then(|entry| entry.created_at), error }
            })
            .collect();
        unready.sort_by_key(|unready| rank(unready.report));
        let (too_few, short) = tiers(input, plan);
        Self { input, plan, failures, denied, unready, too_few, short, deletion, was_whole }
    }

    /// The first part of a room that is not ready.
    pub(super) fn unready_in(&self, room: Room) -> Option<&Unready<'a>> {
        self.unready.iter().find(|unready| room_of(unready.report.kind) == room)
    }

    /// Whether everything that is not ready could just not be observed.
    pub(super) fn only_unknown(&self) -> bool {
        self.too_few.is_empty()
            && !self.unready.is_empty()
            && self.unready.iter().all(|unready| unready.report.state == PartState::Unknown)
    }
}

type Shortages<'a> = Vec<(&'a str, u32, u32)>;

fn tiers<'a>(input: &'a PlanInput<'a>, plan: &'a Plan) -> (Shortages<'a>, Shortages<'a>) {
    let mut too_few = Vec::new();
    let mut short = Vec::new();
    // The instances of a group that could not be observed are not known to be missing.
    let observed = |name: &str| {
        let group = plan.parts.get(&parts::auto_scaling_group(name));
        group.is_none_or(|report| report.state != PartState::Unknown)
    };
    let tiers = input.spec.tiers.iter().filter(|tier| !input.deleting && observed(&tier.name));
    for tier in tiers {
        let report = plan.tiers.get(&tier.name).cloned().unwrap_or_default();
        let least = least(input, tier);
        if report.ready < least {
            too_few.push((tier.name.as_str(), report.ready, least));
        }
        if report.ready < report.desired {
            short.push((tier.name.as_str(), report.ready, report.desired));
        }
    }
    (too_few, short)
}

/// The minimum of a tier, which a capacity that is left alone may undercut.
fn least(input: &PlanInput<'_>, tier: &Tier) -> u32 {
    let group = auto_scaling_group::observed(input, tier);
    let standing = left_alone::standing_tier(input, tier, group);
    tier.capacity.min.min(standing.capacity.min)
}

/// Growing and shrinking with the load is no lack of readiness, nor is what the spec itself puts off to a window.
fn is_unready(plan: &Plan, part: &Part, report: &PartReport) -> bool {
    let scheduled = || plan.database.as_ref().is_some_and(|database| database.scheduled.contains_key(part));
    report.state != PartState::Ready && !is_only_scaled(plan, part) && !scheduled()
}

fn is_only_scaled(plan: &Plan, part: &Part) -> bool {
    plan.actions.iter().any(|action| {
        action.part == *part
            && matches!(
                action.request,
                Request::Change { change: Change::AutoScalingGroup(GroupChange::SetDesired(_)), .. }
            )
    })
}

/// What a person must do comes first, then what failed, then what is under way; what merely waits for it comes last.
fn rank(report: &PartReport) -> u8 {
    match report.state {
        _ if report.blocked => 0,
        PartState::Failed => 1,
        PartState::Unknown => 2,
        // The slowest kinds hold up the rest.
        PartState::Progressing if report.kind == Kind::DbInstance => 3,
        PartState::Drifted | PartState::Progressing => 4,
        PartState::Deleting => 5,
        PartState::Waiting => 6,
        PartState::Ready => 7,
    }
}

pub(super) fn room_of(kind: Kind) -> Room {
    match kind {
        Kind::Vpc
        | Kind::Subnet
        | Kind::InternetGateway
        | Kind::ElasticIp
        | Kind::NatGateway
        | Kind::RouteTable
        | Kind::SecurityGroup => Room::Network,
        Kind::LoadBalancer
        | Kind::TargetGroup
        | Kind::Listener
        | Kind::LaunchTemplate
        | Kind::AutoScalingGroup => Room::Tiers,
        Kind::DbSubnetGroup | Kind::DbParameterGroup | Kind::DbInstance | Kind::Secret => Room::Database,
    }
}
