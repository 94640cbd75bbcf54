use expect_test::{Expect, expect};
use lamp_cloud::kinds::auto_scaling_group::Change as GroupChange;
use lamp_cloud::{Change, LedgerEntry, Request};
use serde_json::{Value, json};

use super::*;
use crate::protocol::ensure;
use crate::scaling::tier_capacity;
use crate::world::{TARGET_GROUP, World};
use crate::{Plan, check};

fn ours() -> Value {
    json!({"policies": [{"metric": "CPUUtilization", "target": 60}]})
}

fn aws() -> Value {
    json!({"policies": [{"metric": "CPUUtilization", "target": 60, "owner": "AWS"}]})
}

fn tier(scaling: &Value, instances: u32) -> World {
    let mut world =
        World::with_tier(json!({"capacity": {"min": 2, "max": 12}, "scaling": scaling}), instances);
    for (part, kind, id) in [
        (parts::load_balancer("web"), Kind::LoadBalancer, "lb-web"),
        (parts::target_group("web"), Kind::TargetGroup, TARGET_GROUP),
    ] {
        let entry = LedgerEntry { kind: Some(kind), id: Some(id.to_owned()), ..LedgerEntry::default() };
        world.ledger.insert(part, entry);
    }
    world
}

fn policies(world: &mut World) -> Vec<ScalingPolicy> {
    let tier = world.tier();
    world.plan(|draft| wanted(draft, &tier)).1
}

fn described(world: &mut World) -> String {
    let lines = policies(world).into_iter().map(|policy| {
        let warm_up = policy.warmup_seconds.unwrap_or_default();
        format!("{}: {}, {warm_up} s", policy.name, policy.describe())
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn check_wanted(scaling: &Value, expected: Expect) {
    expected.assert_eq(&described(&mut tier(scaling, 2)));
}

/// Plans the group, and nothing else.
fn plan(world: &mut World) -> Plan {
    let tier = world.tier();
    let group = |draft: &mut Draft<'_>| {
        let wanted = super::super::wanted(draft, &tier);
        ensure(draft, &wanted);
    };
    world.plan(group).0
}

/// The change of the group that a plan makes.
fn change(plan: &Plan) -> Option<GroupChange> {
    plan.actions.iter().find_map(|action| match &action.request {
        Request::Change { change: Change::AutoScalingGroup(change), .. } => Some(change.clone()),
        _ => None,
    })
}

#[test]
fn the_safety_policy_only_grows_and_later_than_we_do() {
    check_wanted(
        &ours(),
        expect!["lamplighter-safety-tkyaonmw: ASGAverageCPUUtilization 79.8, only upwards, 180 s"],
    );
    check_wanted(
        &json!({"policies": [{"metric": "TargetResponseTime", "target": 0.5}, {"metric": "RequestCountPerTarget", "target": 1000}]}),
        expect!["lamplighter-safety-tkyaonmw: ALBRequestCountPerTarget 1330, only upwards, 180 s"],
    );
    check_wanted(
        &json!({"policies": [{"metric": "NetworkOut", "target": 1e9}], "behavior": {"warmupSeconds": 60}}),
        expect!["lamplighter-safety-tkyaonmw: ASGAverageNetworkOut 1330000000, only upwards, 60 s"],
    );
}

#[test]
fn a_cpu_is_never_let_to_be_busier_than_it_bears() {
    for (target, safety) in [(50.0, 66.5), (80.0, 90.0), (95.0, 95.0)] {
        let scaling = json!({"policies": [{"metric": "CPUUtilization", "target": target}]});
        assert_eq!(policies(&mut tier(&scaling, 2))[0].target, safety);
    }
}

#[test]
fn where_growth_is_not_wanted_or_cannot_be_said_there_is_no_safety_policy() {
    let without = |scaling: Value| policies(&mut tier(&scaling, 2)).is_empty();
    assert!(without(json!({"policies": []})));
    assert!(without(json!({"policies": [{"metric": "TargetResponseTime", "target": 0.5}]})));
    let forbidden = json!({"scaleUp": {"percentPerMinute": 0}});
    assert!(without(
        json!({"policies": [{"metric": "CPUUtilization", "target": 60}], "behavior": forbidden})
    ));
    let mut world = tier(&ours(), 2);
    world.spec.tiers[0].safety_policy = SafetyPolicy::None;
    assert!(policies(&mut world).is_empty());
}

#[test]
fn what_aws_owns_are_its_policies_and_no_other() {
    check_wanted(
        &json!({"policies": [
            {"metric": "CPUUtilization", "target": 60, "owner": "AWS"},
            {"metric": "RequestCountPerTarget", "target": 900, "owner": "AWS"}]}),
        expect![[r#"
            lamplighter-CPUUtilization-qp76qu3m: ASGAverageCPUUtilization 60, 180 s
            lamplighter-RequestCountPerTarget-oswz4gxs: ALBRequestCountPerTarget 900, 180 s"#]],
    );
}

#[test]
fn a_metric_of_any_kind_has_what_this_stack_has_in_its_dimensions() {
    let queue = json!({"metrics": [{"namespace": "CWAgent", "name": "mem_used_percent",
        "dimensions": {"AutoScalingGroupName": "${autoScalingGroup}", "Site": "shop"}}]});
    let mut world = tier(&json!({"policies": [{"customMetric": queue, "target": 70, "owner": "AWS"}]}), 2);
    let TrackedMetric::Customized { dimensions, .. } = policies(&mut world)[0].metric.clone() else {
        panic!("{:?}", policies(&mut world))
    };
    let expected = [("AutoScalingGroupName", "asg-web"), ("Site", "shop")];
    assert_eq!(dimensions, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
}

#[test]
fn the_label_is_the_ends_of_two_arns() {
    let arn = "arn:aws:elasticloadbalancing:eu-central-1:1:";
    assert_eq!(balancer_end(&format!("{arn}loadbalancer/app/web/50dc")), "app/web/50dc");
    assert_eq!(targets_end(&format!("{arn}targetgroup/web/73e2")), "targetgroup/web/73e2");
}

#[test]
fn while_what_a_policy_follows_cannot_be_listed_the_policy_stays() {
    for owner in ["Lamplighter", "AWS"] {
        let policy = json!({"metric": "RequestCountPerTarget", "target": 1000, "owner": owner});
        let mut world = tier(
            &json!({"policies": [policy, {"metric": "CPUUtilization", "target": 60, "owner": owner}]}),
            2,
        );
        let before = policies(&mut world);
        world.policies = Some(before.clone());
        world.unknown = vec![Kind::TargetGroup.listing()];
        assert_eq!(policies(&mut world), before, "{owner}: unknown is not absent");
        let turned = |policy: &ScalingPolicy| ScalingPolicy {
            target: policy.target + 1.0,
            scales_in: !policy.scales_in,
            ..policy.clone()
        };
        world.policies = Some(before.iter().map(turned).collect());
        assert_eq!(policies(&mut world), before, "{owner}: only what it follows is not known");
    }
}

#[test]
fn a_policy_that_is_missing_or_was_changed_is_put_back() {
    let mut world = tier(&ours(), 2);
    let wanted = policies(&mut world);
    assert_eq!(change(&plan(&mut world)), Some(GroupChange::PutPolicy(wanted[0].clone())));
    world.policies = Some(wanted.clone());
    assert_eq!(change(&plan(&mut world)), None);
    world.policies = Some(vec![ScalingPolicy { target: 20.0, ..wanted[0].clone() }]);
    assert_eq!(change(&plan(&mut world)), Some(GroupChange::PutPolicy(wanted[0].clone())));
    world.policies = None;
    assert_eq!(change(&plan(&mut world)), None, "what was not read is not changed");
}

#[test]
fn aws_moves_the_capacity_and_nobody_else_does() {
    let mut world = tier(&aws(), 5);
    world.policies = Some(policies(&mut world));
    for load in [5.0, 60.0, 100.0] {
        world.cpu(load);
        let plan = plan(&mut world);
        assert_eq!((change(&plan), plan.tiers["web"].desired), (None, 5));
        let said: Vec<_> = plan.decisions.iter().map(|(_, what, why)| format!("{what}: {why}")).collect();
        assert_eq!(said, ["Hold: AWS owns the capacity: ASGAverageCPUUtilization 60"]);
    }
}

#[test]
fn we_take_over_only_when_the_last_policy_that_may_shrink_is_gone() {
    let mut world = tier(&aws(), 5);
    let natives = policies(&mut world);
    world.policies = Some(natives.clone());
    world.spec.tiers[0].scaling = serde_json::from_value(ours()).unwrap();
    world.cpu(100.0);
    let first = plan(&mut world);
    assert_eq!(change(&first), Some(GroupChange::DeletePolicy(natives[0].name.clone())));
    assert_eq!(first.tiers["web"].desired, 5, "until then the capacity stays");
    world.policies = Some(Vec::new());
    assert_eq!(change(&plan(&mut world)), Some(GroupChange::SetDesired(9)), "growing is urgent");
}

#[test]
fn policies_come_only_after_we_stopped() {
    let mut world = tier(&ours(), 5);
    let safety = policies(&mut world);
    world.policies = Some(safety.clone());
    world.spec.tiers[0].scaling = serde_json::from_value(aws()).unwrap();
    world.cpu(100.0);
    let mut changes = Vec::new();
    for _ in 0..3 {
        let plan = plan(&mut world);
        let Some(change) = change(&plan) else { break };
        match &change {
            GroupChange::DeletePolicy(_) => world.policies = Some(Vec::new()),
            GroupChange::PutPolicy(policy) => world.policies = Some(vec![policy.clone()]),
            other => panic!("{other:?}"),
        }
        changes.push(change);
    }
    assert_eq!(
        changes,
        [
            GroupChange::DeletePolicy(safety[0].name.clone()),
            GroupChange::PutPolicy(policies(&mut world)[0].clone())
        ]
    );
}

#[test]
fn while_a_version_is_rolled_out_aws_only_adds_and_the_spare_instance_is_ours() {
    let mut world = tier(&aws(), 2);
    let natives = policies(&mut world);
    world.policies = Some(natives.clone());
    (world.version, world.newest) = (2, 2);
    let protected = ScalingPolicy { scales_in: false, ..natives[0].clone() };
    let first = plan(&mut world);
    assert_eq!(change(&first), Some(GroupChange::PutPolicy(protected.clone())));
    assert_eq!(first.tiers["web"].desired, 2);
    world.policies = Some(vec![protected]);
    assert_eq!(change(&plan(&mut world)), Some(GroupChange::SetDesired(3)));
}

#[test]
fn nothing_shrinks_while_policies_are_not_known() {
    let mut world = tier(&ours(), 8);
    world.policies = None;
    world.cpu(5.0);
    let mut memory = crate::ScalingMemory::new(crate::world::at(-4000));
    memory.recommendations.push((crate::world::at(-15), 1));
    world.memory.scaling.insert(parts::auto_scaling_group("web"), memory);
    let tier = world.tier();
    let capacity = |world: &mut World| {
        let plan_it = |draft: &mut Draft<'_>| {
            let view = crate::live::tier_view::TierView::of(draft.input.inventory, &tier);
            let observed = view.map(|view| view.body.clone());
            tier_capacity(draft, &tier, observed.as_ref())
        };
        world.plan(plan_it).1
    };
    assert_eq!(capacity(&mut world), 8);
    world.policies = Some(Vec::new());
    assert_eq!(capacity(&mut world), 7);
}

#[test]
fn what_others_put_on_the_group_stays_and_is_told() {
    let mut world = tier(&ours(), 2);
    world.policies = Some(policies(&mut world));
    let metric = TrackedMetric::Other("StepScaling".to_owned());
    world.foreign_policies = vec![ScalingPolicy {
        name: "nightly".to_owned(),
        metric,
        target: 0.0,
        scales_in: true,
        warmup_seconds: None,
    }];
    let plan = plan(&mut world);
    assert_eq!(change(&plan), None);
    expect!["nightly, which also changes the capacity: StepScaling"].assert_eq(&plan.left_alone[0].found);
}

#[test]
fn a_plan_that_sets_what_aws_owns_is_unlawful() {
    let mut world = tier(&aws(), 5);
    let natives = policies(&mut world);
    world.policies = Some(natives);
    let set = crate::Action {
        part: parts::auto_scaling_group("web"),
        kind: Kind::AutoScalingGroup,
        effect: crate::Effect::Update,
        request: Request::Change {
            id: crate::world::GROUP.to_owned(),
            token: String::new(),
            change: Change::AutoScalingGroup(GroupChange::SetDesired(4)),
        },
        reason: String::new(),
        changes: Vec::new(),
        precondition: None,
    };
    let broken = world.plan(|draft| check(&draft.input, &Plan { actions: vec![set], ..Plan::default() })).1;
    assert_eq!(broken.iter().map(|one| one.law).collect::<Vec<_>>(), ["capacity has one owner"]);
}
