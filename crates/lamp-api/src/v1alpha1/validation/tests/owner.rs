//! What a policy of AWS's own cannot be.

use expect_test::expect;
use serde_json::{Value, json};

use super::check;

fn policy(more: &Value) -> (&'static str, Value) {
    let mut policy = json!({"owner": "AWS", "target": 50});
    policy.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ("/tiers/0/scaling", json!({"policies": [policy]}))
}

fn queue(more: &Value) -> Value {
    let mut metric = json!({"namespace": "AWS/SQS", "name": "ApproximateNumberOfMessagesVisible"});
    metric.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"customMetric": {"metrics": [metric]}})
}

#[test]
fn what_aws_can_track_is_admitted() {
    check(&[policy(&json!({"metric": "CPUUtilization"}))], expect![[""]]);
    check(&[policy(&queue(&json!({"statistic": "Sum"})))], expect![[""]]);
}

#[test]
fn what_aws_cannot_track_is_refused_at_its_field() {
    check(
        &[policy(&json!({"metric": "TargetResponseTime"}))],
        expect![[r#"
            spec.tiers[0].scaling.policies[0].metric: Forbidden: TargetResponseTime does not fall in proportion to the capacity, so a target says nothing of how much is needed; use a policy of type Step
        "#]],
    );
    check(
        &[policy(&queue(&json!({"statistic": "p90"})))],
        expect![[r#"
            spec.tiers[0].scaling.policies[0].customMetric.metrics[0].statistic: Invalid value: "p90": a policy of AWS follows Average, Maximum, Minimum, SampleCount or Sum
        "#]],
    );
    let mut total = queue(&json!({}));
    total["customMetric"]["scope"] = json!("Total");
    check(
        &[policy(&total)],
        expect![[r#"
            spec.tiers[0].scaling.policies[0].customMetric.scope: Forbidden: a policy of AWS follows an average of the instances
        "#]],
    );
}
