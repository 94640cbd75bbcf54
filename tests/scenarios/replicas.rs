//! Read replicas: replaced when they do not replicate, scaled, and let go of only where nobody misses them.

use lamp_cloud::{Body, Kind};
use lamp_sim::Load;
use serde_json::json;

use crate::stage::{HOUR, MINUTE, Stage, calm, spec};

fn replicas(stage: &Stage) -> Vec<String> {
    let mut all = stage.database("database").facts.replicas;
    all.sort();
    all
}

fn deletions(stage: &Stage, mark: usize) -> Vec<String> {
    stage.calls_since(mark).into_iter().filter(|call| call.starts_with("DeleteDBInstance")).collect()
}

#[test]
fn a_replica_whose_replication_broke_is_replaced_new_before_old() {
    let mut stage = Stage::up("lamp");
    let broken = stage.id("replica/1");
    let mark = stage.mark();
    stage.world().break_replication(&broken);
    stage.until("made", HOUR, |stage| stage.find("replica/2").is_some());
    stage.until("replaced", HOUR, |stage| {
        let old = stage.world().resource(Kind::DbInstance, &broken).is_some_and(|row| row.is_ready());
        let new = stage.find("replica/2").is_some_and(|row| row.is_ready());
        assert!(old || new, "there is no replica at all");
        !old && new
    });
    stage.settles();
    assert_eq!(deletions(&stage, mark), ["DeleteDBInstance replica/1"]);
    assert_eq!(replicas(&stage), [stage.id("replica/2")]);
}

#[test]
fn a_replica_that_only_lags_is_not_replaced() {
    let mut stage = Stage::up("lamp");
    let mark = stage.mark();
    let id = stage.id("replica/1");
    stage.world().set_replica_lag(&id, Some(500.0));
    stage.run(6 * HOUR);
    assert_eq!(stage.brief_since(mark), "");
    let degraded = stage.condition("Degraded");
    assert!(degraded.starts_with("True ReplicasMissing: "), "{degraded}");
    assert!(degraded.contains("replica/1 is 500 s behind, 30 s are allowed"), "{degraded}");
    stage.world().set_replica_lag(&id, None);
    stage.settles();
}

#[test]
fn a_replica_that_was_promoted_by_hand_is_never_deleted() {
    let mut stage = Stage::up("lamp");
    let promoted = stage.id("replica/1");
    let mark = stage.mark();
    stage.world().promote_replica(&promoted);
    // Two databases can be written now: that is what the person did, and the region counts it.
    let by_hand = stage.world().violations().len();
    stage.run(3 * HOUR);
    assert_eq!(deletions(&stage, mark), Vec::<String>::new());
    assert!(stage.condition("Stalled").contains("promoted by hand"), "{}", stage.story());
    assert_eq!(replicas(&stage), [stage.id("replica/2")], "another one took its place in the pool");
    // Deletion of the pool down to none leaves it as well.
    stage.edit(|spec| spec["spec"]["database"]["replicas"] = json!({"min": 0, "max": 0}));
    stage.run(3 * HOUR);
    assert!(stage.world().resource(Kind::DbInstance, &promoted).is_some());
    assert!(stage.find("replica/2").is_none(), "{}", stage.story());
    assert_eq!(stage.world().violations().len(), by_hand);
    let mark = stage.mark();
    stage.run(24 * HOUR);
    assert_eq!(stage.brief_since(mark), "");
}

#[test]
fn replicas_that_somebody_else_made_are_left_alone() {
    let mut stage = Stage::up("lamp");
    let row = stage.find("replica/1").unwrap();
    let foreign = stage.world().create_by_hand("reporting", &Default::default(), row.body.clone()).unwrap();
    stage.settles();
    stage.edit(|spec| spec["spec"]["database"]["replicas"] = json!({"min": 0, "max": 0}));
    stage.settles();
    assert!(stage.world().resource(Kind::DbInstance, &foreign).is_some());
    assert_eq!(replicas(&stage), [foreign]);
}

fn busy(capacity: f64) -> Load {
    Load { database_capacity: capacity, ..Load::steady(60.0) }
}

/// 60 requests a second are 300 queries: 270 for a lone replica, 120 + 30 for each of two.
#[test]
fn the_pool_grows_with_the_load_and_shrinks_when_it_is_over_and_the_writer_stays() {
    let mut options = calm(1);
    options.region.load = busy(2000.0);
    let mut stage = Stage::up_with(options, spec("lamp", |_| {}));
    let writer = stage.id("database");
    stage.world().set_load(busy(300.0));
    let mark = stage.mark();
    stage.until("grown", 3 * HOUR, |stage| replicas(stage).len() >= 2);
    assert_eq!(deletions(&stage, mark), Vec::<String>::new());
    stage.run(3 * HOUR);
    assert!(replicas(&stage).len() >= 2, "it still has load");
    stage.world().set_load(busy(20_000.0));
    stage.until("shrunk", 6 * HOUR, |stage| replicas(stage).len() == 1);
    stage.settles();
    assert!(deletions(&stage, mark).iter().all(|call| call.contains("replica/")));
    assert_eq!(stage.id("database"), writer);
}

/// A failover swaps the zones; nothing is made or deleted for it.
#[test]
fn a_failover_of_the_writer_changes_nothing() {
    let mut stage = Stage::up("lamp");
    let mark = stage.mark();
    let id = stage.id("database");
    let Body::DbInstance(before) = stage.body("database") else { panic!() };
    stage.world().fail_over_database(&id);
    stage.run(10 * MINUTE);
    assert_ne!(stage.database("database").zone, before.zone);
    stage.settles();
    assert_eq!(stage.brief_since(mark), "");
}

#[test]
fn a_database_that_failed_is_left_to_a_person() {
    let mut stage = Stage::up("lamp");
    let mark = stage.mark();
    let id = stage.id("database");
    stage.world().set_database_status(&id, "incompatible-network");
    stage.run(2 * HOUR);
    assert_eq!(deletions(&stage, mark), Vec::<String>::new());
    let stalled = stage.condition("Stalled");
    assert!(stalled.starts_with("True DatabaseIncompatibleNetwork: "), "{stalled}");
    stage.world().set_database_status(&id, "available");
    stage.settles();
}
