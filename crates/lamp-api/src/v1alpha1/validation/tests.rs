//! Each rule with the exact message that a user reads.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::validate;
use crate::v1alpha1::LampStackSpec;

#[path = "tests/failover.rs"]
mod failover;
#[path = "tests/ignore.rs"]
mod ignore;
#[path = "tests/limits.rs"]
mod limits;
#[path = "tests/maintenance.rs"]
mod maintenance;
#[path = "tests/policies.rs"]
mod policies;

fn base() -> Value {
    json!({
        "region": "eu-central-1",
        "tiers": [
            {"name": "web", "uses": ["app"], "loadBalancer": {"scheme": "Internet"}},
            {"name": "app", "uses": ["database"], "port": 8080, "loadBalancer": {}}
        ],
        "database": {"version": "8.0", "instanceClass": "db.r6g.large", "replicas": {"min": 1, "max": 5}}
    })
}

/// The messages for the base spec with `changes` (pointer, value) made to it.
fn problems(changes: &[(&str, Value)]) -> String {
    let mut spec = base();
    for (pointer, value) in changes {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match spec.pointer_mut(parent).unwrap() {
            Value::Array(items) if key == "-" => items.push(value.clone()),
            Value::Array(items) => items[key.parse::<usize>().unwrap()] = value.clone(),
            other => other[key] = value.clone(),
        }
    }
    let spec: LampStackSpec = serde_json::from_value(spec).unwrap();
    validate(&spec).iter().map(|error| format!("{error}\n")).collect()
}

#[track_caller]
fn check(changes: &[(&str, Value)], expected: Expect) {
    expected.assert_eq(&problems(changes));
}

#[test]
fn the_base_is_valid() {
    check(&[], expect![[""]]);
}

#[test]
fn a_single_zone_holds_neither_load_balancers_nor_databases() {
    let single = |zones: Value| ("/network", json!({"zones": zones, "singleZone": true}));
    let workers = ("/tiers", json!([{"name": "worker"}]));
    let no_database = ("/database", Value::Null);
    check(&[single(json!(1)), workers.clone(), no_database.clone()], expect![[""]]);
    check(&[single(json!(["eu-central-1b"])), workers.clone(), no_database.clone()], expect![[""]]);
    check(
        &[single(json!(1)), workers],
        expect![[r#"
        spec.network.zones: Invalid value: 1: one zone cannot hold a database: AWS wants subnets in two zones
    "#]],
    );
    check(
        &[
            single(json!(["eu-central-1b"])),
            ("/tiers", json!([{"name": "web", "loadBalancer": {}}])),
            no_database,
        ],
        expect![[r#"
        spec.network.zones: Invalid value: 1: one zone cannot hold a load balancer: AWS wants subnets in two zones
    "#]],
    );
}

#[test]
fn region_and_zones() {
    check(
        &[("/region", json!("frankfurt"))],
        expect![[r#"
        spec.region: Invalid value: "frankfurt": must be an AWS region such as eu-central-1
    "#]],
    );
    check(&[("/region", json!("us-gov-west-1"))], expect![[""]]);
    check(
        &[("/network", json!({"zones": 1}))],
        expect![[r#"
        spec.network.zones: Invalid value: 1: one zone means an outage whenever AWS loses it; take 2, or consent with singleZone: true
        spec.network.zones: Invalid value: 1: one zone cannot hold a load balancer: AWS wants subnets in two zones
        spec.network.zones: Invalid value: 1: one zone cannot hold a database: AWS wants subnets in two zones
    "#]],
    );
    check(
        &[("/network", json!({"zones": 0}))],
        expect![[r#"
        spec.network.zones: Invalid value: 0: a site needs at least one zone
    "#]],
    );
    check(
        &[("/network", json!({"zones": 7}))],
        expect![[r#"
        spec.network.zones: Invalid value: 7: no region has more than 6 zones
    "#]],
    );
    let names = json!(["eu-central-1a", "eu-central-1a", "us-east-1b", "eu-central-1-ham-1a"]);
    check(
        &[("/network", json!({"zones": names}))],
        expect![[r#"
        spec.network.zones[2]: Invalid value: "us-east-1b": is no Availability Zone of eu-central-1; those are eu-central-1a, eu-central-1b, …
        spec.network.zones[3]: Invalid value: "eu-central-1-ham-1a": is no Availability Zone of eu-central-1; those are eu-central-1a, eu-central-1b, …
        spec.network.zones[1]: Duplicate value: "eu-central-1a"
    "#]],
    );
}

#[test]
fn address_range() {
    check(
        &[("/network", json!({"cidr": "10.20.0.0"}))],
        expect![[r#"
        spec.network.cidr: Invalid value: "10.20.0.0": must be an IPv4 range such as 10.20.0.0/16
    "#]],
    );
    check(
        &[("/network", json!({"cidr": "fd00::/16"}))],
        expect![[r#"
        spec.network.cidr: Invalid value: "fd00::/16": must be an IPv4 range such as 10.20.0.0/16
    "#]],
    );
    check(
        &[("/network", json!({"cidr": "10.20.1.0/16"}))],
        expect![[r#"
        spec.network.cidr: Invalid value: "10.20.1.0/16": has host bits set; the range is 10.20.0.0/16
    "#]],
    );
    check(
        &[("/network", json!({"cidr": "8.8.0.0/24"}))],
        expect![[r#"
        spec.network.cidr: Invalid value: "8.8.0.0/24": must be from /16, AWS's largest, to /22, which holds three subnets in each of six zones
        spec.network.cidr: Invalid value: "8.8.0.0/24": must lie within a private range: 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16
    "#]],
    );
    check(
        &[("/network", json!({"cidr": "172.16.0.0/15"}))],
        expect![[r#"
        spec.network.cidr: Invalid value: "172.16.0.0/15": must be from /16, AWS's largest, to /22, which holds three subnets in each of six zones
    "#]],
    );
    check(&[("/network", json!({"cidr": "192.168.0.0/22"}))], expect![[""]]);
}

#[test]
fn names_of_tiers() {
    check(
        &[("/tiers/-", json!({"name": "web"}))],
        expect![[r#"
        spec.tiers[2].name: Duplicate value: "web"
    "#]],
    );
    check(
        &[("/tiers/-", json!({"name": "database"}))],
        expect![[r#"
            spec.tiers[2].name: Invalid value: "database": is what `uses` calls the database of the site
        "#]],
    );
    check(
        &[("/tiers/-", json!({"name": "Web_1"}))],
        expect![[r#"
        spec.tiers[2].name: Invalid value: "Web_1": must be 1 to 20 lower-case letters, digits or '-', beginning and ending with a letter or digit
    "#]],
    );
    check(
        &[("/tiers/-", json!({"name": "a-name-of-twenty-one-"}))],
        expect![[r#"
        spec.tiers[2].name: Invalid value: "a-name-of-twenty-one-": must be 1 to 20 lower-case letters, digits or '-', beginning and ending with a letter or digit
    "#]],
    );
    let many: Vec<Value> = (0..11).map(|index| json!({"name": format!("t{index}")})).collect();
    check(
        &[("/tiers", json!(many))],
        expect![[r#"
        spec.tiers: Invalid value: 11: at most 10 tiers; a larger site is several stacks
    "#]],
    );
}

#[test]
fn edges_of_the_site() {
    check(
        &[("/tiers/0/uses", json!(["app", "cache", "web", "app"]))],
        expect![[r#"
        spec.tiers[0].uses[1]: Invalid value: "cache": there is no tier of this name; the others are app
        spec.tiers[0].uses[2]: Invalid value: "web": a tier cannot use itself
        spec.tiers[0].uses[3]: Duplicate value: "app"
    "#]],
    );
    check(
        &[("/database", Value::Null)],
        expect![[r#"
        spec.tiers[1].uses[0]: Invalid value: "database": the site has no spec.database
    "#]],
    );
    check(
        &[("/tiers/1/loadBalancer", Value::Null)],
        expect![[r#"
        spec.tiers[1].loadBalancer: Required value: tier "web" uses this tier, and only a load balancer gives it an address to call
    "#]],
    );
    check(
        &[("/tiers", json!([{"name": "web", "uses": ["app"]}]))],
        expect![[r#"
        spec.tiers[0].uses[0]: Invalid value: "app": there is no other tier
    "#]],
    );
}

#[test]
fn circles_are_named() {
    check(
        &[("/tiers/1/uses", json!(["web"]))],
        expect![[r#"
        spec.tiers[0].uses: Invalid value: "web": the tiers use each other in a circle: web -> app -> web
    "#]],
    );
    let tier = |name: &str, uses: &[&str]| json!({"name": name, "uses": uses, "loadBalancer": {}});
    let two =
        [tier("a", &["b"]), tier("b", &["c"]), tier("c", &["a", "d"]), tier("d", &["e"]), tier("e", &["d"])];
    check(
        &[("/tiers", json!(two))],
        expect![[r#"
        spec.tiers[0].uses: Invalid value: "a": the tiers use each other in a circle: a -> b -> c -> a
        spec.tiers[3].uses: Invalid value: "d": the tiers use each other in a circle: d -> e -> d
    "#]],
    );
}

#[test]
fn images_and_instance_types() {
    check(
        &[("/tiers/0/image", json!({"id": "ami-0123abcd", "ssmParameter": "/x"}))],
        expect![[r#"
            spec.tiers[0].image: Forbidden: set either ssmParameter or id, not both; ssmParameter: null takes a default away
        "#]],
    );
    check(
        &[("/tiers/0/image", json!({}))],
        expect![[r#"
        spec.tiers[0].image: Required value: set either ssmParameter or id
    "#]],
    );
    check(
        &[("/tiers/0/image", json!({"id": "ami-xyz"}))],
        expect![[r#"
        spec.tiers[0].image.id: Invalid value: "ami-xyz": must be an image id: ami- and 8 or 17 hexadecimal digits
    "#]],
    );
    check(
        &[("/tiers/0/image", json!({"ssmParameter": "a b"}))],
        expect![[r#"
        spec.tiers[0].image.ssmParameter: Invalid value: "a b": must be the name of an SSM parameter, such as /aws/service/…
    "#]],
    );
    check(
        &[("/tiers/0/instanceTypes", json!([]))],
        expect![[r#"
        spec.tiers[0].instanceTypes: Required value: at least one instance type, such as t3.small
    "#]],
    );
    check(
        &[("/tiers/0/instanceTypes", json!(["t3.small", "large", "t3.small"]))],
        expect![[r#"
        spec.tiers[0].instanceTypes[1]: Invalid value: "large": must be an instance type such as t3.small
        spec.tiers[0].instanceTypes[2]: Duplicate value: "t3.small"
    "#]],
    );
    check(
        &[("/tiers/0/instanceProfile", json!("web server"))],
        expect![[r#"
        spec.tiers[0].instanceProfile: Invalid value: "web server": must be the name or the ARN of an IAM instance profile
    "#]],
    );
}

#[test]
fn capacity() {
    check(
        &[("/tiers/0/capacity", json!({"min": 5, "max": 4}))],
        expect![[r#"
        spec.tiers[0].capacity.min: Invalid value: 5: must not be more than max, which is 4
    "#]],
    );
    check(
        &[("/tiers/0/capacity", json!({"min": 2, "max": 40_000}))],
        expect![[r#"
        spec.tiers[0].capacity.max: Invalid value: 40000: must be from 0 to 1000
    "#]],
    );
    check(
        &[("/tiers/0/capacity", json!({"min": 2, "max": 4, "desired": 5}))],
        expect![[r#"
        spec.tiers[0].capacity.desired: Invalid value: 5: must be from min to max, 2 to 4
    "#]],
    );
    let policies = json!({"policies": [{"metric": "CPUUtilization", "target": 60}]});
    let changes = [("/tiers/0/capacity", json!({"desired": 3})), ("/tiers/0/scaling", policies)];
    check(
        &changes,
        expect![[r#"
        spec.tiers[0].capacity.desired: Forbidden: the scaling policies decide the number of instances; remove either desired or the policies
    "#]],
    );
}

#[test]
fn ranges_of_a_tier() {
    let changes = [
        ("/tiers/0/port", json!(0)),
        ("/tiers/0/rootVolume", json!({"gib": 4})),
        ("/tiers/0/userData", json!("x".repeat(12 * 1024 + 1))),
        (
            "/tiers/0/healing",
            json!({
                "maxUnhealthyPercent": 0, "maxInFlightPercent": 101, "gracePeriodSeconds": 9999,
                "startupTimeoutSeconds": 10, "unhealthyForSeconds": 30, "maxUnhealthyInZonePercent": 0,
                "maxReplacementsPerHour": 0, "maxReplacementsPerHourPercent": 0, "maxReplacementsInARow": 11
            }),
        ),
    ];
    check(
        &changes,
        expect![[r#"
        spec.tiers[0].port: Invalid value: 0: must be from 1 to 65535
        spec.tiers[0].healing.gracePeriodSeconds: Invalid value: 9999: must be from 0 to 7200
        spec.tiers[0].healing.startupTimeoutSeconds: Invalid value: 10: must be from 60 to 7200
        spec.tiers[0].healing.unhealthyForSeconds: Invalid value: 30: must be from 90 to 3600
        spec.tiers[0].healing.maxUnhealthyPercent: Invalid value: 0: must be from 1 to 100
        spec.tiers[0].healing.maxUnhealthyInZonePercent: Invalid value: 0: must be from 1 to 100
        spec.tiers[0].healing.maxInFlightPercent: Invalid value: 101: must be from 1 to 100
        spec.tiers[0].healing.maxReplacementsPerHour: Invalid value: 0: must be from 1 to 100
        spec.tiers[0].healing.maxReplacementsPerHourPercent: Invalid value: 0: must be from 1 to 100
        spec.tiers[0].healing.maxReplacementsInARow: Invalid value: 11: must be from 1 to 10
        spec.tiers[0].rootVolume.gib: Invalid value: 4: must be from 8 to 1024
        spec.tiers[0].userData: Invalid value: "…": 12289 bytes: at most 12288; let a short script fetch what is larger, from S3 for example
    "#]],
    );
}

#[test]
fn load_balancers() {
    let balancer = json!({
        "certificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012",
        "stickiness": {"cookieSeconds": 0},
        "deregistrationDelaySeconds": 3601,
        "idleTimeoutSeconds": 0,
        "healthCheck": {"path": "healthz", "intervalSeconds": 4, "timeoutSeconds": 4, "healthyThreshold": 1, "unhealthyThreshold": 11}
    });
    check(
        &[("/tiers/0/loadBalancer", balancer)],
        expect![[r#"
        spec.tiers[0].loadBalancer.certificateArn: Invalid value: "arn:aws:acm:us-east-1:123456789012:certificate/12345678-1234-1234-1234-123456789012": is a certificate of us-east-1, but a load balancer needs one of its own region, eu-central-1
        spec.tiers[0].loadBalancer.healthCheck.path: Invalid value: "healthz": must begin with '/', and be at most 1024 visible ASCII characters
        spec.tiers[0].loadBalancer.healthCheck.intervalSeconds: Invalid value: 4: must be from 5 to 300
        spec.tiers[0].loadBalancer.healthCheck.timeoutSeconds: Invalid value: 4: must be less than intervalSeconds, which is 4
        spec.tiers[0].loadBalancer.healthCheck.healthyThreshold: Invalid value: 1: must be from 2 to 10
        spec.tiers[0].loadBalancer.healthCheck.unhealthyThreshold: Invalid value: 11: must be from 2 to 10
        spec.tiers[0].loadBalancer.stickiness.cookieSeconds: Invalid value: 0: must be from 1 to 604800
        spec.tiers[0].loadBalancer.deregistrationDelaySeconds: Invalid value: 3601: must be from 0 to 3600
        spec.tiers[0].loadBalancer.idleTimeoutSeconds: Invalid value: 0: must be from 1 to 4000
    "#]],
    );
    check(
        &[("/tiers/0/loadBalancer", json!({"certificateArn": "my-certificate"}))],
        expect![[r#"
        spec.tiers[0].loadBalancer.certificateArn: Invalid value: "my-certificate": must be the ARN of an ACM certificate: arn:aws:acm:REGION:ACCOUNT:certificate/ID
    "#]],
    );
}

#[test]
fn scaling() {
    let policies = json!([
        {"metric": "CPUUtilization", "target": 101},
        {"metric": "RequestCountPerTarget", "target": 0},
        {"metric": "DatabaseConnections", "target": 5},
        {"metric": "CPUUtilization", "target": 50}
    ]);
    let behavior = json!({"tolerance": 0.6, "warmupSeconds": 3601, "scaleUp": {"urgentPercent": 99},
            "scaleDown": {"stabilizationWindowSeconds": 4000, "agreementPercent": 101}});
    let scaling = json!({"policies": policies, "behavior": behavior});
    check(
        &[("/tiers/0/scaling", scaling)],
        expect![[r#"
            spec.tiers[0].scaling.policies[0].target: Invalid value: 101.0: must be from 10 to 100 per cent of CPU
            spec.tiers[0].scaling.policies[1].target: Invalid value: 0.0: must be more than 0
            spec.tiers[0].scaling.policies[2].metric: Unsupported value: "DatabaseConnections": supported values: "CPUUtilization", "RequestCountPerTarget", "TargetResponseTime", "NetworkIn", "NetworkOut"
            spec.tiers[0].scaling.policies[3].metric: Duplicate value: "CPUUtilization"
            spec.tiers[0].scaling.behavior.tolerance: Invalid value: 0.6: must be from 0 to 0.5
            spec.tiers[0].scaling.behavior.warmupSeconds: Invalid value: 3601: must be from 0 to 3600
            spec.tiers[0].scaling.behavior.scaleUp.urgentPercent: Invalid value: 99: must be from 100 to 1000
            spec.tiers[0].scaling.behavior.scaleDown.stabilizationWindowSeconds: Invalid value: 4000: must be from 0 to 3600
            spec.tiers[0].scaling.behavior.scaleDown.agreementPercent: Invalid value: 101: must be from 50 to 100
        "#]],
    );
    let counted = json!({"policies": [{"metric": "RequestCountPerTarget", "target": 100}]});
    check(
        &[("/tiers/-", json!({"name": "batch", "scaling": counted}))],
        expect![[r#"
        spec.tiers[2].scaling.policies[0].metric: Forbidden: RequestCountPerTarget is counted by a load balancer, and this tier has none
    "#]],
    );
    check(
        &[("/database/replicas/scaling", counted)],
        expect![[r#"
            spec.database.replicas.scaling.policies[0].metric: Unsupported value: "RequestCountPerTarget": supported values: "CPUUtilization", "DatabaseConnections", "ReplicaLag"
        "#]],
    );
}

#[test]
fn database() {
    let changes = [
        ("/database/version", json!("eight")),
        ("/database/instanceClass", json!("r6g.large")),
        ("/database/username", json!("rdsadmin")),
        (
            "/database/parameters",
            json!({"require_secure_transport": "0", "Max": "1", "max_connections": "10"}),
        ),
        ("/database/backups", json!({"retentionDays": 36})),
        ("/database/storage", json!({"gib": 100, "maxGib": 109})),
    ];
    check(
        &changes,
        expect![[r#"
        spec.database.version: Invalid value: "eight": must be numbers such as "8.0" or "8.0.39"
        spec.database.instanceClass: Invalid value: "r6g.large": must be an RDS instance class such as db.r6g.large
        spec.database.storage.maxGib: Invalid value: 109: must be at least 110: AWS wants room to grow by 10 % above gib
        spec.database.backups.retentionDays: Invalid value: 36: must be from 0 to 35
        spec.database.username: Invalid value: "rdsadmin": is reserved by RDS or the engine; take another name
        spec.database.parameters[Max]: Invalid value: "Max": must be the name of an engine parameter, such as max_connections
        spec.database.parameters[require_secure_transport]: Forbidden: connections are always encrypted; remove it
    "#]],
    );
    check(&[("/database/storage", json!({"gib": 100, "maxGib": 110}))], expect![[""]]);
    check(
        &[("/database/storage", json!({"gib": 19, "maxGib": 70000}))],
        expect![[r#"
        spec.database.storage.gib: Invalid value: 19: must be from 20 to 65536
        spec.database.storage.maxGib: Invalid value: 70000: must be from 20 to 65536
    "#]],
    );
    check(
        &[("/database/storage", json!({"gib": 50, "type": "io2"}))],
        expect![[r#"
        spec.database.storage.gib: Invalid value: 50: an io2 volume has at least 100
    "#]],
    );
    check(
        &[("/database/username", json!("7up"))],
        expect![[r#"
        spec.database.username: Invalid value: "7up": must be 1 to 16 letters and digits, beginning with a letter
    "#]],
    );
    check(&[("/database/username", json!("admin"))], expect![[""]]);
}

#[test]
fn replicas() {
    check(
        &[("/database/replicas", json!({"min": 3, "max": 2}))],
        expect![[r#"
        spec.database.replicas.max: Invalid value: 2: must not be less than min, which is 3
    "#]],
    );
    check(
        &[("/database/replicas", json!({"min": 16}))],
        expect![[r#"
        spec.database.replicas.min: Invalid value: 16: must be from 0 to 15
    "#]],
    );
    check(
        &[("/database/backups", json!({"retentionDays": 0}))],
        expect![[r#"
        spec.database.backups.retentionDays: Invalid value: 0: read replicas are made from backups: keep them for at least one day
    "#]],
    );
    check(
        &[("/database/replicas", json!({"min": 0, "instanceClass": "large", "maxLagSeconds": 0}))],
        expect![[r#"
        spec.database.replicas.instanceClass: Invalid value: "large": must be an RDS instance class such as db.r6g.large
        spec.database.replicas.maxLagSeconds: Invalid value: 0: must be from 1 to 86400
    "#]],
    );
}
