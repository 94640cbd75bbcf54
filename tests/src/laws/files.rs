//! What a daemon has on its disk, and what its users were told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use lamp_api::annotations;
use lamp_api::kinds::LAMPSTACK;
use lamp_api::v1alpha1::LampStackSpec;
use lamp_store::{Key, Revision, Store, Stored};
use serde_json::Value;

use super::Scene;
use crate::disk::Disk;

/// A stack, as its users left it.
#[derive(Clone, Debug)]
pub struct Dossier {
    pub key: Key,
    pub uid: String,
    /// How often its spec was written.
    pub generation: u64,
    pub deleting: bool,
    /// A person consented to replacing what this generation asks to replace.
    pub confirmed: bool,
    /// A person allowed something to be taken over.
    pub adopts: bool,
    pub spec: LampStackSpec,
}

/// What was decoded, and of which revision.
type Read = BTreeMap<Key, (Revision, Arc<Dossier>)>;

/// The files of one daemon.
#[derive(Clone, Debug)]
pub struct Files {
    pub(crate) store: Store,
    pub(crate) disk: Disk,
    read: Arc<Mutex<Read>>,
}

impl Files {
    pub(super) fn new(store: Store, disk: Disk) -> Self {
        Self { store, disk, read: Arc::default() }
    }

    /// Every stack that can be read.
    pub fn dossiers(&self) -> Vec<Arc<Dossier>> {
        let (stored, _) = self.store.list(LAMPSTACK.plural, None).unwrap_or_default();
        stored.iter().filter_map(|stored| self.dossier(stored)).collect()
    }

    /// The stack with this uid.
    pub fn of(&self, uid: &str) -> Option<Arc<Dossier>> {
        self.dossiers().into_iter().find(|dossier| dossier.uid == uid)
    }

    /// The records of a stack, by part.
    pub fn records(&self, uid: &str) -> BTreeMap<String, Arc<Value>> {
        self.store.ledger(uid).unwrap_or_default()
    }

    fn dossier(&self, stored: &Stored) -> Option<Arc<Dossier>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((revision, dossier)) = read.get(&stored.key)
            && *revision == stored.revision
        {
            return Some(Arc::clone(dossier));
        }
        let dossier = Arc::new(decode(stored)?);
        read.insert(stored.key.clone(), (stored.revision, Arc::clone(&dossier)));
        Some(dossier)
    }
}

fn decode(stored: &Stored) -> Option<Dossier> {
    let metadata = &stored.object["metadata"];
    let annotation = |name: &str| metadata["annotations"][name].as_str();
    let generation = metadata["generation"].as_u64().unwrap_or_default();
    Some(Dossier {
        key: stored.key.clone(),
        uid: metadata["uid"].as_str()?.to_owned(),
        generation,
        deleting: metadata["deletionTimestamp"].is_string(),
        confirmed: annotation(annotations::CONFIRM_REPLACE)
            .is_some_and(|value| value.parse() == Ok(generation)),
        adopts: annotation(annotations::ADOPT).is_some(),
        spec: serde_json::from_value(stored.object["spec"].clone()).ok()?,
    })
}

/// S-W1: what a client was told to be stored is stored, whatever happened since.
pub(super) fn what_was_acknowledged_is_there(scene: &Scene<'_>) -> Option<String> {
    scene.history.acknowledged().find_map(|(key, generation)| {
        let stored = scene.files.store.get(key).ok()?;
        let found = stored.and_then(|stored| stored.object["metadata"]["generation"].as_i64());
        let lost = found.is_none_or(|found| found < generation);
        lost.then(|| format!("{key} was acknowledged at generation {generation}, and is at {found:?}"))
    })
}
