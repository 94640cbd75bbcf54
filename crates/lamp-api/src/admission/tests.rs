//! What a client reads when its object is refused or repaired.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::{Rejected, Strictness, admit, screen};
use crate::json::Parsed;
use crate::kinds::{EVENT, LAMPSTACK, NAMESPACE, PLAN};

fn stack(spec: Value) -> Value {
    json!({"apiVersion": "lamplighter.dev/v1alpha1", "kind": "LampStack", "metadata": {"name": "shop"}, "spec": spec})
}

#[track_caller]
fn refused(object: Value, strictness: Strictness, expected: Expect) {
    let rejected = admit(&LAMPSTACK, &object, None, strictness).unwrap_err();
    let text = match &rejected {
        Rejected::Invalid(errors) => errors.iter().map(|e| format!("{:?} {e}\n", e.reason)).collect(),
        other => format!("{other}\n"),
    };
    expected.assert_eq(&text);
}

#[test]
fn defaults_are_filled_in_and_unknown_fields_dropped() {
    let object =
        stack(json!({"region": "eu-central-1", "tiers": [{"name": "web", "colour": "red"}], "mode": null}));
    let admitted = admit(&LAMPSTACK, &object, None, Strictness::Warn).unwrap();
    assert_eq!(admitted.warnings, [r#"unknown field "spec.tiers[0].colour""#]);
    assert_eq!(admitted.object["spec"]["mode"], "Enforce");
    assert_eq!(admitted.object["spec"]["tiers"][0]["capacity"], json!({"min": 2, "max": 4}));
    assert_eq!(admitted.object["spec"]["tiers"][0].get("colour"), None);
    assert!(admit(&LAMPSTACK, &object, None, Strictness::Ignore).unwrap().warnings.is_empty());
}

#[test]
fn unknown_fields_are_all_named_when_strict() {
    let object = stack(json!({"region": "eu-central-1", "x": 1, "tiers": [{"name": "web", "y": 1}]}));
    refused(
        object,
        Strictness::Strict,
        expect![[r#"
        LampStack in version "v1alpha1" cannot be handled as a LampStack: strict decoding error: unknown field "spec.tiers[0].y", unknown field "spec.x"
    "#]],
    );
}

#[test]
fn wrong_types_are_all_named() {
    let spec = json!({
        "mode": "Off",
        "network": {"zones": "two", "singleZone": "yes"},
        "tiers": [{"port": 70000, "capacity": {"min": -1, "max": "4"}}, {"name": "b", "uses": "database"}, 7],
        "database": {"version": 8.0, "parameters": {"max_connections": 10}}
    });
    refused(
        stack(spec),
        Strictness::Warn,
        expect![[r#"
            FieldValueTypeInvalid spec.database.parameters[max_connections]: Invalid value: 10: must be a string
            FieldValueTypeInvalid spec.database.version: Invalid value: 8.0: must be a string
            FieldValueRequired spec.database.instanceClass: Required value: RDS instance class, for example `db.r6g.large`
            FieldValueNotSupported spec.mode: Unsupported value: "Off": supported values: "Enforce", "Observe", "Paused"
            FieldValueTypeInvalid spec.network.singleZone: Invalid value: "yes": must be true or false
            FieldValueTypeInvalid spec.network.zones: Invalid value: "two": must be a whole number or a list
            FieldValueTypeInvalid spec.tiers[0].capacity.max: Invalid value: "4": must be a whole number
            FieldValueInvalid spec.tiers[0].capacity.min: Invalid value: -1: must be at least 0
            FieldValueInvalid spec.tiers[0].port: Invalid value: 70000: must be at most 65535
            FieldValueRequired spec.tiers[0].name: Required value: Name of the tier, unique in the stack: a DNS label of at most 20 characters
            FieldValueTypeInvalid spec.tiers[1].uses: Invalid value: "database": must be a list
            FieldValueTypeInvalid spec.tiers[2]: Invalid value: 7: must be an object
            FieldValueRequired spec.region: Required value: AWS region of the whole site, for example `eu-central-1`
        "#]],
    );
}

#[test]
fn rules_are_applied_after_types() {
    let spec = json!({"region": "x", "tiers": [{"name": "web", "uses": ["nobody"]}]});
    refused(
        stack(spec),
        Strictness::Warn,
        expect![[r#"
        FieldValueInvalid spec.region: Invalid value: "x": must be an AWS region such as eu-central-1
        FieldValueInvalid spec.tiers[0].uses[0]: Invalid value: "nobody": there is no other tier
    "#]],
    );
}

#[test]
fn whole_numbers_may_be_written_as_floats() {
    let object = stack(json!({"region": "eu-central-1", "tiers": [{"name": "web", "port": 8080.0}]}));
    let admitted = admit(&LAMPSTACK, &object, None, Strictness::Strict).unwrap();
    assert_eq!(admitted.object["spec"]["tiers"][0]["port"], json!(8080));
}

#[test]
fn names_and_labels() {
    let mut object = stack(json!({"region": "eu-central-1"}));
    object["metadata"] =
        json!({"name": "Shop_1", "labels": {"a b": "x", "team": "-"}, "finalizers": ["a/b/c"]});
    refused(
        object.clone(),
        Strictness::Warn,
        expect![[r#"
        FieldValueInvalid metadata.name: Invalid value: "Shop_1": must be an RFC 1123 label: at most 63 lower-case letters, digits or '-', beginning and ending with a letter or digit
        FieldValueInvalid metadata.labels: Invalid value: "a b": must be a name of at most 63 letters, digits, '-', '_' or '.', after an optional DNS prefix and '/'
        FieldValueInvalid metadata.labels[team]: Invalid value: "-": must be empty, or at most 63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit
        FieldValueInvalid metadata.finalizers[0]: Invalid value: "a/b/c": must be a name such as example.com/cleanup
    "#]],
    );
    object["metadata"] = json!({});
    refused(
        object.clone(),
        Strictness::Warn,
        expect![[r#"
        FieldValueRequired metadata.name: Required value: name or generateName is required
    "#]],
    );
    object["metadata"] = json!({"generateName": "shop-"});
    assert!(admit(&LAMPSTACK, &object, None, Strictness::Warn).is_ok());
}

#[test]
fn another_kind_is_refused() {
    let mut object = stack(json!({"region": "eu-central-1"}));
    object["kind"] = json!("LampPost");
    refused(
        object,
        Strictness::Warn,
        expect![[r#"
        the kind of the object ("LampPost") is not that of the address ("LampStack")
    "#]],
    );
    refused(
        json!([1]),
        Strictness::Warn,
        expect![[r#"
        a LampStack is a JSON object
    "#]],
    );
}

#[test]
fn an_update_keeps_what_is_immutable() {
    let old =
        admit(&LAMPSTACK, &stack(json!({"region": "eu-central-1"})), None, Strictness::Warn).unwrap().object;
    let new = stack(json!({"region": "eu-west-1"}));
    let rejected = admit(&LAMPSTACK, &new, Some(&old), Strictness::Warn).unwrap_err();
    expect![[r#"spec.region: Forbidden: is immutable: it is "eu-central-1", and a site cannot move to another region"#]].assert_eq(&rejected.to_string());
}

#[test]
fn what_was_stored_under_older_rules_can_be_labelled() {
    let old = stack(json!({"region": "eu-central-1", "network": {"zones": 1}}));
    let mut new = old.clone();
    new["metadata"]["labels"] = json!({"team": "a"});
    assert!(admit(&LAMPSTACK, &new, Some(&old), Strictness::Warn).is_ok());
    new["spec"]["mode"] = json!("Paused");
    assert!(admit(&LAMPSTACK, &new, Some(&old), Strictness::Warn).is_err());
}

#[test]
fn empty_metadata_is_no_metadata() {
    let mut object = stack(json!({"region": "eu-central-1"}));
    let expected = admit(&LAMPSTACK, &object, None, Strictness::Strict).unwrap().object;
    for (field, empty) in [("annotations", json!({})), ("labels", json!({})), ("finalizers", json!([]))] {
        object["metadata"][field] = empty;
    }
    assert_eq!(admit(&LAMPSTACK, &object, None, Strictness::Strict).unwrap().object, expected);
}

#[test]
fn plans_name_fields_of_their_candidate() {
    let plan = json!({"metadata": {"name": "p"}, "spec": {"stack": "shop", "delete": true, "candidate": {"region": "x"}}});
    let rejected = admit(&PLAN, &plan, None, Strictness::Strict).unwrap_err();
    expect![[r#"spec.candidate: Forbidden: a deletion needs no candidate; set one of the two, spec.candidate.region: Invalid value: "x": must be an AWS region such as eu-central-1"#]].assert_eq(&rejected.to_string());
}

#[test]
fn core_kinds_keep_their_fields() {
    let namespace = json!({"metadata": {"name": "team-a", "creationTimestamp": null}, "spec": {"finalizers": ["kubernetes"]}, "status": {}});
    let admitted = admit(&NAMESPACE, &namespace, None, Strictness::Strict).unwrap();
    assert_eq!(admitted.object["kind"], "Namespace");
    let event = json!({
        "metadata": {"name": "shop.17a3", "namespace": "default"}, "involvedObject": {"kind": "LampStack", "name": "shop"},
        "reason": "Created", "message": "m", "type": "Normal", "count": 1, "eventTime": null,
        "firstTimestamp": "2026-11-20T00:00:00Z", "source": {"component": "lamplighter"}, "reportingComponent": "lamplighter"
    });
    let admitted = admit(&EVENT, &event, None, Strictness::Strict).unwrap();
    assert_eq!(admitted.object["involvedObject"]["name"], "shop");
}

#[test]
fn a_part_of_an_object_is_screened_for_unknown_fields_alone() {
    let part = |spec: Value| Parsed { value: stack(spec), duplicates: vec!["spec.mode".to_owned()] };
    let typo = part(json!({"tiers": [{"name": "web", "prot": 80}]}));
    let screened = screen(&LAMPSTACK, &typo, Strictness::Warn).unwrap();
    assert_eq!(screened.object["spec"], json!({"tiers": [{"name": "web"}]}));
    let warnings = ["unknown field \"spec.tiers[0].prot\"", "duplicate field \"spec.mode\""];
    assert_eq!(screened.warnings, warnings);
    assert!(screen(&LAMPSTACK, &typo, Strictness::Strict).is_err());
    assert_eq!(screen(&LAMPSTACK, &typo, Strictness::Ignore).unwrap().warnings, Vec::<String>::new());
}
