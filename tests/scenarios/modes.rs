//! `Observe` plans and changes nothing, `Paused` does nothing, and both can be left again.

use expect_test::expect;
use lamp_cloud::kinds::auto_scaling_group;
use lamp_cloud::{Change, Kind};
use serde_json::json;

use crate::stage::{HOUR, MINUTE, Stage, calm, spec};

fn in_mode(mode: &str) -> Stage {
    Stage::open(calm(1), spec("whatisthetime", |spec| spec["spec"]["mode"] = json!(mode)))
}

fn break_it(stage: &Stage) {
    let mut settings = stage.group("web").settings();
    settings.max = 40;
    let change = Change::AutoScalingGroup(auto_scaling_group::Change::Settings(settings));
    let id = stage.id("auto-scaling-group/web");
    stage.world().change_by_hand(&id, &change).unwrap();
}

#[test]
fn observe_says_what_it_would_do_and_does_nothing() {
    let mut stage = in_mode("Observe");
    stage.run(HOUR);
    assert_eq!(stage.brief_since(0), "");
    expect![[r#"
        whatisthetime: observing only: waiting for elastic-ip/1: it does not exist yet, and 20 more parts
          auto-scaling-group/web: waiting for route-table/application/1, route-table/application/2, security-group/web, security-group/web/load-balancer
          launch-template/web: waiting for security-group/web
          listener/web/80: waiting for load-balancer/web, target-group/web
          load-balancer/web: waiting for internet-gateway
          nat-gateway/1: waiting for internet-gateway
          route-table/application/1: waiting for vpc
          route-table/application/2: waiting for vpc
          route-table/data: waiting for vpc
          route-table/public: waiting for vpc
          security-group/web: waiting for vpc
          security-group/web/load-balancer: waiting for vpc
          subnet/application/1: waiting for vpc
          subnet/application/2: waiting for vpc
          subnet/data/1: waiting for vpc
          subnet/data/2: waiting for vpc
          subnet/public/1: waiting for vpc
          subnet/public/2: waiting for vpc
          target-group/web: waiting for vpc
          Ready=False ElasticIpCreating: waiting for elastic-ip/1: it does not exist yet, and 20 more parts
          Progressing=False NotEnforced: spec.mode is Observe
          Degraded=False ComingUp: the site comes up for the first time
          Stalled=False NotBlocked: nothing needs a person
          Paused=False Observing: spec.mode is Observe: changes are only planned
          DriftReported=False NothingReported: nothing differs that spec.ignore leaves alone
          Contended=False NothingContended: nobody else insists on a field of the site
          NetworkReady=False ElasticIpCreating: elastic-ip/1: it does not exist yet
          TiersReady=False AutoScalingGroupWaiting: auto-scaling-group/web: waiting for route-table/application/1, route-table/application/2, security-group/web, security-group/web/load-balancer"#]].assert_eq(&stage.story());
    stage.stays_quiet();
    stage.edit(|spec| spec["spec"]["mode"] = json!("Enforce"));
    stage.settles();
}

#[test]
fn observe_on_a_site_that_stands_shows_drift_and_leaves_it() {
    let mut stage = Stage::up("whatisthetime");
    stage.edit(|spec| spec["spec"]["mode"] = json!("Observe"));
    stage.until_ready();
    break_it(&stage);
    let mark = stage.mark();
    stage.run(HOUR);
    assert_eq!(stage.brief_since(mark), "");
    assert!(stage.condition("Ready").contains("auto-scaling-group/web"), "{}", stage.story());
    stage.edit(|spec| spec["spec"]["mode"] = json!("Enforce"));
    stage.settles();
    assert_eq!(stage.group("web").max, 6);
}

#[test]
fn paused_does_nothing_until_it_is_resumed() {
    let mut stage = in_mode("Paused");
    stage.run(HOUR);
    assert_eq!(stage.brief_since(0), "");
    assert!(stage.condition("Paused").starts_with("True"), "{}", stage.story());
    stage.edit(|spec| spec["spec"]["mode"] = json!("Enforce"));
    stage.settles();
    assert!(stage.condition("Paused").starts_with("False"), "{}", stage.story());
    stage.edit(|spec| spec["spec"]["mode"] = json!("Paused"));
    stage.run(MINUTE);
    break_it(&stage);
    let mark = stage.mark();
    let victim = stage.members("web")[0].clone();
    stage.world().hang_instance(&victim);
    stage.run(6 * HOUR);
    assert_eq!(stage.brief_since(mark), "");
    stage.edit(|spec| spec["spec"]["mode"] = json!("Enforce"));
    stage.settles();
    assert_eq!(stage.group("web").max, 6);
    assert!(!stage.members("web").contains(&victim));
}

#[test]
fn what_a_paused_stack_lost_is_not_asked_for_any_more() {
    let mut stage = Stage::up("lamp");
    let secret = stage.id("secret/database");
    stage.world().delete_by_hand(Kind::Secret, &secret).unwrap();
    stage.run(2 * MINUTE);
    assert!(asked(&stage) > 0, "{}", stage.story());
    stage.edit(|spec| spec["spec"]["mode"] = json!("Paused"));
    stage.run(MINUTE);
    let before = asked(&stage);
    stage.run(HOUR);
    assert_eq!(asked(&stage), before);
}

/// How often a secret was asked for by its id.
fn asked(stage: &Stage) -> u64 {
    let world = stage.world();
    let calls = world.call_counts().iter().filter(|((_, operation), _)| *operation == "DescribeSecret");
    calls.map(|(_, count)| *count).sum()
}

#[test]
fn pausing_stops_a_creation_half_way_and_resuming_goes_on() {
    let mut stage = Stage::open(calm(1), spec("lamp", |_| {}));
    stage.run(2 * MINUTE);
    stage.edit(|spec| spec["spec"]["mode"] = json!("Paused"));
    stage.pass();
    let mark = stage.mark();
    stage.run(3 * HOUR);
    assert_eq!(stage.brief_since(mark), "");
    stage.edit(|spec| spec["spec"]["mode"] = json!("Enforce"));
    stage.settles();
}
