//! delete, of stacks, of what would lose data, and of namespaces.

use super::tool::{Kubectl, SHOP};

pub(super) fn suite(kubectl: &Kubectl) {
    kubectl.ok("apply -f shop.yaml");
    kubectl.prints("delete lamp shop --dry-run=server", &["deleted (server dry run)"]);
    kubectl.prints("delete -f shop.yaml --timeout=20s", &["\"shop\" deleted"]);
    kubectl.refuses("get lamp shop", &["NotFound"]);
    kubectl.refuses("delete lamp shop", &["NotFound"]);
    kubectl.ok("delete lamp shop --ignore-not-found");
    consent(kubectl);
    many(kubectl);
    kubectl.refuses("delete ns default", &["this namespace may not be deleted"]);
}

fn consent(kubectl: &Kubectl) {
    kubectl.write("loss.yaml", &SHOP.replacen("spec:", "spec:\n  deletionPolicy: Delete", 1));
    kubectl.ok("apply -f loss.yaml");
    kubectl.refuses(
        "delete lamp shop",
        &[
            "(Forbidden)",
            "kubectl annotate lampstack shop --namespace default lamplighter.dev/confirm-delete=shop",
        ],
    );
    kubectl.ok("annotate lampstack shop --namespace default lamplighter.dev/confirm-delete=shop");
    kubectl.prints("delete lamp shop --timeout=20s", &["\"shop\" deleted"]);
}

fn many(kubectl: &Kubectl) {
    kubectl.ok("create ns team");
    kubectl.ok("apply -n team -f shop.yaml");
    kubectl.write("other.yaml", &SHOP.replacen("name: shop", "name: other", 1));
    kubectl.ok("apply -n team -f other.yaml");
    kubectl.prints("delete lamp -n team --all --wait=false", &["\"shop\" deleted", "\"other\" deleted"]);
    kubectl.prints("wait --for=delete lamp/shop lamp/other -n team --timeout=20s", &[]);
    kubectl.ok("apply -n team -f shop.yaml");
    kubectl.prints("delete ns team --timeout=20s", &["namespace \"team\" deleted"]);
    kubectl.refuses("get ns team", &["NotFound"]);
}
