//! Many writers, slow watchers.

use std::collections::BTreeSet;
use std::time::Instant;

use lamp_store::StoreError;
use serde_json::json;

use crate::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_writers_get_revisions_of_their_own_that_only_rise() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let writers = (0..16).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            let key = stack(&format!("s{writer}"));
            let mut revisions = vec![store.create(&key, object(0)).await.unwrap().revision];
            for size in 1..20 {
                let expected = revisions.last().copied();
                let updated = store.update(&key, expected, object(size)).await.unwrap();
                revisions.push(updated.stored().revision);
            }
            assert!(revisions.is_sorted());
            revisions
        })
    });
    let mut all = BTreeSet::new();
    for writer in writers.collect::<Vec<_>>() {
        all.extend(writer.await.unwrap());
    }
    assert_eq!(all, (1..=320).collect());
    let mut watch = store.watch("lampstacks", None, 0).unwrap();
    let seen: Vec<u64> = next(&mut watch).await.iter().map(|event| event.revision).collect();
    assert_eq!(seen, (1..=320).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_concurrent_writers_at_one_revision_exactly_one_wins() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let created = store.create(&stack("a"), object(0)).await.unwrap();
    let writers = (1..=16).map(|size| {
        let store = store.clone();
        tokio::spawn(async move { store.update(&stack("a"), Some(created.revision), object(size)).await })
    });
    let mut won = 0;
    for writer in writers.collect::<Vec<_>>() {
        match writer.await.unwrap() {
            Ok(_) => won += 1,
            Err(StoreError::Conflict { .. }) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!((won, store.head()), (1, 2));
}

#[tokio::test]
async fn watches_that_nobody_reads_do_not_stop_writers() {
    let store = memory();
    let mut stalled: Vec<_> = (0..1_000).map(|_| store.watch("lampstacks", None, 0).unwrap()).collect();
    store.create(&stack("a"), object(0)).await.unwrap();
    for size in 1..2_000 {
        store.update(&stack("a"), None, object(size)).await.unwrap();
    }
    assert_eq!(store.head(), 2_000);
    assert_eq!(next(&mut stalled[999]).await.len(), 500);
}

/// Not a law: prints how many durable writes a second 16 writers get.
/// `cargo test -p lamp-store -- --ignored --nocapture durable_writes`
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn durable_writes_a_second() {
    const EACH: usize = 500;
    let dir = tempfile::tempdir_in(".").unwrap();
    let store = open(dir.path());
    let spec = json!({"spec": {"userData": "x".repeat(4 << 10)}, "status": {"turn": 0}});
    let started = Instant::now();
    let writers = (0..16).map(|writer| {
        let (store, mut object) = (store.clone(), spec.clone());
        tokio::spawn(async move {
            let key = stack(&format!("s{writer}"));
            store.create(&key, object.clone()).await.unwrap();
            let mut latencies = Vec::with_capacity(EACH);
            for turn in 1..=EACH {
                object["status"]["turn"] = json!(turn);
                let started = Instant::now();
                store.update(&key, None, object.clone()).await.unwrap();
                latencies.push(started.elapsed());
            }
            latencies
        })
    });
    let mut latencies = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        latencies.extend(writer.await.unwrap());
    }
    latencies.sort();
    let at = |percent: usize| latencies[latencies.len() * percent / 100];
    let rate = latencies.len() as f64 / started.elapsed().as_secs_f64();
    println!("{rate:.0} durable writes of 4 KiB a second; p50 {:?}, p99 {:?}", at(50), at(99));
}
