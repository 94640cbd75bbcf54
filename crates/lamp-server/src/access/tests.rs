//! The laws of access.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lamp_api::admission::{Strictness, admit};
use lamp_api::kinds::CLUSTER_ROLE;
use lamp_api::rbac::PolicyRule;
use serde_json::{Value, json};

use super::policy::{Objects, Policy};
use super::{Attributes, Decision, Identity, coverage, defaults};

fn editors(namespace: &str, subjects: Value, annotations: Value) -> Arc<Value> {
    Arc::new(json!({
        "metadata": {"name": "editors", "namespace": namespace, "annotations": annotations}, "subjects": subjects,
        "roleRef": {"kind": "ClusterRole", "name": "edit"}
    }))
}

fn edit() -> Arc<Value> {
    Arc::new(json!({"metadata": {"name": "edit"}, "rules": [
        {"apiGroups": ["lamplighter.dev"], "resources": ["lampstacks", "*/scale"], "verbs": ["get", "update"]},
        {"apiGroups": ["lamplighter.dev"], "resources": ["plans"], "resourceNames": ["mine"], "verbs": ["*"]},
        {"nonResourceURLs": ["/metrics", "/logs/*"], "verbs": ["get"]}
    ]}))
}

fn team(annotations: Value) -> Objects {
    let subjects = json!([{"kind": "Group", "name": "team"}, {"kind": "ServiceAccount", "name": "ci", "namespace": "x"}]);
    Objects {
        cluster_roles: vec![edit()],
        role_bindings: vec![editors("shop", subjects, annotations)],
        ..Objects::default()
    }
}

fn identity(name: &str, groups: &[&str]) -> Identity {
    Identity { name: name.to_owned(), groups: groups.iter().map(|group| (*group).to_owned()).collect() }
}

fn ann() -> Identity {
    identity("ann", &["team", "system:authenticated"])
}

fn on<'a>(
    verb: &'a str,
    resource: &'a str,
    subresource: &'a str,
    namespace: &'a str,
    name: &'a str,
) -> Attributes<'a> {
    Attributes::Resource { verb, group: "lamplighter.dev", resource, subresource, namespace, name }
}

fn allowed(policy: &Policy, identity: &Identity, attributes: Attributes<'_>) -> bool {
    policy.decide(identity, &attributes, Timestamp::UNIX_EPOCH) != Decision::Denied
}

#[test]
fn what_no_rule_allows_is_denied() {
    let policy = Policy::compile(&team(json!({})));
    let table = [
        (on("get", "lampstacks", "", "shop", "a"), true),
        (on("delete", "lampstacks", "", "shop", "a"), false),
        (on("get", "lampstacks", "", "other", "a"), false),
        (on("get", "lampstacks", "", "", ""), false),
        (on("get", "lampstacks", "status", "shop", "a"), false),
        (on("get", "anything", "scale", "shop", "a"), true),
        (on("delete", "plans", "", "shop", "mine"), true),
        (on("delete", "plans", "", "shop", "yours"), false),
        (on("list", "plans", "", "shop", ""), false),
        // Granted in a namespace, which no URL is in.
        (Attributes::Url { verb: "get", path: "/metrics" }, false),
    ];
    for (attributes, expected) in table {
        assert_eq!(allowed(&policy, &ann(), attributes), expected, "{attributes:?}");
        assert!(
            !allowed(&policy, &identity("system:anonymous", &["system:unauthenticated"]), attributes),
            "{attributes:?}"
        );
    }
    let robot = identity("system:serviceaccount:x:ci", &[]);
    assert!(allowed(&policy, &robot, on("get", "lampstacks", "", "shop", "a")));
}

#[test]
fn urls_are_granted_to_the_whole_cluster() {
    let mut objects = team(json!({}));
    let subjects = json!([{"kind": "Group", "name": "system:authenticated"}]);
    objects.cluster_role_bindings = vec![editors("", subjects, json!({}))];
    let policy = Policy::compile(&objects);
    for (path, expected) in [("/metrics", true), ("/metrics/x", false), ("/logs/a/b", true), ("/log", false)]
    {
        assert_eq!(allowed(&policy, &ann(), Attributes::Url { verb: "get", path }), expected, "{path}");
    }
}

/// The default roles, granted to a group of the same name in the namespace `shop`, and as they are to the whole cluster.
fn defaults() -> Policy {
    let mut objects = Objects::default();
    for (kind, object) in defaults::objects() {
        admit(kind, &object, None, Strictness::Strict).unwrap();
        let objects = if *kind == CLUSTER_ROLE {
            &mut objects.cluster_roles
        } else {
            &mut objects.cluster_role_bindings
        };
        objects.push(Arc::new(object));
    }
    for role in ["admin", "edit", "view"] {
        objects.role_bindings.push(Arc::new(json!({
            "metadata": {"name": role, "namespace": "shop"}, "subjects": [{"kind": "Group", "name": role}],
            "roleRef": {"kind": "ClusterRole", "name": role}
        })));
    }
    Policy::compile(&objects)
}

#[test]
fn each_default_role_may_do_what_the_one_before_may_and_more() {
    let policy = defaults();
    let roles = |verb, group, resource| {
        let attributes =
            Attributes::Resource { verb, group, resource, subresource: "", namespace: "shop", name: "a" };
        let may = |role: &&str| allowed(&policy, &identity("ann", &[*role]), attributes);
        ["view", "edit", "admin"].into_iter().filter(may).collect::<Vec<_>>().join(" ")
    };
    let (ours, rbac) = ("lamplighter.dev", "rbac.authorization.k8s.io");
    assert_eq!(roles("get", ours, "lampstacks"), "view edit admin");
    assert_eq!(roles("list", "", "events"), "view edit admin");
    assert_eq!(roles("delete", ours, "lampstacks"), "edit admin");
    assert_eq!(roles("create", ours, "plans"), "edit admin");
    assert_eq!(roles("destroy", ours, "lampstacks"), "admin");
    assert_eq!(roles("create", ours, "databaseoperations"), "admin");
    assert_eq!(roles("create", ours, "orphandeletions"), "admin");
    assert_eq!(roles("create", rbac, "rolebindings"), "admin");
    assert_eq!(roles("escalate", rbac, "roles"), "");
    assert_eq!(roles("create", rbac, "clusterrolebindings"), "");
    assert_eq!(roles("delete", "", "namespaces"), "");
}

#[test]
fn masters_may_do_everything_without_a_binding() {
    let master = identity("admin", &["system:masters"]);
    assert!(allowed(&Policy::default(), &master, on("delete", "lampstacks", "", "shop", "a")));
}

#[test]
fn an_expired_binding_grants_nothing() {
    let ends = |text: &str| Policy::compile(&team(json!({"lamplighter.dev/expires-at": text})));
    let attributes = on("get", "lampstacks", "", "shop", "a");
    assert!(allowed(&ends("1970-01-01T00:00:01Z"), &ann(), attributes));
    assert!(!allowed(&ends("1970-01-01T00:00:00Z"), &ann(), attributes));
    assert!(!allowed(&ends("whenever"), &ann(), attributes));
}

#[test]
fn adding_a_binding_never_removes_rights() {
    let mut objects = team(json!({}));
    let everything: Vec<Attributes<'_>> = ["get", "update", "delete"]
        .into_iter()
        .flat_map(|verb| ["lampstacks", "plans"].map(|resource| on(verb, resource, "", "shop", "mine")))
        .collect();
    let mut before: Vec<bool> = Vec::new();
    for namespace in ["shop", "other", ""] {
        for group in ["team", "others", "system:authenticated"] {
            let policy = Policy::compile(&objects);
            let now: Vec<bool> =
                everything.iter().map(|&attributes| allowed(&policy, &ann(), attributes)).collect();
            assert!(before.iter().zip(&now).all(|(before, now)| *now || !before));
            before = now;
            objects.role_bindings.push(editors(
                namespace,
                json!([{"kind": "Group", "name": group}]),
                json!({}),
            ));
        }
    }
}

/// The goal is 20 µs; the bound leaves room for a build without optimisation on a busy machine.
#[test]
fn a_decision_among_a_thousand_bindings_is_quick() {
    let mut objects = team(json!({}));
    for number in 0..1000 {
        let subjects = json!([{"kind": "Group", "name": format!("team-{number}")}]);
        objects.role_bindings.push(editors(&format!("space-{number}"), subjects, json!({})));
    }
    let policy = Policy::compile(&objects);
    let start = Instant::now();
    for _ in 0..1000 {
        assert!(allowed(&policy, &ann(), on("update", "lampstacks", "", "shop", "a")));
    }
    let each = start.elapsed() / 1000;
    println!("one decision: {each:?}");
    assert!(each < Duration::from_micros(200), "{each:?}");
}

fn rule(groups: &[&str], resources: &[&str], names: &[&str], verbs: &[&str]) -> PolicyRule {
    let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
    let optional = |items: &[&str]| Some(list(items)).filter(|items| !items.is_empty());
    PolicyRule {
        api_groups: optional(groups),
        resources: optional(resources),
        resource_names: optional(names),
        verbs: list(verbs),
        ..PolicyRule::default()
    }
}

#[test]
fn what_is_granted_must_be_held_piece_by_piece() {
    let owned = [
        rule(&["a"], &["x", "y/status"], &[], &["get", "list"]),
        rule(&["a"], &["x"], &["one"], &["delete"]),
        rule(&["b"], &["*"], &[], &["*"]),
    ];
    let missing = |wanted: PolicyRule| coverage::missing(&owned, &[wanted]).join("; ");
    for held in [
        rule(&["a"], &["x"], &[], &["get"]),
        rule(&["a", "b"], &["x"], &["any"], &["get", "list"]),
        rule(&["a"], &["x"], &["one"], &["delete", "get"]),
        rule(&["b"], &["anything", "x/scale", "*"], &[], &["*"]),
        rule(&["a"], &["y/status"], &[], &["get"]),
    ] {
        assert_eq!(missing(held.clone()), "", "{held:?}");
    }
    for (wanted, expected) in [
        (rule(&["a"], &["x"], &[], &["get", "delete"]), "delete x.a"),
        (rule(&["a"], &["x"], &["one", "two"], &["delete"]), "delete x.a named two"),
        (rule(&["*"], &["x"], &[], &["get"]), "get x.*"),
        (rule(&["a"], &["*"], &[], &["get"]), "get *.a"),
        (rule(&["a"], &["y", "x/status"], &[], &["get"]), "get y.a; get x/status.a"),
        (rule(&["a"], &["x"], &[], &["*"]), "* x.a"),
        (rule(&[""], &["events"], &[], &["get"]), "get events"),
    ] {
        assert_eq!(missing(wanted), expected);
    }
    let url = |urls: &[&str], verbs: &[&str]| PolicyRule {
        non_resource_urls: Some(urls.iter().map(|url| (*url).to_owned()).collect()),
        ..rule(&[], &[], &[], verbs)
    };
    let owned = [url(&["/logs/*", "/metrics"], &["get"])];
    assert_eq!(
        coverage::missing(&owned, &[url(&["/logs/a", "/logs/*", "/metrics"], &["get"])]).join("; "),
        ""
    );
    let wanted = [url(&["/*", "/metrics/x"], &["get"]), url(&["/metrics"], &["post"])];
    assert_eq!(coverage::missing(&owned, &wanted).join("; "), "get /*; get /metrics/x; post /metrics");
}

#[test]
fn a_default_role_gets_what_it_lacks_unless_that_is_switched_off() {
    let (_, default) =
        defaults::objects().into_iter().find(|(_, role)| role["metadata"]["name"] == "view").unwrap();
    assert_eq!(defaults::completed(&default, &default), None);
    let mut lacking = default.clone();
    let own = json!({"apiGroups": ["example.org"], "resources": ["things"], "verbs": ["get"]});
    lacking["rules"] = json!([own]);
    let completed = defaults::completed(&lacking, &default).unwrap();
    assert_eq!(completed["rules"][0], own);
    assert_eq!(completed["rules"][1], default["rules"][0]);
    lacking["metadata"]["annotations"]["rbac.authorization.kubernetes.io/autoupdate"] = json!("false");
    assert_eq!(defaults::completed(&lacking, &default), None);
}
