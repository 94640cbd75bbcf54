//! What writes do to objects. On the backend in memory: the rules know no backend.

use lamp_store::{Preconditions, StoreError, Updated};
use serde_json::json;

use crate::support::*;

#[tokio::test]
async fn create_sets_the_metadata_that_the_store_owns() {
    let store = memory();
    let mut given = object(1);
    given["metadata"] = json!({"name": "x", "uid": "forged", "generation": 7, "resourceVersion": "9",
        "deletionTimestamp": "2020-01-01T00:00:00Z", "labels": {"a": "b"}, "finalizers": []});
    let stored = store.create(&stack("shop"), given).await.unwrap();
    let uid = stored.object["metadata"]["uid"].clone();
    assert_ne!(uid, "forged");
    let expected = json!({"name": "shop", "namespace": "default", "uid": uid, "generation": 1,
        "resourceVersion": "1", "creationTimestamp": "2026-11-20T09:30:00Z", "labels": {"a": "b"}});
    assert_eq!(stored.object["metadata"], expected);
    assert_eq!((stored.revision, store.head()), (1, 1));
    assert_eq!(store.get(&stack("shop")).unwrap().unwrap(), stored);
}

#[tokio::test]
async fn a_cluster_scoped_object_has_no_namespace() {
    let store = memory();
    let key = lamp_store::Key::new("namespaces", "", "default");
    let stored = store.create(&key, json!({"metadata": {"namespace": "stray"}})).await.unwrap();
    assert_eq!(stored.object["metadata"].get("namespace"), None);
}

#[tokio::test]
async fn a_name_is_taken_once_and_a_recreated_object_has_another_uid() {
    let store = memory();
    let first = store.create(&stack("shop"), object(1)).await.unwrap();
    let refused = store.create(&stack("shop"), object(2)).await.unwrap_err();
    assert!(matches!(refused, StoreError::AlreadyExists { .. }), "{refused}");
    store.delete(&stack("shop"), anyhow()).await.unwrap();
    let second = store.create(&stack("shop"), object(1)).await.unwrap();
    assert_ne!(first.object["metadata"]["uid"], second.object["metadata"]["uid"]);
    assert_eq!(second.revision, 3);
}

#[tokio::test]
async fn what_is_not_an_object_is_refused_and_leaves_nothing() {
    let store = memory();
    for bad in [json!([]), json!({"metadata": 1}), json!({"metadata": {"finalizers": "x"}})] {
        let error = store.create(&stack("shop"), bad).await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }), "{error}");
    }
    let huge = json!({"spec": "x".repeat(2 << 20)});
    let error = store.create(&stack("shop"), huge).await.unwrap_err();
    assert!(matches!(error, StoreError::Invalid { .. }), "{error}");
    let nul = store.create(&stack("a\0b"), object(1)).await.unwrap_err();
    assert!(matches!(nul, StoreError::Invalid { .. }), "{nul}");
    assert_eq!((store.head(), store.list("lampstacks", None).unwrap().0.len()), (0, 0));
}

#[tokio::test]
async fn a_stale_writer_gets_a_conflict() {
    let store = memory();
    let first = store.create(&stack("shop"), object(1)).await.unwrap();
    store.update(&stack("shop"), Some(first.revision), object(2)).await.unwrap();
    let error = store.update(&stack("shop"), Some(first.revision), object(3)).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { expected: 1, actual: 2, .. }), "{error}");
    assert_eq!(store.get(&stack("shop")).unwrap().unwrap().object["spec"]["size"], 2);
    let absent = store.update(&stack("blog"), None, object(1)).await.unwrap_err();
    assert!(matches!(absent, StoreError::NotFound { .. }), "{absent}");
}

#[tokio::test]
async fn a_write_that_names_another_uid_is_refused() {
    let store = memory();
    store.create(&stack("shop"), object(1)).await.unwrap();
    let mut other = object(2);
    other["metadata"] = json!({"uid": "of-another-life"});
    let error = store.update(&stack("shop"), None, other).await.unwrap_err();
    assert!(matches!(error, StoreError::UidMismatch { .. }), "{error}");
}

#[tokio::test]
async fn generation_counts_changes_of_the_desire_only() {
    let store = memory();
    let key = stack("shop");
    let mut object = (*store.create(&key, object(1)).await.unwrap().object).clone();
    let generation = |updated: &Updated| updated.stored().object["metadata"]["generation"].as_i64().unwrap();

    object["status"] = json!({"phase": "Ready"});
    assert_eq!(generation(&store.update(&key, None, object.clone()).await.unwrap()), 1, "status");
    object["metadata"]["labels"] = json!({"team": "a"});
    assert_eq!(generation(&store.update(&key, None, object.clone()).await.unwrap()), 1, "metadata");
    object["spec"]["size"] = json!(2);
    assert_eq!(generation(&store.update(&key, None, object.clone()).await.unwrap()), 2, "spec");
    object["data"] = json!({"any": "other field"});
    assert_eq!(generation(&store.update(&key, None, object.clone()).await.unwrap()), 3, "another field");
    object.as_object_mut().unwrap().remove("data");
    assert_eq!(generation(&store.update(&key, None, object.clone()).await.unwrap()), 4, "a field removed");
    object["metadata"]["generation"] = json!(99);
    let forged = store.update(&key, None, object).await.unwrap();
    assert!(matches!(forged, Updated::Unchanged(_)), "{forged:?}");
    assert_eq!((generation(&forged), store.head()), (4, 6));
}

#[tokio::test]
async fn a_write_that_changes_nothing_is_not_a_write() {
    let store = memory();
    let stored = store.create(&stack("shop"), object(1)).await.unwrap();
    let mut watch = store.watch("lampstacks", None, store.head()).unwrap();
    let mut same = object(1);
    same["metadata"] = json!({"resourceVersion": "1", "finalizers": []});
    assert_eq!(store.update(&stack("shop"), None, same).await.unwrap(), Updated::Unchanged(stored));
    assert_eq!(store.head(), 1);
    store.update(&stack("shop"), None, object(2)).await.unwrap();
    assert_eq!(brief(&next(&mut watch).await), [(lamp_store::ChangeKind::Modified, "shop", 2)]);
}

#[tokio::test]
async fn finalizers_hold_a_deleted_object_until_the_last_one_goes() {
    let store = memory();
    let key = stack("shop");
    store.create(&key, with_finalizer(1)).await.unwrap();
    let marked = store.delete(&key, anyhow()).await.unwrap();
    assert!(matches!(marked, Updated::Written(_)), "{marked:?}");
    let metadata = &marked.stored().object["metadata"];
    assert_eq!(metadata["deletionTimestamp"], "2026-11-20T09:30:00Z");
    assert_eq!((&metadata["deletionGracePeriodSeconds"], &metadata["generation"]), (&json!(0), &json!(2)));

    let again = store.delete(&key, anyhow()).await.unwrap();
    assert!(matches!(again, Updated::Unchanged(_)), "{again:?}");
    let kept = store.update(&key, None, with_finalizer(2)).await.unwrap();
    assert!(kept.stored().object["metadata"]["deletionTimestamp"].is_string(), "cannot be taken back");

    let gone = store.update(&key, None, object(2)).await.unwrap();
    assert!(removed(&gone), "{gone:?}");
    assert_eq!((gone.stored().revision, store.get(&key).unwrap()), (4, None));
    assert!(matches!(store.delete(&key, anyhow()).await, Err(StoreError::NotFound { .. })));
}

#[tokio::test]
async fn an_object_without_finalizers_is_deleted_at_once_with_a_revision_of_its_own() {
    let store = memory();
    store.create(&stack("shop"), object(1)).await.unwrap();
    let gone = store.delete(&stack("shop"), anyhow()).await.unwrap();
    assert!(removed(&gone));
    assert_eq!(gone.stored().object["metadata"]["resourceVersion"], "2");
    assert_eq!(gone.stored().object["spec"]["size"], 1);
}

#[tokio::test]
async fn a_delete_with_preconditions_happens_only_if_they_hold() {
    let store = memory();
    let key = stack("shop");
    let stored = store.create(&key, object(1)).await.unwrap();
    let uid = stored.object["metadata"]["uid"].as_str().map(str::to_owned);
    let wrong_uid = Preconditions { uid: Some("other".into()), revision: None };
    let wrong_revision = Preconditions { uid: uid.clone(), revision: Some(7) };
    assert!(matches!(store.delete(&key, wrong_uid).await, Err(StoreError::UidMismatch { .. })));
    assert!(matches!(store.delete(&key, wrong_revision).await, Err(StoreError::Conflict { .. })));
    assert!(removed(&store.delete(&key, Preconditions { uid, revision: Some(1) }).await.unwrap()));
}

#[tokio::test]
async fn list_is_sorted_and_of_one_kind_and_namespace() {
    let store = memory();
    for (plural, namespace, name) in [
        ("lampstacks", "b", "z"),
        ("lampstacks", "a", "y"),
        ("lampstacksx", "a", "w"),
        ("events", "a", "v"),
        ("lampstacks", "a", "x"),
    ] {
        store.create(&lamp_store::Key::new(plural, namespace, name), json!({})).await.unwrap();
    }
    let names = |namespace| {
        let (listed, revision) = store.list("lampstacks", namespace).unwrap();
        assert_eq!(revision, 5);
        listed.into_iter().map(|stored| stored.key.name).collect::<Vec<_>>()
    };
    assert_eq!(names(None), ["x", "y", "z"]);
    assert_eq!(names(Some("a")), ["x", "y"]);
    assert_eq!(names(Some("c")), Vec::<String>::new());
}

#[tokio::test]
async fn the_ledger_is_apart_from_the_objects() {
    let store = memory();
    store.put_ledger("uid-1", "vpc", Some(json!({"token": "a"}))).await.unwrap();
    let batch = vec![("vpc".to_owned(), None), ("subnet".to_owned(), Some(json!(1)))];
    store.put_ledger_batch("uid-1", batch).await.unwrap();
    store.put_ledger("uid-2", "vpc", Some(json!(2))).await.unwrap();
    assert_eq!(store.ledger_owners().unwrap(), ["uid-1", "uid-2"]);
    assert_eq!(store.ledger("uid-1").unwrap().keys().collect::<Vec<_>>(), ["subnet"]);
    store.put_ledger("uid-1", "subnet", None).await.unwrap();
    assert_eq!(store.ledger_owners().unwrap(), ["uid-2"]);
    assert_eq!(store.head(), 0);
}

#[tokio::test]
async fn a_store_in_memory_repeats_itself() {
    let (one, two) = (memory(), memory());
    let (a, b) = (one.create(&stack("a"), object(1)).await, two.create(&stack("a"), object(1)).await);
    assert_eq!(a.unwrap(), b.unwrap());
}
