//! What watches see.

use std::time::Duration;

use lamp_store::ChangeKind::{Added, Deleted, Modified};
use lamp_store::{Key, StoreError};
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn a_watch_tells_each_change_once_and_in_order() {
    let store = memory();
    let mut watch = store.watch("lampstacks", None, 0).unwrap();
    store.create(&stack("a"), with_finalizer(1)).await.unwrap();
    store.update(&stack("a"), None, with_finalizer(2)).await.unwrap();
    store.delete(&stack("a"), anyhow()).await.unwrap();
    store.update(&stack("a"), None, object(2)).await.unwrap();
    let events = next(&mut watch).await;
    let expected = [(Added, "a", 1), (Modified, "a", 2), (Modified, "a", 3), (Deleted, "a", 4)];
    assert_eq!(brief(&events), expected);
    assert_eq!(events[0].previous, None);
    for pair in events.windows(2) {
        assert_eq!(pair[1].previous.as_ref(), Some(&pair[0].object));
    }
    assert_eq!(events[3].object["metadata"]["resourceVersion"], "4");
    assert_eq!(watch.revision(), 4);
}

#[tokio::test]
async fn a_sleeping_watch_is_woken() {
    let store = memory();
    let mut watch = store.watch("lampstacks", Some("default"), 0).unwrap();
    let woken = tokio::spawn(async move { brief(&next(&mut watch).await) == [(Added, "a", 1)] });
    tokio::time::sleep(Duration::from_millis(20)).await;
    store.create(&stack("a"), object(1)).await.unwrap();
    assert!(woken.await.unwrap());
}

#[tokio::test]
async fn a_watch_sees_its_kind_and_namespace_only_and_still_makes_progress() {
    let store = memory();
    let mut watch = store.watch("lampstacks", Some("default"), 0).unwrap();
    store.create(&Key::new("events", "default", "e"), json!({})).await.unwrap();
    store.create(&Key::new("lampstacks", "other", "o"), json!({})).await.unwrap();
    assert_eq!(watch.next().await.unwrap(), []);
    assert_eq!(watch.revision(), 2);
    store.create(&Key::new("events", "default", "f"), json!({})).await.unwrap();
    assert_eq!(watch.revision(), 3, "nothing of this kind is missing up to here");
    store.create(&stack("a"), object(1)).await.unwrap();
    assert_eq!(watch.revision(), 2, "a change waits to be read");
    assert_eq!(brief(&next(&mut watch).await), [(Added, "a", 4)]);
}

#[tokio::test]
async fn a_long_history_comes_in_several_batches() {
    let store = memory();
    store.create(&stack("a"), object(0)).await.unwrap();
    for size in 1..1_200 {
        store.update(&stack("a"), None, object(size)).await.unwrap();
    }
    let mut watch = store.watch("lampstacks", None, 0).unwrap();
    let mut revisions = Vec::new();
    while revisions.len() < 1_200 {
        revisions.extend(next(&mut watch).await.iter().map(|event| event.revision));
    }
    assert_eq!(revisions, (1..=1_200).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_watch_cannot_start_in_the_future() {
    let store = memory();
    store.create(&stack("a"), object(1)).await.unwrap();
    assert!(store.watch("lampstacks", None, 1).is_ok());
    let error = store.watch("lampstacks", None, 2).unwrap_err();
    assert!(matches!(error, StoreError::FutureRevision { requested: 2, head: 1 }), "{error}");
}

#[tokio::test]
async fn a_watch_ends_when_the_store_is_closed() {
    let store = memory();
    let mut watch = store.watch("lampstacks", None, 0).unwrap();
    drop(store);
    let error = watch.next().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
}
