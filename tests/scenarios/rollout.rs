//! A new version of what instances are launched from: it proves itself, or the last good one comes back.

use std::collections::BTreeSet;
use std::time::Duration;

use expect_test::expect;
use lamp_api::annotations;
use lamp_cloud::kinds::launch_template;
use lamp_cloud::{Body, Change};
use lamp_sim::{BadLaunch, Fate};
use serde_json::json;

use crate::stage::{DAY, HOUR, MINUTE, STEP, Stage};

const BAD: &str = "exit 1";

/// A site that stands, in a region where what the spec is going to launch does not work.
fn doomed(fate: Fate) -> Stage {
    let stage = Stage::up("whatisthetime");
    let bad = BadLaunch { launches: BAD.to_owned(), fate };
    stage.world().faults_mut().bad_launches.push(bad);
    stage
}

fn deploy(stage: &mut Stage, script: &str) {
    let script = format!("#!/bin/sh\n{script}\n");
    stage.edit(|spec| spec["spec"]["tiers"][0]["userData"] = json!(script));
}

fn versions(stage: &Stage) -> BTreeSet<u64> {
    stage.group("web").members.into_iter().filter_map(|one| one.template_version).collect()
}

fn is_halted(stage: &Stage) -> bool {
    stage.condition("Stalled").starts_with("True RolloutHalted")
}

fn is_back(stage: &Stage) -> bool {
    let group = stage.group("web");
    let is_whole = (group.desired, group.members.len(), stage.healthy("web")) == (2, 2, 2);
    is_halted(stage) && is_whole && versions(stage) == BTreeSet::from([1])
}

/// Time goes on until something is so, and as many serve all the while as must.
fn watch(stage: &mut Stage, what: &str, limit: Duration, done: impl Fn(&Stage) -> bool) {
    let fewest = std::cell::Cell::new(usize::MAX);
    stage.until(what, limit, |stage| {
        fewest.set(fewest.get().min(stage.healthy("web")));
        done(stage)
    });
    assert!(fewest.get() >= 2, "only {} instances served until {what}: {}", fewest.get(), stage.story());
}

#[test]
fn a_version_that_does_not_work_goes_and_the_good_one_serves_until_the_spec_is_mended() {
    let mut stage = doomed(Fate::NeverServes);
    let mark = stage.mark();
    deploy(&mut stage, BAD);
    watch(&mut stage, "back", HOUR, is_back);
    stage.run(10 * MINUTE);
    expect![[r#"
        CreateLaunchTemplateVersion launch-template/web
        UpdateAutoScalingGroup auto-scaling-group/web
        SetDesiredCapacity auto-scaling-group/web
        UpdateAutoScalingGroup auto-scaling-group/web
        TerminateInstanceInAutoScalingGroup i-677fe7b0b1d66a5c5
        SetDesiredCapacity auto-scaling-group/web"#]]
    .assert_eq(&stage.brief_since(mark));
    expect!["True RolloutHalted: auto-scaling-group/web: rollout halted: version 2 does not work (i-677fe7b0b1d66a5c5: it did not become ready in the time that a start may take (Target.FailedHealthChecks), at 2027-01-15T08:25:57Z); every instance is of version 1 again, the last good one; change what the spec launches, or try version 2 again with lampctl sync whatisthetime"].assert_eq(&stage.condition("Stalled"));
    expect!["False RolloutHalted: auto-scaling-group/web: rollout halted: version 2 does not work (i-677fe7b0b1d66a5c5: it did not become ready in the time that a start may take (Target.FailedHealthChecks), at 2027-01-15T08:25:57Z); every instance is of version 1 again, the last good one; change what the spec launches, or try version 2 again with lampctl sync whatisthetime"].assert_eq(&stage.condition("Ready"));
    expect!["True RolloutHalted: auto-scaling-group/web: rollout halted: version 2 does not work (i-677fe7b0b1d66a5c5: it did not become ready in the time that a start may take (Target.FailedHealthChecks), at 2027-01-15T08:25:57Z); every instance is of version 1 again, the last good one; change what the spec launches, or try version 2 again with lampctl sync whatisthetime"].assert_eq(&stage.condition("Degraded"));
    expect!["False Settled: nothing is to be done"].assert_eq(&stage.condition("Progressing"));
    let events = stage.events().join("\n");
    assert!(events.contains("Warning Stalled: RolloutHalted"), "{events}");
    assert!(events.contains("Normal Return"), "{events}");
    let Body::LaunchTemplate(template) = stage.body("launch-template/web") else { panic!() };
    assert_eq!((template.latest_version, template.default_version), (2, 1), "the good one is the default");
    stage.stays_quiet();
    assert!(is_back(&stage), "{}", stage.story());
    deploy(&mut stage, "exit 0");
    watch(&mut stage, "rolled out", HOUR, |stage| versions(stage) == BTreeSet::from([3]));
    stage.settles();
    assert!(stage.condition("Stalled").starts_with("False"), "{}", stage.story());
    let Body::LaunchTemplate(template) = stage.body("launch-template/web") else { panic!() };
    assert_eq!((template.latest_version, template.default_version), (3, 3));
}

#[test]
fn instances_that_die_or_fail_later_are_found_out_as_well() {
    for fate in [Fate::Dies(2 * MINUTE), Fate::Hangs(3 * MINUTE)] {
        let mut stage = doomed(fate);
        deploy(&mut stage, BAD);
        watch(&mut stage, "halted", 2 * HOUR, is_halted);
        watch(&mut stage, "back", 2 * HOUR, is_back);
        stage.stays_quiet();
    }
}

/// What was found out is on disk, and the rest is seen anew.
#[test]
fn a_daemon_that_is_replaced_in_any_phase_brings_the_good_version_back() {
    type Phase = (&'static str, fn(&Stage) -> bool);
    let phases: [Phase; 6] = [
        ("a new version", |stage| stage.calls_since(0).iter().any(|call| call.contains("TemplateVersion"))),
        ("launched", |stage| versions(stage).contains(&2)),
        ("halted", is_halted),
        ("pointed back", |stage| is_halted(stage) && stage.group("web").template_version == 1),
        ("replacing", |stage| is_halted(stage) && stage.group("web").members.len() == 3),
        ("back", is_back),
    ];
    for (phase, is_reached) in phases {
        let mut stage = doomed(Fate::NeverServes);
        deploy(&mut stage, BAD);
        stage.until(phase, HOUR, is_reached);
        stage.site.restart().unwrap();
        watch(&mut stage, "back", 2 * HOUR, is_back);
        stage.site.restart().unwrap();
        let mark = stage.mark();
        stage.run(DAY / 8);
        assert_eq!(stage.brief_since(mark), "", "after {phase}");
        assert!(is_back(&stage), "after {phase}: {}", stage.story());
    }
}

#[test]
fn a_good_version_gets_through_however_often_the_daemon_is_replaced() {
    let mut stage = Stage::up("whatisthetime");
    deploy(&mut stage, "exit 0");
    for _ in 0..(4 * HOUR.as_secs() / STEP.as_secs()) {
        stage.pass();
        stage.site.restart().unwrap();
        stage.site.clock.advance(STEP);
    }
    assert_eq!(versions(&stage), BTreeSet::from([2]), "{}", stage.story());
    stage.settles();
}

#[test]
fn a_failed_version_is_tried_again_when_a_person_asks() {
    let mut stage = doomed(Fate::NeverServes);
    deploy(&mut stage, BAD);
    watch(&mut stage, "back", HOUR, is_back);
    stage.annotate(annotations::RECONCILE_REQUESTED_AT, "monday");
    watch(&mut stage, "tried again", HOUR, |stage| versions(stage).contains(&2));
    watch(&mut stage, "back again", HOUR, is_back);
    stage.stays_quiet();
    // What was wrong lay outside: now it works.
    stage.world().faults_mut().bad_launches.clear();
    stage.annotate(annotations::RECONCILE_REQUESTED_AT, "tuesday");
    watch(&mut stage, "rolled out", HOUR, |stage| versions(stage) == BTreeSet::from([2]));
    stage.settles();
}

/// The old spec launches what the good version launches: nothing is replaced for it.
#[test]
fn putting_the_spec_back_replaces_nothing() {
    let mut stage = Stage::up("whatisthetime");
    deploy(&mut stage, "exit 0");
    stage.settles();
    stage
        .world()
        .faults_mut()
        .bad_launches
        .push(BadLaunch { launches: BAD.to_owned(), fate: Fate::NeverServes });
    deploy(&mut stage, BAD);
    stage.until("halted", HOUR, is_halted);
    stage.run(HOUR);
    let members = stage.members("web");
    deploy(&mut stage, "exit 0");
    stage.settles();
    assert_eq!((stage.members("web"), stage.group("web").template_version), (members, 2));
    assert!(stage.condition("Stalled").starts_with("False"), "{}", stage.story());
}

#[test]
fn a_version_that_somebody_adds_and_nobody_uses_replaces_nothing() {
    let mut stage = Stage::up("whatisthetime");
    let (members, mark) = (stage.members("web"), stage.mark());
    let Body::LaunchTemplate(template) = stage.body("launch-template/web") else { panic!() };
    let mut data = template.data.unwrap();
    (data.user_data, data.description) = ("#!/bin/sh\nrogue\n".to_owned(), None);
    let (id, added) =
        (stage.id("launch-template/web"), Change::LaunchTemplate(launch_template::Change::NewVersion(data)));
    stage.world().change_by_hand(&id, &added).unwrap();
    stage.settles();
    assert_eq!((stage.members("web"), stage.group("web").template_version), (members, 1));
    expect!["CreateLaunchTemplateVersion launch-template/web"].assert_eq(&stage.brief_since(mark));
}

/// A group that somebody points at another version is pointed back, and only what was launched meanwhile is replaced.
#[test]
fn a_group_that_somebody_points_elsewhere_comes_back() {
    let mut stage = Stage::up("whatisthetime");
    let Body::LaunchTemplate(template) = stage.body("launch-template/web") else { panic!() };
    let mut data = template.data.unwrap();
    (data.user_data, data.description) = ("#!/bin/sh\nrogue\n".to_owned(), None);
    let (template, group) = (stage.id("launch-template/web"), stage.id("auto-scaling-group/web"));
    let added = Change::LaunchTemplate(launch_template::Change::NewVersion(data));
    stage.world().change_by_hand(&template, &added).unwrap();
    let mut settings = stage.group("web").settings();
    settings.template_version = 2;
    let pointed = Change::AutoScalingGroup(lamp_cloud::kinds::auto_scaling_group::Change::Settings(settings));
    stage.world().change_by_hand(&group, &pointed).unwrap();
    let victim = stage.members("web").remove(0);
    stage.world().terminate_by_hand(&victim);
    stage.settles();
    assert_eq!((versions(&stage), stage.group("web").template_version), (BTreeSet::from([1]), 1));
}
