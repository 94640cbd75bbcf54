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
    check(&[policy(&json!({"metric": "TargetResponseTime"}))], expect![[""]]);
    check(&[policy(&queue(&json!({"statistic": "p90"})))], expect![[""]]);
    let mut total = queue(&json!({}));
    total["customMetric"]["scope"] = json!("Total");
    check(&[policy(&total)], expect![[""]]);
}
