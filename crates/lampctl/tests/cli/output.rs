//! What is printed where: data to standard output, talk to standard error, colour only where it is wanted.

use std::os::unix::fs::symlink;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::fake::{Fake, list, ok, stack};
use crate::run::{command, finish, lampctl, run};

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    // More than a pipe holds.
    let many: Vec<_> = (0..2000).map(|_| stack(&[("Ready", "True")])).collect();
    let fake = Fake::start(move |_| list(&many));
    let mut spawned = command(lampctl(), &["get", "lamp", "-o", "json"]);
    spawned.env("LAMPLIGHTER_SERVER", &fake.address).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = spawned.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn an_error_that_nobody_reads_still_has_its_code() {
    let mut spawned = command(lampctl(), &["get"]);
    spawned.env("LAMPLIGHTER_SERVER", "http://127.0.0.1:9").stderr(Stdio::piped());
    let mut child = spawned.spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(69));
}

#[test]
fn colour_shows_only_where_it_is_wanted() {
    let fake = Fake::start(|_| ok(stack(&[("Ready", "True")])));
    assert!(!run(&fake.address, &["tree", "shop"]).stdout.contains('\u{1b}'));
    assert!(run(&fake.address, &["tree", "shop", "--color=always"]).stdout.contains('\u{1b}'));
    let mut forced = command(lampctl(), &["tree", "shop"]);
    forced.env("LAMPLIGHTER_SERVER", &fake.address).env("CLICOLOR_FORCE", "1");
    assert!(finish(forced, "").stdout.contains('\u{1b}'));
    let mut none = command(lampctl(), &["tree", "shop", "--color=never"]);
    none.env("LAMPLIGHTER_SERVER", &fake.address).env("CLICOLOR_FORCE", "1");
    assert!(!finish(none, "").stdout.contains('\u{1b}'));
}

#[test]
fn remarks_are_no_data_and_can_be_silenced() {
    let empty =
        || Fake::start(|_| ok(json!({"kind": "Table", "metadata": {}, "columnDefinitions": [], "rows": []})));
    let ended = run(&empty().address, &["get", "-n", "web"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
    assert_eq!(ended.stderr, "No resources found in web namespace.\n");
    assert_eq!(run(&empty().address, &["get", "-q"]).stderr, "");
}

#[test]
fn the_kubeconfig_that_it_prints_is_one_that_it_reads() {
    let fake = Fake::start(|asked| match asked.path.as_str() {
        "/version" => ok(json!({"gitVersion": "v9.9.9"})),
        path => {
            assert!(path.contains("/namespaces/web/"), "{path}");
            ok(stack(&[("Ready", "True")]))
        }
    });
    let printed = run(&fake.address, &["kubeconfig", "-n", "web", "--name", "here"]);
    assert_eq!(printed.code, Some(0));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    std::fs::write(&file, printed.stdout).unwrap();

    let mut read = command(lampctl(), &["version", "--context", "here"]);
    read.env("KUBECONFIG", &file);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(finish(read, "").stdout, format!("Client Version: v{version}\nServer Version: v9.9.9\n"));

    let mut read = command(lampctl(), &["tree", "shop", "--kubeconfig", file.to_str().unwrap()]);
    read.env_remove("LAMPLIGHTER_SERVER");
    assert_eq!(finish(read, "").code, Some(0));

    let mut other = command(lampctl(), &["version", "--context", "elsewhere"]);
    other.env("KUBECONFIG", &file);
    let ended = finish(other, "");
    assert_eq!(ended.code, Some(64), "{ended:?}");
    assert!(ended.stderr.contains("names no server"), "{}", ended.stderr);
}

#[test]
fn as_a_plugin_of_kubectl_it_has_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("kubectl-lamp");
    symlink(lampctl(), &plugin).unwrap();
    let ended = finish(command(&plugin, &["tree", "--help"]), "");
    assert_eq!(ended.code, Some(0));
    assert!(ended.stdout.contains("Usage: kubectl lamp tree"), "{}", ended.stdout);
}

#[test]
fn a_tree_is_shown_again_when_it_changes() {
    let fake = Fake::start(|asked| {
        if asked.is_watch() {
            let mut changed = stack(&[("Ready", "True")]);
            changed["status"]["parts"][0]["state"] = json!("Drifted");
            let events = [
                json!({"type": "MODIFIED", "object": changed.clone()}),
                json!({"type": "DELETED", "object": changed}),
            ];
            (200, events.to_vec())
        } else if asked.path.ends_with("/shop") {
            ok(stack(&[("Ready", "True")]))
        } else {
            list(&[stack(&[("Ready", "True")])])
        }
    });
    let started = Instant::now();
    let ended = run(&fake.address, &["tree", "shop", "-w"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("✔ vpc") && ended.stdout.contains("≠ vpc  Drifted"), "{}", ended.stdout);
    assert_eq!(ended.stderr, "shop is gone\n");
    assert!(started.elapsed() < Duration::from_secs(20));
}
