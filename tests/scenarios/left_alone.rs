//! Somebody else owns a field, and the spec says so: it is left alone until the rule is gone.

use lamp_api::conditions::types;
use lamp_cloud::kinds::{auto_scaling_group, launch_template, security_group};
use lamp_cloud::{Body, Change};
use serde_json::{Value, json};

use crate::stage::{DAY, HOUR, MINUTE, Stage, calm, spec};

/// The fields that the status says are left alone.
fn left_alone(stage: &Stage) -> Vec<String> {
    let left = stage.status().unwrap().left_alone;
    left.iter().map(|left| format!("{} {}", left.part, left.field)).collect()
}

fn rules(stage: &mut Stage, rules: &Value) {
    stage.edit(|spec| spec["spec"]["ignore"] = rules.clone());
    stage.run(10 * MINUTE);
}

#[test]
fn a_rule_of_somebody_else_stays_while_the_spec_says_so() {
    use security_group::{Change as Rules, Peer, Rule};
    const PART: &str = "security-group/app";
    let mut stage = Stage::up("lamp");
    rules(&mut stage, &json!([{"part": PART, "fields": ["ingress"]}]));
    let (before, mark) = (stage.body(PART), stage.mark());
    let office = vec![Rule::tcp(22, Peer::Range("192.0.2.0/24".to_owned()))];
    let (id, opened) = (stage.id(PART), Change::SecurityGroup(Rules::AuthorizeIngress(office)));
    stage.world().change_by_hand(&id, &opened).unwrap();
    let opened = stage.body(PART);
    stage.run(MINUTE);
    assert_eq!(left_alone(&stage), ["security-group/app ingress"]);
    let said = stage.condition(types::DRIFT_REPORTED);
    assert_eq!(said, "True LeftAlone: left as found: security-group/app: ingress");
    stage.site.restart().unwrap();
    stage.settles();
    assert_eq!(stage.calls_since(mark), Vec::<String>::new());
    assert_eq!(stage.body(PART), opened);
    // Not even shown.
    rules(&mut stage, &json!([{"part": "security-group/*", "fields": ["*"], "policy": "Ignore"}]));
    assert_eq!((left_alone(&stage), stage.calls_since(mark)), (Vec::new(), Vec::new()));
    assert!(stage.condition(types::DRIFT_REPORTED).starts_with("False"));
    // Other fields of the same part are put back, and so is this one without the rule.
    rules(&mut stage, &json!([{"part": PART, "fields": ["egress"]}]));
    assert_eq!(stage.calls_since(mark), [format!("RevokeSecurityGroupIngress {PART}")]);
    assert_eq!(stage.body(PART), before);
    stage.settles();
}

#[test]
fn what_needs_another_resource_or_an_interruption_asks_for_no_consent() {
    let mut stage = Stage::up("lamp");
    rules(
        &mut stage,
        &json!([
            {"part": "load-balancer/web", "fields": ["*"]},
            {"part": "security-group/web/load-balancer", "fields": ["*"], "policy": "Ignore"},
            {"part": "database", "fields": ["class"]}
        ]),
    );
    let mark = stage.mark();
    stage.edit(|spec| {
        spec["spec"]["tiers"][0]["loadBalancer"]["scheme"] = json!("Internal");
        spec["spec"]["database"]["instanceClass"] = json!("db.r6g.4xlarge");
        spec["spec"]["database"]["replicas"]["instanceClass"] = json!("db.r6g.large");
    });
    stage.settles();
    assert_eq!(stage.calls_since(mark), Vec::<String>::new());
    assert_eq!(
        left_alone(&stage),
        ["load-balancer/web internetFacing", "load-balancer/web subnets", "database class"]
    );
    rules(&mut stage, &json!([]));
    let waiting = stage.status().unwrap().waiting;
    let blocked: Vec<&str> = waiting.iter().filter(|one| one.blocked).map(|one| one.part.as_str()).collect();
    assert_eq!(blocked, ["database", "load-balancer/web"]);
    stage.edit(|spec| {
        spec["spec"]["tiers"][0]["loadBalancer"]["scheme"] = json!("Internet");
        spec["spec"]["database"]["instanceClass"] = json!("db.r6g.large");
    });
    stage.settles();
    assert_eq!(left_alone(&stage), Vec::<String>::new());
}

#[test]
fn user_data_of_somebody_else_is_not_rolled_out_until_the_rule_is_gone() {
    const PART: &str = "launch-template/web";
    let mut stage = Stage::up("whatisthetime");
    rules(&mut stage, &json!([{"part": PART, "fields": ["userData"]}]));
    let (mark, members, group) = (stage.mark(), stage.members("web"), stage.group("web"));
    let Body::LaunchTemplate(template) = stage.body(PART) else { panic!() };
    let mut data = template.data.unwrap();
    (data.user_data, data.description) = ("#!/bin/sh\nhotfix\n".to_owned(), Some("hotfix".to_owned()));
    let (id, added) = (stage.id(PART), Change::LaunchTemplate(launch_template::Change::NewVersion(data)));
    stage.world().change_by_hand(&id, &added).unwrap();
    stage.run(MINUTE);
    assert_eq!(left_alone(&stage), ["launch-template/web userData"]);
    stage.settles();
    assert_eq!(stage.calls_since(mark), Vec::<String>::new());
    assert_eq!(
        (stage.members("web"), stage.group("web").template_version),
        (members, group.template_version)
    );
    // What the spec owns goes on, and takes along what it does not own.
    stage.edit(|spec| spec["spec"]["tiers"][0]["rootVolume"] = json!({"gib": 40}));
    stage.settles();
    let Body::LaunchTemplate(template) = stage.body(PART) else { panic!() };
    let data = template.data.unwrap();
    assert_eq!((data.root_volume_gib, data.user_data.as_str()), (40, "#!/bin/sh\nhotfix\n"));
    assert_eq!(stage.group("web").template_version, template.latest_version);
    rules(&mut stage, &json!([]));
    stage.settles();
    let Body::LaunchTemplate(template) = stage.body(PART) else { panic!() };
    assert!(!template.data.unwrap().user_data.contains("hotfix"));
    assert!(
        stage.group("web").members.iter().all(|one| one.template_version == Some(template.latest_version))
    );
}

#[test]
fn a_capacity_that_others_decide_is_theirs() {
    let fixed = spec("whatisthetime", |spec| {
        spec["spec"]["tiers"][0].as_object_mut().unwrap().remove("scaling");
        let fields = json!(["min", "max", "desired"]);
        spec["spec"]["ignore"] = json!([{"part": "auto-scaling-group/web", "fields": fields}]);
    });
    let mut stage = Stage::up_with(calm(1), fixed);
    let (id, group, mark) = (stage.id("auto-scaling-group/web"), stage.group("web"), stage.mark());
    assert_eq!((group.min, group.max), (2, 6), "creation is not affected");
    for (min, max, desired) in [(3, 8, 5), (1, 1, 1)] {
        let mut settings = stage.group("web").settings();
        (settings.min, settings.max) = (min, max);
        let settings = Change::AutoScalingGroup(auto_scaling_group::Change::Settings(settings));
        stage.world().change_by_hand(&id, &settings).unwrap();
        let desired_change = Change::AutoScalingGroup(auto_scaling_group::Change::SetDesired(desired));
        stage.world().change_by_hand(&id, &desired_change).unwrap();
        stage.run(HOUR);
        stage.settles();
        assert_eq!((stage.group("web").desired, stage.healthy("web")), (desired, desired as usize));
        assert_eq!(stage.calls_since(mark), Vec::<String>::new());
    }
    // An instance of it is still healed, and a rollout still gets through.
    stage.edit(|spec| spec["spec"]["tiers"][0]["rootVolume"] = json!({"gib": 40}));
    let newest = stage.group("web").template_version + 1;
    stage.until("rolled out", DAY, |stage| {
        stage.group("web").members.iter().all(|one| one.template_version == Some(newest))
    });
    stage.settles();
    assert_eq!(stage.group("web").desired, 1);
}
