//! Scaling policies of AWS's own: the one that stands in while Lamplighter is away, and those to which the spec gives the
//! capacity. Never both at once.

use std::time::Duration;

use expect_test::expect;
use lamp_cloud::kinds::auto_scaling_group::{Change as GroupChange, ScalingPolicy, TrackedMetric};
use lamp_cloud::{Change, Request};
use lamp_sim::{Load, Spike};
use serde_json::json;

use crate::stage::{DAY, HOUR, MINUTE, STEP, Stage, calm, spec};

/// 60 requests a second: a third of what two instances can do.
fn clock(owner: &str) -> Stage {
    let mut options = calm(1);
    options.region.load = Load::steady(60.0);
    Stage::up_with(
        options,
        spec("whatisthetime", |spec| {
            spec["spec"]["tiers"][0]["scaling"]["policies"][0]["owner"] = json!(owner);
        }),
    )
}

fn give_to(stage: &mut Stage, owner: &str) {
    stage.edit(|spec| spec["spec"]["tiers"][0]["scaling"]["policies"][0]["owner"] = json!(owner));
}

fn desired(stage: &Stage, tier: &str) -> u32 {
    stage.group(tier).desired
}

fn policies(stage: &Stage) -> Vec<String> {
    let policies = stage.group("web").policies.unwrap_or_default();
    policies.iter().map(|policy| format!("{}: {}", policy.name, policy.describe())).collect()
}

/// How often the capacity was set since a point in the log.
fn set_since(stage: &Stage, mark: usize) -> usize {
    stage.calls_since(mark).iter().filter(|call| call.starts_with("SetDesiredCapacity")).count()
}

fn said(stage: &Stage) -> Vec<String> {
    let decisions = stage.status().unwrap().decisions;
    let of_group = decisions.iter().filter(|one| one.part == "auto-scaling-group/web");
    of_group.map(|one| format!("{}: {}", one.action, one.reason)).collect()
}

/// Days whose load is so many times the usual one.
fn days(stage: &Stage, factors: impl IntoIterator<Item = f64>) -> Load {
    let mut from = stage.now();
    let spike = |factor| {
        let spike = Spike { from, to: from + DAY, factor };
        from += DAY;
        spike
    };
    Load { base: 40.0, peak: 100.0, spikes: factors.into_iter().map(spike).collect(), ..Load::default() }
}

/// Nobody looks after the region. What happens in it happens at its own time, however rarely it is looked at.
fn without_daemon(stage: &Stage, span: Duration, mut look: impl FnMut(&Stage)) {
    let end = stage.now() + span;
    while stage.now() < end {
        stage.site.clock.advance(10 * MINUTE);
        look(stage);
    }
}

/// A week without the daemon. Load doubles, a host dies, another is impaired.
#[test]
fn a_week_without_the_daemon_heals_grows_and_loses_nothing() {
    let mut stage = Stage::up_with(calm(1), spec("lamp", |_| {}));
    let uid = stage.object()["metadata"]["uid"].as_str().unwrap().to_owned();
    let parts = stage.world().resources().count();
    let before = desired(&stage, "app");
    let load = days(&stage, (1..=7).map(|day| 1.0 + f64::from(day) / 7.0));
    stage.world().set_load(load);
    let mut least = before;
    let mut overloaded = 0_u32;
    let mut looks = 0_u32;
    for day in 1..=7 {
        without_daemon(&stage, DAY / 2, |_| {});
        if day == 2 {
            let victim = stage.members("web")[0].clone();
            assert!(stage.world().kill_instance(&victim));
        }
        if day == 4 {
            let victim = stage.members("app")[0].clone();
            assert!(stage.world().impair_instance(&victim));
        }
        without_daemon(&stage, DAY / 2, |stage| {
            let load = stage.world().site_load(&uid, stage.now());
            looks += 1;
            overloaded += u32::from(load.served < 0.99 * load.offered);
        });
        assert!(desired(&stage, "app") >= least, "it never shrinks");
        least = desired(&stage, "app");
    }
    assert_eq!((desired(&stage, "web"), desired(&stage, "app")), (3, 5));
    assert_eq!((stage.healthy("web"), stage.healthy("app")), (3, 5), "dead hosts were replaced");
    assert!(overloaded * 50 < looks, "{overloaded} of {looks} times visitors were turned away");
    assert_eq!(stage.world().resources().count(), parts, "nothing is lost");
    stage.nothing_unlawful();

    stage.site.restart().expect("starts again");
    stage.world().set_load(Load::steady(40.0));
    let mark = stage.mark();
    stage.until("shrunk", 3 * HOUR, |stage| desired(stage, "web") == 2 && desired(stage, "app") == 2);
    assert!(set_since(&stage, mark) >= 2, "Lamplighter shrinks by its own rules");
    stage.settles();
}

#[test]
fn the_policy_that_stands_in_never_acts_before_we_do() {
    let mut stage = clock("Lamplighter");
    expect!["lamplighter-safety-4n46zjsz: ASGAverageCPUUtilization 66.5, only upwards"]
        .assert_eq(&policies(&stage).join("\n"));
    let from = stage.now();
    stage
        .world()
        .set_load(Load { spikes: vec![Spike { from, to: from + HOUR, factor: 3.0 }], ..Load::steady(60.0) });
    let mut last = desired(&stage, "web");
    for _ in 0..240 {
        let mark = stage.mark();
        stage.site.clock.advance(STEP);
        let by_aws = desired(&stage, "web");
        assert_eq!(by_aws, last, "AWS moved it while we were there");
        stage.pass();
        last = desired(&stage, "web");
        assert_eq!(last != by_aws, set_since(&stage, mark) > 0);
    }
    assert!(last > 2);
    stage.until("shrunk", 3 * HOUR, |stage| desired(stage, "web") == 2);
    stage.settles();
}

#[test]
fn what_aws_owns_follows_the_load_and_we_set_nothing() {
    let mut stage = clock("AWS");
    expect!["lamplighter-CPUUtilization-ntqdsbd6: ASGAverageCPUUtilization 50"]
        .assert_eq(&policies(&stage).join("\n"));
    let (mark, from) = (stage.mark(), stage.now());
    stage.world().set_load(Load {
        spikes: vec![Spike { from, to: from + 2 * HOUR, factor: 4.0 }],
        ..Load::steady(60.0)
    });
    stage.until("grown", 30 * MINUTE, |stage| desired(stage, "web") >= 4);
    stage.run(HOUR);
    assert!((5..=6).contains(&desired(&stage, "web")), "{}", desired(&stage, "web"));
    stage.until("shrunk", 3 * HOUR, |stage| desired(stage, "web") == 2);
    stage.settles();
    assert_eq!(stage.brief_since(mark), "");
    expect!["Hold: AWS owns the capacity: ASGAverageCPUUtilization 50"].assert_eq(&said(&stage)[0]);
}

/// Never both at once: whenever we set the capacity, no policy of ours that may shrink it stands.
#[test]
fn the_capacity_changes_hands_both_ways_and_never_has_two() {
    let mut stage = clock("Lamplighter");
    let from = stage.now();
    let spikes =
        (0..6).map(|n| Spike { from: from + 2 * n * HOUR, to: from + (2 * n + 1) * HOUR, factor: 4.0 });
    stage.world().set_load(Load { spikes: spikes.collect(), ..Load::steady(60.0) });
    let start = stage.mark();
    for owner in ["AWS", "Lamplighter", "AWS", "Lamplighter"] {
        give_to(&mut stage, owner);
        let mark = stage.mark();
        for _ in 0..(150 * 4) {
            let shrinking = stage.group("web").shrinking_policies().count();
            let before = stage.mark();
            stage.site.clock.advance(STEP);
            stage.pass();
            assert!(shrinking == 0 || set_since(&stage, before) == 0, "{}", stage.story());
        }
        let natives = stage.group("web").shrinking_policies().count();
        assert_eq!(natives, usize::from(owner == "AWS"));
        assert_eq!(set_since(&stage, mark) == 0, owner == "AWS");
    }
    let calls = stage.calls_since(start);
    let policies: Vec<_> = calls.iter().filter(|call| call.contains("Policy")).collect();
    assert_eq!(policies.len(), 8, "one goes and one comes, four times: {policies:?}");
    stage.world().set_load(Load::steady(60.0));
    stage.run(3 * HOUR);
    stage.settles();
}

#[test]
fn a_policy_that_was_removed_or_changed_by_hand_is_put_back() {
    let mut stage = clock("Lamplighter");
    let (id, wanted) = (stage.id("auto-scaling-group/web"), stage.group("web").policies.unwrap());
    let changed = ScalingPolicy { target: 10.0, scales_in: true, ..wanted[0].clone() };
    for change in [GroupChange::DeletePolicy(wanted[0].name.clone()), GroupChange::PutPolicy(changed)] {
        stage.world().change_by_hand(&id, &Change::AutoScalingGroup(change)).unwrap();
        let mark = stage.mark();
        let back = |stage: &Stage| stage.group("web").policies.as_ref() == Some(&wanted);
        let took = stage.until("put back", HOUR, back);
        assert!(took <= 22 * STEP, "policies are read every twentieth pass: {took:?}");
        assert_eq!(stage.brief_since(mark), "PutScalingPolicy auto-scaling-group/web");
    }
    stage.settles();
}

#[test]
fn somebodys_policy_stays_and_is_told() {
    let mut stage = clock("Lamplighter");
    let id = stage.id("auto-scaling-group/web");
    let theirs = ScalingPolicy {
        name: "nightly".to_owned(),
        metric: TrackedMetric::AverageCpuUtilization,
        target: 90.0,
        scales_in: false,
        warmup_seconds: None,
    };
    let put = Change::AutoScalingGroup(GroupChange::PutPolicy(theirs.clone()));
    stage.world().change_by_hand(&id, &put).unwrap();
    let mark = stage.mark();
    stage.run(30 * MINUTE);
    assert_eq!(stage.brief_since(mark), "");
    let left = stage.status().unwrap().left_alone;
    expect!["policies: nightly, which also changes the capacity: ASGAverageCPUUtilization 90, only upwards"]
        .assert_eq(&format!("{}: {}", left[0].field, left[0].found));
    assert!(stage.group("web").policies.unwrap().contains(&theirs));
    stage.settles();
}

/// AWS must not take the spare instance of a rollout, nor what it has just launched.
#[test]
fn while_a_version_is_rolled_out_aws_only_adds() {
    let mut stage = clock("AWS");
    let mark = stage.mark();
    stage.edit(|spec| spec["spec"]["tiers"][0]["userData"] = json!("#!/bin/sh\ntrue\n"));
    let mut protected = false;
    let old = stage.members("web");
    for _ in 0..(2 * 240) {
        stage.run(STEP);
        let group = stage.group("web");
        let rolling = group.members.iter().any(|one| one.template_version != Some(group.template_version));
        let shrinking = group.shrinking_policies().count();
        protected |= rolling && shrinking == 0;
        assert!(stage.healthy("web") >= 2, "{}", stage.story());
    }
    assert!(protected && stage.members("web").iter().all(|id| !old.contains(id)));
    assert_eq!(stage.group("web").shrinking_policies().count(), 1, "and then AWS owns it again");
    let put = stage.calls_since(mark).iter().filter(|call| call.starts_with("PutScalingPolicy")).count();
    assert_eq!(put, 2, "{}", stage.brief_since(mark));
    stage.run(2 * HOUR);
    assert_eq!(desired(&stage, "web"), 2, "AWS took the spare instance back");
    stage.settles();
}

#[test]
fn without_a_safety_policy_the_group_has_none() {
    let mut stage = clock("Lamplighter");
    stage.edit(|spec| spec["spec"]["tiers"][0]["safetyPolicy"] = json!("None"));
    let mark = stage.mark();
    stage.run(10 * MINUTE);
    assert_eq!(stage.brief_since(mark), "DeletePolicy auto-scaling-group/web");
    assert_eq!(policies(&stage), Vec::<String>::new());
    stage.settles();
}

#[test]
fn policies_go_with_their_group() {
    let mut stage = clock("AWS");
    let mark = stage.mark();
    stage.delete();
    stage.until_gone();
    let world = stage.world();
    let removed = world.log().iter().skip(mark).filter_map(|call| call.request());
    let of_policies = |request: &&Request| matches!(request.operation(), "DeletePolicy" | "PutScalingPolicy");
    assert_eq!(removed.filter(of_policies).count(), 0);
    assert_eq!(world.violations(), Vec::<String>::new());
}
