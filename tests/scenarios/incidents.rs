//! Outages that others had, and told of: each happens to a site of ours, under its name, and does no harm here.
//!
//! The name of a test is that of the incident; the comment says where it is told, and what went wrong there.

use std::time::Duration;

use lamp_api::conditions::types;
use lamp_cloud::kinds::target_group::TargetGroup;
use lamp_cloud::kinds::vpc::Vpc;
use lamp_cloud::{Body, InstanceState, Kind, Service, Tags};
use lamp_sim::{BrownOut, Fault, Load, Moment, Shortage, Spike};
use lamp_tests::specs;
use serde_json::json;

use crate::stage::{DAY, HOUR, MINUTE, STEP, Stage, calm, spec};

fn tier_of(size: u32, load: f64) -> Stage {
    let mut options = calm(1);
    options.region.load = Load::steady(load);
    Stage::up_with(
        options,
        spec("whatisthetime", |spec| {
            spec["spec"]["tiers"][0]["capacity"] = json!({"min": size, "max": 12});
        }),
    )
}

fn ended(stage: &Stage, mark: usize) -> Vec<String> {
    let ends = |call: &String| {
        ["Terminate", "DeleteAutoScalingGroup", "DeleteDBInstance"].iter().any(|word| call.starts_with(word))
    };
    stage.calls_since(mark).into_iter().filter(ends).collect()
}

fn running(stage: &Stage) -> usize {
    stage.world().instances().filter(|instance| instance.state == InstanceState::Running).count()
}

fn listings_answer_with(stage: &Stage, fault: Fault, span: Duration) {
    let (from, to) = (stage.now(), stage.now() + span);
    let operations: Vec<String> =
        stage.world().call_counts().keys().map(|(_, operation)| (*operation).to_owned()).collect();
    for operation in operations.into_iter().filter(|operation| operation.starts_with("Describe")) {
        let moment = Moment::Every { operation, from, to };
        stage.world().faults_mut().script(moment, fault);
    }
}

/// AWS, October 2025: a plan that was late was carried out over a newer one. Here a call lands minutes after its caller
/// gave up and the spec went on.
#[test]
fn aws_october_2025_a_late_call_undoes_a_newer_one() {
    let mut stage = Stage::up("lamp");
    let path = |stage: &Stage| match stage.body("target-group/web") {
        Body::TargetGroup(TargetGroup { health_check, .. }) => health_check.path,
        other => panic!("{other:?}"),
    };
    let late = Moment::Nth { operation: "ModifyTargetGroup".to_owned(), nth: 0 };
    stage.world().faults_mut().script(late, Fault::LateEffect);
    let census = stage.site.census();
    let check = |path: &str| {
        let path = path.to_owned();
        move |spec: &mut serde_json::Value| {
            spec["spec"]["tiers"][0]["loadBalancer"]["healthCheck"]["path"] = json!(path);
        }
    };
    stage.edit(check("/older"));
    stage.run(MINUTE);
    stage.edit(check("/newer"));
    stage.run(20 * MINUTE);
    stage.settles();
    assert_eq!(path(&stage), "/newer");
    assert_eq!(stage.site.census(), census);
}

/// AWS, October 2025: nothing could be launched or changed for fifteen hours, while what ran went on; what waited then came
/// back all at once.
#[test]
fn aws_october_2025_no_call_that_changes_anything_succeeds_for_fifteen_hours() {
    let mut stage = Stage::up("lamp");
    let census = stage.site.census();
    let (from, to) = (stage.now(), stage.now() + 15 * HOUR);
    stage.world().faults_mut().shortages.push(Shortage { zone: None, instance_type: None, from, to });
    for operation in ["SetDesiredCapacity", "TerminateInstanceInAutoScalingGroup", "RegisterTargets"] {
        let every = Moment::Every { operation: operation.to_owned(), from, to };
        stage.world().faults_mut().script(every, Fault::ServerErrorWithoutEffect);
    }
    let (victim, mark) = (stage.members("web")[0].clone(), stage.mark());
    stage.world().hang_instance(&victim);
    stage.run(15 * HOUR);
    assert!(stage.mark() - mark < 15 * 60, "{} calls in fifteen hours", stage.mark() - mark);
    assert!(running(&stage) >= 4, "what ran runs on");
    stage.settles();
    assert_eq!(stage.site.census(), census);
}

/// AWS, October 2025: the network load balancers' health checks failed and recovered again and again, and capacity was
/// taken out of service each time.
#[test]
fn aws_october_2025_health_checks_that_flap_take_nothing_out_of_service() {
    let mut stage = tier_of(6, 40.0);
    let (group, mark) = (stage.id("target-group/web"), stage.mark());
    for _ in 0..30 {
        for (broken, span) in [(true, 3 * MINUTE), (false, 2 * MINUTE)] {
            stage.world().break_health_check(&group, broken);
            stage.run(span);
        }
    }
    assert_eq!(stage.brief_since(mark), "");
    stage.settles();
}

/// Reddit, 2016: an autoscaler read a registry that was half moved, and ended what it did not find there.
#[test]
fn reddit_2016_a_registry_that_is_half_there_ends_no_server() {
    let mut stage = tier_of(6, 40.0);
    let (census, mark) = (stage.site.census(), stage.mark());
    listings_answer_with(&stage, Fault::MissingPage, HOUR);
    stage.run(HOUR);
    listings_answer_with(&stage, Fault::EmptySuccess, HOUR);
    stage.run(HOUR);
    assert_eq!(ended(&stage, mark), Vec::<String>::new());
    stage.settles();
    assert_eq!(stage.site.census(), census);
}

/// Slack, January 2021: packets were lost, processors idled, and the autoscaler took the idle servers away.
#[test]
fn slack_2021_servers_that_idle_because_nobody_reaches_them_are_kept() {
    let mut stage = tier_of(2, 240.0);
    stage.until("grown", HOUR, |stage| stage.group("web").desired >= 5);
    stage.run(20 * MINUTE);
    let (grown, mark) = (stage.group("web").desired, stage.mark());
    let victims = stage.members("web");
    for victim in &victims {
        stage.world().hang_instance(victim);
    }
    stage.world().set_load(Load::steady(2.0));
    stage.run(2 * HOUR);
    assert_eq!(ended(&stage, mark), Vec::<String>::new());
    assert!(stage.group("web").desired >= grown, "{} of {grown}", stage.group("web").desired);
    for victim in &victims {
        stage.world().revive_instance(victim);
    }
    stage.settles();
}

/// GitHub, October 2018: 43 seconds without a network made a second primary, and a day of repair.
#[test]
fn github_2018_a_short_outage_of_the_primary_makes_no_second_one() {
    let mut stage = Stage::up("lamp");
    let (primary, mark) = (stage.id("database"), stage.mark());
    for _ in 0..3 {
        stage.world().fail_over_database(&primary);
        stage.run(20 * MINUTE);
    }
    assert_eq!(stage.brief_since(mark), "");
    assert_eq!(stage.id("database"), primary);
    stage.settles();
}

/// Cluster API Provider AWS, issue 1752: four NAT gateways were made for three zones, and a failed one was left.
#[test]
fn capa_1752_a_failed_nat_gateway_leaves_nothing_behind() {
    let mut stage = Stage::open(calm(1), specs::load("lamp").unwrap());
    for part in ["nat-gateway/1", "nat-gateway/2"] {
        stage.until("begun", HOUR, |stage| stage.find(part).is_some());
        let id = stage.id(part);
        stage.world().fail_resource(Kind::NatGateway, &id, "InternalError");
    }
    stage.settles();
    let kept = |kind: Kind| {
        let world = stage.world();
        world.resources().filter(|row| row.kind() == kind && row.is_ready()).count()
    };
    assert_eq!((kept(Kind::NatGateway), kept(Kind::ElasticIp)), (2, 2));
}

/// AWS Controllers for Kubernetes, issues 2062 and 2267: a crash between a creation and its record makes another one, at
/// each start.
#[test]
fn ack_2062_a_daemon_that_dies_after_every_creation_makes_nothing_twice() {
    let expected = Stage::up("whatisthetime").site.census();
    let mut stage = Stage::open(calm(1), specs::load("whatisthetime").unwrap());
    let end = stage.now() + 6 * HOUR;
    while !stage.site.is_ready(&stage.key).unwrap() {
        assert!(stage.now() < end, "{}", stage.story());
        // A write, the call, and the write of its outcome that never comes.
        stage.site.gate.crash_at(3);
        if stage.site.pass().unwrap().is_err() {
            stage.site.restart().unwrap();
            // Absence is believed at the second reading.
            stage.site.pass().unwrap().unwrap();
        }
        stage.site.clock.advance(STEP);
    }
    stage.site.gate.revive();
    stage.settles();
    assert_eq!(stage.site.census(), expected);
}

/// Karpenter, issue 549: of a thousand machines whose creation was not answered a tenth was never found again.
#[test]
fn karpenter_549_creations_that_are_not_answered_leak_nothing() {
    let expected = Stage::up("lamp").site.census();
    let mut options = calm(1);
    options.region.faults = options.region.faults.rate(Fault::TimeoutWithEffect, 0.5);
    let mut stage = Stage::open(options, specs::load("lamp").unwrap());
    stage.run(2 * HOUR);
    let now = stage.now();
    stage.world().faults_mut().quiet_from = Some(now);
    stage.settles();
    assert_eq!(stage.site.census(), expected);
}

/// AWS Controllers for Kubernetes (EC2), issue 332: a listing without a filter gave other people's networks, and the first
/// of them was adopted.
#[test]
fn ack_332_somebody_elses_network_is_not_taken_for_ours() {
    let foreign = |stage: &Stage| {
        let body = Body::Vpc(Vpc {
            cidr: "10.99.0.0/16".to_owned(),
            dns_support: Some(true),
            dns_hostnames: Some(true),
        });
        let tags = Tags::from([("Name".to_owned(), "theirs".to_owned())]);
        stage.world().create_by_hand("theirs", &tags, body).expect("theirs")
    };
    let mut stage = Stage::open(calm(1), specs::load("whatisthetime").unwrap());
    let theirs = foreign(&stage);
    stage.until_ready();
    assert_ne!(stage.id("vpc"), theirs);
    stage.delete();
    stage.until_gone();
    stage.run(10 * MINUTE);
    let left: Vec<String> = stage.world().resources().map(|row| row.id.clone()).collect();
    assert_eq!(left, [theirs]);
    stage.nothing_unlawful();
}

/// Karpenter, issue 2734: two machines of one name, and the wrong one was ended.
#[test]
fn karpenter_2734_a_copy_of_a_sick_instance_is_not_ended_in_its_place() {
    let mut stage = tier_of(4, 40.0);
    let victim = stage.members("web")[0].clone();
    let subnet = stage.id("subnet/application/1");
    let tags = {
        let world = stage.world();
        world.instances().find(|row| row.id == victim).expect("the victim").tags.clone()
    };
    let copy = stage.world().run_instance(&subnet, tags).expect("a copy");
    stage.world().hang_instance(&victim);
    let is_up = |stage: &Stage, id: &str| {
        stage.world().instances().any(|row| row.id == id && row.state == InstanceState::Running)
    };
    stage.until("replaced", HOUR, |stage| !is_up(stage, &victim) && stage.healthy("web") == 4);
    stage.run(HOUR);
    assert!(is_up(&stage, &copy), "what somebody launched by hand runs on");
}

/// AWS's reference architecture for WordPress, issue 39: the page of the health check was renamed, and thirteen instances
/// were launched and ended in an hour.
#[test]
fn refarch_wordpress_39_a_health_check_page_that_is_gone_replaces_nobody() {
    let mut stage = Stage::up("lamp");
    let (group, mark) = (stage.id("target-group/web"), stage.mark());
    stage.world().break_health_check(&group, true);
    stage.run(DAY);
    assert_eq!(ended(&stage, mark), Vec::<String>::new());
    assert!(stage.condition(types::READY).starts_with("False"), "{}", stage.story());
    stage.world().break_health_check(&group, false);
    stage.settles();
}

/// code.org, pull request 25578: fully loaded instances answered 503, were ended for it, and left the load to the rest.
#[test]
fn code_dot_org_25578_overload_adds_servers_and_ends_none() {
    let mut stage = tier_of(4, 60.0);
    let mark = stage.mark();
    let spikes = vec![Spike { from: stage.now(), to: stage.now() + HOUR, factor: 12.0 }];
    stage.world().set_load(Load { spikes, ..Load::steady(60.0) });
    stage.run(HOUR);
    assert!(stage.group("web").desired >= 10, "{}", stage.story());
    assert_eq!(ended(&stage, mark), Vec::<String>::new());
    stage.run(3 * HOUR);
    stage.settles();
}

/// Every tier that needs it fails with the database: replacing their instances would only add cold starts to the outage.
#[test]
fn a_database_that_is_down_replaces_none_of_those_that_need_it() {
    let mut stage = Stage::up("lamp");
    let (database, mark) = (stage.id("database"), stage.mark());
    stage.world().set_database_status(&database, "storage-full");
    for victim in stage.members("app") {
        stage.world().hang_instance(&victim);
    }
    stage.run(3 * HOUR);
    let calls = ended(&stage, mark);
    assert_eq!(calls, Vec::<String>::new());
    for victim in stage.members("app") {
        stage.world().revive_instance(&victim);
    }
}

/// KEDA, issue 5165, and others: metrics that cannot be read were taken for zero, and everything was scaled away.
#[test]
fn keda_5165_a_night_without_metrics_takes_no_capacity_away() {
    let mut stage = tier_of(2, 240.0);
    stage.until("grown", HOUR, |stage| stage.group("web").desired >= 5);
    stage.run(20 * MINUTE);
    let (grown, mark) = (stage.group("web").desired, stage.mark());
    let (from, to) = (stage.now(), stage.now() + 12 * HOUR);
    let outage = BrownOut { service: Some(Service::CloudWatch), from, to, share: 1.0 };
    stage.world().faults_mut().brown_outs.push(outage);
    stage.run(11 * HOUR);
    assert_eq!(stage.group("web").desired, grown);
    assert_eq!(stage.brief_since(mark), "");
    stage.run(2 * HOUR);
    stage.settles();
}

/// Karpenter, issue 2321: a share as the threshold is too strict for a small group. One of three is one instance's trouble,
/// two of three are not.
#[test]
fn karpenter_2321_one_of_three_is_replaced_and_two_of_three_are_not() {
    for (sick, replaced) in [(1, 1), (2, 0)] {
        let mut stage = tier_of(3, 40.0);
        let mark = stage.mark();
        let victims: Vec<String> = stage.members("web").into_iter().take(sick).collect();
        for victim in &victims {
            stage.world().hang_instance(victim);
        }
        stage.run(HOUR);
        assert_eq!(ended(&stage, mark).len(), replaced, "{sick} sick: {}", stage.story());
    }
}
