//! Each immutable field with the message that a user reads.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::validate_update;
use crate::v1alpha1::LampStackSpec;

#[track_caller]
fn check(pointer: &str, value: Value, expected: Expect) {
    let old = json!({
        "region": "eu-central-1",
        "network": {"zones": 2},
        "tiers": [{"name": "web"}],
        "database": {"version": "8.0.39", "instanceClass": "db.t3.small", "storage": {"gib": 100}}
    });
    let mut new = old.clone();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    new.pointer_mut(parent).unwrap()[key] = value;
    let [old, new]: [LampStackSpec; 2] = [old, new].map(|spec| serde_json::from_value(spec).unwrap());
    let problems: String = validate_update(&old, &new).iter().map(|error| format!("{error}\n")).collect();
    expected.assert_eq(&problems);
}

#[test]
fn what_may_change() {
    check("/tiers", json!([{"name": "other", "capacity": {"min": 3}}]), expect![[""]]);
    check("/database/storage", json!({"gib": 200}), expect![[""]]);
    check("/database/version", json!("8.4"), expect![[""]]);
    check("/database/version", json!("8.0"), expect![[""]]);
    check("/network/singleZone", json!(true), expect![[""]]);
}

#[test]
fn what_may_not() {
    check(
        "/region",
        json!("us-east-1"),
        expect![[r#"
        spec.region: Forbidden: is immutable: it is "eu-central-1", and a site cannot move to another region
    "#]],
    );
    check(
        "/network/cidr",
        json!("10.30.0.0/16"),
        expect![[r#"
        spec.network.cidr: Forbidden: is immutable: it is "10.20.0.0/16", and AWS cannot change the range of a VPC
    "#]],
    );
    check(
        "/network/zones",
        json!(3),
        expect![[r#"
        spec.network.zones: Forbidden: is immutable: subnets, load balancers and instances stand in these zones
    "#]],
    );
    check(
        "/network/zones",
        json!(["eu-central-1a", "eu-central-1b"]),
        expect![[r#"
        spec.network.zones: Forbidden: is immutable: subnets, load balancers and instances stand in these zones
    "#]],
    );
    check(
        "/database/engine",
        json!("mariadb"),
        expect![[r#"
        spec.database.engine: Forbidden: is immutable: it is "mysql", and another engine is another database
    "#]],
    );
    check(
        "/database/username",
        json!("someone"),
        expect![[r#"
        spec.database.username: Forbidden: is immutable: it is "lamplighter", and RDS cannot rename the master user
    "#]],
    );
    check(
        "/database/storage",
        json!({"gib": 99}),
        expect![[r#"
        spec.database.storage.gib: Forbidden: the volume has 100 GiB, and RDS cannot shrink it
    "#]],
    );
    check(
        "/database/version",
        json!("8.0.38"),
        expect![[r#"
        spec.database.version: Forbidden: the version is "8.0.39", and RDS cannot go back to an older one
    "#]],
    );
    check(
        "/database/version",
        json!("5.7"),
        expect![[r#"
        spec.database.version: Forbidden: the version is "8.0.39", and RDS cannot go back to an older one
    "#]],
    );
    check(
        "/database",
        Value::Null,
        expect![[r#"
        spec.database: Forbidden: is immutable: removing the database from a living stack would delete its data; delete the whole stack, whose deletionPolicy says what becomes of the data
    "#]],
    );
}
