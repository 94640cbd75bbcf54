//! The disk of a site under test: rows in memory, which outlive the daemon, and can refuse, forget and be copied.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lamp_store::StoreError;
use lamp_store::backend::{Backend, Batch, Row, Write};

/// Rows in memory. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Debug, Default)]
struct State {
    rows: BTreeMap<Vec<u8>, Vec<u8>>,
    is_full: bool,
    refused: u64,
    forgets: Option<String>,
}

impl Disk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another disk with the same rows, as a copied machine has it.
    #[must_use]
    pub fn copied(&self) -> Self {
        Self { state: Arc::new(Mutex::new(self.lock().clone())) }
    }

    /// Whether it takes no writes from now on.
    pub fn set_full(&self, is_full: bool) {
        self.lock().is_full = is_full;
    }

    pub fn is_full(&self) -> bool {
        self.lock().is_full
    }

    /// Writes that it did not take.
    pub fn refused(&self) -> u64 {
        self.lock().refused
    }

    /// From now on it says that it has written a row whose key begins so, and does not write it.
    pub fn forget(&self, beginning: &str) {
        self.lock().forgets = Some(beginning.to_owned());
    }

    /// Whether a row whose key contains all of `of` has these words in it: what is on disk survives the daemon.
    pub fn holds(&self, of: &[&str], words: &str) -> bool {
        let state = self.lock();
        let is_of = |key: &[u8]| {
            let key = String::from_utf8_lossy(key);
            of.iter().all(|word| key.contains(word))
        };
        let has = |value: &[u8]| std::str::from_utf8(value).is_ok_and(|text| text.contains(words));
        state.rows.iter().any(|(key, value)| is_of(key) && has(value))
    }
}

impl Backend for Disk {
    fn load(&self) -> Result<Vec<Row>, StoreError> {
        Ok(self.lock().rows.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut state = self.lock();
        if state.is_full {
            state.refused += 1;
            return Err(StoreError::Unavailable { reason: "no space left on device".to_owned() });
        }
        for write in &batch.writes {
            match write {
                Write::Put(key, _) if state.is_forgotten(key) => {}
                Write::Put(key, value) => drop(state.rows.insert(key.clone(), value.clone())),
                Write::Remove(key) => drop(state.rows.remove(key)),
            }
        }
        Ok(())
    }

    fn commits_block(&self) -> bool {
        false
    }

    /// Its time is not that of the machine.
    fn is_spared(&self) -> bool {
        false
    }
}

impl State {
    fn is_forgotten(&self, key: &[u8]) -> bool {
        self.forgets.as_ref().is_some_and(|beginning| key.starts_with(beginning.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &str, value: &str) -> Batch {
        Batch { writes: vec![Write::Put(key.as_bytes().to_vec(), value.as_bytes().to_vec())] }
    }

    #[test]
    fn a_full_disk_refuses_and_keeps_what_it_has() {
        let disk = Disk::default();
        disk.commit(&put("ledger a", "one")).unwrap();
        disk.set_full(true);
        disk.commit(&put("ledger a", "two")).unwrap_err();
        assert!(disk.holds(&["ledger", "a"], "one"));
        assert_eq!(disk.refused(), 1);
    }

    #[test]
    fn a_copy_goes_its_own_way_and_what_is_forgotten_is_not_there() {
        let disk = Disk::default();
        disk.commit(&put("ledger a", "one")).unwrap();
        let copy = disk.copied();
        copy.commit(&put("ledger a", "two")).unwrap();
        assert!(disk.holds(&[], "one") && copy.holds(&[], "two"));
        disk.forget("ledger");
        disk.commit(&put("ledger b", "three")).unwrap();
        assert!(!disk.holds(&[], "three"));
    }
}
