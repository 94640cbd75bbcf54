//! Commits that fail: whether the disk has them or not, nobody is told so before the store knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use lamp_store::ChangeKind::Added;
use lamp_store::backend::{Backend, Batch, MemoryBackend, Row, Write};
use lamp_store::{Store, StoreError};
use serde_json::json;

use crate::support::*;

const HEALTHY: u8 = 0;
/// The commit fails and the disk does not have it.
const LOSE: u8 = 1;
/// The commit fails and the disk has it all the same.
const KEEP: u8 = 2;
const PANIC: u8 = 3;

#[derive(Debug)]
struct Faulty {
    disk: MemoryBackend,
    fault: AtomicU8,
    unreadable: AtomicBool,
    on_a_thread: bool,
}

impl Faulty {
    fn start(on_a_thread: bool) -> (Arc<Faulty>, Store) {
        let (disk, fault) = (MemoryBackend::new(), AtomicU8::new(HEALTHY));
        let faulty = Arc::new(Faulty { disk, fault, unreadable: AtomicBool::new(false), on_a_thread });
        let store = Store::with_backend(Arc::clone(&faulty) as Arc<dyn Backend>, clock, "test").unwrap();
        (faulty, store)
    }

    fn set(&self, fault: u8) {
        self.fault.store(fault, Ordering::SeqCst);
    }
}

fn full() -> StoreError {
    StoreError::Unavailable { reason: "no space left on device".into() }
}

impl Backend for Faulty {
    fn load(&self) -> Result<Vec<Row>, StoreError> {
        if self.unreadable.load(Ordering::SeqCst) { Err(full()) } else { self.disk.load() }
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        match self.fault.load(Ordering::SeqCst) {
            HEALTHY => self.disk.commit(batch),
            KEEP => self.disk.commit(batch).and(Err(full())),
            PANIC => panic!("the test asked for it"),
            _ => Err(full()),
        }
    }

    fn commits_block(&self) -> bool {
        self.on_a_thread
    }
}

/// The revision, and whether the store refused at first.
async fn create_when_possible(store: &Store, name: &str) -> (u64, bool) {
    for attempt in 0..500 {
        match store.create(&stack(name), object(1)).await {
            Ok(stored) => return (stored.revision, attempt > 0),
            Err(StoreError::Unavailable { .. }) => tokio::time::sleep(Duration::from_millis(10)).await,
            Err(other) => panic!("{other}"),
        }
    }
    panic!("it does not recover: {:?}", store.fault())
}

#[tokio::test]
async fn a_commit_that_failed_shows_nothing_and_later_writes_work() {
    for on_a_thread in [false, true] {
        let (faulty, store) = Faulty::start(on_a_thread);
        store.create(&stack("a"), object(1)).await.unwrap();
        faulty.set(LOSE);
        let error = store.create(&stack("b"), object(1)).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
        assert!(error.to_string().contains("no space left"), "{error}");
        let intent = store.put_ledger("uid", "vpc", Some(json!(1))).await;
        assert!(matches!(intent, Err(StoreError::Unavailable { .. })), "no intent, no mutation");
        assert_eq!((store.head(), store.get(&stack("b")).unwrap()), (1, None));
        assert!(store.get(&stack("a")).unwrap().is_some(), "reads go on");
        assert!(store.ledger("uid").unwrap().is_empty());
        assert!(store.fault().is_some());

        faulty.set(HEALTHY);
        assert_eq!(create_when_possible(&store, "b").await, (2, true));
        assert_eq!(store.fault(), None);
        let mut watch = store.watch("lampstacks", None, 0).unwrap();
        assert_eq!(brief(&next(&mut watch).await), [(Added, "a", 1), (Added, "b", 2)]);
    }
}

#[tokio::test]
async fn a_commit_that_failed_but_reached_the_disk_is_shown_before_the_next() {
    let (faulty, store) = Faulty::start(false);
    let mut watch = store.watch("lampstacks", None, 0).unwrap();
    faulty.set(KEEP);
    store.create(&stack("a"), object(1)).await.unwrap_err();
    assert_eq!((store.head(), store.get(&stack("a")).unwrap()), (0, None));
    faulty.set(HEALTHY);
    let again = store.create(&stack("a"), object(1)).await.unwrap_err();
    assert!(matches!(again, StoreError::AlreadyExists { .. }), "{again}");
    assert_eq!(store.create(&stack("b"), object(1)).await.unwrap().revision, 2);
    assert_eq!(brief(&next(&mut watch).await), [(Added, "a", 1), (Added, "b", 2)]);
}

#[tokio::test]
async fn recovery_is_tried_again_with_pauses() {
    let (faulty, store) = Faulty::start(true);
    faulty.set(LOSE);
    faulty.unreadable.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        store.create(&stack("a"), object(1)).await.unwrap_err();
    }
    faulty.set(HEALTHY);
    faulty.unreadable.store(false, Ordering::SeqCst);
    let (revision, was_refused) = create_when_possible(&store, "a").await;
    assert_eq!(revision, 1);
    assert!(was_refused, "not at every request");
}

#[tokio::test]
async fn a_backend_that_panics_does_not_end_the_writer() {
    let (faulty, store) = Faulty::start(true);
    faulty.set(PANIC);
    let error = store.create(&stack("a"), object(1)).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    faulty.set(HEALTHY);
    assert_eq!(store.create(&stack("a"), object(1)).await.unwrap().revision, 1);
}

#[tokio::test]
async fn a_disk_that_lost_acknowledged_writes_stops_writes_and_not_reads() {
    let (faulty, store) = Faulty::start(false);
    let before = faulty.disk.load().unwrap();
    store.put_ledger("uid", "vpc", Some(json!(1))).await.unwrap();
    let lost = Write::Remove(b"ledger\0uid\0vpc".to_vec());
    let old = before.into_iter().map(|(key, value)| Write::Put(key, value));
    faulty.disk.commit(&Batch { writes: old.chain([lost]).collect() }).unwrap();
    faulty.set(LOSE);
    store.create(&stack("a"), object(1)).await.unwrap_err();
    faulty.set(HEALTHY);
    let error = store.create(&stack("a"), object(1)).await.unwrap_err();
    assert!(error.to_string().contains("acknowledged"), "{error}");
    assert_eq!(store.ledger("uid").unwrap().len(), 1, "reads go on");
}
