//! Who is the primary, and whether it has room.

use lamp_cloud::kinds::db_instance::{Change, Modification};
use lamp_cloud::{Kind, MetricName, MetricQuery, Read, Reading, State};

use crate::site::{Lab, Site, replica};

fn with_replica(lab: &Lab) -> (Site, String) {
    let site = lab.site();
    lab.pass(700);
    let primary = lab.database(&site.primary);
    let id = lab.create("replica/1", replica(&site.primary, &primary));
    lab.pass(700);
    (site, id)
}

fn promote(lab: &Lab, id: &str) -> Result<(), String> {
    let change = lamp_cloud::Change::DbInstance(Change::Promote { backup_retention_days: 7 });
    lab.try_change(id, change).map(drop).map_err(|error| error.code)
}

fn grow(gib: u32) -> lamp_cloud::Change {
    let modification = Modification { storage_gib: Some(gib), ..Modification::default() };
    lamp_cloud::Change::DbInstance(Change::Modify(Box::new(modification)))
}

#[test]
fn a_promoted_replica_can_be_written_some_minutes_later_and_not_promoted_again() {
    let lab = Lab::calm();
    let (site, id) = with_replica(&lab);
    promote(&lab, &id).unwrap();
    assert_eq!(lab.state(Kind::DbInstance, &id), Some(State::Pending("modifying".to_owned())));
    assert!(lab.database(&id).is_replica(), "not yet");
    assert_eq!(promote(&lab, &id), Err("InvalidDBInstanceState".to_owned()));
    lab.pass(301);
    let body = lab.database(&id);
    assert_eq!((body.source.clone(), body.backup_retention_days), (None, 7));
    assert_eq!(lab.state(Kind::DbInstance, &id), Some(State::Ready));
    assert!(lab.database(&site.primary).facts.replicas.is_empty());
    assert_eq!(promote(&lab, &id), Err("InvalidDBInstanceState".to_owned()), "it is no replica");
}

#[test]
fn nothing_replicates_a_primary_that_failed() {
    let lab = Lab::calm();
    let (site, id) = with_replica(&lab);
    lab.pass(300);
    let lag = || {
        let query = MetricQuery { metric: MetricName::ReplicaLag, resource: id.clone(), load_balancer: None };
        match lab.sim.read_now(&Read::Metrics { queries: vec![query], minutes: 10 }).unwrap() {
            Reading::Metrics(rows) => rows[0].1.points.iter().map(|(_, lag)| *lag).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        }
    };
    lab.sim.world().set_database_status(&site.primary, "failed");
    lab.pass(300);
    let (first, last) = (lag()[0], *lag().last().unwrap());
    assert!(first >= 0.0, "what was measured before stays: {first}");
    assert!(last < 0.0, "{last}");
    lab.sim.world().set_database_status(&site.primary, "available");
    lab.pass(300);
    assert!(*lag().last().unwrap() >= 0.0);
}

#[test]
fn a_full_volume_takes_growth_and_nothing_else() {
    let lab = Lab::calm();
    let site = lab.site();
    lab.pass(700);
    let size = lab.database(&site.primary).storage_gib;
    lab.sim.world().fill_database(&site.primary, 1.0);
    assert_eq!(lab.database(&site.primary).facts.status, "storage-full");
    let other = Modification { backup_retention_days: Some(9), ..Modification::default() };
    let other = lamp_cloud::Change::DbInstance(Change::Modify(Box::new(other)));
    assert_eq!(lab.try_change(&site.primary, other).unwrap_err().code, "InvalidDBInstanceState");
    lab.change(&site.primary, grow(size * 2));
    lab.pass(400);
    assert_eq!(lab.database(&site.primary).storage_gib, size * 2);
    lab.pass(2 * 3600);
    assert_eq!(lab.database(&site.primary).facts.status, "available");
    let again = lab.try_change(&site.primary, grow(size * 3)).unwrap_err();
    assert_eq!(again.code, "InvalidParameterCombination", "not within six hours");
}
