//! Instances fail: they are replaced one by one where the cause is theirs, and left alone where it is not.

use expect_test::expect;
use lamp_cloud::{InstanceState, Target};
use serde_json::json;

use crate::stage::{DAY, HOUR, MINUTE, Stage, calm, spec};

fn wide(tier_size: u32) -> Stage {
    Stage::up_with(
        calm(1),
        spec("whatisthetime", |spec| {
            spec["spec"]["tiers"][0]["capacity"] = json!({"min": tier_size, "max": 12});
        }),
    )
}

fn is_gone(stage: &Stage, instance: &str) -> bool {
    let world = stage.world();
    let gone = |state| matches!(state, InstanceState::ShuttingDown | InstanceState::Terminated);
    world.instances().find(|row| row.id == instance).is_none_or(|row| gone(row.state))
}

fn replacements(stage: &Stage, mark: usize) -> usize {
    let calls = stage.calls_since(mark);
    calls.iter().filter(|call| call.starts_with("TerminateInstanceInAutoScalingGroup")).count()
}

#[test]
fn a_terminated_instance_is_replaced_by_its_group_and_nothing_else_is_done() {
    let mut stage = Stage::up("lamp");
    let mark = stage.mark();
    let victim = stage.members("web")[0].clone();
    assert!(stage.world().kill_instance(&victim));
    stage.until("noticed", 5 * MINUTE, |stage| stage.healthy("web") < 2);
    stage.until("healed", 15 * MINUTE, |stage| stage.healthy("web") == 2);
    assert!(!stage.members("web").contains(&victim));
    stage.settles();
    assert_eq!(stage.brief_since(mark), "");
}

#[test]
fn an_impaired_instance_is_replaced() {
    let mut stage = wide(3);
    let victim = stage.members("web")[1].clone();
    assert!(stage.world().impair_instance(&victim));
    stage.until("replaced", 20 * MINUTE, |stage| is_gone(stage, &victim) && stage.healthy("web") == 3);
    stage.settles();
}

#[test]
fn a_hung_instance_is_replaced_and_the_events_say_why() {
    let mut stage = wide(3);
    let seen = stage.events();
    let mark = stage.mark();
    let victim = stage.members("web")[1].clone();
    assert!(stage.world().hang_instance(&victim));
    let took = stage.until("replaced", 20 * MINUTE, |stage| is_gone(stage, &victim));
    assert!(took < 5 * MINUTE, "{took:?}");
    stage.until("healed", 20 * MINUTE, |stage| stage.healthy("web") == 3);
    stage.run(2 * MINUTE);
    let news: Vec<String> = stage.events().into_iter().filter(|event| !seen.contains(event)).collect();
    expect![[r#"
        Warning NotReady: InstancesNotReady: tier web has 2 instances that serve, and 3 is its minimum
        Warning Degraded: InstancesMissing: tier web has 2 of 3 instances that serve: 1 of 3 look sick
        Normal NotTiersReady: InstancesNotReady: tier web has 2 of 3 instances that serve
        Normal InstanceTerminated: TerminateInstanceInAutoScalingGroup instance/i-6212b811dc9d6a3de (i-6212b811dc9d6a3de): i-6212b811dc9d6a3de in ap-northeast-2a: its target is unhealthy (Target.FailedHealthChecks), in 7 observations over 90 s
        Normal ReplaceInstance: instance/i-6212b811dc9d6a3de: i-6212b811dc9d6a3de in ap-northeast-2a: its target is unhealthy (Target.FailedHealthChecks), in 7 observations over 90 s
        Normal Progressing: Changing: 1 calls to AWS, the first of them TerminateInstanceInAutoScalingGroup
        Normal NotDegraded: NothingMissing: nothing is missing that the site had"#]].assert_eq(&news.join("\n"));
    stage.settles();
    assert_eq!(replacements(&stage, mark), 1);
}

#[test]
fn an_instance_that_recovers_in_time_is_not_replaced() {
    let mut stage = wide(3);
    let mark = stage.mark();
    let victim = stage.members("web")[1].clone();
    stage.world().hang_instance(&victim);
    stage.run(MINUTE);
    stage.world().revive_instance(&victim);
    stage.settles();
    assert_eq!(replacements(&stage, mark), 0);
    assert!(stage.members("web").contains(&victim));
}

#[test]
fn a_young_instance_is_not_judged_during_its_grace_period() {
    let mut stage = Stage::open(
        calm(1),
        spec("whatisthetime", |spec| {
            spec["spec"]["tiers"][0]["healing"]["gracePeriodSeconds"] = json!(1800);
        }),
    );
    stage.until("launched", HOUR, |stage| {
        stage.find("auto-scaling-group/web").is_some() && stage.members("web").len() == 2
    });
    let victim = stage.members("web")[0].clone();
    stage.world().hang_instance(&victim);
    stage.run(25 * MINUTE);
    assert!(!is_gone(&stage, &victim), "{}", stage.story());
    stage.until("replaced", 30 * MINUTE, |stage| is_gone(stage, &victim));
    stage.settles();
}

#[test]
fn many_sick_at_once_are_not_replaced_and_the_condition_says_why() {
    let mut stage = wide(4);
    let mark = stage.mark();
    let victims: Vec<String> = stage.members("web").into_iter().take(3).collect();
    for victim in &victims {
        stage.world().hang_instance(victim);
    }
    stage.run(HOUR);
    assert_eq!(replacements(&stage, mark), 0);
    expect!["True InstancesMissing: tier web has 1 of 4 instances that serve: 3 of 4 look sick at once: the cause lies elsewhere, nothing is replaced"].assert_eq(&stage.condition("Degraded"));
    expect![
        "True HealingHeld: tier web: 3 of 4 look sick at once: the cause lies elsewhere, nothing is replaced"
    ]
    .assert_eq(&stage.condition("Stalled"));
    for victim in &victims {
        stage.world().revive_instance(victim);
    }
    stage.settles();
    assert_eq!(replacements(&stage, mark), 0);
    assert!(stage.condition("Stalled").starts_with("False"), "{}", stage.story());
}

#[test]
fn a_broken_health_check_replaces_nobody() {
    let mut stage = wide(4);
    let mark = stage.mark();
    let group = stage.id("target-group/web");
    stage.world().break_health_check(&group, true);
    stage.run(6 * HOUR);
    assert_eq!(replacements(&stage, mark), 0);
    assert!(stage.condition("Ready").starts_with("False"), "{}", stage.story());
    stage.world().break_health_check(&group, false);
    stage.settles();
    assert_eq!(replacements(&stage, mark), 0);
}

/// Two sick of eight, where that is not too many, are replaced one after the other; never more than the budget at once.
#[test]
fn replacements_stay_within_their_budget() {
    let mut stage = Stage::up_with(
        calm(1),
        spec("whatisthetime", |spec| {
            spec["spec"]["tiers"][0]["capacity"] = json!({"min": 8, "max": 12});
            spec["spec"]["tiers"][0]["healing"] =
                json!({"maxUnhealthyPercent": 40, "maxUnhealthyInZonePercent": 60});
        }),
    );
    let mark = stage.mark();
    let victims: Vec<String> = stage.members("web").into_iter().take(2).collect();
    for victim in &victims {
        stage.world().hang_instance(victim);
    }
    let fewest = std::cell::Cell::new(usize::MAX);
    stage.until("healed", HOUR, |stage| {
        let calls = replacements(stage, mark);
        let standing = victims.iter().filter(|victim| !is_gone(stage, victim)).count();
        fewest.set(fewest.get().min(stage.healthy("web")));
        calls + standing >= 2 && standing == 0 && stage.healthy("web") == 8
    });
    assert!(fewest.get() >= 6, "{}", fewest.get());
    stage.settles();
    assert_eq!(replacements(&stage, mark), 2);
}

/// What keeps failing for the same cause stops after three in an hour.
#[test]
fn a_tier_whose_instances_fail_one_after_the_other_is_not_churned_for_ever() {
    let mut stage = wide(4);
    let mark = stage.mark();
    for _ in 0..80 {
        let alive = stage.healthy("web") == 4;
        if alive {
            let victim = stage.members("web")[0].clone();
            stage.world().hang_instance(&victim);
        }
        stage.run(MINUTE * 3 / 4);
    }
    assert!(replacements(&stage, mark) <= 4, "{} replacements in an hour", replacements(&stage, mark));
    stage.run(3 * HOUR);
    stage.settles();
}

#[test]
fn healing_that_is_switched_off_replaces_nobody() {
    let mut stage = Stage::up_with(
        calm(1),
        spec("whatisthetime", |spec| {
            spec["spec"]["tiers"][0]["healing"]["enabled"] = json!(false);
        }),
    );
    let mark = stage.mark();
    let victim = stage.members("web")[0].clone();
    stage.world().hang_instance(&victim);
    stage.run(DAY / 4);
    assert_eq!(replacements(&stage, mark), 0);
    assert!(stage.condition("Degraded").contains("healing is not enabled"), "{}", stage.story());
    stage.world().revive_instance(&victim);
    stage.settles();
}

#[test]
fn a_target_that_was_deregistered_is_registered_again() {
    let mut stage = Stage::up("lamp");
    let (group, victim) = (stage.id("target-group/app"), stage.members("app")[0].clone());
    let mark = stage.mark();
    assert!(stage.world().deregister_by_hand(&group, &victim));
    stage.until("noticed", 3 * MINUTE, |stage| stage.mark() > mark);
    stage.until("healed", 10 * MINUTE, |stage| stage.healthy("app") == 2);
    stage.settles();
    expect!["RegisterTargets target-group/app"].assert_eq(&stage.brief_since(mark));
}

#[test]
fn a_target_on_the_wrong_port_and_a_stranger_are_deregistered() {
    let mut stage = Stage::up("lamp");
    let (group, member) = (stage.id("target-group/app"), stage.members("app")[0].clone());
    let stranger = stage.members("web")[0].clone();
    let mark = stage.mark();
    stage.world().register_by_hand(&group, Target { instance: member, port: 9999 });
    stage.world().register_by_hand(&group, Target { instance: stranger, port: 8080 });
    stage.until("healed", 20 * MINUTE, |stage| stage.world().targets(&group).count() == 2);
    stage.settles();
    assert!(stage.calls_since(mark).iter().all(|call| call == "DeregisterTargets target-group/app"));
    assert_eq!(stage.healthy("app"), 2);
}

#[test]
fn a_zone_that_fails_is_survived() {
    let mut stage = Stage::up("lamp");
    let mark = stage.mark();
    stage.world().fail_zone("ap-northeast-2a", 2 * HOUR);
    stage.until("serving from the other zone", HOUR, |stage| {
        stage.healthy("web") >= 1 && stage.healthy("app") >= 1
    });
    stage.run(3 * HOUR);
    assert!(replacements(&stage, mark) <= 2, "{}", stage.brief_since(mark));
    stage.settles();
}

#[test]
fn a_nat_gateway_that_could_not_be_made_is_made_again() {
    let mut stage = Stage::open(calm(1), spec("lamp", |_| {}));
    stage.until("begun", HOUR, |stage| stage.find("nat-gateway/1").is_some());
    let id = stage.id("nat-gateway/1");
    stage.world().fail_resource(lamp_cloud::Kind::NatGateway, &id, "InternalError");
    stage.until("made again", 30 * MINUTE, |stage| {
        stage.find("nat-gateway/1").is_some_and(|row| row.id != id && row.is_ready())
    });
    stage.settles();
}
