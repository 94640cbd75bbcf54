//! What is refused of each type of scaling policy.

#[path = "owner.rs"]
mod owner;

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::check;

fn tier(policies: Value, expected: Expect) {
    check(&[("/tiers/0/scaling", json!({"policies": policies}))], expected);
}

fn pool(policies: Value, expected: Expect) {
    let scaling = json!({"policies": policies});
    check(&[("/database/replicas", json!({"min": 1, "max": 5, "scaling": scaling}))], expected);
}

#[test]
fn every_type_is_valid_with_what_it_needs() {
    let custom = json!({
        "metrics": [
            {"id": "failed", "namespace": "Shop", "name": "Failed", "statistic": "Sum"},
            {"id": "all", "namespace": "Shop", "name": "All", "statistic": "Sum", "dimensions": {"Group": "${autoScalingGroup}"}},
        ],
        "expression": "failed / all * 100",
    });
    tier(
        json!([
            {"metric": "CPUUtilization", "target": 60, "fallback": {"capacity": 3}},
            {"type": "Step", "metric": "TargetResponseTime", "statistic": "p99", "steps": [{"from": 1, "adjustment": 1}]},
            {"type": "Step", "customMetric": custom, "steps": [{"to": 5, "adjustment": -1}, {"from": 5, "adjustment": 2}]},
            {"type": "Simple", "metric": "NetworkOut", "threshold": 1e9, "adjustment": 50, "adjustmentType": "PercentChangeInCapacity"},
            {"type": "Scheduled", "schedule": "0 8 * * MON-FRI", "timeZone": "Europe/Berlin", "min": 3},
            {"type": "Predictive", "metric": "CPUUtilization", "target": 60},
        ]),
        expect![[""]],
    );
    pool(
        json!([
            {"metric": "DatabaseConnections", "target": 200},
            {"type": "Step", "metric": "ReplicaLag", "steps": [{"from": 20, "adjustment": 1}]},
            {"type": "Predictive", "metric": "DatabaseConnections", "target": 200, "mode": "ForecastAndScale"},
            {"type": "Scheduled", "schedule": "@daily", "desired": 2},
        ]),
        expect![[""]],
    );
}

#[test]
fn fields_of_another_type_and_missing_ones() {
    tier(
        json!([
            {"type": "Step", "metric": "CPUUtilization", "target": 60},
            {"type": "Simple", "metric": "CPUUtilization", "steps": [{"from": 1, "adjustment": 1}]},
            {"type": "Scheduled", "metric": "CPUUtilization", "min": 3},
            {"type": "Predictive", "target": 60, "cooldownSeconds": 3},
            {"type": "TargetTracking", "target": 60, "mode": "ForecastOnly"},
            {"metric": "CPUUtilization", "customMetric": {"metrics": [{"namespace": "a", "name": "b"}]}, "target": 50},
        ]),
        expect![[r#"
            spec.tiers[0].scaling.policies[0].target: Forbidden: a policy of type Step has no target
            spec.tiers[0].scaling.policies[0].steps: Required value: a policy of type Step needs it
            spec.tiers[0].scaling.policies[1].steps: Forbidden: a policy of type Simple has no steps
            spec.tiers[0].scaling.policies[1].threshold: Required value: a policy of type Simple needs it
            spec.tiers[0].scaling.policies[1].adjustment: Required value: a policy of type Simple needs it
            spec.tiers[0].scaling.policies[2].metric: Forbidden: a policy of type Scheduled has no metric
            spec.tiers[0].scaling.policies[2].schedule: Required value: a policy of type Scheduled needs it
            spec.tiers[0].scaling.policies[3].metric: Required value: a policy of type Predictive needs it
            spec.tiers[0].scaling.policies[3].cooldownSeconds: Forbidden: a policy of type Predictive has no cooldownSeconds
            spec.tiers[0].scaling.policies[4].mode: Forbidden: a policy of type TargetTracking has no mode
            spec.tiers[0].scaling.policies[4].metric: Required value: set metric or customMetric
            spec.tiers[0].scaling.policies[5].customMetric: Forbidden: set either metric or customMetric, not both
        "#]],
    );
}

#[test]
fn steps() {
    tier(
        json!([
            {"type": "Step", "metric": "CPUUtilization", "steps": [
                {"from": 60, "to": 80, "adjustment": 1}, {"from": 79, "adjustment": 2}, {"from": 90, "to": 85, "adjustment": 1},
                {"adjustment": 1}, {"to": 20, "adjustment": 0},
            ]},
            {"type": "Step", "metric": "CPUUtilization", "datapointsToAlarm": 4, "adjustmentType": "ExactCapacity",
             "steps": [{"from": 60, "adjustment": -2}]},
            {"type": "Step", "metric": "CPUUtilization", "evaluationPeriods": 1, "steps": [{"from": 60, "adjustment": 2000}]},
        ]),
        expect![[r#"
            spec.tiers[0].scaling.policies[0].steps[1]: Invalid value: "79..": overlaps steps[0]: where both hold, it is not known which counts
            spec.tiers[0].scaling.policies[0].steps[2].from: Invalid value: 90.0: must be less than to, which is 85
            spec.tiers[0].scaling.policies[0].steps[2]: Invalid value: "90..85": overlaps steps[1]: where both hold, it is not known which counts
            spec.tiers[0].scaling.policies[0].steps[3]: Required value: set from, to, or both
            spec.tiers[0].scaling.policies[0].steps[3]: Invalid value: "..": overlaps steps[0]: where both hold, it is not known which counts
            spec.tiers[0].scaling.policies[0].steps[4].adjustment: Invalid value: 0: changes nothing; leave the step out
            spec.tiers[0].scaling.policies[0].steps[4]: Invalid value: "..20": overlaps steps[3]: where both hold, it is not known which counts
            spec.tiers[0].scaling.policies[1].steps[0].adjustment: Invalid value: -2: must be a capacity, 0 or more
            spec.tiers[0].scaling.policies[1].datapointsToAlarm: Invalid value: 4: must be from 1 to 3
            spec.tiers[0].scaling.policies[2].steps[0].adjustment: Invalid value: 2000: must be from -1000 to 1000
            spec.tiers[0].scaling.policies[2].datapointsToAlarm: Required value: its default of 2 is more than evaluationPeriods, which is 1
        "#]],
    );
}

#[test]
fn schedules() {
    tier(
        json!([
            {"type": "Scheduled", "schedule": "0 8 * *", "min": 2},
            {"type": "Scheduled", "schedule": "0 8 30 2 *", "min": 2},
            {"type": "Scheduled", "schedule": "0 8 * * *", "timeZone": "Europe/Atlantis", "min": 2},
            {"type": "Scheduled", "schedule": "0 8 * * *"},
            {"type": "Scheduled", "schedule": "0 8 * * *", "min": 9, "max": 8},
            {"type": "Scheduled", "schedule": "0 8 * * *", "min": 99},
            {"type": "Scheduled", "schedule": "0 8 * * *", "max": 1},
            {"type": "Scheduled", "schedule": "0 8 * * *", "min": 3, "desired": 2},
        ]),
        expect![[r#"
            spec.tiers[0].scaling.policies[0].schedule: Invalid value: "0 8 * *": must be minute, hour, day of month, month and day of week, such as 0 8 * * MON-FRI: Invalid pattern: Pattern must have 5 fields when seconds are disallowed.
            spec.tiers[0].scaling.policies[1].schedule: Invalid value: "0 8 30 2 *": never fires: there is no such day
            spec.tiers[0].scaling.policies[2].timeZone: Invalid value: "Europe/Atlantis": no such time zone; it must be a name of the IANA time zone database, such as Europe/Berlin or UTC
            spec.tiers[0].scaling.policies[3]: Required value: a schedule sets min, max or desired
            spec.tiers[0].scaling.policies[4].min: Invalid value: 9: must not be more than max, which is 8
            spec.tiers[0].scaling.policies[5].min: Invalid value: 99: must not be more than the capacity's max, which is 4
            spec.tiers[0].scaling.policies[6].max: Invalid value: 1: must not be less than the capacity's min, which is 2
            spec.tiers[0].scaling.policies[7].desired: Invalid value: 2: must be from min to max, 3 to 4
        "#]],
    );
}

#[test]
fn metrics() {
    let custom = |custom: Value| json!({"type": "Step", "customMetric": custom, "steps": [{"from": 1, "adjustment": 1}]});
    tier(
        json!([
            {"metric": "TargetResponseTime", "target": 1},
            {"type": "Step", "metric": "CPUUtilization", "statistic": "p90", "steps": [{"from": 60, "adjustment": 1}]},
            {"type": "Step", "metric": "TargetResponseTime", "statistic": "Sum", "steps": [{"from": 60, "adjustment": 1}]},
            {"type": "Predictive", "metric": "NetworkIn", "target": 1},
            custom(json!({"metrics": []})),
            custom(json!({"metrics": [{"id": "A", "namespace": "", "name": ":x", "statistic": "best"}]})),
            custom(json!({"metrics": [{"namespace": "a", "name": "b"}, {"namespace": "a", "name": "c"}]})),
            custom(json!({"metrics": [{"namespace": "a", "name": "b"}], "expression": "m / n"})),
            custom(json!({"metrics": [{"namespace": "a", "name": "b", "dimensions": {"X": "${nothing}"}}]})),
        ]),
        expect![[r#"
            spec.tiers[0].scaling.policies[0].metric: Forbidden: TargetResponseTime does not fall in proportion to the capacity, so a target says nothing of how much is needed; use a policy of type Step
            spec.tiers[0].scaling.policies[1].statistic: Forbidden: is for TargetResponseTime alone; the other metrics have theirs, and customMetric has its own
            spec.tiers[0].scaling.policies[2].statistic: Invalid value: "Sum": must be Average, Maximum or a percentile such as p90
            spec.tiers[0].scaling.policies[3].metric: Unsupported value: "NetworkIn": supported values: "CPUUtilization", "RequestCountPerTarget"
            spec.tiers[0].scaling.policies[4].customMetric.metrics: Required value: at least one metric
            spec.tiers[0].scaling.policies[5].customMetric.metrics[0].id: Invalid value: "A": must be a lower-case letter, then letters, digits or '_'
            spec.tiers[0].scaling.policies[5].customMetric.metrics[0].namespace: Invalid value: "": must be 1 to 255 printable ASCII characters, and not begin with ':'
            spec.tiers[0].scaling.policies[5].customMetric.metrics[0].name: Invalid value: ":x": must be 1 to 255 printable ASCII characters, and not begin with ':'
            spec.tiers[0].scaling.policies[5].customMetric.metrics[0].statistic: Invalid value: "best": must be Average, Sum, Minimum, Maximum, SampleCount or a percentile such as p99.9
            spec.tiers[0].scaling.policies[6].customMetric.metrics[1].id: Duplicate value: "m"
            spec.tiers[0].scaling.policies[6].customMetric.expression: Required value: is needed where there are several metrics, such as "m + m"
            spec.tiers[0].scaling.policies[7].customMetric.expression: Invalid value: "m / n": there is no metric of id "n"; ids: m
            spec.tiers[0].scaling.policies[8].customMetric.metrics[0].dimensions[X]: Unsupported value: "${nothing}": supported values: "${autoScalingGroup}", "${targetGroup}", "${loadBalancer}", "${database}"
        "#]],
    );
    pool(
        json!([{"metric": "ReplicaLag", "target": 5}]),
        expect![[r#"
        spec.database.replicas.scaling.policies[0].metric: Forbidden: ReplicaLag does not fall in proportion to the capacity, so a target says nothing of how much is needed; use a policy of type Step
    "#]],
    );
}

#[test]
fn owners() {
    tier(
        json!([
            {"metric": "CPUUtilization", "target": 60, "owner": "AWS"},
            {"metric": "RequestCountPerTarget", "target": 60},
            {"type": "Step", "metric": "CPUUtilization", "owner": "AWS", "steps": [{"from": 60, "adjustment": 1}]},
            {"type": "Scheduled", "schedule": "0 8 * * *", "min": 3, "desired": 3},
            {"type": "Scheduled", "schedule": "0 9 * * *", "min": 3},
        ]),
        expect![[r#"
            spec.tiers[0].scaling.policies[2].owner: Forbidden: only policies of type TargetTracking can be AWS's
            spec.tiers[0].scaling.policies[1].owner: Invalid value: "Lamplighter": must be AWS like that of the other policies: two owners of one capacity undo each other's work
            spec.tiers[0].scaling.policies[3].desired: Forbidden: AWS owns the capacity, by another policy; a schedule can set min and max
        "#]],
    );
    pool(
        json!([{"metric": "CPUUtilization", "target": 60, "owner": "AWS"}]),
        expect![[r#"
        spec.database.replicas.scaling.policies[0].owner: Forbidden: AWS has no policies for read replicas of RDS
    "#]],
    );
}

#[test]
fn fallbacks() {
    tier(
        json!([{"metric": "CPUUtilization", "target": 60, "fallback": {"capacity": 0, "afterSeconds": 5}}]),
        expect![[r#"
            spec.tiers[0].scaling.policies[0].fallback.afterSeconds: Invalid value: 5: must be from 60 to 86400
            spec.tiers[0].scaling.policies[0].fallback.capacity: Invalid value: 0: must be from 1 to 4
        "#]],
    );
}

#[test]
fn connections() {
    check(
        &[
            ("/tiers/0/databaseConnections", json!({"primary": 5})),
            ("/tiers/1/databaseConnections", json!({})),
        ],
        expect![[r#"
            spec.tiers[0].databaseConnections: Forbidden: this tier does not use the database; add it to uses
            spec.tiers[1].databaseConnections: Required value: set primary, replicas, or both
        "#]],
    );
    check(
        &[
            ("/tiers/1/databaseConnections", json!({"primary": 600})),
            ("/database/connections", json!({"sharePercent": 5})),
        ],
        expect![[r#"
            spec.tiers[1].databaseConnections.primary: Invalid value: 600: at the smallest capacities 1200 connections are opened, and 68 are allowed: 5 % of 1365
            spec.database.connections.sharePercent: Invalid value: 5: must be from 10 to 100
        "#]],
    );
    check(
        &[
            ("/tiers/1/databaseConnections", json!({"primary": 10, "replicas": 10})),
            ("/database/replicas", json!({"min": 1, "instanceClass": "db.z9.large"})),
        ],
        expect![[r#"
            spec.database.connections.max: Required value: the memory of db.z9.large is not known here, and spec.tiers[1].databaseConnections needs a limit
        "#]],
    );
}
