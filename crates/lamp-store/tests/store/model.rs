//! Random writes against a model that is as simple as the rules are.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use lamp_store::backend::{Backend, MemoryBackend};
use lamp_store::{ChangeKind, Preconditions, Store, StoreError, Updated};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::*;

#[derive(Clone, Debug)]
enum Op {
    Create {
        name: u8,
        size: i64,
        held: bool,
    },
    /// `stale`: expects a revision that is not the current one.
    Update {
        name: u8,
        size: i64,
        phase: i64,
        held: bool,
        stale: bool,
    },
    Delete {
        name: u8,
        stale: bool,
    },
    Ledger {
        owner: u8,
        part: u8,
        value: Option<i64>,
    },
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    let (name, size, held) = (0..4_u8, 0..3_i64, any::<bool>());
    let stale = prop::bool::weighted(0.2);
    prop_oneof![
        3 => (name.clone(), size.clone(), held).prop_map(|(name, size, held)| Op::Create { name, size, held }),
        6 => (name.clone(), size.clone(), 0..3_i64, held, stale)
            .prop_map(|(name, size, phase, held, stale)| Op::Update { name, size, phase, held, stale }),
        2 => (name, stale).prop_map(|(name, stale)| Op::Delete { name, stale }),
        2 => (0..2_u8, 0..3_u8, proptest::option::of(size))
            .prop_map(|(owner, part, value)| Op::Ledger { owner, part, value }),
        1 => Just(Op::Reopen),
    ]
}

#[derive(Clone, Debug, PartialEq)]
struct Modeled {
    revision: u64,
    generation: i64,
    size: i64,
    phase: i64,
    held: bool,
    deleting: bool,
}

#[derive(Debug, Default)]
struct Model {
    head: u64,
    objects: BTreeMap<String, Modeled>,
    ledger: BTreeMap<(String, String), i64>,
    events: Vec<(ChangeKind, String, u64)>,
}

#[derive(Debug, PartialEq)]
enum Answer {
    Written,
    Unchanged,
    Removed,
    Exists,
    Missing,
    Conflict,
}

impl Model {
    fn note(&mut self, kind: ChangeKind, name: &str) -> u64 {
        self.head += 1;
        self.events.push((kind, name.to_owned(), self.head));
        self.head
    }

    fn create(&mut self, name: &str, size: i64, held: bool) -> Answer {
        if self.objects.contains_key(name) {
            return Answer::Exists;
        }
        let revision = self.note(ChangeKind::Added, name);
        let modeled = Modeled { revision, generation: 1, size, phase: 0, held, deleting: false };
        self.objects.insert(name.to_owned(), modeled);
        Answer::Written
    }

    fn update(&mut self, name: &str, size: i64, phase: i64, held: bool, stale: bool) -> Answer {
        let Some(mut modeled) = self.objects.get(name).cloned() else { return Answer::Missing };
        if stale {
            return Answer::Conflict;
        }
        if (modeled.size, modeled.phase, modeled.held) == (size, phase, held) {
            return Answer::Unchanged;
        }
        if modeled.deleting && !held {
            self.objects.remove(name);
            self.note(ChangeKind::Deleted, name);
            return Answer::Removed;
        }
        modeled.generation += i64::from(modeled.size != size);
        (modeled.size, modeled.phase, modeled.held) = (size, phase, held);
        modeled.revision = self.note(ChangeKind::Modified, name);
        self.objects.insert(name.to_owned(), modeled);
        Answer::Written
    }

    fn delete(&mut self, name: &str, stale: bool) -> Answer {
        let Some(mut modeled) = self.objects.get(name).cloned() else { return Answer::Missing };
        if stale {
            return Answer::Conflict;
        }
        if !modeled.held {
            self.objects.remove(name);
            self.note(ChangeKind::Deleted, name);
            return Answer::Removed;
        }
        if modeled.deleting {
            return Answer::Unchanged;
        }
        (modeled.deleting, modeled.generation) = (true, modeled.generation + 1);
        modeled.revision = self.note(ChangeKind::Modified, name);
        self.objects.insert(name.to_owned(), modeled);
        Answer::Written
    }
}

fn value(size: i64, phase: i64, held: bool) -> Value {
    let mut value = json!({"metadata": {}, "spec": {"size": size}, "status": {"phase": phase}});
    if held {
        value["metadata"]["finalizers"] = json!(["lamplighter.dev/teardown"]);
    }
    value
}

fn answer(result: Result<Updated, StoreError>) -> Answer {
    match result {
        Ok(Updated::Written(_)) => Answer::Written,
        Ok(Updated::Unchanged(_)) => Answer::Unchanged,
        Ok(Updated::Removed(_)) => Answer::Removed,
        Err(StoreError::AlreadyExists { .. }) => Answer::Exists,
        Err(StoreError::NotFound { .. }) => Answer::Missing,
        Err(StoreError::Conflict { .. }) => Answer::Conflict,
        Err(other) => panic!("{other}"),
    }
}

async fn perform(store: &Store, model: &mut Model, op: &Op) {
    let name = |number: &u8| format!("s{number}");
    let expected = |stale: &bool| stale.then(|| store.head() + 1);
    let (actual, modeled) = match op {
        Op::Create { name: number, size, held } => {
            let created = store.create(&stack(&name(number)), value(*size, 0, *held)).await;
            (answer(created.map(Updated::Written)), model.create(&name(number), *size, *held))
        }
        Op::Update { name: number, size, phase, held, stale } => {
            let key = stack(&name(number));
            let updated = store.update(&key, expected(stale), value(*size, *phase, *held)).await;
            (answer(updated), model.update(&name(number), *size, *phase, *held, *stale))
        }
        Op::Delete { name: number, stale } => {
            let preconditions = Preconditions { uid: None, revision: expected(stale) };
            let deleted = store.delete(&stack(&name(number)), preconditions).await;
            (answer(deleted), model.delete(&name(number), *stale))
        }
        Op::Ledger { owner, part, value } => {
            let (owner, part) = (name(owner), name(part));
            store.put_ledger(&owner, &part, value.map(|value| json!(value))).await.unwrap();
            match value {
                Some(value) => model.ledger.insert((owner, part), *value),
                None => model.ledger.remove(&(owner, part)),
            };
            return;
        }
        Op::Reopen => return,
    };
    assert_eq!(actual, modeled, "{op:?}");
}

fn observed(object: &Value, revision: u64) -> Modeled {
    let metadata = &object["metadata"];
    assert_eq!(metadata["resourceVersion"], json!(revision.to_string()));
    Modeled {
        revision,
        generation: metadata["generation"].as_i64().unwrap(),
        size: object["spec"]["size"].as_i64().unwrap(),
        phase: object["status"]["phase"].as_i64().unwrap(),
        held: metadata.get("finalizers").is_some(),
        deleting: metadata.get("deletionTimestamp").is_some(),
    }
}

/// Everything that can be read is what the model says, and the events, replayed, lead to the same objects.
async fn compare(store: &Store, model: &Model) {
    let (listed, head) = store.list("lampstacks", Some("default")).unwrap();
    assert_eq!(head, model.head);
    let actual = listed.iter().map(|it| (it.key.name.clone(), observed(&it.object, it.revision)));
    assert_eq!(actual.collect::<BTreeMap<_, _>>(), model.objects);
    let mut ledger = BTreeMap::new();
    for owner in store.ledger_owners().unwrap() {
        for (part, value) in store.ledger(&owner).unwrap() {
            ledger.insert((owner.clone(), part), value.as_i64().unwrap());
        }
    }
    assert_eq!(ledger, model.ledger);
    if model.events.is_empty() {
        return;
    }
    let events = next(&mut store.watch("lampstacks", None, 0).unwrap()).await;
    let mut replayed = BTreeMap::new();
    for event in &events {
        let before = match event.kind {
            ChangeKind::Deleted => replayed.remove(&event.key),
            _ => replayed.insert(event.key.clone(), Arc::clone(&event.object)),
        };
        assert_eq!(event.previous, before, "{event:?}");
    }
    let now: BTreeMap<_, _> = listed.into_iter().map(|stored| (stored.key, stored.object)).collect();
    assert_eq!(replayed, now);
    let told = events.into_iter().map(|event| (event.kind, event.key.name, event.revision));
    assert_eq!(told.collect::<Vec<_>>(), model.events);
}

fn run(ops: &[Op], open: impl Fn() -> Store) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut store = Some(open());
        let mut model = Model::default();
        for op in ops {
            if matches!(op, Op::Reopen) {
                drop(store.take());
                store = Some(open());
                compare(store.as_ref().unwrap(), &model).await;
            }
            perform(store.as_ref().unwrap(), &mut model, op).await;
        }
        compare(store.as_ref().unwrap(), &model).await;
    });
}

fn on_disk(ops: &[Op], dir: &Path) {
    run(ops, || open(dir));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]
    #[test]
    fn in_memory_the_store_does_what_the_model_does(ops in prop::collection::vec(op(), 1..60)) {
        let backend = Arc::new(MemoryBackend::new());
        run(&ops, || Store::with_backend(Arc::clone(&backend) as Arc<dyn Backend>, clock, "test").unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 64, ..ProptestConfig::default() })]
    #[test]
    fn on_disk_the_store_does_what_the_model_does(ops in prop::collection::vec(op(), 1..40)) {
        let dir = tempfile::tempdir().unwrap();
        on_disk(&ops, dir.path());
    }
}
