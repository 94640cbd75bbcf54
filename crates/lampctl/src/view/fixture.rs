//! A stack in the middle of things, for the tests of everything that shows one.

use jiff::Timestamp;
use lamp_api::v1alpha1::{DeletionStatus, LampStack, LeftAlone, LeftAloneReason};
use serde_json::json;

/// Five minutes after the stack was made.
pub(crate) fn now() -> Timestamp {
    "2026-11-20T10:05:00Z".parse().unwrap()
}

/// User data that somebody changed by hand.
pub(crate) fn left_alone() -> LeftAlone {
    LeftAlone {
        part: "launch-template/web".to_owned(),
        field: "userData".to_owned(),
        wanted: "#!/bin/sh".to_owned(),
        found: "#!/bin/bash".to_owned(),
        reason: LeftAloneReason::Reported,
        corrections: None,
        next_attempt_time: None,
    }
}

/// A deletion with something of others in its way, and something that goes by itself.
pub(crate) fn deletion() -> DeletionStatus {
    serde_json::from_value(json!({
        "startedTime": "2026-11-20T10:01:00Z", "lastProgressTime": "2026-11-20T10:04:00Z",
        "blockers": [
            {"part": "subnet/public/1", "id": "subnet-1", "by": "eni-1", "foreign": true,
             "message": "subnet-1 (subnet/public/1) is held by eni-1: a bastion's; remove it"},
            {"part": "security-group/web", "id": "sg-1", "by": "eni-2",
             "message": "sg-1 (security-group/web) is held by eni-2: ELB app/web/1; it goes by itself"}
        ]
    }))
    .unwrap()
}

pub(crate) fn stack() -> LampStack {
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({"type": kind, "status": status, "reason": reason, "message": message, "observedGeneration": 2,
               "lastTransitionTime": "2026-11-20T10:03:00Z"})
    };
    let part = |part: &str, kind: &str, id: Option<&str>, state: &str, reason: Option<&str>| json!({"part": part, "kind": kind, "id": id, "state": state, "reason": reason});
    let status = json!({
        "observedGeneration": 2, "observedTime": "2026-11-20T10:04:50Z",
        "summary": "the database is being made", "url": "http://shop.example.com",
        "conditions": [
            condition("Ready", "False", "Creating", "the database is being made"),
            condition("Progressing", "True", "Creating", "3 parts are being made"),
            condition("NetworkReady", "True", "AsSpecified", "the network is as specified"),
            condition("DatabaseReady", "False", "Creating", "RDS says creating since 2m")
        ],
        "tiers": [
            {"name": "web", "desired": 3, "instances": 2, "ready": 1, "endpoint": "shop-1.elb.amazonaws.com"},
            {"name": "app", "desired": 2, "instances": 2, "ready": 2}
        ],
        "database": {"state": "creating", "engineVersion": "8.0.36", "replicasDesired": 1, "replicasReady": 0},
        "parts": [
            part("vpc", "Vpc", Some("vpc-1"), "Ready", None),
            part("subnet/public/1", "Subnet", Some("subnet-1"), "Ready", None),
            part("nat-gateway/1", "NatGateway", None, "Failed", Some("AWS refuses: NatGatewayLimitExceeded")),
            part("security-group/web", "SecurityGroup", Some("sg-1"), "Drifted", Some("port 22 was opened by hand")),
            part("auto-scaling-group/web", "AutoScalingGroup", Some("asg-1"), "Progressing", Some("2 of 3 instances")),
            part("launch-template/app", "LaunchTemplate", Some("lt-2"), "Ready", None),
            part("db-instance/primary", "DbInstance", Some("db-1"), "Progressing", Some("RDS says creating")),
            part("db-instance/replica/1", "DbInstance", None, "Waiting", Some("for db-instance/primary")),
            part("db-subnet-group", "DbSubnetGroup", Some("dsg-1"), "Ready", None)
        ],
        "waiting": [
            {"part": "db-instance/replica/1", "reason": "a replica needs an available primary"},
            {"part": "nat-gateway/1", "reason": "the quota of NAT gateways (5) is used up: raise it", "blocked": true}
        ],
        "decisions": [
            {"time": "2026-11-20T10:04:40Z", "part": "auto-scaling-group/web", "action": "ScaleUp",
             "reason": "CPUUtilization 83 over target 60: 2 -> 3"},
            {"time": "2026-11-20T10:03:00Z", "part": "db-instance/primary", "action": "Create",
             "reason": "it is missing"}
        ]
    });
    serde_json::from_value(json!({
        "apiVersion": "lamplighter.dev/v1alpha1", "kind": "LampStack",
        "metadata": {"name": "shop", "namespace": "default", "generation": 2, "uid": "u-1",
                     "creationTimestamp": "2026-11-20T10:00:00Z"},
        "spec": {"region": "eu-central-1",
                 "network": {"cidr": "10.20.0.0/16"},
                 "tiers": [
                    {"name": "web", "image": {"id": "ami-1"}, "instanceTypes": ["t3.small"], "port": 80,
                     "capacity": {"min": 2, "max": 12}},
                    {"name": "app", "image": {"id": "ami-1"}, "instanceTypes": ["t3.small"], "port": 8080,
                     "capacity": {"min": 2, "max": 12}}],
                 "database": {"version": "8.0", "instanceClass": "db.r6g.large"}},
        "status": status
    }))
    .unwrap()
}

/// Text without its colour.
pub(crate) fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}
