//! Rules about what is left alone.

use expect_test::expect;
use serde_json::{Value, json};

use super::check;

#[test]
fn rules_about_what_is_left_alone() {
    let rules = |rules: Value| [("/ignore", rules)];
    check(
        &rules(json!([
            {"part": "launch-template/web", "fields": ["userData", "image"]},
            {"part": "security-group/*", "fields": ["ingress"], "policy": "Ignore"},
            {"part": "security-group/database", "fields": ["egress"]},
            {"part": "auto-scaling-group/web", "fields": ["desired", "template", "templateVersion"]},
            {"part": "subnet/public/1", "fields": ["*"]},
            {"part": "*/app", "fields": ["*"]},
            {"part": "*", "fields": ["vpc"]},
            {"part": "database", "fields": ["version"]}
        ])),
        expect![[""]],
    );
    check(
        &rules(json!([
            {"part": "dynamo-table/x", "fields": ["*"]},
            {"part": "security-group", "fields": ["ingress"]},
            {"part": "vpc/1", "fields": ["dnsSupport"]},
            {"part": "launch-template/wbe", "fields": ["userData"]},
            {"part": "launch-template/database", "fields": ["userData"]},
            {"part": "launch-template/web", "fields": ["user_data", "instanceTags", "*"]},
            {"part": "vpc", "fields": []},
            {"part": "secret/database", "fields": ["*"]},
            {"part": "auto-scaling-group/web", "fields": ["template"]},
            {"part": "subnet/*", "fields": ["zone", "zone"]},
            {"part": "subnet/*", "fields": ["zone"], "policy": "Ignore"}
        ])),
        expect![[r#"
            spec.ignore[0].part: Invalid value: "dynamo-table/x": there are no such parts; their names begin with vpc, internet-gateway, subnet, elastic-ip, nat-gateway, route-table, security-group, load-balancer, target-group, listener, launch-template, auto-scaling-group, secret, db-subnet-group, db-parameter-group, database, replica
            spec.ignore[1].part: Invalid value: "security-group": is the beginning of names; write security-group/* for all of them
            spec.ignore[2].part: Invalid value: "vpc/1": there is one vpc, and its name is vpc
            spec.ignore[3].part: Invalid value: "launch-template/wbe": the site has no tier "wbe"
            spec.ignore[4].part: Invalid value: "launch-template/database": the site has no tier "database"
            spec.ignore[5].fields[0]: Unsupported value: "user_data": supported values: "detailedMonitoring", "image", "imdsV2Required", "instanceProfile", "instanceType", "rootVolumeEncrypted", "rootVolumeGib", "securityGroups", "userData"
            spec.ignore[5].fields[1]: Forbidden: instanceTags says whose a resource is, and is always kept; detailedMonitoring, image, imdsV2Required, instanceProfile, instanceType, rootVolumeEncrypted, rootVolumeGib, securityGroups, userData can be left alone
            spec.ignore[5].fields[2]: Invalid value: "*": covers every field: write it alone
            spec.ignore[6].fields: Required value: name the fields, or write ["*"] for all of them
            spec.ignore[7].fields[0]: Invalid value: "*": nothing of secret/database is compared, so that nothing can be left alone
            spec.ignore[8].fields: Required value: templateVersion belongs to template: name both
            spec.ignore[9].fields[1]: Duplicate value: "zone"
            spec.ignore[10].fields[0]: Duplicate value: "zone"
        "#]],
    );
    let scaling = json!({"policies": [{"type": "TargetTracking", "metric": "CPUUtilization", "target": 60}]});
    let rule = json!([{"part": "auto-scaling-group/web", "fields": ["desired"]}]);
    check(
        &[("/tiers/0/scaling", scaling), ("/ignore", rule)],
        expect![[r#"
        spec.ignore[0].fields[0]: Invalid value: "desired": the scaling policies of tier "web" decide it; remove them, or this field
    "#]],
    );
    let many: Vec<Value> =
        (0..65).map(|zone| json!({"part": format!("subnet/public/{zone}"), "fields": ["*"]})).collect();
    check(
        &rules(json!(many)),
        expect![[r#"
        spec.ignore: Invalid value: 65: at most 64 rules; a rule may cover many parts with *
    "#]],
    );
}
