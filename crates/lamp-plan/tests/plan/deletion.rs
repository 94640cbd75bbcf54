//! Deletions: in which order, and what becomes of data.

use std::sync::Arc;

use lamp_api::v1alpha1::DeletionPolicy;
use lamp_cloud::{Body, Kind, Listing, Part, Request, Section};
use lamp_plan::{Plan, Precondition};

use crate::support::{LAMP, STATELESS, Site};

fn deletion<'a>(plans: &'a [Plan], part: &str) -> &'a lamp_plan::Action {
    let actions = plans.iter().flat_map(|plan| &plan.actions);
    let is_deletion = |request: &Request| matches!(request, Request::Delete { .. });
    actions.filter(|action| is_deletion(&action.request)).find(|action| action.part.as_str() == part).unwrap()
}

fn tear_down(site: &mut Site) -> Vec<Plan> {
    site.deleting = true;
    let mut plans = Vec::new();
    while plans.last().is_none_or(|plan: &Plan| !plan.finished) {
        assert!(plans.len() < 60, "{}", site.plan());
        plans.push(site.round());
    }
    plans
}

#[test]
fn protection_is_lifted_first_and_a_snapshot_is_taken() {
    let mut site = Site::standing(LAMP);
    let plans = tear_down(&mut site);
    let Request::Delete { options, .. } = &deletion(&plans, "database").request else { panic!() };
    let name = options.final_snapshot.as_deref().unwrap();
    assert!(name.starts_with("ll-shop-database-") && name.ends_with("-final"), "{name}");
    assert_eq!(options.snapshot_tags["lamplighter:stack"], "default/shop");
    let calls: Vec<&str> = plans
        .iter()
        .flat_map(|plan| &plan.actions)
        .filter(|action| action.part.as_str() == "database")
        .map(|action| action.request.operation())
        .collect();
    assert_eq!(calls, ["ModifyDBInstance", "DeleteDBInstance"]);
    let reported = plans.iter().filter_map(|plan| plan.database.as_ref()?.final_snapshot.as_deref());
    assert!(reported.into_iter().all(|reported| reported == name));
}

#[test]
fn replicas_go_first_and_only_as_replicas() {
    let mut site = Site::standing(LAMP);
    let plans = tear_down(&mut site);
    let replica = deletion(&plans, "replica/1");
    let Request::Delete { id, options, .. } = &replica.request else { panic!() };
    assert_eq!(replica.precondition, Some(Precondition::IsReplica { id: id.clone() }));
    assert_eq!(options.final_snapshot, None);
    let of_replica = plans.iter().flat_map(|plan| &plan.actions).filter(|a| a.part.as_str() == "replica/1");
    let calls: Vec<(&str, bool)> =
        of_replica.map(|a| (a.request.operation(), a.precondition == replica.precondition)).collect();
    assert_eq!(calls, [("ModifyDBInstance", true), ("DeleteDBInstance", true)], "its protection as well");
    let round =
        |part: &str| plans.iter().position(|plan| plan.actions.contains(deletion(&plans, part))).unwrap();
    assert!(round("replica/1") < round("database"));
    assert!(round("auto-scaling-group/web") < round("launch-template/web"));
    assert!(round("database") < round("secret/database"));
    assert!(round("nat-gateway/1") < round("internet-gateway"));
    assert!(
        plans.iter().all(|plan| !plan.actions.iter().any(|a| a.part.as_str() == "vpc"))
            || round("vpc") > round("subnet/data/1")
    );
}

#[test]
fn a_promoted_replica_goes_with_a_snapshot_of_its_own_data() {
    let mut site = Site::standing(LAMP);
    if let Body::DbInstance(replica) = &mut site.resource("replica/1").body {
        replica.source = None;
    }
    let plans = tear_down(&mut site);
    let action = deletion(&plans, "replica/1");
    let Request::Delete { options, .. } = &action.request else { panic!() };
    assert!(options.final_snapshot.is_some());
    let Request::Delete { options: primary, .. } = &deletion(&plans, "database").request else { panic!() };
    assert_ne!(options.final_snapshot, primary.final_snapshot, "two snapshots have two names");
    assert_eq!(action.precondition, None);
}

#[test]
fn only_the_policy_delete_leaves_nothing() {
    let mut site = Site::standing(LAMP);
    site.spec.deletion_policy = DeletionPolicy::Delete;
    let plans = tear_down(&mut site);
    let Request::Delete { options, .. } = &deletion(&plans, "database").request else { panic!() };
    assert_eq!(options.final_snapshot, None);
    let Request::Delete { options, .. } = &deletion(&plans, "secret/database").request else { panic!() };
    assert!(options.without_recovery);
}

#[test]
fn what_is_not_in_our_records_is_named_and_left() {
    let mut site = Site::standing(STATELESS);
    site.world.ledger.remove(&Part::from("vpc"));
    site.deleting = true;
    let plans: Vec<Plan> = (0..40).map(|_| site.round()).collect();
    let last = plans.last().unwrap();
    assert!(!last.finished && last.parts[&Part::from("vpc")].blocked, "{last}");
    assert_eq!(site.world.inventory.parts.len(), 1);
}

#[test]
fn losing_the_records_deletes_nothing() {
    let mut site = Site::standing(LAMP);
    let before = site.world.inventory.parts.len();
    site.world.ledger.clear();
    site.deleting = true;
    for _ in 0..10 {
        assert_eq!(site.round().actions, []);
    }
    assert_eq!(site.world.inventory.parts.len(), before);
}

#[test]
fn nothing_goes_while_what_may_use_it_cannot_be_listed() {
    for policy in [DeletionPolicy::Snapshot, DeletionPolicy::Retain] {
        let mut site = Site::standing(LAMP);
        site.spec.deletion_policy = policy;
        site.deleting = true;
        let region = Arc::make_mut(&mut site.world.inventory.region);
        let why = "AccessDenied".to_owned();
        region.sections.insert(Listing::Resources(Kind::DbInstance), Section::Unknown { why });
        // The rows of a listing that failed may be missing altogether.
        for part in ["database", "replica/1"] {
            site.world.inventory.parts.remove(&Part::from(part));
        }
        (0..40).for_each(|_| drop(site.round()));
        for part in ["secret/database", "db-subnet-group", "security-group/database", "subnet/data/1", "vpc"]
        {
            assert!(site.world.inventory.parts.contains_key(&Part::from(part)), "{policy:?} {part}");
        }
        assert!(!site.plan().finished, "{policy:?}\n{}", site.plan());
    }
}
