//! What a client reads when its role or binding is refused or completed.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use crate::admission::{Rejected, Strictness, admit};
use crate::kinds::{CLUSTER_ROLE, CLUSTER_ROLE_BINDING, KindInfo, ROLE, ROLE_BINDING};

#[track_caller]
fn refused(kind: &KindInfo, object: Value, old: Option<&Value>, expected: Expect) {
    match admit(kind, &object, old, Strictness::Strict).unwrap_err() {
        Rejected::Invalid(errors) => {
            let lines: String = errors.iter().map(|e| format!("{:?} {e}\n", e.reason)).collect();
            expected.assert_eq(&lines);
        }
        other => expected.assert_eq(&format!("{other}\n")),
    }
}

fn binding(subjects: Value, role: &str) -> Value {
    json!({
        "metadata": {"name": "team:editors", "namespace": "team"}, "subjects": subjects,
        "roleRef": {"kind": role, "name": "edit"}
    })
}

#[test]
fn what_manifests_leave_out_is_filled_in() {
    let subjects = json!([{"kind": "User", "name": "ann"}, {"kind": "ServiceAccount", "name": "ci", "namespace": "team"}]);
    let admitted =
        admit(&ROLE_BINDING, &binding(subjects, "ClusterRole"), None, Strictness::Strict).unwrap().object;
    assert_eq!(admitted["roleRef"]["apiGroup"], super::GROUP);
    assert_eq!(admitted["subjects"][0]["apiGroup"], super::GROUP);
    assert_eq!(admitted["subjects"][1].get("apiGroup"), None);
}

#[test]
fn a_rule_is_about_resources_or_about_urls() {
    let rules = json!([
        {"verbs": ["get"], "apiGroups": ["lamplighter.dev"], "resources": ["lampstacks"]},
        {"verbs": [], "apiGroups": [], "resources": ["lampstacks"]},
        {"verbs": ["get"], "nonResourceURLs": ["/metrics"]},
        {"verbs": ["get"], "nonResourceURLs": ["/metrics"], "resources": ["plans"]}
    ]);
    let role = json!({"metadata": {"name": "a", "namespace": "team"}, "rules": rules});
    refused(
        &ROLE,
        role,
        None,
        expect![[r#"
        FieldValueRequired rules[1].verbs: Required value: verbs must contain at least one value
        FieldValueRequired rules[1].apiGroups: Required value: resource rules must supply at least one api group
        FieldValueInvalid rules[2].nonResourceURLs: Invalid value: ["/metrics"]: namespaced rules cannot apply to non-resource URLs
        FieldValueInvalid rules[3].nonResourceURLs: Invalid value: ["/metrics"]: namespaced rules cannot apply to non-resource URLs
        FieldValueInvalid rules[3].nonResourceURLs: Invalid value: ["/metrics"]: rules cannot apply to both regular resources and non-resource URLs
    "#]],
    );
    let rules = json!([{"verbs": ["get"], "nonResourceURLs": ["/metrics"]}]);
    let role = json!({"metadata": {"name": "scraper"}, "rules": rules});
    assert!(admit(&CLUSTER_ROLE, &role, None, Strictness::Strict).is_ok());
}

#[test]
fn roles_are_not_aggregated() {
    let role = json!({"metadata": {"name": "all"}, "aggregationRule": {"clusterRoleSelectors": []}});
    refused(
        &CLUSTER_ROLE,
        role,
        None,
        expect![[r#"
        ClusterRole in version "v1" cannot be handled as a ClusterRole: strict decoding error: unknown field "aggregationRule"
    "#]],
    );
}

#[test]
fn every_subject_is_of_a_known_sort() {
    let subjects = json!([
        {"kind": "Robot", "name": "r2"}, {"kind": "User", "name": ""}, {"kind": "Group", "name": "g", "apiGroup": "x"},
        {"kind": "ServiceAccount", "name": "A b"}
    ]);
    refused(
        &ROLE_BINDING,
        binding(subjects, "Role"),
        None,
        expect![[r#"
        FieldValueNotSupported subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"
        FieldValueRequired subjects[1].name: Required value: the name of the subject
        FieldValueNotSupported subjects[2].apiGroup: Unsupported value: "x": supported values: "rbac.authorization.k8s.io"
        FieldValueInvalid subjects[3].name: Invalid value: "A b": must be an RFC 1123 subdomain
        FieldValueRequired subjects[3].namespace: Required value: a service account has one
    "#]],
    );
}

#[test]
fn the_role_of_a_binding_is_of_its_scope_and_stays() {
    let mut other = binding(json!([]), "Role");
    other["metadata"] = json!({"name": "a"});
    refused(
        &CLUSTER_ROLE_BINDING,
        other,
        None,
        expect![[r#"
        FieldValueNotSupported roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"
    "#]],
    );
    let old = admit(&ROLE_BINDING, &binding(json!([]), "Role"), None, Strictness::Strict).unwrap().object;
    refused(
        &ROLE_BINDING,
        binding(json!([]), "ClusterRole"),
        Some(&old),
        expect![[r#"
        FieldValueForbidden roleRef: Forbidden: is immutable: delete the binding and create another
    "#]],
    );
}

#[test]
fn an_expiry_is_a_time() {
    let mut binding = binding(json!([]), "Role");
    binding["metadata"]["annotations"] = json!({"lamplighter.dev/expires-at": "2027-01-31T18:00:00+09:00"});
    assert!(admit(&ROLE_BINDING, &binding, None, Strictness::Strict).is_ok());
    binding["metadata"]["annotations"] = json!({"lamplighter.dev/expires-at": "tomorrow"});
    refused(
        &ROLE_BINDING,
        binding,
        None,
        expect![[r#"
        FieldValueInvalid metadata.annotations[lamplighter.dev/expires-at]: Invalid value: "tomorrow": must be a time in RFC 3339, for example 2027-01-31T18:00:00Z: failed to parse four digit integer as year: invalid digit, expected 0-9 but got t
    "#]],
    );
}

#[test]
fn names_may_have_colons_and_no_slashes() {
    for (name, good) in
        [("system:masters", true), ("a.B_c", true), ("a/b", false), ("..", false), ("a b", false)]
    {
        let role = json!({"metadata": {"name": name}});
        assert_eq!(admit(&CLUSTER_ROLE, &role, None, Strictness::Strict).is_ok(), good, "{name}");
    }
}
