//! Scaling policies of every type over a simulated region, each with the decisions that a person reads.

use expect_test::{Expect, expect};
use lamp_cloud::OtherMetric;
use lamp_sim::Load;
use serde_json::{Value, json};

use crate::stage::{HOUR, MINUTE, Stage, calm, spec};

/// One tier under a steady load of so many requests a second, with these policies and hardly a window.
fn tier(policies: Value, requests: f64) -> Stage {
    let mut options = calm(1);
    options.region.load = Load::steady(requests);
    let behavior = json!({"scaleDown": {"stabilizationWindowSeconds": 300}});
    let change = |spec: &mut Value| {
        spec["spec"]["tiers"][0]["capacity"] = json!({"min": 2, "max": 8});
        spec["spec"]["tiers"][0]["scaling"] = json!({"policies": policies, "behavior": behavior});
    };
    Stage::up_with(options, spec("whatisthetime", change))
}

fn desired(stage: &Stage) -> u32 {
    stage.group("web").desired
}

/// What changed the capacity of the tier, oldest first.
fn decisions(stage: &Stage, expected: Expect) {
    let status = stage.status().unwrap();
    let scales = ["ScaleUp", "ScaleDown", "Scheduled"];
    let changes = status.decisions.iter().filter(|decision| scales.contains(&decision.action.as_str()));
    let lines: Vec<_> =
        changes.map(|decision| format!("{}: {}\n", decision.action, decision.reason)).rev().collect();
    expected.assert_eq(&lines.concat());
}

#[test]
fn steps_go_up_with_the_breach_and_down_again() {
    let mut stage = tier(
        json!([{"type": "Step", "metric": "CPUUtilization", "steps": [
            {"from": 60, "to": 80, "adjustment": 1}, {"from": 80, "adjustment": 3}, {"to": 25, "adjustment": -1},
        ]}]),
        90.0,
    );
    assert_eq!(desired(&stage), 2, "90 requests a second are 48 % of each");
    stage.world().set_load(Load::steady(240.0));
    stage.until("stepped up", 15 * MINUTE, |stage| desired(stage) == 5);
    stage.run(HOUR);
    assert_eq!(desired(&stage), 5, "48 % again");
    stage.world().set_load(Load::steady(60.0));
    stage.until("stepped down", 2 * HOUR, |stage| desired(stage) == 3);
    stage.run(HOUR);
    assert_eq!(desired(&stage), 2, "with three of them 60 requests a second are 23 %, with two 33 %");
    stage.settles();
    decisions(
        &stage,
        expect![[r#"
        ScaleUp: 2 -> 4: CPUUtilization 100, 100, 100 in the newest minutes on 2, step from 80
        ScaleUp: 4 -> 5: CPUUtilization 100, 100, 100 in the newest minutes on 2, step from 80
        ScaleDown: 5 -> 4: CPUUtilization 14.9, 14.9, 15 in the newest minutes on 5, step below 25
        ScaleDown: 4 -> 3: CPUUtilization 15.2, 14.9, 17.6 in the newest minutes on 4, step below 25
        ScaleDown: 3 -> 2: CPUUtilization 17.6, 17.9, 23.3 in the newest minutes on 3, step below 25
    "#]],
    );
}

#[test]
fn a_simple_policy_adds_and_waits() {
    let mut stage = tier(
        json!([
            {"type": "Simple", "metric": "CPUUtilization", "threshold": 70, "adjustment": 1, "cooldownSeconds": 600},
            {"type": "Simple", "metric": "CPUUtilization", "threshold": 20, "adjustment": -1,
                "comparison": "LessThanThreshold", "cooldownSeconds": 600},
        ]),
        90.0,
    );
    stage.world().set_load(Load::steady(300.0));
    stage.until("added one", 15 * MINUTE, |stage| desired(stage) == 3);
    let took = stage.until("added another", HOUR, |stage| desired(stage) == 4);
    assert!(took >= 10 * MINUTE, "{took:?}");
    stage.until("added a third", HOUR, |stage| desired(stage) == 5);
    stage.world().set_load(Load::steady(30.0));
    stage.until("shrunk", 3 * HOUR, |stage| desired(stage) == 2);
    stage.settles();
    decisions(
        &stage,
        expect![[r#"
        ScaleUp: 2 -> 3: CPUUtilization 100, 100, 100 in the newest minutes on 2, at least 70; CPUUtilization 100, 100, 100 in the newest minutes on 2, not less than 20
        ScaleUp: 3 -> 4: CPUUtilization 100, 100, 100 in the newest minutes on 3, at least 70; CPUUtilization 100, 100, 100 in the newest minutes on 3, not less than 20
        ScaleUp: 4 -> 5: CPUUtilization 77.8, 78.9, 78.3 in the newest minutes on 4, at least 70; CPUUtilization 77.8, 78.9, 78.3 in the newest minutes on 4, not less than 20
        ScaleDown: 5 -> 4: CPUUtilization 9, 8.9, 8.9 in the newest minutes on 5, not at least 70; CPUUtilization 9, 8.9, 8.9 in the newest minutes on 5, less than 20
        ScaleDown: 4 -> 3: CPUUtilization 10.4, 10.3, 10.5 in the newest minutes on 4, not at least 70; CPUUtilization 10.4, 10.3, 10.5 in the newest minutes on 4, less than 20
        ScaleDown: 3 -> 2: CPUUtilization 12.8, 12.9, 13.1 in the newest minutes on 3, not at least 70; CPUUtilization 12.8, 12.9, 13.1 in the newest minutes on 3, less than 20
    "#]],
    );
}

#[test]
fn schedules_move_the_bounds_and_set_the_capacity() {
    let mut stage = tier(
        json!([
            {"type": "Scheduled", "schedule": "0 18 * * *", "timeZone": "Asia/Seoul", "min": 4, "desired": 6},
            {"type": "Scheduled", "schedule": "0 22 * * *", "timeZone": "Asia/Seoul", "max": 3},
        ]),
        40.0,
    );
    let bounds = |stage: &Stage| {
        let group = stage.group("web");
        (group.min, group.desired, group.max)
    };
    assert_eq!(bounds(&stage), (2, 2, 3), "the night before: {}", stage.now());
    stage.until("evening", 24 * HOUR, |stage| stage.now().to_string().contains("T09:00"));
    stage.run(5 * MINUTE);
    assert_eq!(bounds(&stage), (4, 6, 8), "{}", stage.now());
    stage.until("night", 24 * HOUR, |stage| stage.now().to_string().contains("T13:00"));
    stage.run(10 * MINUTE);
    assert_eq!(bounds(&stage), (2, 3, 3), "{}", stage.now());
    stage.nothing_unlawful();
    decisions(
        &stage,
        expect![[r#"
        Scheduled: 4 -> 6: the schedule 0 18 * * * (Asia/Seoul) fired at 2027-01-15T09:00:00Z
    "#]],
    );
}

#[test]
fn a_queue_that_grows_is_worked_off_by_more_instances_and_a_metric_that_is_not_there_is_told() {
    let queue = OtherMetric {
        namespace: "Shop".to_owned(),
        name: "QueueLength".to_owned(),
        dimensions: [("Queue".to_owned(), "orders".to_owned())].into(),
        statistic: "Maximum".to_owned(),
    };
    let mut stage = tier(
        json!([{"target": 100, "customMetric": {"scope": "Total", "expression": "waiting + 0", "metrics": [
            {"id": "waiting", "namespace": "Shop", "name": "QueueLength", "dimensions": {"Queue": "orders"}, "statistic": "Maximum"},
        ]}}]),
        40.0,
    );
    stage.world().put_metric(&queue, Some(120.0));
    stage.run(20 * MINUTE);
    assert_eq!(desired(&stage), 2);
    stage.world().put_metric(&queue, Some(560.0));
    stage.until("grown", 15 * MINUTE, |stage| desired(stage) == 6);
    stage.run(10 * MINUTE);
    stage.world().put_metric(&queue, None);
    stage.run(30 * MINUTE);
    assert_eq!(desired(&stage), 6, "silence is no short queue");
    let status = stage.status().unwrap();
    let said = &status.decisions[0];
    assert!(said.reason.contains("decides nothing: CloudWatch has no data of it"), "{}", said.reason);
    stage.world().put_metric(&queue, Some(0.0));
    stage.until("shrunk", 3 * HOUR, |stage| desired(stage) == 2);
    stage.settles();
    decisions(
        &stage,
        expect![[r#"
        ScaleUp: 2 -> 4: waiting + 0 280 in the newest minute against a target of 100 on 2
        ScaleUp: 4 -> 6: waiting + 0 280 against a target of 100 on 2
        ScaleDown: 6 -> 5: waiting + 0 0 against a target of 100 on 6
        ScaleDown: 5 -> 4: waiting + 0 0 against a target of 100 on 5
        ScaleDown: 4 -> 3: waiting + 0 0 against a target of 100 on 4
        ScaleDown: 3 -> 2: waiting + 0 0 against a target of 100 on 3
    "#]],
    );
}

#[test]
fn slow_answers_add_instances() {
    let mut stage = tier(
        json!([{"type": "Step", "metric": "TargetResponseTime", "statistic": "p95", "steps": [{"from": 0.6, "adjustment": 2}]}]),
        90.0,
    );
    assert_eq!(desired(&stage), 2);
    stage.world().set_load(Load::steady(190.0));
    stage.until("grown", 15 * MINUTE, |stage| desired(stage) == 4);
    stage.settles();
    decisions(
        &stage,
        expect![[r#"
        ScaleUp: 2 -> 4: TargetResponseTime 3, 3, 2.9 in the newest minutes on 2, step from 0.6
    "#]],
    );
}

#[test]
fn while_the_metric_is_silent_the_fallback_holds() {
    let mut stage = tier(
        json!([{"customMetric": {"metrics": [{"namespace": "Shop", "name": "Missing"}]},
        "target": 5, "fallback": {"capacity": 3, "afterSeconds": 900}}]),
        40.0,
    );
    stage.until("fallen back", HOUR, |stage| desired(stage) == 3);
    stage.settles();
    let status = stage.status().unwrap();
    let said = status.decisions.iter().find(|decision| decision.action == "ScaleUp").unwrap();
    let words =
        ["2 -> 3: Shop Missing decides nothing: CloudWatch has no data of it", "and then its fallback is 3"];
    assert!(words.iter().all(|words| said.reason.contains(words)), "{}", said.reason);
}

/// 300 connections are allowed to each replica, and an instance of `app` opens 60: five for each.
#[test]
fn where_both_must_grow_the_replicas_go_first_and_connections_stay_below_the_bound() {
    let mut options = calm(1);
    options.region.load = Load::steady(60.0);
    let change = |spec: &mut Value| {
        spec["spec"]["tiers"][1]["databaseConnections"] = json!({"primary": 10, "replicas": 60});
        spec["spec"]["database"]["connections"] = json!({"max": 400});
    };
    let mut stage = Stage::up_with(options, spec("lamp", change));
    let replicas =
        |stage: &Stage| stage.status().unwrap().database.map_or(0, |database| database.replicas_ready);
    let app = |stage: &Stage| stage.group("app").desired;
    assert!(app(&stage) <= 5 && replicas(&stage) == 1);
    stage.world().set_load(Load::steady(260.0));
    stage.until("grown", 3 * HOUR, |stage| {
        assert!(
            app(stage) <= 5 * replicas(stage),
            "{} instances on {} replicas",
            app(stage),
            replicas(stage)
        );
        app(stage) >= 8
    });
    stage.settles();
    let status = stage.status().unwrap();
    let said: Vec<_> =
        status.decisions.iter().map(|decision| format!("{} {}", decision.part, decision.reason)).collect();
    assert!(
        said.iter()
            .any(|line| line.starts_with("replicas")
                && line.contains("connections to read replicas are wanted")),
        "{said:#?}"
    );
}
