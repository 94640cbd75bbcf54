//! Roles and bindings, as kubectl applies and shows them.

use super::tool::Kubectl;

const MANIFEST: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: 'shop:reader'}
rules:
- {apiGroups: [lamplighter.dev], resources: [lampstacks], verbs: [get, list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: readers
  namespace: default
  annotations: {lamplighter.dev/expires-at: '2999-01-31T18:00:00Z'}
subjects:
- {apiGroup: rbac.authorization.k8s.io, kind: Group, name: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: 'shop:reader'}
";

const REVIEW: &str = r#"{"spec": {"user": "ann", "groups": ["shop"], "resourceAttributes":
    {"namespace": "default", "verb": "get", "group": "lamplighter.dev", "resource": "lampstacks"}}}"#;

pub(super) fn suite(kubectl: &Kubectl) {
    kubectl.write("access.yaml", MANIFEST);
    kubectl.write("review.json", REVIEW);
    kubectl.prints("apply -f access.yaml", &["shop:reader created", "readers created"]);
    kubectl.prints("apply -f access.yaml", &["shop:reader unchanged", "readers unchanged"]);
    kubectl.prints("get clusterroles", &["NAME", "shop:reader"]);
    kubectl.prints("get rolebindings -o wide", &["ClusterRole/shop:reader", "2999-01-31T18:00:00Z", "shop"]);
    kubectl.prints("describe clusterrole shop:reader", &["lampstacks.lamplighter.dev", "[get list watch]"]);
    kubectl.prints("describe rolebinding readers", &["ClusterRole", "shop:reader", "Group"]);
    kubectl.prints("explain rolebinding.subjects.kind", &["KIND:", "RoleBinding"]);
    let review = "create --raw /apis/authorization.k8s.io/v1/subjectaccessreviews -f review.json";
    kubectl.prints(review, &[r#""allowed":true"#]);
    kubectl
        .refuses("annotate rolebinding readers lamplighter.dev/expires-at=never --overwrite", &["RFC 3339"]);
    kubectl.prints("auth can-i delete lampstacks", &["yes"]);
    kubectl.prints("auth can-i '*' '*'", &["yes"]);
    kubectl.prints("auth can-i get /metrics", &["yes"]);
    kubectl.prints("auth can-i --list", &["*.*", "[*]"]);
    kubectl.prints("auth can-i get lampstacks --as ann --as-group shop", &["yes"]);
    kubectl.refuses("auth can-i delete lampstacks --as ann --as-group shop", &["no"]);
    kubectl.refuses("auth can-i get lampstacks --as ann", &["no"]);
    kubectl.prints(
        "auth can-i --list --as ann --as-group shop",
        &["lampstacks.lamplighter.dev", "[get list watch]"],
    );
    kubectl.prints("auth whoami", &["system:admin", "system:masters"]);
    kubectl.prints("delete -f access.yaml", &["shop:reader", "readers"]);
}
