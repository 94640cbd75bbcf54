//! The codes that scripts rely on.

use std::net::TcpListener;

use serde_json::json;

use crate::fake::{Fake, list, ok, stack, status};
use crate::run::{run, run_with};

const NOWHERE: &str = "http://127.0.0.1:9";

#[test]
fn wrong_usage_is_64_and_help_is_none() {
    for arguments in [
        &["frobnicate"][..],
        &["tree"],
        &["get", "pods"],
        &["tree", "Not_A_Name"],
        &["wait", "shop", "--for=soon"],
        &["apply"],
        &["delete", "shop"],
        &["get", "-o", "go-template=x"],
    ] {
        let ended = run(NOWHERE, arguments);
        assert_eq!(ended.code, Some(64), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stdout.is_empty() && ended.stderr.starts_with("error:"), "{arguments:?}: {ended:?}");
    }
    let help = run(NOWHERE, &["--help"]);
    assert_eq!(help.code, Some(0));
    assert!(help.stdout.contains("69  the daemon cannot be reached"), "{}", help.stdout);
}

#[test]
fn a_daemon_that_is_not_there_is_69_with_what_to_do() {
    for arguments in [&["get"][..], &["tree", "shop"], &["wait", "shop"], &["version"], &["plan", "shop"]] {
        let ended = run(NOWHERE, arguments);
        assert_eq!(ended.code, Some(69), "{arguments:?}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("no daemon answers at http://127.0.0.1:9: Connection refused"),
            "{ended:?}"
        );
        assert!(
            ended.stderr.contains("start") || ended.stderr.contains("Start one with `lamplighter serve`")
        );
    }
}

#[test]
fn a_daemon_that_says_no_is_77() {
    for (code, reason) in [(401, "Unauthorized"), (403, "Forbidden")] {
        let fake = Fake::start(move |_| status(code, reason, "no"));
        assert_eq!(run(&fake.address, &["get"]).code, Some(77));
        assert_eq!(run(&fake.address, &["pause", "shop"]).code, Some(77));
    }
}

#[test]
fn a_daemon_that_hangs_is_75() {
    // It accepts (the kernel does), and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let ended = run(&address, &["get", "--request-timeout=200ms"]);
    assert_eq!(ended.code, Some(75), "{ended:?}");
    assert!(ended.stderr.contains("did not answer"), "{}", ended.stderr);
}

#[test]
fn waiting_too_long_is_75_and_tells_the_state() {
    let fake =
        Fake::start(
            |asked| {
                if asked.is_watch() { (200, Vec::new()) } else { list(&[stack(&[("Ready", "False")])]) }
            },
        );
    let ended = run(&fake.address, &["wait", "shop", "--for=condition=Ready", "--timeout=300ms"]);
    assert_eq!(ended.code, Some(75), "{ended:?}");
    assert!(ended.stderr.contains("as the test says"), "{}", ended.stderr);
}

#[test]
fn a_stalled_stack_is_1_at_once_with_the_blocker() {
    let fake = Fake::start(|_| list(&[stack(&[("Ready", "False"), ("Stalled", "True")])]));
    let ended = run(&fake.address, &["wait", "shop", "--timeout=1h"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("vpc: raise the quota (a person must act)"), "{}", ended.stderr);
}

#[test]
fn waiting_ends_with_the_change_that_it_waits_for() {
    let fake = Fake::start(|asked| {
        let event = json!({"type": "MODIFIED", "object": stack(&[("Ready", "True")])});
        if asked.is_watch() { ok(event) } else { list(&[stack(&[("Ready", "False")])]) }
    });
    let ended = run(&fake.address, &["wait", "lamp/shop"]);
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(0), "lampstack.lamplighter.dev/shop condition met\n")
    );
    let gone = Fake::start(|_| list(&[]));
    assert_eq!(run(&gone.address, &["wait", "shop", "--for=delete"]).code, Some(0));
    assert_eq!(run(&gone.address, &["wait", "shop"]).code, Some(1));
}

const FILE: &str =
    "apiVersion: lamplighter.dev/v1alpha1\nkind: LampStack\nmetadata: {name: shop}\nspec: {region: eu}\n";

#[test]
fn diff_has_the_codes_of_kubectl() {
    let live = json!({"apiVersion": "lamplighter.dev/v1alpha1", "kind": "LampStack",
                      "metadata": {"name": "shop", "namespace": "default"}, "spec": {"region": "eu"}});
    let same = live.clone();
    let fake = Fake::start(move |_| ok(same.clone()));
    assert_eq!(run_with(&fake.address, &["diff", "-f", "-"], FILE).code, Some(0));

    let fake = Fake::start(move |asked| {
        let mut answer = live.clone();
        answer["spec"]["region"] = if asked.method == "PATCH" { json!("eu") } else { json!("us") };
        ok(answer)
    });
    let ended = run_with(&fake.address, &["diff", "-f", "-"], FILE);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("-  region: us\n+  region: eu\n"), "{}", ended.stdout);
    assert!(fake.asked().iter().all(|asked| asked.method == "GET" || asked.query.contains("dryRun=All")));

    let fake = Fake::start(|_| status(500, "InternalError", "boom"));
    assert_eq!(run_with(&fake.address, &["diff", "-f", "-"], FILE).code, Some(3));
    assert_eq!(run_with(NOWHERE, &["diff", "-f", "-"], FILE).code, Some(69));
}
