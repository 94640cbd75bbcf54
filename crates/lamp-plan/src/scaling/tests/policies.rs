//! Policies of every type on a tier, and what is said of them.

use expect_test::expect;
use lamp_cloud::{MetricName, MetricQuery, OtherMetric};
use serde_json::{Value, json};

use super::{step, with_history};
use crate::world::{World, at, lines};

fn tier(policies: Value, instances: u32) -> World {
    let behavior = json!({"scaleDown": {"stabilizationWindowSeconds": 0, "cooldownSeconds": 0}});
    let scaling = json!({"policies": policies, "behavior": behavior});
    World::with_tier(json!({"capacity": {"min": 2, "max": 12}, "scaling": scaling}), instances)
}

/// What one plan wants, and what it says.
fn decided(world: &mut World) -> (u32, String) {
    let (plan, desired) = step(world);
    (desired, plan.decisions.iter().map(|(_, action, reason)| format!("{action}: {reason}\n")).collect())
}

#[test]
fn steps_and_their_words() {
    let policies = json!([{"type": "Step", "metric": "CPUUtilization", "steps": [
        {"from": 70, "to": 85, "adjustment": 1}, {"from": 85, "adjustment": 3}, {"to": 30, "adjustment": -1},
    ]}]);
    let mut said = String::new();
    for cpu in [75.0, 90.0, 50.0, 20.0] {
        let mut world = tier(policies.clone(), 4);
        with_history(&mut world);
        world.cpu(cpu);
        let (desired, words) = decided(&mut world);
        said += &format!("{cpu} % -> {desired}\n  {words}");
    }
    expect![[r#"
        75 % -> 5
          ScaleUp: 4 -> 5: CPUUtilization 75, 75, 75 in the newest minutes on 4, step from 70 to 85
        90 % -> 7
          ScaleUp: 4 -> 7: CPUUtilization 90, 90, 90 in the newest minutes on 4, step from 85
        50 % -> 4
          20 % -> 3
          ScaleDown: 4 -> 3: CPUUtilization 20, 20, 20 in the newest minutes on 4, step below 30
    "#]]
    .assert_eq(&said);
}

#[test]
fn a_simple_policy_cools_down_after_any_change() {
    let mut world =
        tier(json!([{"type": "Simple", "metric": "CPUUtilization", "threshold": 80, "adjustment": 2}]), 4);
    world.cpu(90.0);
    let (desired, first) = decided(&mut world);
    assert_eq!(desired, 6);
    world.desired = 6;
    world.now += 299;
    world.cpu(90.0);
    assert_eq!(decided(&mut world).0, 6);
    world.now += 1;
    let (desired, second) = decided(&mut world);
    assert_eq!(desired, 8);
    expect![[r#"
        ScaleUp: 4 -> 6: CPUUtilization 90, 90, 90 in the newest minutes on 4, at least 80
        ScaleUp: 6 -> 8: CPUUtilization 90, 90, 90 in the newest minutes on 4, at least 80
    "#]]
    .assert_eq(&format!("{first}{second}"));
}

#[test]
fn it_grows_if_any_policy_wants_it_and_shrinks_only_if_all_that_can_agree() {
    let down = json!({"type": "Simple", "metric": "CPUUtilization", "threshold": 30, "adjustment": -1,
        "comparison": "LessThanThreshold"});
    let up = json!({"type": "Step", "metric": "CPUUtilization", "steps": [{"from": 70, "adjustment": 2}]});
    let tracking = json!({"metric": "CPUUtilization", "target": 60});
    for (policies, cpu, wanted) in [
        (json!([up, tracking]), 80.0, 6),
        (json!([up, tracking]), 20.0, 3), // the one that only adds has no say, and ten per cent a minute is one
        (json!([down, tracking]), 35.0, 4),
        (json!([down, tracking]), 20.0, 3),
        (json!([down, up]), 20.0, 3),
        (json!([up]), 20.0, 4),
    ] {
        let mut world = tier(policies.clone(), 4);
        with_history(&mut world);
        world.cpu(cpu);
        assert_eq!(decided(&mut world).0, wanted, "{policies} at {cpu} %");
    }
}

#[test]
fn a_fallback_is_a_floor_after_a_long_silence_and_never_shrinks() {
    let policy = json!([{"metric": "CPUUtilization", "target": 60, "fallback": {"capacity": 5}}]);
    let mut world = tier(policy.clone(), 3);
    assert_eq!(decided(&mut world).0, 3);
    for _ in 0..40 {
        world.now += 15;
        decided(&mut world);
    }
    let (desired, words) = decided(&mut world);
    assert_eq!(desired, 5);
    expect![[r#"
        ScaleUp: 3 -> 5: CPUUtilization decides nothing: CloudWatch gave no complete answer; CPUUtilization has said nothing since 2027-01-15T08:00:00Z, and then its fallback is 5
    "#]].assert_eq(&words);
    world.desired = 9;
    assert_eq!(decided(&mut world).0, 9);
    world.cpu(60.0);
    world.desired = 3;
    assert_eq!(decided(&mut world).0, 3, "it speaks again");
}

#[test]
fn a_schedule_sets_the_capacity_once_and_other_policies_go_on_from_there() {
    let policies = json!([
        {"type": "Scheduled", "schedule": "* * * * *", "desired": 8},
        {"metric": "CPUUtilization", "target": 60},
    ]);
    let mut world = tier(policies, 4);
    world.now = 60;
    with_history(&mut world);
    world.cpu(20.0);
    let (desired, words) = decided(&mut world);
    assert_eq!(desired, 8);
    expect![[r#"
        Scheduled: 4 -> 8: the schedule * * * * * (UTC) fired at 2027-01-15T08:01:00Z
    "#]]
    .assert_eq(&words);
    world.desired = 8;
    assert_eq!(decided(&mut world).0, 7, "reached; the load needs fewer");
    world.now = 120;
    world.desired = 7;
    assert_eq!(decided(&mut world).0, 8, "it fires again");
}

#[test]
fn what_a_schedule_shrinks_waits_while_something_is_wrong() {
    let mut world = tier(json!([{"type": "Scheduled", "schedule": "* * * * *", "desired": 3}]), 6);
    for sick in [0, 1] {
        world.members[sick].target = Some(lamp_cloud::TargetState::Unhealthy);
    }
    let (desired, words) = decided(&mut world);
    assert_eq!(desired, 6);
    expect![[r#"
        Hold: 6 stay, 3 would do: nothing shrinks while 2 instances look sick
    "#]]
    .assert_eq(&words);
}

#[test]
fn a_metric_of_ones_own_is_shared_among_the_instances_and_its_absence_is_told() {
    let policies = json!([{"target": 100, "customMetric": {
        "metrics": [{"namespace": "AWS/SQS", "name": "Visible", "dimensions": {"QueueName": "orders"}, "statistic": "Maximum"}],
        "scope": "Total",
    }}]);
    let mut world = tier(policies, 4);
    let (desired, mut words) = decided(&mut world);
    assert_eq!(desired, 4);
    let other = OtherMetric {
        namespace: "AWS/SQS".to_owned(),
        name: "Visible".to_owned(),
        dimensions: [("QueueName".to_owned(), "orders".to_owned())].into(),
        statistic: "Maximum".to_owned(),
    };
    let metric = MetricName::Other(Box::new(other));
    let query = MetricQuery { metric, resource: String::new(), load_balancer: None };
    world.signals.insert(query.clone(), lamp_cloud::Series::default());
    words += &decided(&mut world).1;
    world.signal(query, 650.0);
    let (desired, said) = decided(&mut world);
    assert_eq!(desired, 7, "650 messages, 100 for each instance");
    words += &said;
    expect![[r#"
        Hold: 4 stay: AWS/SQS Visible decides nothing: CloudWatch gave no complete answer
        Hold: 4 stay: AWS/SQS Visible decides nothing: CloudWatch has no data of it; where that stays so, look at its name and dimensions
        ScaleUp: 4 -> 7: AWS/SQS Visible 162.5 against a target of 100 on 4
    "#]].assert_eq(&words);
}

#[test]
fn a_tier_grows_to_the_connections_that_the_database_bears_and_says_so() {
    let mut world = World::with_tier(
        json!({"capacity": {"min": 2, "max": 12}, "uses": ["database"], "databaseConnections": {"primary": 100},
            "scaling": {"policies": [{"metric": "CPUUtilization", "target": 60}]}}),
        4,
    );
    let database = json!({"version": "8.0", "instanceClass": "db.r6g.large", "connections": {"max": 800}});
    world.spec.database = serde_json::from_value(database).unwrap();
    world.cpu(100.0);
    let (desired, mut words) = decided(&mut world);
    assert_eq!(desired, 6, "three quarters of 800 connections, 100 for each");
    world.desired = 6;
    world.now += 60;
    world.cpu(100.0);
    let (desired, said) = decided(&mut world);
    words += &said;
    assert_eq!(desired, 6);
    world.desired = 9;
    assert_eq!(decided(&mut world).0, 9, "a bound takes nothing away");
    expect![[r#"
        ScaleUp: 4 -> 6: CPUUtilization 100 against a target of 60 on 4; 7 would do, but the database bears 6 instances: they may take of the primary, 600 connections
        Hold: 6 stay, 7 would do: the database bears 6 instances: they may take of the primary, 600 connections; CPUUtilization 100 against a target of 60 on 4
    "#]].assert_eq(&words);
}

#[test]
fn the_golden_plan_of_a_tier_with_many_policies() {
    let policies = json!([
        {"metric": "CPUUtilization", "target": 60},
        {"type": "Step", "metric": "NetworkOut", "steps": [{"from": 5e7, "adjustment": 2}]},
        {"type": "Scheduled", "schedule": "0 8 * * *", "min": 3},
    ]);
    let mut world = tier(policies, 4);
    world.cpu(90.0);
    let (plan, _) = step(&mut world);
    expect![[r#"
        ScaleUp auto-scaling-group/web: 4 -> 6: CPUUtilization 90 against a target of 60 on 4; NetworkOut decides nothing: CloudWatch gave no complete answer
        tier: 6 wanted, 0 there, 0 ready; -
    "#]].assert_eq(&lines(&plan));
    assert!(plan.next_look.is_some_and(|when| when <= at(world.now + 60)));
}
