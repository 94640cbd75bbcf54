//! `apply --server-side`, who owns what, and the change from client-side apply and back.

use serde_json::Value;

use super::tool::{Kubectl, SHOP};

pub(super) fn suite(kubectl: &Kubectl) {
    creating(kubectl);
    conflicts(kubectl);
    changing_over(kubectl);
    other_kinds(kubectl);
}

const VERSION: &str = "get lamp shop -o 'jsonpath={.metadata.resourceVersion} {.metadata.generation}'";

fn owners(kubectl: &Kubectl, command: &str) -> Vec<String> {
    let object: Value = serde_json::from_str(&kubectl.ok(command)).unwrap();
    let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    entries
        .iter()
        .map(|entry| {
            format!("{} {}", entry["manager"].as_str().unwrap(), entry["operation"].as_str().unwrap())
        })
        .collect()
}

fn creating(kubectl: &Kubectl) {
    kubectl.prints(
        "apply --server-side -f shop.yaml --dry-run=server",
        &["lampstack.lamplighter.dev/shop serverside-applied (server dry run)"],
    );
    kubectl.refuses("get lamp shop", &["NotFound"]);
    kubectl
        .prints("apply --server-side -f shop.yaml", &["lampstack.lamplighter.dev/shop serverside-applied"]);
    kubectl.ok("wait --for=condition=Ready lamp/shop --timeout=20s");
    let before = kubectl.ok(VERSION);
    kubectl.ok("apply --server-side -f shop.yaml");
    assert_eq!(kubectl.ok(VERSION), before, "an apply without a change writes nothing");
    kubectl.ok("diff --server-side -f shop.yaml");
    kubectl.write("larger.yaml", &SHOP.replacen("max: 12", "max: 20", 1));
    let diff = kubectl.fails("diff --server-side -f larger.yaml", 1);
    kubectl.contains("diff", &diff, &["-      max: 12", "+      max: 20"]);
    let hidden = kubectl.ok("get lamp shop -o yaml");
    assert!(!hidden.contains("managedFields"), "{hidden}");
    kubectl.prints(
        "get lamp shop -o yaml --show-managed-fields",
        &["managedFields:", "manager: kubectl", "operation: Apply"],
    );
    assert_eq!(owners(kubectl, "get lamp shop -o json --show-managed-fields"), ["kubectl Apply"]);
    kubectl.write("typo.yaml", &SHOP.replacen("instanceTypes", "instanceTipes", 1));
    kubectl.refuses("apply --server-side -f typo.yaml", &["unknown field \"spec.tiers[0].instanceTipes\""]);
    kubectl.write("wrong.yaml", &SHOP.replacen("min: 2", "min: 99", 1));
    kubectl.refuses(
        "apply --server-side -f wrong.yaml",
        &["The LampStack \"shop\" is invalid", "spec.tiers[0].capacity.min"],
    );
}

fn conflicts(kubectl: &Kubectl) {
    kubectl.refuses(
        "apply --server-side --field-manager=other -f larger.yaml",
        &[
            "Apply failed with 1 conflict: conflict with \"kubectl\": .spec.tiers[name=\"web\"].capacity.max",
            "Please review the fields above--they currently have other managers.",
            "command with the `--force-conflicts` flag",
        ],
    );
    kubectl.ok("diff --server-side --force-conflicts --field-manager=kubectl -f shop.yaml");
    kubectl.prints(
        "apply --server-side --field-manager=other --force-conflicts -f larger.yaml",
        &["serverside-applied"],
    );
    kubectl.prints("get lamp shop -o 'jsonpath={.spec.tiers[0].capacity.max}'", &["20"]);
    kubectl.ok("label lamp shop stage=a");
    kubectl.write(
        "labelled.yaml",
        &SHOP.replacen("max: 12", "max: 20", 1).replacen("team: sales", "team: sales, stage: b", 1),
    );
    kubectl.refuses(
        "apply --server-side -f labelled.yaml",
        &["conflict with \"kubectl-label\" using lamplighter.dev/v1alpha1: .metadata.labels.stage"],
    );
    kubectl.ok("label lamp shop stage-");
    kubectl.prints("apply --server-side --field-manager=other -f labelled.yaml", &["serverside-applied"]);
    // Both own the same: what one leaves out stays.
    kubectl.ok("apply --server-side --force-conflicts -f shop.yaml");
    kubectl.prints(
        "get lamp shop -o 'jsonpath={.metadata.labels.stage} {.spec.tiers[0].capacity.max}'",
        &["b 12"],
    );
    let edited = kubectl.edit("edit lamp shop", "s/retentionDays: 7/retentionDays: 8/");
    kubectl.contains("edit", &edited, &["shop edited"]);
    kubectl.refuses(
        "apply --server-side -f shop.yaml",
        &["conflict with \"kubectl-edit\"", ".spec.database.backups.retentionDays"],
    );
    kubectl.ok("delete lamp shop");
}

fn changing_over(kubectl: &Kubectl) {
    kubectl.write(
        "noted.yaml",
        &SHOP.replacen("max: 12", "max: 20", 1).replacen("team: sales", "team: sales, note: old", 1),
    );
    kubectl.ok("apply -f noted.yaml");
    kubectl.ok("wait --for=condition=Ready lamp/shop --timeout=20s");
    // What client-side apply set is no conflict, and what is left out goes.
    kubectl.prints("apply --server-side -f shop.yaml", &["serverside-applied"]);
    kubectl.prints("get lamp shop -o 'jsonpath={.spec.tiers[0].capacity.max}'", &["12"]);
    let owners = owners(kubectl, "get lamp shop -o json --show-managed-fields");
    assert!(owners.contains(&"kubectl Apply".to_owned()), "{owners:?}");
    assert!(!owners.contains(&"kubectl-client-side-apply Update".to_owned()), "{owners:?}");
    let labels = kubectl.ok("get lamp shop -o 'jsonpath={.metadata.labels}'");
    assert!(!labels.contains("note"), "{labels}");
    let before = kubectl.ok(VERSION);
    kubectl.ok("apply --server-side -f shop.yaml");
    assert_eq!(kubectl.ok(VERSION), before, "an apply without a change writes nothing");
    // And back: the annotation says what was applied last.
    kubectl.prints("apply -f larger.yaml", &["shop configured"]);
    kubectl.prints("apply -f larger.yaml", &["shop"]);
    kubectl.prints("get lamp shop -o 'jsonpath={.spec.tiers[0].capacity.max}'", &["20"]);
    kubectl.prints("apply --server-side -f shop.yaml", &["serverside-applied"]);
    kubectl.prints("get lamp shop -o 'jsonpath={.spec.tiers[0].capacity.max}'", &["12"]);
}

fn other_kinds(kubectl: &Kubectl) {
    kubectl.write("ns.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: applied}\n");
    kubectl.prints("apply --server-side -f ns.yaml", &["namespace/applied serverside-applied"]);
    kubectl.prints("apply --server-side -n applied -f shop.yaml", &["shop serverside-applied"]);
    kubectl.write(
        "role.yaml",
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: reader}\n\
         rules: [{apiGroups: [lamplighter.dev], resources: [lampstacks], verbs: [get]}]\n",
    );
    kubectl.prints(
        "apply --server-side -n applied -f role.yaml",
        &["role.rbac.authorization.k8s.io/reader serverside-applied"],
    );
    kubectl.refuses("apply --server-side -n nowhere -f shop.yaml", &["namespaces \"nowhere\" not found"]);
}
