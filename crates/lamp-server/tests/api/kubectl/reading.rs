//! get, describe, explain, events, wait, and what the API says about itself.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use super::tool::Kubectl;

pub(super) fn suite(kubectl: &Kubectl) {
    kubectl.prints("version", &["v1.32.4+lamplighter."]);
    kubectl.prints("get lamp", &["No resources found in default namespace."]);
    kubectl.prints("apply -f shop.yaml", &["lampstack.lamplighter.dev/shop created"]);
    kubectl.prints("wait --for=condition=Ready lamp/shop --timeout=20s", &["condition met"]);
    outputs(kubectl);
    selections(kubectl);
    descriptions(kubectl);
    events(kubectl);
    waiting(kubectl);
    watching(kubectl);
}

fn outputs(kubectl: &Kubectl) {
    kubectl.prints(
        "get lamp",
        &["NAME", "READY", "STATUS", "TIERS", "REPLICAS", "AGE", "shop", "True", "Serving", "2/2"],
    );
    kubectl.prints(
        "get lampstacks.lamplighter.dev shop -o wide",
        &["REGION", "eu-central-1", "http://shop.example", "The site serves."],
    );
    kubectl.prints("get lamp shop -o yaml", &["kind: LampStack", "region: eu-central-1"]);
    kubectl.prints("get lamp shop -o json", &["\"kind\": \"LampStack\""]);
    kubectl.prints("get lamp -o name", &["lampstack.lamplighter.dev/shop"]);
    kubectl.prints("get lamp -o 'jsonpath={.items[*].spec.tiers[*].name}'", &["web app search"]);
    kubectl
        .prints("get lamp -o custom-columns=N:.metadata.name,M:.spec.mode", &["N      M", "shop   Enforce"]);
    kubectl.prints("get lamp --server-print=false", &["NAME   AGE"]);
    kubectl.prints("get all", &["shop"]);
    kubectl
        .prints("get lamp shop --subresource=status -o 'jsonpath={.status.url}'", &["http://shop.example"]);
    kubectl.prints("get ns", &["default   Active"]);
    kubectl.prints("get --raw /healthz", &["ok"]);
    kubectl.refuses(
        "get lamp nope",
        &["Error from server (NotFound): lampstacks.lamplighter.dev \"nope\" not found"],
    );
    kubectl.refuses("get lampfoo", &["the server doesn't have a resource type \"lampfoo\""]);
}

fn selections(kubectl: &Kubectl) {
    kubectl.prints("get lamp -l 'team in (sales,hr),!zzz' --show-labels", &["team=sales"]);
    kubectl.prints("get lamp -l team=hr", &["No resources found"]);
    kubectl.prints("get lamp -A", &["NAMESPACE", "default     shop"]);
    kubectl.prints("get lamp -L team --sort-by=.metadata.name", &["TEAM", "sales"]);
    kubectl.prints("get lamp --field-selector metadata.name=shop --chunk-size=1", &["shop"]);
    kubectl.refuses("get lamp --field-selector spec.x=1", &["field label not supported: spec.x"]);
}

fn descriptions(kubectl: &Kubectl) {
    kubectl.prints(
        "api-resources",
        &["lampstacks", "lamp", "lamplighter.dev/v1alpha1", "true", "LampStack", "namespaces", "events"],
    );
    kubectl.prints("api-versions", &["lamplighter.dev/v1alpha1", "v1"]);
    kubectl.prints("describe lamp shop", &["Name:         shop", "Region:", "eu-central-1", "Events:"]);
    kubectl.prints("describe ns default", &["Status:       Active"]);
    kubectl.prints(
        "explain lamp",
        &["LampStack", "spec", "-required-", "The LAMP site that a team wants on AWS"],
    );
    kubectl.prints(
        "explain lampstack.spec.tiers",
        &["instanceTypes", "<[]string>", "loadBalancer", "names of other tiers"],
    );
    kubectl
        .prints("explain lampstack.spec.database.storage.gib", &["<integer>", "It can grow, never shrink"]);
    kubectl.prints("explain lampstack.spec --recursive", &["cookieSeconds", "stabilizationWindowSeconds"]);
    kubectl.prints("explain lampstack.spec.network.zones", &["Availability Zones"]);
    kubectl.prints("explain ns", &["Namespace"]);
}

fn events(kubectl: &Kubectl) {
    let uid = kubectl.ok("get lamp shop -o 'jsonpath={.metadata.uid}'");
    let event = "apiVersion: v1\nkind: Event\nmetadata: {name: shop.1}\ntype: Warning\nreason: InstanceReplaced\n\
                 message: i-1 was replaced by i-2.\ncount: 3\nfirstTimestamp: '2026-11-20T00:00:00Z'\n\
                 lastTimestamp: '2026-11-20T00:00:00Z'\nsource: {component: lamplighter}\ninvolvedObject: \
                 {apiVersion: lamplighter.dev/v1alpha1, kind: LampStack, name: shop, namespace: default, uid: UID}\n";
    let event = event.replace("UID", &uid);
    kubectl.write("event.yaml", &event);
    kubectl.prints("create -f event.yaml", &["event/shop.1 created"]);
    let parts = ["Warning", "InstanceReplaced", "i-1 was replaced by i-2."];
    for line in [
        "get events",
        "get ev -o wide",
        "events",
        "events --for lamp/shop",
        "events --types=Warning -A",
        "describe lamp shop",
    ] {
        kubectl.prints(line, &parts);
    }
    kubectl.prints("get events", &["LAST SEEN", "lampstack/shop"]);
    kubectl.prints("events --for lamp/other", &["No events found"]);
}

fn waiting(kubectl: &Kubectl) {
    kubectl.prints("wait --for=condition=Progressing=False lamp --all --timeout=20s", &["condition met"]);
    kubectl.prints("wait --for=jsonpath='{.spec.mode}'=Enforce lamp/shop --timeout=20s", &["condition met"]);
    kubectl.refuses("wait --for=condition=Stalled lamp/shop --timeout=1s", &["timed out"]);
}

/// `get -w` shows a change that is made while it runs.
fn watching(kubectl: &Kubectl) {
    let mut child = kubectl.start("get lamp shop -w -L seen");
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| send.send(line)));
    let next = || receive.recv_timeout(Duration::from_secs(20)).expect("a line of get -w");
    assert!(next().starts_with("NAME"));
    assert!(next().starts_with("shop"));
    kubectl.ok("label lamp shop seen=now");
    let mut line = next();
    while !line.contains("now") {
        line = next();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
