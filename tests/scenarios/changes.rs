//! A person changes the spec of a site that stands.

use std::collections::BTreeSet;

use expect_test::expect;
use lamp_cloud::Body;
use serde_json::json;

use crate::stage::{HOUR, MINUTE, Stage, calm, spec};

#[test]
fn a_changed_capacity_is_carried_out() {
    let mut stage = Stage::up("whatisthetime");
    let mark = stage.mark();
    stage.edit(|spec| spec["spec"]["tiers"][0]["capacity"] = json!({"min": 4, "max": 8}));
    stage.until("grown", 15 * MINUTE, |stage| stage.healthy("web") == 4);
    expect![[r#"
        UpdateAutoScalingGroup auto-scaling-group/web"#]]
    .assert_eq(&stage.brief_since(mark));
    stage.settles();
    let group = stage.group("web");
    assert_eq!((group.min, group.max, group.desired), (4, 8, 4));
}

/// Without a policy the spec owns the number of instances.
#[test]
fn a_changed_desired_capacity_is_carried_out_where_no_policy_decides_it() {
    let fixed = spec("whatisthetime", |spec| {
        spec["spec"]["tiers"][0].as_object_mut().unwrap().remove("scaling");
    });
    let mut stage = Stage::up_with(calm(1), fixed);
    stage.edit(|spec| spec["spec"]["tiers"][0]["capacity"]["desired"] = json!(3));
    stage.settles();
    assert_eq!((stage.group("web").desired, stage.healthy("web")), (3, 3));
    stage.edit(|spec| spec["spec"]["tiers"][0]["capacity"]["desired"] = json!(2));
    stage.settles();
    assert_eq!((stage.group("web").desired, stage.healthy("web")), (2, 2));
}

#[test]
fn a_new_instance_type_is_rolled_out_one_at_a_time_and_never_below_the_minimum() {
    let mut stage = Stage::up("whatisthetime");
    let before: BTreeSet<String> = stage.members("web").into_iter().collect();
    let mark = stage.mark();
    stage.edit(|spec| spec["spec"]["tiers"][0]["instanceTypes"] = json!(["t3.small"]));
    let fewest = std::cell::Cell::new(usize::MAX);
    stage.until("rolled out", 2 * HOUR, |stage| {
        fewest.set(fewest.get().min(stage.healthy("web")));
        let members = stage.group("web").members;
        members.iter().all(|member| member.instance_type == "t3.small") && stage.healthy("web") == 2
    });
    assert!(fewest.get() >= 2, "only {} instances served", fewest.get());
    stage.settles();
    let calls = stage.calls_since(mark);
    let of = |operation: &str| calls.iter().filter(|call| call.starts_with(operation)).count();
    assert_eq!(of("CreateLaunchTemplateVersion"), 1, "{calls:#?}");
    assert_eq!(of("TerminateInstanceInAutoScalingGroup"), 2, "{calls:#?}");
    assert!(stage.members("web").iter().all(|member| !before.contains(member)));
    assert_eq!(stage.group("web").desired, 2, "the spare instance of the rollout is gone");
}

#[test]
fn a_new_health_check_path_is_one_call() {
    let mut stage = Stage::up("whatisthetime");
    let mark = stage.mark();
    stage.edit(|spec| spec["spec"]["tiers"][0]["loadBalancer"]["healthCheck"]["path"] = json!("/alive"));
    stage.settles();
    expect!["ModifyTargetGroup target-group/web"].assert_eq(&stage.brief_since(mark));
    let Body::TargetGroup(group) = stage.body("target-group/web") else { panic!() };
    assert_eq!(group.health_check.path, "/alive");
}

#[test]
fn more_read_replicas_are_made_and_fewer_are_removed() {
    let mut stage = Stage::up("lamp");
    stage.edit(|spec| spec["spec"]["database"]["replicas"]["min"] = json!(3));
    stage.settles();
    assert_eq!(stage.database("database").facts.replicas.len(), 3);
    let zones: BTreeSet<_> =
        ["replica/1", "replica/2", "replica/3"].map(|part| stage.database(part).zone).into_iter().collect();
    assert_eq!(zones.len(), 2, "the replicas are spread over both zones");
    stage.edit(|spec| {
        spec["spec"]["database"]["replicas"] = json!({"min": 1, "max": 1});
    });
    stage.settles();
    assert_eq!(stage.database("database").facts.replicas.len(), 1);
}

#[test]
fn the_volume_grows_and_never_shrinks() {
    let mut stage = Stage::up("lamp");
    let mark = stage.mark();
    stage.edit(|spec| spec["spec"]["database"]["storage"]["gib"] = json!(200));
    stage.settles();
    assert!(stage.database("database").storage_gib >= 200);
    expect![[r#"
        ModifyDBInstance database
        ModifyDBInstance replica/1"#]]
    .assert_eq(&stage.brief_since(mark));
    let refused = stage.try_edit(|spec| spec["spec"]["database"]["storage"]["gib"] = json!(100)).unwrap_err();
    assert!(refused.to_string().contains("RDS cannot shrink it"), "{refused}");
    stage.stays_quiet();
}

#[test]
fn a_change_that_interrupts_service_waits_for_consent() {
    let mut stage = Stage::up("lamp");
    let mark = stage.mark();
    stage.edit(|spec| spec["spec"]["database"]["instanceClass"] = json!("db.r6g.xlarge"));
    stage.run(HOUR);
    assert_eq!(stage.brief_since(mark), "");
    expect![[r#"True NeedsPerson: database: class: db.r6g.large -> db.r6g.xlarge: this interrupts service (the standby takes over: the database is offline for one to two minutes) and needs consent: annotate the stack with lamplighter.dev/confirm-replace=2"#]].assert_eq(&stage.condition("Stalled"));
    stage.consent();
    stage.settles();
    assert_eq!(stage.database("database").class, "db.r6g.xlarge");
    assert_eq!(stage.database("replica/1").class, "db.r6g.xlarge");
    assert!(stage.condition("Stalled").starts_with("False"));
}

/// Consent is to one generation: another edit asks again.
#[test]
fn consent_to_an_older_generation_is_no_consent() {
    let mut stage = Stage::up("lamp");
    stage.consent();
    stage.edit(|spec| spec["spec"]["database"]["instanceClass"] = json!("db.r6g.xlarge"));
    let mark = stage.mark();
    stage.run(HOUR);
    assert_eq!(stage.brief_since(mark), "");
    assert!(stage.condition("Stalled").starts_with("True"), "{}", stage.story());
    stage.edit(|spec| spec["spec"]["database"]["instanceClass"] = json!("db.r6g.large"));
    stage.settles();
}

#[test]
fn what_cannot_be_changed_is_refused_with_its_field() {
    let mut stage = Stage::up("lamp");
    let refusals = [
        stage.try_edit(|spec| spec["spec"]["network"]["cidr"] = json!("10.21.0.0/16")),
        stage.try_edit(|spec| spec["spec"]["region"] = json!("eu-central-1")),
        stage.try_edit(|spec| spec["spec"]["database"]["engine"] = json!("mariadb")),
        stage.try_edit(|spec| {
            spec["spec"].as_object_mut().unwrap().remove("database");
        }),
    ];
    for (refusal, field) in
        refusals.iter().zip(["spec.network.cidr", "spec.region", "spec.database.engine", "spec.database"])
    {
        let message = refusal.as_ref().unwrap_err().to_string();
        assert!(message.contains(field), "{message}");
    }
    stage.settles();
}

#[test]
fn a_tier_that_is_added_comes_up_beside_the_others() {
    let mut stage = Stage::up("whatisthetime");
    let (vpc, balancer) = (stage.id("vpc"), stage.id("load-balancer/web"));
    stage.edit(|spec| {
        let tiers = spec["spec"]["tiers"].as_array_mut().unwrap();
        tiers[0]["uses"] = json!(["clock"]);
        tiers.push(json!({
            "name": "clock", "port": 8080, "capacity": {"min": 2, "max": 2},
            "loadBalancer": {"scheme": "Internal", "healthCheck": {"path": "/"}},
        }));
    });
    stage.settles();
    assert_eq!((stage.healthy("web"), stage.healthy("clock")), (2, 2));
    assert_eq!(
        (stage.id("vpc"), stage.id("load-balancer/web")),
        (vpc, balancer),
        "what stands is left alone"
    );
}

#[test]
fn a_tier_that_is_removed_goes_with_everything_that_was_its_own() {
    let mut stage = Stage::up("lamp");
    let mark = stage.mark();
    stage.edit(|spec| {
        let tiers = spec["spec"]["tiers"].as_array_mut().unwrap();
        tiers.remove(0);
    });
    stage.settles();
    let left: Vec<String> = stage.site.census().into_keys().filter(|part| part.contains("web")).collect();
    assert_eq!(left, Vec::<String>::new());
    let deleted: Vec<String> =
        stage.calls_since(mark).into_iter().filter(|call| call.starts_with("Delete")).collect();
    expect![[r#"
        DeleteAutoScalingGroup auto-scaling-group/web
        DeleteListener listener/web/443
        DeleteListener listener/web/80
        DeleteLoadBalancer load-balancer/web
        DeleteLaunchTemplate launch-template/web
        DeleteTargetGroup target-group/web
        DeleteSecurityGroup security-group/web
        DeleteSecurityGroup security-group/web/load-balancer"#]]
    .assert_eq(&deleted.join("\n"));
    assert_eq!(stage.healthy("app"), 2);
}
