//! The handle that everybody holds.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::audit::AuditLog;
use crate::backend::{Backend, DiskBackend, MemoryBackend};
use crate::damage::Health;
use crate::error::StoreError;
use crate::identity;
use crate::index::{self, Index};
use crate::key::{Key, Revision, Stored};
use crate::rules::{Preconditions, Updated};
use crate::state::State;
use crate::transaction::{Change, INSTANCE, Outcome, Transaction};
use crate::watch::Watch;
use crate::writer::{Writer, WriterHandle};

/// Tells the time for `creationTimestamp` and `deletionTimestamp`.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Objects, their history, and the controller's ledger. Cheap to clone; the last clone that is dropped closes it.
#[derive(Clone)]
pub struct Store {
    state: Arc<State>,
    backend: Arc<dyn Backend>,
    audit: AuditLog,
    // Its last clone ends the writer.
    writer: Arc<WriterHandle>,
}

impl Store {
    /// Opens the store in `dir`, or makes a new one there. Blocks while it reads the disk. What is damaged there is made
    /// good, if nothing of it is lost: [`Store::health`] tells.
    ///
    /// # Errors
    /// [`StoreError::Locked`] if another daemon has it, [`StoreError::UnknownVersion`], [`StoreError::Corrupt`],
    /// [`StoreError::Io`].
    pub fn open(
        dir: &Path,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Store, StoreError> {
        let backend = Arc::new(DiskBackend::new(dir)?);
        let place = dir.display().to_string();
        let instance = identity::new_instance(clock(), &place);
        let store = Store::start(backend, Arc::new(clock), &instance, place)?;
        Ok(Store { audit: AuditLog::of(dir), ..store })
    }

    /// A new store that lives as long as its handles. The same writes give the same uids and revisions each time.
    #[allow(clippy::expect_used, reason = "memory neither fails nor holds anything that could be refused")]
    pub fn in_memory(clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Store {
        let backend = Arc::new(MemoryBackend::new());
        Store::with_backend(backend, clock, "memory").expect("an empty backend in memory always opens")
    }

    /// A store on any backend. `instance` names it if it is new: uids derive from it, so two stores that share AWS
    /// resources must not share it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn with_backend(
        backend: Arc<dyn Backend>,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
        instance: &str,
    ) -> Result<Store, StoreError> {
        Store::start(backend, Arc::new(clock), instance, "the given backend".to_owned())
    }

    fn start(
        backend: Arc<dyn Backend>,
        clock: Clock,
        instance: &str,
        place: String,
    ) -> Result<Store, StoreError> {
        let index = match index::load(backend.load()?, &place)? {
            Some(index) => index,
            None => initialize(backend.as_ref(), instance, clock())?,
        };
        let state = Arc::new(State::new(index));
        let writer = Writer::new(Arc::clone(&state), Arc::clone(&backend), clock, place);
        Ok(Store {
            state,
            writer: Arc::new(WriterHandle::start(writer)?),
            backend,
            audit: AuditLog::default(),
        })
    }

    /// The revision of the newest change of any object.
    pub fn head(&self) -> Revision {
        self.state.read().root.head
    }

    /// Who asked what, and what was changed on AWS.
    pub fn audit(&self) -> &AuditLog {
        &self.audit
    }

    /// A number that grows with each change of an object of this kind, and only then.
    pub fn newest(&self, plural: &str) -> Revision {
        let index = self.state.read();
        // What fell out of memory was a change as well.
        index.history.newest(plural).max(index.history.compacted(plural))
    }

    /// Why the last commit failed, until one succeeds. Reads go on meanwhile; writes try to recover.
    pub fn fault(&self) -> Option<String> {
        self.state.fault()
    }

    /// What was damaged when the store was opened, and whether its disk has room.
    pub fn health(&self) -> Health {
        self.backend.health()
    }

    /// The object, or `None`.
    ///
    /// # Errors
    /// None today; a backend that reads on demand would have some.
    pub fn get(&self, key: &Key) -> Result<Option<Stored>, StoreError> {
        Ok(self.state.read().objects.get(key).cloned())
    }

    /// The objects of a kind, in one namespace or in all, sorted by key, and the revision they were read at:
    /// a watch from there misses nothing.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub fn list(&self, plural: &str, namespace: Option<&str>) -> Result<(Vec<Stored>, Revision), StoreError> {
        let index = self.state.read();
        let from = Key::new(plural, namespace.unwrap_or_default(), "");
        let matching = index.objects.range(from..).take_while(|(key, _)| key.is_in(plural, namespace));
        Ok((matching.map(|(_, stored)| stored.clone()).collect(), index.root.head))
    }

    /// Stores a new object. Sets `metadata.{name,namespace,uid,creationTimestamp,generation,resourceVersion}`.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`], [`StoreError::Invalid`], [`StoreError::Unavailable`].
    pub async fn create(&self, key: &Key, object: Value) -> Result<Stored, StoreError> {
        let change = Change::Create { key: key.clone(), object };
        self.submit_object(change).await.map(Updated::into_stored)
    }

    /// Replaces an object, if it is still at revision `expected` (whatever it is at, if `None`).
    ///
    /// The store's own metadata is kept, whatever `object` says; `metadata.generation` rises if anything but
    /// `metadata` and `status` changed; an object that is being deleted goes with its last finalizer.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Conflict`], [`StoreError::UidMismatch`] if `object` names another
    /// uid, [`StoreError::Invalid`], [`StoreError::Unavailable`].
    pub async fn update(
        &self,
        key: &Key,
        expected: Option<Revision>,
        object: Value,
    ) -> Result<Updated, StoreError> {
        self.submit_object(Change::Update { key: key.clone(), expected, object }).await
    }

    /// Removes an object, or, if finalizers hold it, marks it as being deleted.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Conflict`], [`StoreError::UidMismatch`],
    /// [`StoreError::Unavailable`].
    pub async fn delete(&self, key: &Key, preconditions: Preconditions) -> Result<Updated, StoreError> {
        self.submit_object(Change::Delete { key: key.clone(), preconditions }).await
    }

    /// The changes of a kind after the revision `from`.
    ///
    /// # Errors
    /// [`StoreError::Gone`] if some of them are forgotten, [`StoreError::FutureRevision`] if `from` is yet to come.
    pub fn watch(&self, plural: &str, namespace: Option<&str>, from: Revision) -> Result<Watch, StoreError> {
        Watch::start(Arc::clone(&self.state), plural, namespace, from)
    }

    /// The ledger of one owner: part and entry.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub fn ledger(&self, owner: &str) -> Result<BTreeMap<String, Arc<Value>>, StoreError> {
        Ok(self.state.read().ledger.get(owner).cloned().unwrap_or_default())
    }

    /// Who has entries in the ledger, sorted.
    ///
    /// # Errors
    /// As [`Store::get`].
    pub fn ledger_owners(&self) -> Result<Vec<String>, StoreError> {
        Ok(self.state.read().ledger.keys().cloned().collect())
    }

    /// Writes or (`None`) removes one entry. It is durable when this returns.
    ///
    /// # Errors
    /// [`StoreError::Invalid`], [`StoreError::Unavailable`].
    pub async fn put_ledger(&self, owner: &str, part: &str, value: Option<Value>) -> Result<(), StoreError> {
        self.put_ledger_batch(owner, vec![(part.to_owned(), value)]).await
    }

    /// Writes or removes entries of one owner, all or none. They are durable when this returns.
    ///
    /// # Errors
    /// As [`Store::put_ledger`].
    pub async fn put_ledger_batch(
        &self,
        owner: &str,
        entries: Vec<(String, Option<Value>)>,
    ) -> Result<(), StoreError> {
        self.writer.submit(Change::Ledger { owner: owner.to_owned(), entries }).await.map(drop)
    }

    /// The random name of this store, made when it was made.
    pub fn instance(&self) -> String {
        self.meta(INSTANCE).unwrap_or_default()
    }

    /// A record about the store as a whole.
    pub fn meta(&self, name: &str) -> Option<String> {
        self.state.read().records.get(name).cloned()
    }

    /// Writes a record about the store as a whole. It is durable when this returns.
    ///
    /// # Errors
    /// [`StoreError::Invalid`], also for the store's own name; [`StoreError::Unavailable`].
    pub async fn put_meta(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let change = Change::Record { name: name.to_owned(), value: value.to_owned() };
        self.writer.submit(change).await.map(drop)
    }

    async fn submit_object(&self, change: Change) -> Result<Updated, StoreError> {
        match self.writer.submit(change).await? {
            Outcome::Object(updated) => Ok(updated),
            Outcome::Done => Err(StoreError::unavailable("the writer answered another question")),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Store").field("root", &self.state.read().root).finish_non_exhaustive()
    }
}

/// Makes a new store: its format and its name.
fn initialize(backend: &dyn Backend, instance: &str, now: Timestamp) -> Result<Index, StoreError> {
    let mut index = Index::default();
    let mut transaction = Transaction::new(&index, now);
    transaction.execute(Change::Record { name: INSTANCE.to_owned(), value: instance.to_owned() })?;
    if let Some((batch, delta)) = transaction.finish()? {
        backend.commit(&batch)?;
        index.apply(delta);
    }
    Ok(index)
}
