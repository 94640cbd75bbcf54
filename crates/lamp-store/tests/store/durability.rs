//! What survives, and what is refused, on a real disk.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lamp_store::ChangeKind::{Added, Deleted, Modified};
use lamp_store::backend::{Backend, Batch, MemoryBackend, Write};
use lamp_store::{Store, StoreError};
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn acknowledged_writes_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let created = store.create(&stack("a"), with_finalizer(1)).await.unwrap();
    let updated = store.update(&stack("a"), None, with_finalizer(2)).await.unwrap().into_stored();
    store.create(&stack("b"), object(1)).await.unwrap();
    store.delete(&stack("b"), anyhow()).await.unwrap();
    store.put_ledger("uid", "vpc", Some(json!({"token": "t"}))).await.unwrap();
    store.put_meta("install", "prod").await.unwrap();
    let instance = store.instance();
    drop(store);

    let store = open(dir.path());
    assert_eq!(store.list("lampstacks", None).unwrap(), (vec![updated.clone()], 4));
    assert_eq!(*store.ledger("uid").unwrap()["vpc"], json!({"token": "t"}));
    assert_eq!((store.meta("install").as_deref(), store.instance()), (Some("prod"), instance));
    let events = next(&mut store.watch("lampstacks", None, 0).unwrap()).await;
    assert_eq!(brief(&events), [(Added, "a", 1), (Modified, "a", 2), (Added, "b", 3), (Deleted, "b", 4)]);
    assert_eq!((&events[0].object, &events[1].previous), (&created.object, &Some(created.object.clone())));
    assert_eq!(events[1].object, updated.object);
    let next_revision = store.create(&stack("c"), object(1)).await.unwrap().revision;
    assert_eq!(next_revision, 5, "revisions are never reused");
}

#[tokio::test]
async fn a_watch_resumes_after_a_restart_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.create(&stack("a"), object(1)).await.unwrap();
    store.update(&stack("a"), None, object(2)).await.unwrap();
    drop(store);
    let store = open(dir.path());
    let mut watch = store.watch("lampstacks", None, 1).unwrap();
    assert_eq!(brief(&next(&mut watch).await), [(Modified, "a", 2)]);
    store.update(&stack("a"), None, object(3)).await.unwrap();
    assert_eq!(brief(&next(&mut watch).await), [(Modified, "a", 3)]);
}

/// Not a test: the process that the next test kills. It says each write after the store has acknowledged it.
#[tokio::test]
#[ignore = "runs only as the child of acknowledged_writes_survive_sigkill"]
async fn writes_until_killed() {
    let Some(dir) = std::env::var_os("STORE_TEST_DIR") else { return };
    let store = open(Path::new(&dir));
    for number in store.head().. {
        let stored = store.create(&stack(&format!("s{number}")), object(1)).await.unwrap();
        println!("acknowledged {}", stored.revision);
    }
}

#[test]
fn acknowledged_writes_survive_sigkill() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for round in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "durability::writes_until_killed", "--ignored", "--nocapture"])
            .env("STORE_TEST_DIR", dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let seen = lines.by_ref().filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u64>().ok());
        acknowledged = seen.take(50 + round).last().expect("the child writes").max(acknowledged);
        child.kill().unwrap();
        child.wait().unwrap();
        let rest = lines.filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok()).last();
        acknowledged = acknowledged.max(rest.unwrap_or(0));
        let store = open(dir.path());
        assert!(store.head() >= acknowledged, "{} < {acknowledged}", store.head());
        assert_eq!(store.list("lampstacks", None).unwrap().0.len() as u64, store.head());
    }
    assert!(acknowledged >= 150, "{acknowledged}");
}

#[tokio::test]
async fn a_second_daemon_is_refused_at_once_with_a_sentence_that_helps() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let started = Instant::now();
    let error = Store::open(dir.path(), clock).unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(2));
    let text = error.to_string();
    assert!(matches!(error, StoreError::Locked { .. }), "{text}");
    for part in [dir.path().to_str().unwrap(), &std::process::id().to_string(), "--data-dir"] {
        assert!(text.contains(part), "{text}");
    }
    drop(store);
    open(dir.path());
}

#[tokio::test]
async fn a_snapshot_left_unfinished_by_a_crash_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    store.create(&stack("a"), object(1)).await.unwrap();
    drop(store);
    let leftover = dir.path().join("objects.sled/snap.00000000000FFFFF.generating");
    std::fs::write(&leftover, b"half of a snapshot").unwrap();
    let store = open(dir.path());
    assert_eq!(store.list("lampstacks", None).unwrap().0.len(), 1);
    assert!(!leftover.exists());
}

#[tokio::test]
async fn nobody_else_can_read_the_files() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("var/lamplighter");
    let store = open(&dir);
    store.create(&stack("a"), object(1)).await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&dir), mode(&dir.join("objects.sled"))), (0o700, 0o700));
    assert_eq!((mode(&dir.join("LOCK")), mode(&dir.join("objects.sled/db"))), (0o600, 0o600));
}

#[tokio::test]
async fn large_objects_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let large = json!({"spec": {"userData": "x".repeat(1 << 20)}});
    for name in ["a", "b", "c"] {
        store.create(&stack(name), large.clone()).await.unwrap();
    }
    drop(store);
    let store = open(dir.path());
    let (listed, _) = store.list("lampstacks", None).unwrap();
    assert_eq!(listed.len(), 3);
    assert!(listed.iter().all(|stored| stored.object["spec"] == large["spec"]));
}

async fn one_object() -> Arc<MemoryBackend> {
    let backend = Arc::new(MemoryBackend::new());
    reopen(&backend).unwrap().create(&stack("a"), object(1)).await.unwrap();
    backend
}

fn reopen(backend: &Arc<MemoryBackend>) -> Result<Store, StoreError> {
    Store::with_backend(Arc::clone(backend) as Arc<dyn Backend>, clock, "test")
}

#[tokio::test]
async fn an_unknown_version_is_refused() {
    let backend = one_object().await;
    let newer = Write::Put(b"format".to_vec(), b"\x013".to_vec());
    backend.commit(&Batch { writes: vec![newer] }).unwrap();
    let error = reopen(&backend).unwrap_err();
    assert!(matches!(&error, StoreError::UnknownVersion { found, .. } if found == "3"), "{error}");
    backend.commit(&Batch { writes: vec![Write::Remove(b"format".to_vec())] }).unwrap();
    assert!(matches!(reopen(&backend), Err(StoreError::UnknownVersion { .. })));
}

#[tokio::test]
async fn lost_and_strange_rows_are_noticed() {
    let object_row = b"object\0lampstacks\0default\0a".to_vec();
    let damage = [
        Write::Remove(object_row.clone()),
        Write::Remove(b"root".to_vec()),
        Write::Remove(b"change\0\0\0\0\0\0\0\0\x01".to_vec()),
        Write::Put(object_row.clone(), b"\x01{\"metadata\":{\"resourceVersion\":\"7\"}}".to_vec()),
        Write::Put(object_row.clone(), b"\x02{}".to_vec()),
        Write::Put(object_row, Vec::new()),
        Write::Put(b"stranger".to_vec(), b"\x011".to_vec()),
    ];
    for write in damage {
        let backend = one_object().await;
        backend.commit(&Batch { writes: vec![write.clone()] }).unwrap();
        let result = reopen(&backend);
        assert!(matches!(result, Err(StoreError::Corrupt { .. })), "{write:?}: {result:?}");
    }
}

/// Not a test: the process whose files may not grow beyond 1 MiB, for the next test. It writes until the disk
/// refuses, has the limit lifted, and goes on.
#[tokio::test]
#[ignore = "runs only as the child of a_full_disk_stops_writes_until_there_is_room"]
async fn writes_until_full_and_then_on() {
    let Some(dir) = std::env::var_os("STORE_TEST_DIR") else { return };
    let store = open(Path::new(&dir));
    let large = |number: u64| json!({"spec": {"number": number, "userData": "x".repeat(8 << 10)}});
    let mut acknowledged = Vec::new();
    let mut refused = 0;
    for number in 0..400 {
        let key = stack(&format!("s{number}"));
        match store.create(&key, large(number)).await {
            Ok(_) => acknowledged.push(key),
            Err(StoreError::Full { .. }) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 100 && acknowledged.len() > 20, "refused {refused} of 400");
    let all_there = |store: &Store| acknowledged.iter().all(|key| store.get(key).unwrap().is_some());
    assert!(all_there(&store) && store.fault().is_some(), "reads go on");

    let pid = std::process::id().to_string();
    let lifted = Command::new("prlimit").args(["--pid", &pid, "--fsize=unlimited"]).status().unwrap();
    assert!(lifted.success());
    let deadline = Instant::now() + Duration::from_secs(20);
    while store.create(&stack("later"), large(0)).await.is_err() {
        assert!(Instant::now() < deadline, "it recovers: {:?}", store.fault());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(store);
    let store = open(Path::new(&dir));
    assert!(all_there(&store) && store.get(&stack("later")).unwrap().is_some());
    println!("went on after {} writes", acknowledged.len());
}

#[test]
fn a_full_disk_stops_writes_until_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -S -f 2048; exec \"$@\"", "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "durability::writes_until_full_and_then_on", "--ignored", "--nocapture"])
        .env("STORE_TEST_DIR", dir.path())
        .output()
        .unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("went on after"), "{text}");
}
