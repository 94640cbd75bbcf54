//! AWS fails in every way that it can: nothing is changed on guesswork, and all is well again without a restart.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lamp_cloud::{Kind, Service};
use lamp_sim::{BrownOut, Fault, Moment, Shortage};
use lamp_tests::specs;
use serde_json::json;

use crate::stage::{HOUR, MINUTE, Stage, calm, spec};

#[test]
fn an_hour_without_ec2_changes_nothing_and_is_survived() {
    let mut stage = Stage::up("lamp");
    let census = stage.site.census();
    let (from, to) = (stage.now(), stage.now() + HOUR);
    let outage = BrownOut { service: Some(Service::Ec2), from, to, share: 1.0 };
    stage.world().faults_mut().brown_outs.push(outage);
    let mark = stage.mark();
    stage.run(59 * MINUTE);
    assert_eq!(stage.brief_since(mark), "");
    assert!(!stage.condition("Ready").starts_with("True"), "{}", stage.story());
    stage.run(10 * MINUTE);
    stage.settles();
    assert_eq!(stage.site.census(), census);
    assert_eq!(stage.brief_since(mark), "");
}

#[test]
fn a_site_comes_up_through_an_outage_of_everything() {
    let mut stage = Stage::open(calm(1), specs::load("lamp").unwrap());
    stage.run(3 * MINUTE);
    let (from, to) = (stage.now(), stage.now() + HOUR);
    for share in [1.0, 0.5] {
        stage.world().faults_mut().brown_outs.push(BrownOut { service: None, from, to, share });
    }
    stage.run(HOUR);
    stage.settles();
}

/// Readings of a site that stands, each operation by itself.
fn readings(stage: &Stage) -> BTreeSet<String> {
    let world = stage.world();
    let reads = world.call_counts().keys().map(|(_, operation)| (*operation).to_owned());
    reads
        .filter(|operation| ["Describe", "List", "Get"].iter().any(|word| operation.starts_with(word)))
        .collect()
}

/// A listing that is empty for hours is believed by nobody, since AWS still answers for what it does not list.
#[test]
fn empty_listings_create_and_delete_nothing() {
    let mut stage = Stage::up("lamp");
    let census = stage.site.census();
    for operation in readings(&stage) {
        let mark = stage.mark();
        let (from, to) = (stage.now(), stage.now() + 20 * MINUTE);
        let moment = Moment::Every { operation: operation.clone(), from, to };
        stage.world().faults_mut().script(moment, Fault::EmptySuccess);
        stage.run(25 * MINUTE);
        let calls = stage.calls_since(mark);
        let harmful = |call: &&String| {
            let changes = ["Create", "Delete", "Terminate"].iter().any(|word| call.starts_with(word));
            changes && !call.contains("Tags")
        };
        let harm: Vec<&String> = calls.iter().filter(harmful).collect();
        assert!(harm.is_empty(), "{operation} was empty: {harm:#?}");
        stage.until_ready();
    }
    assert_eq!(stage.site.census(), census);
    stage.settles();
}

/// What is not listed while the site is deleted is not forgotten: nothing is left behind.
#[test]
fn empty_listings_leave_nothing_behind_when_a_stack_is_deleted() {
    let mut stage = Stage::up("lamp");
    let listings: BTreeSet<String> =
        readings(&stage).into_iter().filter(|operation| operation.starts_with("Describe")).collect();
    let (from, to) = (stage.now(), stage.now() + HOUR);
    for operation in listings {
        let moment = Moment::Every { operation, from, to };
        stage.world().faults_mut().script(moment, Fault::EmptySuccess);
    }
    stage.delete();
    stage.run(HOUR);
    assert!(stage.status().is_some(), "the stack is gone, and everything of it is still there");
    stage.until_gone();
    stage.run(10 * MINUTE);
    let left: Vec<String> = stage.world().resources().map(|row| row.id.clone()).collect();
    assert_eq!(left, Vec::<String>::new());
    assert_eq!(stage.world().snapshots().len(), 1);
    stage.nothing_unlawful();
}

#[test]
fn missing_pages_create_and_delete_nothing() {
    let mut stage = Stage::up("myclothes");
    let census = stage.site.census();
    let (from, to) = (stage.now(), stage.now() + HOUR);
    for operation in readings(&stage) {
        let moment = Moment::Every { operation, from, to };
        stage.world().faults_mut().script(moment, Fault::MissingPage);
    }
    stage.run(2 * HOUR);
    assert_eq!(stage.site.census(), census);
    stage.settles();
}

/// Operations that change something in the whole life of a site: it comes up, changes, and goes.
fn life(stage: &mut Stage) {
    stage.until_ready();
    stage.edit(|spec| {
        spec["spec"]["tiers"][0]["instanceTypes"] = json!(["t3.medium"]);
        spec["spec"]["tiers"][1]["loadBalancer"]["healthCheck"]["path"] = json!("/alive");
        spec["spec"]["database"]["storage"]["gib"] = json!(150);
    });
    stage.until_ready();
    stage.run(10 * MINUTE);
    stage.until_ready();
    let census = stage.site.census();
    assert!(census.values().all(|count| *count <= 4), "{census:?}");
    stage.delete();
    stage.until_gone();
    stage.run(10 * MINUTE);
    let left: Vec<String> = stage.world().resources().map(|row| row.id.clone()).collect();
    assert_eq!(left, Vec::<String>::new());
    stage.nothing_unlawful();
}

fn site_for_a_life() -> Stage {
    Stage::open(calm(1), spec("lamp", |spec| spec["spec"]["deletionPolicy"] = json!("Delete")))
}

/// Each mutating operation is struck once by each of two faults; every life meets both, at different operations.
fn strikes_every_operation(faults: [Fault; 2]) {
    let mut calm = site_for_a_life();
    life(&mut calm);
    let operations: Vec<String> = calm.site.mutations().into_keys().collect();
    assert!(operations.len() > 30, "{operations:?}");
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((index, first)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    operations.get(index).map(|first| (index, first))
                } {
                    let second = &operations[(index + operations.len() / 2) % operations.len()];
                    strike([(first, faults[0]), (second, faults[1])]);
                }
            });
        }
    });
}

fn strike(strikes: [(&String, Fault); 2]) {
    println!("{strikes:?}");
    let mut stage = site_for_a_life();
    for (operation, fault) in strikes {
        let moment = Moment::Nth { operation: operation.clone(), nth: 0 };
        stage.world().faults_mut().script(moment, fault);
    }
    life(&mut stage);
    for (operation, fault) in strikes {
        assert_eq!(stage.world().struck_requests(fault).count(), 1, "{operation} was struck");
    }
}

#[test]
fn a_lost_answer_of_each_operation_and_an_effect_that_comes_late_are_survived() {
    strikes_every_operation([Fault::TimeoutWithEffect, Fault::LateEffect]);
}

/// Later than any quarantine: a second network is made, and the one that nobody knew of is swept.
#[test]
fn a_network_that_comes_when_nobody_waits_for_it_any_more_is_swept() {
    let too_late = Duration::from_secs(400);
    let mut stage = (1..50).map(late_network).find(|stage| lateness(stage) > too_late).expect("one of fifty");
    stage.settles();
    let networks = stage.world().resources().filter(|row| row.kind() == Kind::Vpc).count();
    assert_eq!(networks, 1);
    assert_eq!(stage.site.mutations()["DeleteVpc"], 1, "there were two");
}

/// A site whose first `CreateVpc` takes effect late.
fn late_network(seed: u64) -> Stage {
    let mut stage = Stage::open(calm(seed), specs::load("whatisthetime").unwrap());
    let first = Moment::Nth { operation: "CreateVpc".to_owned(), nth: 0 };
    stage.world().faults_mut().script(first, Fault::LateEffect);
    stage.run(MINUTE);
    stage
}

fn lateness(stage: &Stage) -> Duration {
    let lands = stage.world().latest_late_effect();
    lands.map_or(Duration::ZERO, |at| at.duration_since(stage.now()).unsigned_abs())
}

#[test]
fn a_lost_request_of_each_operation_and_an_answer_that_nobody_understands_are_survived() {
    strikes_every_operation([Fault::TimeoutWithoutEffect, Fault::Unintelligible]);
}

#[test]
fn a_shortage_in_one_zone_is_served_from_the_other() {
    let mut stage = Stage::open(calm(1), specs::load("lamp").unwrap());
    let (from, to) = (stage.now(), stage.now() + 4 * HOUR);
    let shortage = Shortage { zone: Some("ap-northeast-2a".to_owned()), instance_type: None, from, to };
    stage.world().faults_mut().shortages.push(shortage);
    let took = stage.until_ready();
    assert!(took < HOUR, "{took:?}");
    stage.run(6 * HOUR);
    stage.settles();
}

#[test]
fn a_shortage_everywhere_is_waited_for() {
    let mut stage = Stage::open(calm(1), specs::load("whatisthetime").unwrap());
    let (from, to) = (stage.now(), stage.now() + 2 * HOUR);
    stage.world().faults_mut().shortages.push(Shortage { zone: None, instance_type: None, from, to });
    stage.run(HOUR);
    assert!(stage.condition("Ready").starts_with("False"), "{}", stage.story());
    stage.run(2 * HOUR);
    stage.settles();
}

#[test]
fn a_quota_that_is_used_up_is_named_and_recovers() {
    let mut stage = Stage::open(calm(1), specs::load("lamp").unwrap());
    stage.world().faults_mut().quotas.insert("ElasticIp".to_owned(), 1);
    stage.run(HOUR);
    assert!(stage.condition("Stalled").starts_with("True"), "{}", stage.story());
    assert!(stage.condition("Stalled").contains("elastic-ip/"), "{}", stage.story());
    stage.world().faults_mut().quotas.clear();
    stage.settles();
}

/// Everything at once, by chance: what is left in the end is one site, whole.
#[test]
fn a_day_of_random_faults_is_survived() {
    for seed in 1..=4 {
        let mut options = calm(seed);
        options.region.lag = lamp_sim::Lag::aws();
        options.region.throttle = true;
        let rates = [
            (Fault::Throttle, 0.02),
            (Fault::TimeoutWithEffect, 0.02),
            (Fault::TimeoutWithoutEffect, 0.02),
            (Fault::LateEffect, 0.01),
            (Fault::ServerErrorWithEffect, 0.02),
            (Fault::ServerErrorWithoutEffect, 0.02),
            (Fault::EmptySuccess, 0.01),
            (Fault::MissingPage, 0.01),
            (Fault::Unintelligible, 0.01),
        ];
        for (fault, share) in rates {
            options.region.faults = options.region.faults.rate(fault, share);
        }
        let mut stage = Stage::open(options, specs::load("lamp").unwrap());
        stage.run(3 * HOUR);
        let now = stage.now();
        stage.world().faults_mut().quiet_from = Some(now);
        stage.settles();
    }
}

/// AWS deletes listeners with their load balancer: one that failed does not wait for them, who are wanted.
#[test]
fn a_load_balancer_that_failed_is_made_again_with_its_listeners() {
    let mut stage = Stage::up("lamp");
    let (failed, mark) = (stage.id("load-balancer/app"), stage.mark());
    stage.world().fail_resource(Kind::LoadBalancer, &failed, "it could not be set up");
    stage.run(30 * MINUTE);
    stage.settles();
    assert_ne!(stage.id("load-balancer/app"), failed);
    let calls = stage.calls_since(mark);
    let is_lasting = |call: &&String| {
        ["DeleteL", "CreateLoadBalancer", "CreateListener"].iter().any(|verb| call.starts_with(verb))
    };
    let lasting: Vec<&String> = calls.iter().filter(is_lasting).collect();
    let expected = [
        "DeleteLoadBalancer load-balancer/app",
        "CreateLoadBalancer load-balancer/app",
        "CreateListener listener/app/80",
    ];
    assert_eq!(lasting, expected);
}
