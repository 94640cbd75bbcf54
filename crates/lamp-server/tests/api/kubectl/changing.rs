//! create, apply, diff, edit, patch, replace, label, annotate, and refusals.

use super::tool::{Kubectl, SHOP};

pub(super) fn suite(kubectl: &Kubectl) {
    creating(kubectl);
    applying(kubectl);
    patching(kubectl);
    refusals(kubectl);
    namespaces(kubectl);
}

const VERSION: &str = "get lamp shop -o 'jsonpath={.metadata.resourceVersion} {.metadata.generation}'";

fn creating(kubectl: &Kubectl) {
    kubectl.prints("create -f shop.yaml --dry-run=server -o 'jsonpath={.spec.mode}'", &["Enforce"]);
    kubectl.refuses("get lamp shop", &["NotFound"]);
    kubectl.prints("create -f shop.yaml --save-config", &["lampstack.lamplighter.dev/shop created"]);
    kubectl.refuses("create -f shop.yaml", &["(AlreadyExists)"]);
    kubectl.ok("wait --for=condition=Ready lamp/shop --timeout=20s");
}

fn applying(kubectl: &Kubectl) {
    kubectl.prints("apply -f shop.yaml", &["lampstack.lamplighter.dev/shop"]);
    let before = kubectl.ok(VERSION);
    kubectl.ok("apply -f shop.yaml");
    assert_eq!(kubectl.ok(VERSION), before, "an apply without a change writes nothing");
    let larger = SHOP.replacen("max: 12", "max: 20", 1);
    kubectl.write("larger.yaml", &larger);
    let diff = kubectl.fails("diff -f larger.yaml", 1);
    kubectl.contains("diff", &diff, &["-      max: 12", "+      max: 20"]);
    kubectl.prints("apply -f larger.yaml --dry-run=server", &["shop configured (server dry run)"]);
    kubectl.prints("apply -f larger.yaml", &["shop configured"]);
    kubectl.ok("diff -f larger.yaml");
    kubectl.prints("get lamp shop -o 'jsonpath={.spec.tiers[0].capacity.max}'", &["20"]);
    kubectl.prints("edit lamp shop", &["Edit cancelled, no changes made."]);
    let edited = kubectl.edit("edit lamp shop", "s/retentionDays: 7/retentionDays: 8/");
    kubectl.contains("edit", &edited, &["lampstack.lamplighter.dev/shop edited"]);
    kubectl.prints("get lamp shop -o 'jsonpath={.spec.database.backups.retentionDays}'", &["8"]);
    kubectl.prints("replace -f shop.yaml", &["shop replaced"]);
    kubectl.prints("get lamp shop -o 'jsonpath={.metadata.finalizers}'", &["lamplighter.dev/teardown"]);
    let item: Vec<&str> = SHOP.lines().filter(|line| !line.starts_with('#')).collect();
    let list = format!("apiVersion: v1\nkind: List\nitems:\n- {}\n", item.join("\n  "));
    kubectl.contains("apply a list", &kubectl.pipe("apply -f -", &list), &["lampstack.lamplighter.dev/shop"]);
}

fn patching(kubectl: &Kubectl) {
    kubectl.prints("patch lamp shop --type=merge -p '{\"spec\":{\"mode\":\"Paused\"}}'", &["shop patched"]);
    kubectl.prints(
        "patch lamp shop --type=merge -p '{\"spec\":{\"mode\":\"Paused\"}}'",
        &["patched (no change)"],
    );
    kubectl.prints(
        "patch lamp shop --type=json -p '[{\"op\":\"replace\",\"path\":\"/spec/mode\",\"value\":\"Enforce\"}]'",
        &["shop patched"],
    );
    kubectl.prints(
        "patch lamp shop -p '{\"spec\":{\"tiers\":[{\"name\":\"app\",\"capacity\":{\"max\":6}}]}}'",
        &["shop patched"],
    );
    kubectl.prints("get lamp shop -o 'jsonpath={.spec.tiers[*].capacity.max}'", &["6"]);
    kubectl.prints("label lamp shop tested=yes", &["shop labeled"]);
    kubectl.prints("label lamp shop tested-", &["shop unlabeled"]);
    kubectl.prints(
        "annotate lamp shop note='two words' --overwrite",
        &["lampstack.lamplighter.dev/shop annotate"],
    );
    kubectl.refuses("annotate lamp shop note=x --overwrite --resource-version=1", &["(Conflict)"]);
}

fn refusals(kubectl: &Kubectl) {
    kubectl.write("typo.yaml", &SHOP.replacen("instanceTypes", "instanceTipes", 1));
    kubectl.refuses(
        "apply -f typo.yaml",
        &["strict decoding error: unknown field \"spec.tiers[0].instanceTipes\""],
    );
    kubectl.prints(
        "apply -f typo.yaml --validate=warn --dry-run=server",
        &["Warning: unknown field \"spec.tiers[0].instanceTipes\""],
    );
    kubectl.write("wrong.yaml", &SHOP.replacen("min: 2", "min: 99", 1).replacen("zones: 2", "zones: 1", 1));
    kubectl.refuses(
        "apply -f wrong.yaml",
        &[
            "The LampStack \"shop\" is invalid",
            "* spec.tiers[0].capacity.min: Invalid value: 99: must not be more than max, which is 12",
            "* spec.network.zones: Forbidden: is immutable",
        ],
    );
    kubectl.refuses(
        "patch lamp shop --type=merge -p '{\"spec\":{\"region\":\"us-east-1\"}}'",
        &["spec.region: Forbidden: is immutable"],
    );
}

fn namespaces(kubectl: &Kubectl) {
    kubectl.prints("create ns team", &["namespace/team created"]);
    kubectl.prints("create ns dry --dry-run=server", &["namespace/dry created (server dry run)"]);
    kubectl.refuses("get ns dry", &["NotFound"]);
    kubectl.prints("apply -n team -f shop.yaml", &["shop created"]);
    kubectl.prints("get lamp -A", &["default", "team"]);
    kubectl.prints("label ns team owner=me", &["namespace/team labeled"]);
    kubectl.refuses("apply -n nowhere -f shop.yaml", &["namespaces \"nowhere\" not found"]);
    kubectl.write("ns.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: applied}\n");
    kubectl.prints("apply -f ns.yaml", &["namespace/applied created"]);
    kubectl.write("ns.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: applied, labels: {a: b}}\n");
    kubectl.prints("apply -f ns.yaml", &["namespace/applied configured"]);
}
