//! Data directories that are damaged: what is sound makes good what is not, or the store is refused; it never comes back
//! smaller than it was without a word.

use std::path::{Path, PathBuf};

use lamp_store::DamagedPart::{self, Checkpoint, Index, Journal};
use lamp_store::backend::{Backend, Batch, DiskBackend, Write};
use lamp_store::{Store, StoreError, care};
use proptest::prelude::*;
use serde_json::json;

use crate::support::*;

/// A store of ten objects and a record, closed.
async fn filled(dir: &Path) {
    let store = open(dir);
    for number in 0..10 {
        store.create(&stack(&format!("s{number}")), object(number)).await.unwrap();
    }
    store.put_ledger("uid", "vpc", Some(json!({"attempt": 0}))).await.unwrap();
}

fn is_whole(store: &Store) -> bool {
    store.list("lampstacks", None).unwrap().0.len() == 10 && store.ledger("uid").unwrap().len() == 1
}

fn repaired(store: &Store) -> Vec<DamagedPart> {
    store.health().repaired.iter().map(|damage| damage.part).collect()
}

fn file(dir: &Path, extension: &str) -> PathBuf {
    let files = std::fs::read_dir(dir.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = files.filter(|path| path.extension().is_some_and(|it| it == extension)).collect();
    found.sort();
    found.pop().unwrap()
}

/// Flips a bit in the middle of a file.
fn damage(path: &Path) {
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(path, bytes).unwrap();
}

fn remove_index(dir: &Path) {
    std::fs::remove_dir_all(dir.join("objects.sled")).unwrap();
}

#[tokio::test]
async fn an_index_that_is_gone_or_damaged_is_made_again_from_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    for round in 0..3 {
        match round {
            0 => remove_index(dir.path()),
            1 => std::fs::write(dir.path().join("objects.sled/db"), b"nothing of the kind").unwrap(),
            _ => std::fs::write(dir.path().join("objects.sled/conf"), b"nothing of the kind").unwrap(),
        }
        let store = open(dir.path());
        assert!(is_whole(&store), "round {round}");
        assert_eq!(repaired(&store), [Index], "round {round}");
        drop(store);
        let store = open(dir.path());
        assert!(is_whole(&store) && repaired(&store).is_empty(), "it is sound again, round {round}");
    }
}

#[tokio::test]
async fn a_journal_that_is_damaged_is_begun_again_from_the_index() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    for (extension, part) in [("log", Journal), ("checkpoint", Checkpoint)] {
        damage(&file(dir.path(), extension));
        let store = open(dir.path());
        assert!(is_whole(&store), "{extension}");
        assert_eq!(repaired(&store), [part], "{extension}");
        store.update(&stack("s1"), None, object(77)).await.unwrap();
        store.update(&stack("s1"), None, object(1)).await.unwrap();
        drop(store);
        remove_index(dir.path());
        assert!(is_whole(&open(dir.path())), "the journal is whole again");
    }
}

#[tokio::test]
async fn where_both_are_damaged_the_store_is_refused_until_a_person_gives_up_what_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    damage(&file(dir.path(), "log"));
    remove_index(dir.path());
    for _ in 0..2 {
        let error = Store::open(dir.path(), clock).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("lamplighter store rebuild"), "{error}");
    }
    let verified = care::verify(dir.path()).unwrap();
    assert!(verified.lost.as_ref().unwrap().contains("cannot be read any more"), "{verified:?}");
    let rebuilt = care::rebuild(dir.path()).unwrap();
    assert!(rebuilt.lost > 0, "{rebuilt:?}");
    let store = open(dir.path());
    let left = store.list("lampstacks", None).unwrap().0.len();
    assert!((1..10).contains(&left), "{left}");
    store.create(&stack("later"), object(1)).await.unwrap();
}

#[tokio::test]
async fn a_journal_that_lost_its_end_is_made_good_from_the_index() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    let path = file(dir.path(), "log");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let store = open(dir.path());
    assert!(is_whole(&store));
    assert_eq!(repaired(&store), [Journal]);
    drop(store);
    std::fs::remove_dir_all(dir.path().join("journal")).unwrap();
    let error = Store::open(dir.path(), clock).unwrap_err();
    assert!(error.to_string().contains("its journal is missing"), "{error}");
}

#[tokio::test]
async fn an_older_index_catches_up_without_a_word() {
    let dir = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    copy_folder(&dir.path().join("objects.sled"), copy.path());
    let store = open(dir.path());
    store.delete(&stack("s3"), anyhow()).await.unwrap();
    store.create(&stack("s3"), object(33)).await.unwrap();
    drop(store);
    remove_index(dir.path());
    std::fs::create_dir(dir.path().join("objects.sled")).unwrap();
    copy_folder(copy.path(), &dir.path().join("objects.sled"));
    let store = open(dir.path());
    assert!(is_whole(&store) && repaired(&store).is_empty(), "{:?}", store.health());
    assert_eq!(store.get(&stack("s3")).unwrap().unwrap().object["spec"]["size"], 33);
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test]
async fn what_ended_the_process_twice_is_not_tried_a_third_time() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    std::fs::write(dir.path().join("opening"), "2\n").unwrap();
    let store = open(dir.path());
    assert!(is_whole(&store));
    assert_eq!(repaired(&store), [Index]);
    assert!(!dir.path().join("opening").exists());
}

#[tokio::test]
async fn what_is_damaged_is_kept_aside() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    std::fs::write(dir.path().join("objects.sled/conf"), b"nothing of the kind").unwrap();
    drop(open(dir.path()));
    let entries = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let aside = entries.filter(|path| path.to_string_lossy().contains("replaced-")).collect::<Vec<_>>();
    assert_eq!(aside.len(), 1);
    assert_eq!(std::fs::read(aside[0].join("objects.sled/conf")).unwrap(), b"nothing of the kind");
}

/// As version 0.1 left it: rows in sled, and nothing beside.
fn older(dir: &Path, rows: &[(Vec<u8>, Vec<u8>)]) {
    let config = sled::Config::new().path(dir.join("objects.sled")).segment_size(2 << 20);
    let db = config.open().unwrap();
    rows.iter().for_each(|(key, value)| drop(db.insert(key, value.as_slice()).unwrap()));
    db.flush().unwrap();
}

async fn rows_of_version_one() -> Vec<(Vec<u8>, Vec<u8>)> {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    let mut rows = DiskBackend::new(dir.path()).unwrap().load().unwrap();
    let format = rows.iter_mut().find(|(key, _)| key == b"format").unwrap();
    format.1 = b"\x011".to_vec();
    rows
}

#[tokio::test]
async fn a_store_of_a_version_without_a_journal_is_taken_over_with_everything_in_it() {
    let dir = tempfile::tempdir().unwrap();
    older(dir.path(), &rows_of_version_one().await);
    let store = open(dir.path());
    assert!(is_whole(&store) && repaired(&store).is_empty());
    store.update(&stack("s1"), None, object(1_000)).await.unwrap();
    drop(store);
    remove_index(dir.path());
    let store = open(dir.path());
    assert!(is_whole(&store), "the journal has what was there before it");
    assert_eq!(store.get(&stack("s1")).unwrap().unwrap().object["spec"]["size"], 1_000);
}

#[tokio::test]
async fn an_older_store_that_lost_rows_is_refused_and_not_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let mut rows = rows_of_version_one().await;
    rows.retain(|(key, _)| !key.starts_with(b"object\0lampstacks\0default\0s4"));
    older(dir.path(), &rows);
    for _ in 0..2 {
        let error = Store::open(dir.path(), clock).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    }
    assert!(care::verify(dir.path()).unwrap().lost.is_some());
}

#[tokio::test]
async fn segments_follow_each_other_and_two_checkpoints_stay() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let large = json!({"spec": {"userData": "x".repeat(1 << 20)}});
    for number in 0..60 {
        store.create(&stack(&format!("s{number}")), large.clone()).await.unwrap();
        store.delete(&stack(&format!("s{number}")), anyhow()).await.unwrap();
    }
    store.create(&stack("last"), large.clone()).await.unwrap();
    drop(store);
    let files = std::fs::read_dir(dir.path().join("journal")).unwrap().map(|entry| entry.unwrap().path());
    let checkpoints = files.filter(|path| path.extension().is_some_and(|it| it == "checkpoint")).count();
    assert_eq!(checkpoints, 2);
    let log = file(dir.path(), "log");
    assert!(!log.to_string_lossy().ends_with("/00000000000000000001.log"), "{}", log.display());
    remove_index(dir.path());
    let store = open(dir.path());
    assert_eq!(store.list("lampstacks", None).unwrap().0.len(), 1);
    assert_eq!(store.head(), 121);
}

#[tokio::test]
async fn an_export_is_imported_as_it_was_and_into_an_empty_directory_only() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    let file = dir.path().join("export.jsonl");
    let store = open(dir.path());
    assert!(matches!(care::export(dir.path(), &file), Err(StoreError::Locked { .. })));
    let (instance, head) = (store.instance(), store.head());
    drop(store);
    let count = care::export(dir.path(), &file).unwrap();
    assert!(std::fs::read_to_string(&file).unwrap().contains(r#"["object","lampstacks","default","s3"]"#));
    assert!(care::export(dir.path(), &file).is_err(), "no file is overwritten");

    let other = tempfile::tempdir().unwrap();
    assert_eq!(care::import(&file, other.path()).unwrap(), count);
    let again = care::import(&file, other.path()).unwrap_err();
    assert!(again.to_string().contains("holds a store already"), "{again}");
    let store = open(other.path());
    assert!(is_whole(&store) && repaired(&store).is_empty(), "{:?}", store.health());
    assert_eq!((store.instance(), store.head()), (instance, head), "it is the same store");
    drop(store);
    assert!(care::verify(other.path()).unwrap().is_sound());

    let cut = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, &cut[..cut.len() / 2]).unwrap();
    let third = tempfile::tempdir().unwrap();
    assert!(matches!(care::import(&file, third.path()), Err(StoreError::Invalid { .. })));
}

#[tokio::test]
async fn verifying_changes_nothing_and_finds_what_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path()).await;
    let verified = care::verify(dir.path()).unwrap();
    assert!(verified.is_sound(), "{verified:?}");
    assert_eq!((verified.counts["lampstacks"], verified.counts["ledger"]), (10, 1));
    damage(&file(dir.path(), "log"));
    let bytes = std::fs::read(file(dir.path(), "log")).unwrap();
    for _ in 0..2 {
        let verified = care::verify(dir.path()).unwrap();
        assert_eq!(verified.lost, None, "the index has everything");
        assert_eq!(verified.damage.iter().map(|damage| damage.part).collect::<Vec<_>>(), [Journal]);
    }
    assert_eq!(std::fs::read(file(dir.path(), "log")).unwrap(), bytes);
    let missing = care::verify(&dir.path().join("elsewhere")).unwrap_err();
    assert!(missing.to_string().contains("no such directory"), "{missing}");
}

#[derive(Clone, Debug)]
enum Step {
    Commit(u8, Option<u8>),
    Reopen,
    LoseIndex,
    /// Flips bits in one file of the journal: which one, where, how.
    Damage(prop::sample::Index, prop::sample::Index, u8),
}

fn step() -> impl Strategy<Value = Step> {
    let hurt = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1..=255_u8);
    prop_oneof![
        8 => (0..6_u8, proptest::option::of(any::<u8>())).prop_map(|(key, value)| Step::Commit(key, value)),
        2 => Just(Step::Reopen),
        1 => Just(Step::LoseIndex),
        1 => hurt.prop_map(|(file, byte, how)| Step::Damage(file, byte, how)),
    ]
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir.join("journal")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.collect();
    files.sort();
    files
}

/// One thing is damaged at a time, while the store is closed: nothing is ever lost.
fn play(steps: &[Step]) {
    let dir = tempfile::tempdir().unwrap();
    let start = || {
        let backend = DiskBackend::new(dir.path()).unwrap();
        let rows = backend.load().unwrap();
        (backend, rows.into_iter().collect::<std::collections::BTreeMap<_, _>>())
    };
    let (mut backend, mut model) = start();
    for step in steps {
        match step {
            Step::Commit(key, value) => {
                let key = vec![b'k', *key];
                let write = match value {
                    Some(value) => Write::Put(key.clone(), vec![*value; 3]),
                    None => Write::Remove(key.clone()),
                };
                backend.commit(&Batch { writes: vec![write] }).unwrap();
                match value {
                    Some(value) => drop(model.insert(key, vec![*value; 3])),
                    None => drop(model.remove(&key)),
                }
                continue;
            }
            Step::Reopen => drop(backend),
            Step::LoseIndex => {
                drop(backend);
                remove_index(dir.path());
            }
            Step::Damage(file, byte, how) => {
                drop(backend);
                let path = file.get(&files(dir.path())).clone();
                let mut bytes = std::fs::read(&path).unwrap();
                let place = byte.index(bytes.len());
                bytes[place] ^= how;
                std::fs::write(&path, bytes).unwrap();
            }
        }
        let (reopened, rows) = start();
        assert_eq!(rows, model, "{step:?}");
        backend = reopened;
    }
    drop(backend);
    assert_eq!(start().1, model);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 64, ..ProptestConfig::default() })]
    #[test]
    fn what_is_damaged_one_at_a_time_is_never_lost(steps in prop::collection::vec(step(), 1..25)) {
        play(&steps);
    }
}
