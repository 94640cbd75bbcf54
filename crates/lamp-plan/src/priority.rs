//! What goes first when calls to AWS are short.

use lamp_api::v1alpha1::PartState;
use lamp_cloud::kinds::auto_scaling_group::Change as GroupChange;
use lamp_cloud::kinds::db_instance::Change as DatabaseChange;
use lamp_cloud::{Body, Change, Part, Request};

use crate::{Action, Effect, Plan, parts};

/// What a call to AWS is for; what comes first goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// A site serves less than it could: sick instances and replicas are replaced, targets registered, and what tells of
    /// them is read.
    Heal,
    /// A site needs more, or less, than it has.
    Scale,
    /// Somebody waits for a site, or for its change, or for its end.
    Deploy,
    /// What others changed is put back.
    Drift,
    /// What is read to find out whether anything is to be done.
    Inventory,
}

impl Priority {
    pub const ALL: [Self; 5] = [Self::Heal, Self::Scale, Self::Deploy, Self::Drift, Self::Inventory];

    /// The value of the metric's label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Heal => "heal",
            Self::Scale => "scale",
            Self::Deploy => "deploy",
            Self::Drift => "drift",
            Self::Inventory => "inventory",
        }
    }
}

/// The priority of one action of a plan. `kept`: the site has been once as its spec says now, so that what differs was
/// changed by others, and what is missing was lost.
pub fn priority(plan: &Plan, action: &Action, kept: bool) -> Priority {
    match &action.request {
        Request::RegisterTargets { .. } | Request::DeregisterTargets { .. } => Priority::Heal,
        Request::ReplaceInstance { .. } if decided(plan, &action.part, "Rollout") => Priority::Deploy,
        Request::ReplaceInstance { .. } => Priority::Heal,
        Request::Change { change: Change::AutoScalingGroup(GroupChange::SetDesired(_)), .. } => {
            Priority::Scale
        }
        Request::Delete { .. } if decided(plan, &action.part, "ReplaceReplica") => Priority::Heal,
        Request::Delete { .. } if decided(plan, &action.part, "RemoveReplica") => Priority::Scale,
        Request::Create { body, .. } if kept && is_replica(body) => of_replica(plan),
        Request::Change { change: Change::DbInstance(DatabaseChange::Promote { .. }), .. } => Priority::Heal,
        Request::TagInstance { .. } => Priority::Drift,
        _ if kept && puts_back(plan, action) => Priority::Drift,
        _ => Priority::Deploy,
    }
}

fn decided(plan: &Plan, part: &Part, decision: &str) -> bool {
    plan.decisions.iter().any(|(of, what, _)| of == part && what == decision)
}

fn is_replica(body: &Body) -> bool {
    matches!(body, Body::DbInstance(instance) if instance.is_replica())
}

/// One more is made in the place of one that failed, or because more are wanted.
fn of_replica(plan: &Plan) -> Priority {
    let failed = plan
        .parts
        .iter()
        .any(|(part, report)| parts::replica_slot(part).is_some() && report.state == PartState::Failed);
    if failed { Priority::Heal } else { Priority::Scale }
}

fn puts_back(plan: &Plan, action: &Action) -> bool {
    let drifted = plan.parts.get(&action.part).is_some_and(|report| report.state == PartState::Drifted);
    drifted || action.effect == Effect::Create
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use lamp_cloud::kinds::internet_gateway::InternetGateway;
    use lamp_cloud::{DeleteOptions, Kind, Tags};

    use super::*;
    use crate::PartReport;
    use crate::world::World;

    fn action(part: &str, effect: Effect, request: Request) -> Action {
        Action {
            part: Part::new(part),
            kind: Kind::Vpc,
            effect,
            request,
            reason: String::new(),
            changes: Vec::new(),
            precondition: None,
        }
    }

    fn plan(decision: Option<(&str, &str)>, parts: &[(&str, PartState)]) -> Plan {
        let report = |state: &PartState| PartReport {
            kind: Kind::Vpc,
            id: None,
            state: *state,
            reason: None,
            blocked: false,
        };
        let decisions = decision.map(|(part, what)| (Part::new(part), what.to_owned(), String::new()));
        let parts: BTreeMap<_, _> =
            parts.iter().map(|(part, state)| (Part::new(*part), report(state))).collect();
        Plan { decisions: decisions.into_iter().collect(), parts, ..Plan::default() }
    }

    fn replace() -> Action {
        let request = Request::ReplaceInstance { group: "web".to_owned(), instance: "i-1".to_owned() };
        action("instance/i-1", Effect::Replace, request)
    }

    fn create(part: &str, body: impl Into<Body>) -> Action {
        let request = Request::Create {
            part: Part::new(part),
            name: String::new(),
            tags: Tags::new(),
            token: String::new(),
            body: body.into(),
        };
        action(part, Effect::Create, request)
    }

    fn delete(part: &str) -> Action {
        let request =
            Request::Delete { kind: Kind::DbInstance, id: String::new(), options: DeleteOptions::default() };
        action(part, Effect::Delete, request)
    }

    fn set_desired() -> Action {
        let change = Change::AutoScalingGroup(GroupChange::SetDesired(3));
        let request = Request::Change { id: String::new(), token: String::new(), change };
        action("group/web", Effect::Update, request)
    }

    fn tag() -> Action {
        let request = Request::Tag { kind: Kind::Vpc, id: String::new(), tags: Tags::new() };
        action("vpc", Effect::Update, request)
    }

    fn replica() -> Body {
        let mut world = World::with_replicas(serde_json::json!({}));
        world.add_replica(1, "a");
        world.replica_body(1).clone().into()
    }

    #[test]
    fn a_sick_instance_goes_before_one_of_an_old_version() {
        assert_eq!(priority(&plan(None, &[]), &replace(), true), Priority::Heal);
        let rollout = plan(Some(("instance/i-1", "Rollout")), &[]);
        assert_eq!(priority(&rollout, &replace(), true), Priority::Deploy);
    }

    #[test]
    fn targets_are_healed_and_capacity_is_scaled_even_while_a_site_is_deployed() {
        let register = Request::RegisterTargets { target_group: String::new(), targets: Vec::new() };
        let register = action("targets/web", Effect::Update, register);
        assert_eq!(priority(&plan(None, &[]), &register, false), Priority::Heal);
        assert_eq!(priority(&plan(None, &[]), &set_desired(), false), Priority::Scale);
    }

    #[test]
    fn what_differs_is_drift_only_on_a_site_that_was_as_its_spec_says() {
        let drifted = plan(None, &[("vpc", PartState::Drifted)]);
        assert_eq!(priority(&drifted, &tag(), true), Priority::Drift);
        assert_eq!(priority(&drifted, &tag(), false), Priority::Deploy);
        let adopted = plan(None, &[("vpc", PartState::Progressing)]);
        assert_eq!(priority(&adopted, &tag(), true), Priority::Deploy);
        let gateway = create("internet-gateway", InternetGateway { vpc: None });
        assert_eq!(priority(&plan(None, &[]), &gateway, true), Priority::Drift);
        assert_eq!(priority(&plan(None, &[]), &gateway, false), Priority::Deploy);
    }

    #[test]
    fn a_replica_heals_where_one_failed_and_scales_where_more_are_wanted() {
        let one = create("replica/2", replica());
        let failed = plan(None, &[("replica/1", PartState::Failed)]);
        assert_eq!(priority(&failed, &one, true), Priority::Heal);
        assert_eq!(priority(&plan(None, &[]), &one, true), Priority::Scale);
        assert_eq!(priority(&plan(None, &[]), &one, false), Priority::Deploy);
        let goes = |decision| plan(Some(("replica/1", decision)), &[]);
        assert_eq!(priority(&goes("ReplaceReplica"), &delete("replica/1"), true), Priority::Heal);
        assert_eq!(priority(&goes("RemoveReplica"), &delete("replica/1"), true), Priority::Scale);
        assert_eq!(priority(&plan(None, &[]), &delete("replica/1"), true), Priority::Deploy);
    }
}
