//! From nothing to the spec and back, planned forward.

use lamp_api::v1alpha1::{DeletionPolicy, PartState, PlanEffect};
use lamp_cloud::Part;
use lamp_plan::preview;

use crate::support::{LAMP, NETWORK, SHAPES, STATELESS, Site};

#[test]
fn every_shape_comes_up_and_then_nothing_is_to_be_done() {
    for (shape, rounds) in [(NETWORK, 8), (STATELESS, 14), (LAMP, 16)] {
        let mut site = Site::new(shape);
        let taken = site.settle();
        assert!(taken <= rounds, "{taken} rounds\n{}", site.plan());
        let plan = site.plan();
        assert!(plan.actions.is_empty() && plan.settlements.is_empty(), "{plan}");
        for (part, report) in &plan.parts {
            assert_eq!(report.state, PartState::Ready, "{part} {report}");
        }
        let idle: Vec<_> = (0..20).map(|_| site.round()).filter(|plan| !plan.actions.is_empty()).collect();
        assert_eq!(idle, []);
    }
}

#[test]
fn every_shape_is_deleted_under_every_policy() {
    for shape in SHAPES {
        for policy in [DeletionPolicy::Snapshot, DeletionPolicy::Delete] {
            let mut site = Site::standing(shape);
            site.deleting = true;
            site.spec.deletion_policy = policy;
            let finished = (0..60).any(|_| site.round().finished);
            assert!(finished, "{shape}\n{}", site.plan());
            assert!(site.world.inventory.parts.is_empty(), "{:?}", site.world.inventory.parts.keys());
            assert!(site.world.ledger.is_empty(), "{:?}", site.world.ledger);
        }
    }
}

#[test]
fn what_data_stands_in_is_retained() {
    let mut site = Site::standing(LAMP);
    site.deleting = true;
    site.spec.deletion_policy = DeletionPolicy::Retain;
    assert!((0..60).any(|_| site.round().finished), "{}", site.plan());
    let left: Vec<&str> = site.world.inventory.parts.keys().map(Part::as_str).collect();
    let expected = [
        "database",
        "db-parameter-group/mysql8-0",
        "db-subnet-group",
        "replica/1",
        "secret/database",
        "security-group/database",
        "subnet/data/1",
        "subnet/data/2",
        "vpc",
    ];
    assert_eq!(left, expected);
    assert!(site.world.ledger.is_empty());
}

#[test]
fn a_preview_holds_everything_with_deletions_last() {
    let site = Site::new(LAMP);
    let all = preview(&site.input());
    assert_eq!(all.blocked, []);
    let creations = all.steps.iter().filter(|step| step.effect == PlanEffect::Create).count();
    assert_eq!(creations, 37);
    assert!(all.steps.is_sorted_by_key(|step| step.effect));

    let mut standing = Site::standing(LAMP);
    assert_eq!(preview(&standing.input()).steps, []);
    standing.spec.tiers.remove(0);
    let all = preview(&standing.input());
    assert_eq!(all.blocked, []);
    assert!(all.steps.iter().any(|step| step.call == "DeleteLoadBalancer"), "{:#?}", all.steps);
    assert!(all.steps.is_sorted_by_key(|step| step.effect));
}
