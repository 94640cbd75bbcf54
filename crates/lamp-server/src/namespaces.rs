//! The life of namespaces: `default` is always there, and one that is deleted takes its content along.
//!
//! A namespace is held by a finalizer. While it is being deleted its objects are deleted, in their own time; events
//! go last, as they tell what happens meanwhile; then the finalizer is taken away, and the namespace with it.

use std::time::Duration;

use lamp_api::kinds::{EVENT, KINDS, KindInfo, NAMESPACE};
use lamp_store::{Key, Preconditions, Store, StoreError, Stored, Updated};
use serde_json::{Value, json};

use crate::access;
use crate::error::ApiError;
use crate::objects::{self, NAMESPACE_FINALIZER};
use crate::server::Shared;

/// The namespace of those who name none.
pub(crate) const DEFAULT: &str = "default";

/// Time between two looks at a namespace that is being emptied, and after a failure.
const PAUSE: Duration = Duration::from_millis(500);

/// Runs until shutdown.
pub(crate) async fn keep(shared: &Shared) {
    let shutdown = &shared.dependencies.shutdown;
    while !shutdown.is_cancelled() {
        tokio::select! {
            result = follow(shared) => {
                if let Err(error) = result {
                    tracing::warn!(%error, "namespaces cannot be looked after now");
                }
            }
            () = shutdown.cancelled() => return,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Looks after namespaces each time one changes, and often while one is being emptied.
async fn follow(shared: &Shared) -> Result<(), StoreError> {
    let store = &shared.dependencies.store;
    access::defaults::create(store).await?;
    create_default(store).await?;
    loop {
        let (namespaces, revision) = store.list(NAMESPACE.plural, None)?;
        let mut changes = store.watch(NAMESPACE.plural, None, revision)?;
        let terminating: Vec<Stored> =
            namespaces.into_iter().filter(|n| objects::is_deleting(&n.object)).collect();
        let mut remaining = false;
        for namespace in terminating {
            remaining |= !empty(shared, namespace).await?;
        }
        if remaining {
            tokio::time::sleep(PAUSE).await;
        } else {
            changes.next().await?;
        }
    }
}

async fn create_default(store: &Store) -> Result<(), StoreError> {
    let mut namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": DEFAULT}});
    if objects::prepare_creation(&NAMESPACE, None, &mut namespace).is_err() {
        return Ok(());
    }
    match store.create(&Key::new(NAMESPACE.plural, "", DEFAULT), namespace).await {
        Ok(_) | Err(StoreError::AlreadyExists { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Shows that a namespace is being deleted.
pub(crate) async fn mark_terminating(store: &Store, namespace: Stored) -> Result<Stored, ApiError> {
    match write_phase(store, &namespace).await {
        Ok(stored) => Ok(stored),
        // Whoever changed it meanwhile has not undone the deletion, and `keep` writes the phase as well.
        Err(StoreError::Conflict { .. }) => Ok(namespace),
        Err(error) => Err(ApiError::from_store(&NAMESPACE, error)),
    }
}

async fn write_phase(store: &Store, namespace: &Stored) -> Result<Stored, StoreError> {
    let mut object = Value::clone(&namespace.object);
    object["status"] = json!({"phase": "Terminating"});
    store.update(&namespace.key, Some(namespace.revision), object).await.map(Updated::into_stored)
}

/// Deletes what is in the namespace, and the namespace once nothing is. Whether it is gone.
async fn empty(shared: &Shared, namespace: Stored) -> Result<bool, StoreError> {
    let store = &shared.dependencies.store;
    let name = namespace.key.name.clone();
    let mut namespace = namespace;
    if namespace.object["status"]["phase"] != "Terminating" {
        match write_phase(store, &namespace).await {
            Ok(stored) => namespace = stored,
            Err(StoreError::Conflict { .. } | StoreError::NotFound { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    let mut left = 0;
    for kind in KINDS.iter().filter(|kind| kind.namespaced && kind.kind != EVENT.kind) {
        left += delete_all(store, kind, &name).await?;
    }
    if left > 0 {
        return Ok(false);
    }
    let _held = shared.namespaces.write().await;
    let content = |kind: &KindInfo| store.list(kind.plural, Some(&name)).map(|(objects, _)| objects.len());
    for kind in KINDS.iter().filter(|kind| kind.namespaced && kind.kind != EVENT.kind) {
        if content(kind)? > 0 {
            return Ok(false);
        }
    }
    delete_all(store, &EVENT, &name).await?;
    release(store, &namespace).await
}

/// Deletes every object of a kind in a namespace; how many are still there, held by finalizers.
async fn delete_all(store: &Store, kind: &KindInfo, namespace: &str) -> Result<usize, StoreError> {
    let (objects, _) = store.list(kind.plural, Some(namespace))?;
    let mut held = 0;
    for stored in objects {
        if objects::is_deleting(&stored.object) {
            held += 1;
            continue;
        }
        match store.delete(&stored.key, Preconditions::default()).await {
            Ok(Updated::Removed(_)) | Err(StoreError::NotFound { .. }) => {}
            Ok(_) => held += 1,
            Err(error) => return Err(error),
        }
    }
    Ok(held)
}

async fn release(store: &Store, namespace: &Stored) -> Result<bool, StoreError> {
    let mut object = Value::clone(&namespace.object);
    if let Some(finalizers) = object["metadata"]["finalizers"].as_array_mut() {
        finalizers.retain(|name| name != NAMESPACE_FINALIZER);
    }
    match store.update(&namespace.key, Some(namespace.revision), object).await {
        Ok(Updated::Removed(_)) | Err(StoreError::NotFound { .. }) => Ok(true),
        Ok(_) | Err(StoreError::Conflict { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
