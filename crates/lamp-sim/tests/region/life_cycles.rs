//! How long things take, and what they are meanwhile.

use lamp_cloud::kinds::db_instance::{Change, Modification};
use lamp_cloud::kinds::security_group::{self, Peer, Rule};
use lamp_cloud::{DeleteOptions, InstanceState, Kind, Read, Reading, Reference, Request, State, TargetState};

use crate::site::{Lab, Site, replica};

fn pending(word: &str) -> Option<State> {
    Some(State::Pending(word.to_owned()))
}

/// When a resource changed its state, in seconds after the start; checked every second.
fn until(lab: &Lab, limit: u64, done: impl Fn() -> bool) -> u64 {
    for second in 0..limit {
        if done() {
            return second;
        }
        lab.pass(1);
    }
    panic!("not within {limit} s");
}

fn ready(lab: &Lab, kind: Kind, id: &str, limit: u64) -> u64 {
    until(lab, limit, || lab.state(kind, id) == Some(State::Ready))
}

fn states(lab: &Lab, site: &Site) -> Vec<TargetState> {
    lab.sim.world().targets(&site.targets).map(|row| row.state).collect()
}

#[test]
fn what_takes_its_time_takes_as_long_as_on_aws() {
    // (kind, AWS's word meanwhile, seconds from, seconds to)
    let rows = [
        (Kind::LoadBalancer, "provisioning", 120, 181),
        (Kind::NatGateway, "pending", 60, 121),
        (Kind::DbInstance, "creating", 450, 601),
    ];
    for (kind, word, from, to) in rows {
        let lab = Lab::calm();
        let site = lab.site();
        let id = match kind {
            Kind::LoadBalancer => &site.balancer,
            Kind::NatGateway => &site.nat,
            _ => &site.primary,
        };
        assert_eq!(lab.state(kind, id), pending(word));
        let took = ready(&lab, kind, id, 1000);
        assert!((from..=to).contains(&took), "{} took {took} s", kind.name());
    }
}

#[test]
fn everything_else_is_there_at_once() {
    let lab = Lab::calm();
    lab.site();
    for resource in lab.sim.world().resources() {
        let slow = matches!(resource.kind(), Kind::LoadBalancer | Kind::NatGateway | Kind::DbInstance);
        assert_eq!(slow, resource.state != State::Ready, "{}", resource.id);
    }
}

#[test]
fn a_target_is_unused_then_initial_then_healthy() {
    let lab = Lab::calm();
    let site = lab.site();
    until(&lab, 100, || lab.sim.world().instances().any(|row| row.state == InstanceState::Running));
    lab.pass(60);
    assert_eq!(states(&lab, &site), [TargetState::Unused; 2], "while the load balancer is provisioned");
    ready(&lab, Kind::LoadBalancer, &site.balancer, 200);
    assert_eq!(states(&lab, &site), [TargetState::Initial; 2]);
    lab.pass(19);
    assert_eq!(states(&lab, &site), [TargetState::Initial; 2], "two checks, ten seconds apart");
    lab.pass(120);
    assert_eq!(states(&lab, &site), [TargetState::Healthy; 2]);
}

#[test]
fn a_hung_instance_fails_three_checks_and_passes_those_of_ec2() {
    let lab = Lab::calm();
    let site = lab.site();
    lab.pass(900);
    let id = lab.sim.world().instances().next().unwrap().id.clone();
    assert!(lab.sim.world().hang_instance(&id));
    lab.pass(29);
    assert_eq!(states(&lab, &site), [TargetState::Healthy; 2]);
    lab.pass(1);
    assert!(states(&lab, &site).contains(&TargetState::Unhealthy));
    lab.pass(3600);
    let group = lab.group(&site.web);
    assert!(group.members.iter().any(|member| member.instance == id && member.healthy), "EC2 checks only");
    lab.sim.world().revive_instance(&id);
    lab.pass(20);
    assert_eq!(states(&lab, &site), [TargetState::Healthy; 2]);
}

#[test]
fn a_deregistered_target_drains_for_as_long_as_its_group_says() {
    let lab = Lab::calm();
    let site = lab.site();
    lab.pass(900);
    let id = lab.sim.world().instances().next().unwrap().id.clone();
    lab.sim.world().deregister_by_hand(&site.targets, &id);
    assert!(states(&lab, &site).contains(&TargetState::Draining));
    lab.pass(299);
    assert_eq!(states(&lab, &site).len(), 2);
    lab.pass(1);
    assert_eq!(states(&lab, &site), [TargetState::Healthy]);
}

#[test]
fn a_terminated_instance_stays_visible_for_an_hour() {
    let lab = Lab::calm();
    lab.site();
    lab.pass(900);
    let id = lab.sim.world().instances().next().unwrap().id.clone();
    lab.sim.world().kill_instance(&id);
    let of = |lab: &Lab| lab.sim.world().instances().find(|row| row.id == id).map(|row| row.state);
    assert_eq!(of(&lab), Some(InstanceState::ShuttingDown));
    lab.pass(45);
    assert_eq!(of(&lab), Some(InstanceState::Terminated));
    lab.pass(3500);
    assert_eq!(of(&lab), Some(InstanceState::Terminated));
    lab.pass(200);
    assert_eq!(of(&lab), None);
}

#[test]
fn a_deleted_nat_gateway_frees_its_address_and_leaves_black_holes() {
    use lamp_cloud::kinds::route_table::Change as Route;
    let lab = Lab::calm();
    let site = lab.site();
    lab.pass(200);
    let target = site.nat.clone();
    let route = Route::ReplaceRoute { destination: "0.0.0.0/0".into(), target };
    lab.change(&site.routes, lamp_cloud::Change::RouteTable(route));
    lab.delete(Kind::NatGateway, &site.nat);
    assert_eq!(lab.state(Kind::NatGateway, &site.nat), Some(State::Deleting));
    assert_eq!(lab.try_delete(Kind::ElasticIp, &site.address).unwrap_err().code, "InvalidIPAddress.InUse");
    lab.pass(60);
    let table = lab.get(Kind::RouteTable, &site.routes).unwrap();
    assert!(format!("{:?}", table.body).contains("blackhole"), "{:?}", table.body);
    assert!(lab.list(Kind::NatGateway).is_empty());
    lab.delete(Kind::ElasticIp, &site.address);
    lab.pass(400);
    assert_eq!(lab.state(Kind::NatGateway, &site.nat), None);
}

#[test]
fn interfaces_of_a_deleted_load_balancer_hold_its_group_for_a_while() {
    let lab = Lab::calm();
    let site = lab.site();
    lab.delete(Kind::AutoScalingGroup, &site.web);
    lab.pass(200);
    lab.delete(Kind::LoadBalancer, &site.balancer);
    let refused = lab.try_delete(Kind::Subnet, &site.subnets[1]).unwrap_err();
    assert_eq!(refused.code, "DependencyViolation");
    lab.pass(120);
    lab.delete(Kind::Subnet, &site.subnets[2]);
}

#[test]
fn a_replica_needs_a_source_that_is_available_and_backed_up() {
    let lab = Lab::calm();
    let site = lab.site();
    let primary = lab.database(&site.primary);
    let early = lab.try_create("replica/1", replica(&site.primary, &primary)).unwrap_err();
    assert_eq!(early.code, "InvalidDBInstanceState");
    lab.pass(700);
    let id = lab.create("replica/1", replica(&site.primary, &primary));
    assert_eq!(lab.database(&site.primary).facts.replicas, std::slice::from_ref(&id));
    let took = ready(&lab, Kind::DbInstance, &id, 1000);
    assert!((360..=601).contains(&took), "{took}");
    let made = lab.database(&id);
    assert_eq!(made.facts.replication.as_deref(), Some("replicating"));
    assert_eq!(made.backup_retention_days, 0, "the call takes no backups");
    lab.sim.world().break_replication(&id);
    assert_eq!(lab.database(&id).facts.replication.as_deref(), Some("error"));
}

#[test]
fn a_volume_grows_once_in_six_hours() {
    let lab = Lab::calm();
    let site = lab.site();
    lab.pass(700);
    let grow = |gib| {
        let wanted = Modification { storage_gib: Some(gib), ..Modification::default() };
        lab.try_change(&site.primary, lamp_cloud::Change::DbInstance(Change::Modify(Box::new(wanted))))
    };
    grow(200).unwrap();
    assert_eq!(lab.state(Kind::DbInstance, &site.primary), pending("modifying"));
    assert_eq!(grow(300).unwrap_err().code, "InvalidDBInstanceState");
    lab.pass(301);
    let after = lab.database(&site.primary);
    assert_eq!((after.storage_gib, after.facts.status.as_str()), (200, "storage-optimization"));
    assert_eq!(grow(300).unwrap_err().code, "InvalidParameterCombination");
    lab.pass(6 * 3600);
    assert_eq!(lab.database(&site.primary).facts.status, "available");
    assert_eq!(grow(100).unwrap_err().code, "InvalidParameterCombination", "a volume never shrinks");
    grow(201).unwrap();
    lab.pass(301);
    assert_eq!(lab.database(&site.primary).storage_gib, 220, "rounded up to a tenth more");
}

#[test]
fn a_volume_grows_by_itself_before_it_is_full() {
    let mut config = lamp_sim::Config::default();
    config.load.stored_gib = 50.0;
    config.load.stored_gib_per_day = 20.0;
    let lab = Lab::new(config);
    let site = lab.site();
    lab.pass(3 * 86_400);
    let after = lab.database(&site.primary);
    assert!(after.storage_gib > 100 && after.storage_gib <= 1000, "{}", after.storage_gib);
}

#[test]
fn a_final_snapshot_is_taken_before_a_database_goes() {
    let lab = Lab::calm();
    let site = lab.site();
    lab.pass(700);
    let lift = Modification { deletion_protection: Some(false), ..Modification::default() };
    lab.change(&site.primary, lamp_cloud::Change::DbInstance(Change::Modify(Box::new(lift))));
    let options = DeleteOptions { final_snapshot: Some("ll-last".into()), ..DeleteOptions::default() };
    let delete = Request::Delete { kind: Kind::DbInstance, id: site.primary.clone(), options };
    lab.sim.apply_now(&delete).unwrap();
    let snapshot = || match lab.sim.read_now(&Read::DbSnapshot { id: "ll-last".into() }).unwrap() {
        Reading::DbSnapshot(status) => status,
        other => panic!("{other:?}"),
    };
    assert_eq!(snapshot().as_deref(), Some("creating"));
    assert_eq!(lab.state(Kind::DbInstance, &site.primary), Some(State::Deleting));
    assert_eq!(lab.sim.apply_now(&delete).unwrap_err().code, "InvalidDBInstanceState");
    let took = until(&lab, 400, || lab.state(Kind::DbInstance, &site.primary).is_none());
    assert!((180..=300).contains(&took), "{took}");
    assert_eq!(snapshot().as_deref(), Some("available"));
}

#[test]
fn replicas_of_a_deleted_source_become_databases_of_their_own() {
    let lab = Lab::calm();
    let site = lab.site();
    lab.pass(700);
    let primary = lab.database(&site.primary);
    let replicas = [
        lab.create("replica/1", replica(&site.primary, &primary)),
        lab.create("replica/2", replica(&site.primary, &primary)),
    ];
    lab.pass(700);
    let lift = Modification { deletion_protection: Some(false), ..Modification::default() };
    lab.change(&site.primary, lamp_cloud::Change::DbInstance(Change::Modify(Box::new(lift))));
    lab.delete(Kind::DbInstance, &site.primary);
    lab.pass(400);
    for id in &replicas {
        assert_eq!(lab.database(id).source, None);
    }
    assert_eq!(lab.sim.world().violations(), &[] as &[String], "nobody reaches them");
    let rule = Rule::tcp(3306, Peer::Group(Reference::id(site.group.as_str())));
    let change = security_group::Change::AuthorizeIngress(vec![rule]);
    lab.change(&site.group, lamp_cloud::Change::SecurityGroup(change));
    let world = lab.sim.world();
    assert!(
        world.violations().iter().any(|text| text.contains("more than one writable")),
        "{:?}",
        world.violations()
    );
}

#[test]
fn a_standby_takes_over_within_two_minutes() {
    let lab = Lab::calm();
    let site = lab.site();
    lab.pass(700);
    let before = lab.database(&site.primary);
    lab.sim.world().fail_over_database(&site.primary);
    assert_eq!(lab.state(Kind::DbInstance, &site.primary), pending("rebooting"));
    let took = ready(&lab, Kind::DbInstance, &site.primary, 200);
    let after = lab.database(&site.primary);
    assert!((60..=121).contains(&took), "{took}");
    assert_ne!(after.zone, before.zone);
    assert_eq!(after.facts.endpoint, before.facts.endpoint);
}
