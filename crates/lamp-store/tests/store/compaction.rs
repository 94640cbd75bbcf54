//! How history is bounded.

use std::sync::Arc;

use lamp_store::backend::{Backend, MemoryBackend};
use lamp_store::{ChangeKind, Key, Store, StoreError, Watch};
use serde_json::json;

use crate::support::*;

fn start(backend: &Arc<MemoryBackend>) -> Store {
    Store::with_backend(Arc::clone(backend) as Arc<dyn Backend>, clock, "test").unwrap()
}

fn gone(watch: Result<Watch, StoreError>) -> u64 {
    match watch.unwrap_err() {
        StoreError::Gone { oldest, .. } => oldest,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn history_is_bounded_and_who_needs_more_is_told_to_list_again() {
    let backend = Arc::new(MemoryBackend::new());
    let store = start(&backend);
    let mut slow = store.watch("lampstacks", None, 0).unwrap();
    store.create(&stack("a"), object(0)).await.unwrap();
    for size in 1..5_100 {
        store.update(&stack("a"), None, object(size)).await.unwrap();
    }
    let oldest = gone(store.watch("lampstacks", None, 0));
    assert!((90..=100).contains(&oldest), "{oldest}");
    assert!(matches!(slow.next().await, Err(StoreError::Gone { requested: 0, .. })));
    let mut kept = store.watch("lampstacks", None, oldest).unwrap();
    assert_eq!(next(&mut kept).await[0].revision, oldest + 1);

    drop(store);
    let reopened = start(&backend);
    assert_eq!(gone(reopened.watch("lampstacks", None, 0)), oldest, "also after a restart");
    let first = next(&mut reopened.watch("lampstacks", None, oldest).unwrap()).await.remove(0);
    assert_eq!(first.object["spec"]["size"], json!(oldest));
    assert_eq!(first.previous.unwrap()["spec"]["size"], json!(oldest - 1));
    assert!(backend.load().unwrap().len() < 5_010, "forgotten changes leave the disk");
}

#[tokio::test]
async fn large_objects_shorten_history() {
    let store = memory();
    let large = |size: usize| json!({"spec": {"size": size, "userData": "x".repeat(64 << 10)}});
    store.create(&stack("a"), large(0)).await.unwrap();
    for size in 1..300 {
        store.update(&stack("a"), None, large(size)).await.unwrap();
    }
    let oldest = gone(store.watch("lampstacks", None, 0));
    assert!((190..=200).contains(&oldest), "{oldest}: a hundred changes are kept whatever their size");
}

#[tokio::test]
async fn a_busy_kind_does_not_shorten_the_history_of_a_quiet_one() {
    let store = memory();
    store.create(&stack("a"), object(0)).await.unwrap();
    let mut quiet = store.watch("lampstacks", None, 0).unwrap();
    let busy = Key::new("events", "default", "e");
    store.create(&busy, json!({"count": 0})).await.unwrap();
    for count in 1..5_100 {
        store.update(&busy, None, json!({"count": count})).await.unwrap();
    }
    gone(store.watch("events", None, 1));
    assert_eq!(brief(&next(&mut quiet).await), [(ChangeKind::Added, "a", 1)]);
}
