//! What looks like sick instances and is not: no healthy one is terminated for it, and the condition names the cause.

use lamp_cloud::kinds::security_group::Change as FirewallChange;
use lamp_cloud::kinds::target_group::Change as TargetChange;
use lamp_cloud::{Body, Change, InstanceState};
use lamp_sim::{BrownOut, Lag, Load, Spike};
use serde_json::json;

use crate::stage::{DAY, HOUR, MINUTE, QUIET_STEP, Stage, calm, spec};

/// Instances that Lamplighter had replaced since a point in the log.
fn replacements(stage: &Stage, mark: usize) -> usize {
    let calls = stage.calls_since(mark);
    calls.iter().filter(|call| call.starts_with("TerminateInstanceInAutoScalingGroup")).count()
}

fn is_gone(stage: &Stage, instance: &str) -> bool {
    let world = stage.world();
    let gone = |state| matches!(state, InstanceState::ShuttingDown | InstanceState::Terminated);
    world.instances().find(|row| row.id == instance).is_none_or(|row| gone(row.state))
}

fn wide(instances: u32) -> Stage {
    Stage::up_with(
        calm(1),
        spec("whatisthetime", |spec| {
            spec["spec"]["tiers"][0]["capacity"] = json!({"min": instances, "max": 12});
        }),
    )
}

/// Nothing was replaced, whatever is said of it, and the site is as it was.
fn is_let_alone(stage: &mut Stage, mark: usize, tier: &str, before: &[String]) {
    assert_eq!(replacements(stage, mark), 0, "{}", stage.story());
    assert_eq!(stage.members(tier), before, "{}", stage.story());
}

/// The load balancer says that more and more are unhealthy while all of them serve, for a day.
#[test]
fn a_mass_false_positive_terminates_nobody() {
    for failing in [2, 3, 5] {
        let mut stage = wide(5);
        let (mark, before) = (stage.mark(), stage.members("web"));
        for victim in &before[..failing] {
            stage.world().hang_instance(victim);
        }
        stage.site.run_for(MINUTE, DAY).expect("goes on").expect("lives");
        is_let_alone(&mut stage, mark, "web", &before);
        assert!(stage.condition("Stalled").contains("look sick at once"), "{}", stage.condition("Stalled"));
        for victim in &before {
            stage.world().revive_instance(victim);
        }
        stage.settles();
        is_let_alone(&mut stage, mark, "web", &before);
    }
}

/// Somebody takes the rule away through which the load balancer asks, or points its health check elsewhere: it is put
/// back, and who failed meanwhile is left alone.
#[test]
fn a_change_by_hand_that_breaks_the_health_check_terminates_nobody() {
    let mut stage = wide(3);
    let (mark, before) = (stage.mark(), stage.members("web"));
    let group = stage.id("target-group/web");
    let Body::TargetGroup(body) = stage.body("target-group/web") else { panic!("no target group") };
    let mut check = body.health_check;
    check.path = "/elsewhere".to_owned();
    let change = Change::TargetGroup(TargetChange::HealthCheck(check));
    stage.world().change_by_hand(&group, &change).expect("changed");
    // The page that it asks for now is on two of three instances.
    stage.world().hang_instance(&before[0]);
    stage.until("noticed", 10 * MINUTE, |stage| stage.healthy("web") == 2);
    stage.run(5 * MINUTE);
    let said = stage.condition("Degraded");
    assert!(said.contains("target-group/web was changed at") && said.contains("may be the cause"), "{said}");
    stage.world().revive_instance(&before[0]);
    stage.settles();
    is_let_alone(&mut stage, mark, "web", &before);
}

/// A change of the spec after which one instance fails: it waits a quarter of an hour, and names the change.
#[test]
fn a_change_of_the_spec_is_named_before_anybody_is_replaced() {
    let mut stage = wide(3);
    let before = stage.members("web");
    stage.edit(|spec| spec["spec"]["tiers"][0]["loadBalancer"]["healthCheck"] = json!({"path": "/deep"}));
    stage.run(2 * MINUTE);
    let mark = stage.mark();
    stage.world().hang_instance(&before[0]);
    stage.run(8 * MINUTE);
    assert_eq!(replacements(&stage, mark), 0, "{}", stage.story());
    let said = stage.condition("Degraded");
    assert!(said.contains("target-group/web was changed at"), "{said}");
    stage.until("replaced", 15 * MINUTE, |stage| is_gone(stage, &before[0]));
    stage.settles();
}

/// More visitors than the tier can bear, so that one instance after the other answers too late.
#[test]
fn overload_terminates_nobody_and_the_tier_grows() {
    let mut stage = wide(3);
    let (mark, before) = (stage.mark(), stage.members("web"));
    let (from, to) = (stage.now(), stage.now() + 2 * HOUR);
    stage.world().set_load(Load { spikes: vec![Spike { from, to, factor: 12.0 }], ..Load::steady(40.0) });
    stage.run(4 * MINUTE);
    stage.world().hang_instance(&before[0]);
    stage.run(4 * MINUTE);
    assert_eq!(replacements(&stage, mark), 0, "{}", stage.story());
    stage.world().revive_instance(&before[0]);
    stage.run(20 * MINUTE);
    assert_eq!(replacements(&stage, mark), 0, "{}", stage.story());
    assert!(stage.group("web").desired > 3, "{}", stage.story());
    stage.run(3 * HOUR);
    stage.settles();
    assert_eq!(replacements(&stage, mark), 0);
}

/// The database is down, and the tier that uses it fails one by one.
#[test]
fn a_broken_dependency_terminates_nobody() {
    let mut stage = Stage::up_with(
        calm(1),
        spec("lamp", |spec| spec["spec"]["tiers"][1]["capacity"] = json!({"min": 5, "max": 6})),
    );
    let (mark, before) = (stage.mark(), stage.members("app"));
    let database = stage.id("database");
    stage.world().set_database_status(&database, "incompatible-network");
    stage.world().hang_instance(&before[0]);
    stage.run(2 * HOUR);
    is_let_alone(&mut stage, mark, "app", &before);
    let status = stage.status().unwrap();
    let said: Vec<String> = status.decisions.into_iter().map(|decision| decision.reason).collect();
    let cause = "the database that it uses does not serve";
    assert!(said.iter().any(|said| said.contains(cause)), "{said:#?}");
    stage.world().set_database_status(&database, "available");
    stage.world().revive_instance(&before[0]);
    stage.settles();
    is_let_alone(&mut stage, mark, "app", &before);
}

/// Two tiers fail at once: what they have in common is no instance, and so a lone sick one of a third is left as well.
#[test]
fn two_tiers_that_fail_at_once_stop_the_whole_site() {
    let mut stage = Stage::up("lamp");
    let mark = stage.mark();
    let before = [stage.members("web"), stage.members("app")];
    for victim in before.iter().flatten() {
        stage.world().hang_instance(victim);
    }
    stage.run(HOUR);
    assert_eq!(replacements(&stage, mark), 0);
    assert!(
        stage.condition("Stalled").contains("every instance of the site looks sick"),
        "{}",
        stage.condition("Stalled")
    );
    for victim in before.iter().flatten() {
        stage.world().revive_instance(victim);
    }
    stage.settles();
    assert_eq!([stage.members("web"), stage.members("app")], before);
}

/// EC2 fails most calls for an hour while an instance hangs: it is replaced when EC2 works again.
#[test]
fn nothing_is_replaced_while_a_service_browns_out() {
    let mut stage = wide(3);
    let (mark, victim) = (stage.mark(), stage.members("web")[0].clone());
    let (from, to) = (stage.now(), stage.now() + HOUR);
    let outage = BrownOut { service: Some(lamp_cloud::Service::Ec2), from, to, share: 0.8 };
    stage.world().faults_mut().brown_outs.push(outage);
    stage.run(5 * MINUTE);
    stage.world().hang_instance(&victim);
    stage.run(50 * MINUTE);
    assert_eq!(replacements(&stage, mark), 0, "{}", stage.story());
    stage.until("replaced", 30 * MINUTE, |stage| is_gone(stage, &victim));
    stage.settles();
}

/// A lone sick instance among five, over and over, as stale as AWS: how long it takes until it goes.
#[test]
fn a_lone_sick_instance_is_replaced_within_five_minutes() {
    let mut took = Vec::new();
    for seed in 1..=10 {
        let mut options = calm(seed);
        options.region.lag = Lag::aws();
        let mut stage = Stage::up_with(
            options,
            spec("whatisthetime", |spec| spec["spec"]["tiers"][0]["capacity"] = json!({"min": 5, "max": 8})),
        );
        for turn in 0..10 {
            stage.until("whole", 3 * HOUR, |stage| stage.healthy("web") == 5);
            stage.site.run_for(QUIET_STEP, 70 * MINUTE).expect("goes on").expect("lives");
            let members = stage.members("web");
            let victim = members[turn % members.len()].clone();
            stage.world().hang_instance(&victim);
            took.push(stage.until("replaced", HOUR, |stage| is_gone(stage, &victim)));
        }
    }
    took.sort();
    let slow = took.iter().filter(|took| **took >= 5 * MINUTE).count();
    println!("median {:?}, 99th percentile {:?}, slowest {:?}", took[50], took[98], took[99]);
    assert!(slow <= 1, "{took:?}");
}

/// A zone is lost: what serves is at the minimum again within ten minutes, and nothing else was harmed.
#[test]
fn a_lost_zone_costs_no_more_than_ten_minutes() {
    for seed in 1..=5 {
        let mut stage = Stage::up_with(
            calm(seed),
            spec("whatisthetime", |spec| spec["spec"]["tiers"][0]["capacity"] = json!({"min": 4, "max": 8})),
        );
        let mark = stage.mark();
        stage.world().fail_zone("ap-northeast-2a", 2 * HOUR);
        let took = stage.until("at the minimum again", HOUR, |stage| stage.healthy("web") >= 4);
        assert!(took <= 10 * MINUTE, "{took:?}: {}", stage.story());
        stage.run(3 * HOUR);
        assert_eq!(replacements(&stage, mark), 0, "its group does it: {}", stage.story());
        stage.settles();
    }
}

/// A person looks at a sick instance: it stays until they let go of it.
#[test]
fn what_is_held_stays_until_it_is_released() {
    let mut stage = wide(3);
    let (mark, victim) = (stage.mark(), stage.members("web")[0].clone());
    stage.annotate("lamplighter.dev/hold.web", "core dump");
    stage.world().hang_instance(&victim);
    stage.run(HOUR);
    assert_eq!(replacements(&stage, mark), 0);
    assert_eq!(stage.condition("Held"), "True HoldRequested: tier web is held (core dump)");
    stage.site.edit(&stage.key, |object| object["metadata"]["annotations"] = json!({})).unwrap();
    stage.world().tag_instance_by_hand(&victim, |tags| {
        tags.insert("lamplighter:hold".to_owned(), "strace".to_owned());
    });
    stage.run(HOUR);
    assert_eq!(replacements(&stage, mark), 0);
    assert_eq!(stage.condition("Held"), format!("True HoldRequested: {victim} is held (strace)"));
    stage.world().tag_instance_by_hand(&victim, |tags| drop(tags.remove("lamplighter:hold")));
    stage.until("replaced", 15 * MINUTE, |stage| is_gone(stage, &victim));
    assert_eq!(stage.condition("Held"), "none");
    stage.settles();
}

/// AWS retires the host of an instance in three days: it is replaced long before, and there are never fewer.
#[test]
fn a_retirement_is_followed_ahead_of_its_date() {
    let mut stage = wide(3);
    let victim = stage.members("web")[0].clone();
    assert!(stage.world().schedule_retirement(&victim, 3 * DAY));
    let fewest = std::cell::Cell::new(usize::MAX);
    stage.until("replaced", HOUR, |stage| {
        fewest.set(fewest.get().min(stage.healthy("web")));
        is_gone(stage, &victim)
    });
    assert!(fewest.get() >= 3, "{}", fewest.get());
    stage.settles();
    assert_eq!(stage.members("web").len(), 3);
}

/// A rule of a security group that is gone does not count against the instances behind it.
#[test]
fn a_lost_firewall_rule_is_put_back_before_anybody_is_blamed() {
    let mut stage = wide(4);
    let (mark, before) = (stage.mark(), stage.members("web"));
    let firewall = stage.id("security-group/web");
    let Body::SecurityGroup(body) = stage.body("security-group/web") else { panic!("no security group") };
    let change = Change::SecurityGroup(FirewallChange::RevokeIngress(body.ingress));
    stage.world().change_by_hand(&firewall, &change).expect("revoked");
    for victim in &before {
        stage.world().hang_instance(victim);
    }
    stage.run(3 * MINUTE);
    for victim in &before {
        stage.world().revive_instance(victim);
    }
    stage.settles();
    is_let_alone(&mut stage, mark, "web", &before);
}
