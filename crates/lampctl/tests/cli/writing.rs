//! `apply`, `delete`, `plan`, `sync`, `pause`.

use std::sync::Mutex;

use serde_json::{Value, json};

use crate::fake::{Asked, Fake, list, not_found, ok, stack, status};
use crate::run::{run, run_with};

const FILE: &str =
    "apiVersion: lamplighter.dev/v1alpha1\nkind: LampStack\nmetadata: {name: shop}\nspec:\n  region: eu\n";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A server that keeps one object, as an API server does.
fn keeping() -> Fake {
    let kept: Mutex<Option<Value>> = Mutex::new(None);
    Fake::start(move |asked| {
        let mut kept = kept.lock().unwrap();
        let dry = asked.query.contains("dryRun=All");
        let next = match (asked.method.as_str(), kept.as_ref()) {
            ("GET", None) => return not_found(),
            ("GET", Some(object)) => return ok(object.clone()),
            ("POST", _) => asked.body.clone(),
            (_, object) => merged(object.unwrap().clone(), &asked.body),
        };
        let mut next = next;
        next["metadata"]["resourceVersion"] = json!(format!("{}", next.to_string().len()));
        if !dry {
            *kept = Some(next.clone());
        }
        ok(next)
    })
}

fn merged(mut object: Value, patch: &Value) -> Value {
    for (key, value) in patch.as_object().unwrap() {
        match value {
            Value::Null => drop(object.as_object_mut().unwrap().remove(key)),
            Value::Object(_) if object[key].is_object() => object[key] = merged(object[key].take(), value),
            other => object[key] = other.clone(),
        }
    }
    object
}

#[test]
fn apply_creates_configures_and_leaves_alone() {
    let fake = keeping();
    let apply = |text: &str| run_with(&fake.address, &["apply", "-f", "-"], text).stdout;
    assert_eq!(apply(FILE), "lampstack.lamplighter.dev/shop created\n");
    assert_eq!(apply(FILE), "lampstack.lamplighter.dev/shop unchanged\n");
    assert_eq!(
        apply(&(FILE.to_owned() + "  mode: Observe\n")),
        "lampstack.lamplighter.dev/shop configured\n"
    );
    assert_eq!(apply(FILE), "lampstack.lamplighter.dev/shop configured\n");
    let writes: Vec<Asked> = fake.asked().into_iter().filter(|asked| asked.method != "GET").collect();
    assert_eq!(
        writes.iter().map(|asked| asked.method.as_str()).collect::<Vec<_>>(),
        ["POST", "PATCH", "PATCH"]
    );
    assert!(writes[0].query.contains("fieldManager=kubectl-client-side-apply&fieldValidation=Strict"));
    assert!(writes[0].body["metadata"]["annotations"][LAST_APPLIED].as_str().unwrap().ends_with("}\n"));
    assert_eq!(writes[1].body["spec"], json!({"mode": "Observe"}));
    assert_eq!(writes[2].body["spec"], json!({"mode": null}));
}

#[test]
fn a_dry_run_stores_nothing() {
    let fake = keeping();
    let ended = run_with(&fake.address, &["apply", "-f", "-", "--dry-run=server"], FILE);
    assert_eq!(ended.stdout, "lampstack.lamplighter.dev/shop created (server dry run)\n");
    assert!(fake.asked().pop().unwrap().query.contains("dryRun=All"));
}

#[test]
fn a_refusal_is_shown_in_the_file() {
    let fake = Fake::start(|asked| match asked.method.as_str() {
        "GET" => not_found(),
        _ => (
            422,
            vec![json!({"kind": "Status", "code": 422, "reason": "Invalid", "message": "no", "details": {
                "causes": [{"field": "spec.region", "reason": "FieldValueInvalid", "message": "Invalid value: \"eu\": no region"}]
            }})],
        ),
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.yaml");
    std::fs::write(&file, FILE).unwrap();
    let ended = run(&fake.address, &["apply", "-f", file.to_str().unwrap()]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("shop.yaml:5:11"), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("5 |   region: eu") && ended.stderr.contains("no region"),
        "{}",
        ended.stderr
    );
}

#[test]
fn apply_waits_until_the_stack_is_ready() {
    let fake = Fake::start(|asked| {
        if asked.query.contains("fieldSelector") {
            list(&[stack(&[("Ready", "True")])])
        } else if asked.is("GET", "/shop") {
            not_found()
        } else {
            ok(stack(&[]))
        }
    });
    let ended = run_with(&fake.address, &["apply", "-f", "-", "--wait", "--timeout=10s"], FILE);
    assert!(ended.stdout.ends_with("shop condition met\n"), "{ended:?}");
}

#[test]
fn a_deletion_needs_consent_and_reports_how_far_it_is() {
    let fake = Fake::start(|asked| {
        let mut going = stack(&[]);
        going["metadata"]["deletionTimestamp"] = json!("2026-11-20T10:00:00Z");
        if asked.method == "DELETE" { ok(going) } else { list(&[]) }
    });
    let ended = run(&fake.address, &["delete", "shop"]);
    assert!(ended.code == Some(64) && ended.stderr.contains("add --yes"), "{ended:?}");
    assert!(fake.asked().is_empty());
    let started = run(&fake.address, &["delete", "lamp", "shop", "--yes"]);
    assert_eq!(started.stdout, "lampstack.lamplighter.dev \"shop\" deletion started\n");
    assert!(started.stderr.contains("--for=delete"), "{}", started.stderr);
    let waited = run(&fake.address, &["delete", "shop", "--yes", "--wait"]);
    assert_eq!(waited.stdout, "lampstack.lamplighter.dev \"shop\" deleted\n");
    let file = run_with(&fake.address, &["delete", "-f", "-", "--yes", "--wait=false"], FILE);
    assert_eq!(file.code, Some(0), "{file:?}");
}

/// A controller that answers every `Plan` with `answer`.
fn planning(answer: Value) -> Fake {
    let asked_for: Mutex<Value> = Mutex::new(Value::Null);
    Fake::start(move |asked| {
        let mut plan = asked_for.lock().unwrap();
        match asked.method.as_str() {
            "POST" => {
                *plan = asked.body.clone();
                ok(plan.clone())
            }
            "GET" if asked.is_watch() => {
                plan["status"] = answer.clone();
                ok(json!({"type": "MODIFIED", "object": *plan}))
            }
            "GET" => list(&[plan.clone()]),
            _ => ok(json!({"kind": "Status", "status": "Success"})),
        }
    })
}

#[test]
fn a_plan_is_asked_for_and_removed_again() {
    let step = json!({"part": "vpc", "kind": "Vpc", "effect": "Create", "call": "CreateVpc", "reason": "it is missing"});
    let fake = planning(json!({"phase": "Answered", "steps": [step]}));
    let ended = run_with(&fake.address, &["plan", "-f", "-", "--detailed-exitcode"], FILE);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.stdout.ends_with("Plan: 1 to create, 0 to change, 0 to replace, 0 to destroy.\n"),
        "{}",
        ended.stdout
    );
    let asked = fake.asked();
    assert_eq!(
        asked[0].body["spec"],
        json!({"stack": "shop", "delete": false, "candidate": {"region": "eu"}})
    );
    let name = asked[0].body["metadata"]["name"].as_str().unwrap();
    assert!(asked.last().unwrap().is("DELETE", &format!("/plans/{name}")), "{asked:?}");
    let json = run(&fake.address, &["plan", "shop", "-o", "json"]);
    assert_eq!(json.code, Some(0));
    assert_eq!(serde_json::from_str::<Value>(&json.stdout).unwrap()["summary"]["create"], 1);
    run(&fake.address, &["plan", "shop", "--delete"]);
    let last = fake.asked().into_iter().rfind(|asked| asked.method == "POST").unwrap();
    assert_eq!(last.body["spec"], json!({"stack": "shop", "delete": true}));
}

#[test]
fn a_plan_without_an_answer_is_removed_as_well() {
    let failed = planning(json!({"phase": "Failed", "message": "AWS cannot be read"}));
    let ended = run(&failed.address, &["plan", "shop"]);
    assert!(ended.code == Some(1) && ended.stderr.contains("AWS cannot be read"), "{ended:?}");
    assert_eq!(failed.asked().last().unwrap().method, "DELETE");
    let pending = planning(json!({"phase": "Pending"}));
    let ended = run(&pending.address, &["plan", "shop", "--timeout=300ms"]);
    assert_eq!(ended.code, Some(75), "{ended:?}");
    assert_eq!(pending.asked().last().unwrap().method, "DELETE");
}

#[test]
fn a_sync_waits_for_its_own_request() {
    let requested: Mutex<Value> = Mutex::new(Value::Null);
    let fake = Fake::start(move |asked| {
        let mut requested = requested.lock().unwrap();
        if asked.method == "PATCH" {
            *requested =
                asked.body["metadata"]["annotations"]["lamplighter.dev/reconcile-requested-at"].clone();
        }
        let mut handled = stack(&[]);
        handled["status"]["lastHandledReconcileAt"] = requested.clone();
        if asked.is_watch() {
            ok(json!({"type": "MODIFIED", "object": handled}))
        } else if asked.method == "GET" {
            list(&[stack(&[])])
        } else {
            ok(stack(&[]))
        }
    });
    let ended = run(&fake.address, &["sync", "shop", "--wait", "--timeout=20s"]);
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(0), "lampstack.lamplighter.dev/shop synced\n"),
        "{ended:?}"
    );
    assert_eq!(
        run(&fake.address, &["sync", "shop"]).stdout,
        "lampstack.lamplighter.dev/shop sync requested\n"
    );
}

#[test]
fn hold_and_release_annotate_a_stack_or_a_tier() {
    let fake = Fake::start(|_| ok(stack(&[])));
    let held = run(&fake.address, &["hold", "shop", "--reason", "audit"]);
    assert_eq!(held.stdout, "lampstack.lamplighter.dev/shop held\n");
    let annotations = |name: &str, value: Value| json!({"metadata": {"annotations": {name: value}}});
    assert_eq!(fake.asked().pop().unwrap().body, annotations("lamplighter.dev/hold", json!("audit")));
    let released = run(&fake.address, &["release", "shop", "--tier", "web"]);
    assert_eq!(released.stdout, "lampstack.lamplighter.dev/shop tier web released\n");
    assert_eq!(fake.asked().pop().unwrap().body, annotations("lamplighter.dev/hold.web", Value::Null));
    assert_eq!(run(&fake.address, &["hold", "shop"]).code, Some(64), "a hold has a reason");
}

#[test]
fn pause_and_resume_set_the_mode_once() {
    let fake = Fake::start(|asked| {
        if asked.path.ends_with("/nope") { status(404, "NotFound", "x") } else { ok(stack(&[])) }
    });
    assert_eq!(run(&fake.address, &["pause", "shop"]).stdout, "lampstack.lamplighter.dev/shop paused\n");
    assert_eq!(fake.asked().pop().unwrap().body, json!({"spec": {"mode": "Paused"}}));
    assert_eq!(
        run(&fake.address, &["resume", "shop"]).stdout,
        "lampstack.lamplighter.dev/shop resumed (no change)\n"
    );
    let both = run(&fake.address, &["pause", "nope", "shop"]);
    assert_eq!((both.code, both.stdout.as_str()), (Some(1), "lampstack.lamplighter.dev/shop paused\n"));
}
