//! A disk without room: writes are refused with words, reads go on, and all of it ends by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use lamp_server::Limits;
use lamp_store::backend::{Backend, Batch, MemoryBackend, Row};
use lamp_store::{Store, StoreError};
use serde_json::json;

use crate::harness::{STACKS, start_on};

#[derive(Debug, Default)]
struct Disk {
    rows: MemoryBackend,
    is_full: AtomicBool,
}

impl Backend for Disk {
    fn load(&self) -> Result<Vec<Row>, StoreError> {
        self.rows.load()
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        if self.is_full.load(Ordering::SeqCst) {
            return Err(StoreError::Full { reason: "no space left on device".to_owned() });
        }
        self.rows.commit(batch)
    }

    fn commits_block(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn a_full_disk_is_507_while_reads_go_on_and_ends_when_there_is_room() {
    let disk = Arc::new(Disk::default());
    let store = Store::with_backend(Arc::clone(&disk) as Arc<dyn Backend>, Timestamp::now, "test").unwrap();
    let api = start_on(store, Limits::default()).await;
    let namespace = json!({"metadata": {"name": "other"}});
    disk.is_full.store(true, Ordering::SeqCst);
    let refused = api.post("/api/v1/namespaces", &namespace).await;
    let text = refused.refusal();
    assert!(text.starts_with("507 InsufficientStorage: the disk is full"), "{text}");
    assert_eq!(refused.body["details"]["retryAfterSeconds"], 1);
    api.get(STACKS).await.ok(200);
    let ready = api.get("/readyz").await;
    assert_eq!(ready.code.as_u16(), 503);
    let metrics = reqwest::get(format!("{}/metrics", api.url)).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("lamplighter_store_writable 0"), "{metrics}");

    disk.is_full.store(false, Ordering::SeqCst);
    for _ in 0..200 {
        if api.post("/api/v1/namespaces", &namespace).await.code.as_u16() == 201 {
            assert_eq!(api.get("/readyz").await.code.as_u16(), 200);
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not go on");
}
