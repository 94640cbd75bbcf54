//! A stack is deleted: in the right order, with its data treated as the spec says, and nothing left behind.

use expect_test::{expect, expect_file};
use lamp_cloud::{InstanceState, Kind};
use serde_json::{Value, json};

use crate::stage::{DAY, HOUR, MINUTE, Stage, calm, spec};

fn with_policy(name: &str, policy: &str) -> Value {
    spec(name, |spec| spec["spec"]["deletionPolicy"] = json!(policy))
}

pub(crate) fn nothing_is_left(stage: &mut Stage) {
    stage.run(10 * MINUTE);
    let left: Vec<String> = stage.world().resources().map(|row| row.id.clone()).collect();
    assert_eq!(left, Vec::<String>::new());
    let running = |state| !matches!(state, InstanceState::ShuttingDown | InstanceState::Terminated);
    assert_eq!(stage.world().instances().filter(|row| running(row.state)).count(), 0);
    stays_gone(stage);
}

/// Nothing more is done for a day, and nothing happened that never should.
fn stays_gone(stage: &mut Stage) {
    let mark = stage.mark();
    stage.site.run_for(10 * MINUTE, DAY).unwrap().unwrap();
    assert_eq!(stage.brief_since(mark), "");
    stage.nothing_unlawful();
}

#[test]
fn snapshot_takes_a_final_snapshot_and_deletes_everything_in_order() {
    let mut stage = Stage::up("lamp");
    let mark = stage.mark();
    stage.delete();
    let took = stage.until_gone();
    assert!(took < HOUR, "{took:?}");
    expect_file!["golden/lamp-deletion.txt"].assert_eq(&(stage.brief_since(mark) + "\n"));
    let snapshots: Vec<_> = stage.world().snapshots().values().cloned().collect();
    assert_eq!(snapshots.len(), 1, "one final snapshot, of the writer");
    assert_eq!(snapshots[0].status, "available");
    assert!(snapshots[0].tags.contains_key(lamp_cloud::tag::UID), "{:?}", snapshots[0].tags);
    nothing_is_left(&mut stage);
    assert_eq!(stage.world().snapshots().len(), 1);
}

#[test]
fn protection_is_lifted_in_a_step_of_its_own() {
    let mut stage = Stage::up("lamp");
    let mark = stage.mark();
    stage.delete();
    stage.until_gone();
    let calls = stage.calls_since(mark);
    let at = |wanted: &str| {
        calls.iter().position(|call| call == wanted).unwrap_or_else(|| panic!("no {wanted}: {calls:#?}"))
    };
    assert!(at("ModifyDBInstance database") < at("DeleteDBInstance database"));
    assert!(
        at("ModifyLoadBalancerAttributes load-balancer/web") < at("DeleteLoadBalancer load-balancer/web")
    );
    assert!(at("DeleteDBInstance replica/1") < at("DeleteDBInstance database"));
    assert!(at("DeleteVpc vpc") == calls.len() - 1, "{calls:#?}");
}

#[test]
fn delete_leaves_no_snapshot() {
    let mut stage = Stage::up_with(calm(1), with_policy("lamp", "Delete"));
    stage.delete();
    stage.until_gone();
    assert!(stage.world().snapshots().is_empty());
    nothing_is_left(&mut stage);
}

#[test]
fn retain_leaves_the_data_and_what_it_stands_in() {
    let mut stage = Stage::up_with(calm(1), with_policy("lamp", "Retain"));
    let database = stage.id("database");
    stage.delete();
    stage.until_gone();
    stage.run(10 * MINUTE);
    let left: Vec<String> =
        stage.world().resources().map(|row| row.part().unwrap_or_else(|| "?".into()).to_string()).collect();
    expect![[r#"
        vpc
        subnet/data/2
        subnet/data/1
        security-group/database
        db-subnet-group
        db-parameter-group/mysql8-0
        database
        replica/1
        secret/database"#]]
    .assert_eq(&left.join("\n"));
    let world = stage.world();
    let row = world.resource(Kind::DbInstance, &database).unwrap();
    assert!(row.is_ready());
    let lamp_cloud::Body::DbInstance(body) = &row.body else { panic!() };
    assert!(body.deletion_protection, "what is kept stays protected");
    drop(world);
    stays_gone(&mut stage);
}

#[test]
fn a_stateless_site_goes_at_once() {
    let mut stage = Stage::up("whatisthetime");
    stage.delete();
    let took = stage.until_gone();
    assert!(took < 20 * MINUTE, "{took:?}");
    nothing_is_left(&mut stage);
}

#[test]
fn a_stack_that_is_deleted_while_it_comes_up_leaves_nothing() {
    for minutes in [0, 1, 2, 3, 5, 8, 12] {
        let mut stage = Stage::open(calm(1), with_policy("lamp", "Delete"));
        stage.run(minutes * MINUTE);
        stage.delete();
        stage.until_gone();
        nothing_is_left(&mut stage);
    }
}

#[test]
fn deletion_survives_stale_reads() {
    for seed in 1..=5 {
        let mut options = calm(seed);
        options.region.lag = lamp_sim::Lag::aws();
        let mut stage = Stage::up_with(options, with_policy("lamp", "Snapshot"));
        stage.delete();
        stage.until_gone();
        stage.run(10 * MINUTE);
        let left: Vec<String> = stage.world().resources().map(|row| row.id.clone()).collect();
        assert_eq!(left, Vec::<String>::new(), "seed {seed}");
        assert_eq!(stage.world().snapshots().len(), 1, "seed {seed}");
        stage.nothing_unlawful();
    }
}

/// An edit of a stack that is being deleted changes its spec, not its fate.
#[test]
fn a_stack_of_the_same_name_comes_up_after_the_old_one_is_gone() {
    let mut stage = Stage::up("lamp");
    let old = stage.object()["metadata"]["uid"].clone();
    stage.delete();
    stage.run(3 * MINUTE);
    stage.edit(|spec| spec["spec"]["tiers"][0]["capacity"]["max"] = json!(10));
    stage.until_gone();
    stage.edit(|_| {});
    assert_ne!(stage.object()["metadata"]["uid"], old);
    stage.settles();
    let uids: std::collections::BTreeSet<String> =
        stage.world().resources().filter_map(|row| row.tags.get(lamp_cloud::tag::UID).cloned()).collect();
    assert_eq!(uids.len(), 1, "nothing of the old one is left, and nothing of it was taken over");
}

/// Conditions tell a person what the deletion waits for.
#[test]
fn a_deletion_says_what_it_waits_for() {
    let mut stage = Stage::up("lamp");
    stage.delete();
    stage.run(2 * MINUTE);
    expect!["False Deleting: replica/1: AWS is removing it"].assert_eq(&stage.condition("Ready"));
    stage.until_gone();
    nothing_is_left(&mut stage);
}

#[test]
fn a_paused_stack_is_not_deleted_before_it_is_resumed() {
    let mut stage = Stage::up("whatisthetime");
    stage.edit(|spec| spec["spec"]["mode"] = json!("Paused"));
    stage.delete();
    let mark = stage.mark();
    stage.run(2 * HOUR);
    assert_eq!(stage.brief_since(mark), "");
    stage.edit(|spec| spec["spec"]["mode"] = json!("Enforce"));
    stage.until_gone();
    nothing_is_left(&mut stage);
}
