//! Rows in memory: for tests, demonstrations and simulations. Nothing survives the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::{Backend, Batch, Row, Write};
use crate::error::StoreError;

/// Rows in memory. Two stores opened one after the other on the same backend see the same rows.
#[derive(Debug, Default)]
pub struct MemoryBackend {
    rows: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
}

impl MemoryBackend {
    pub fn new() -> MemoryBackend {
        MemoryBackend::default()
    }
}

impl Backend for MemoryBackend {
    fn load(&self) -> Result<Vec<Row>, StoreError> {
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(rows.iter().map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        for write in &batch.writes {
            match write {
                Write::Put(key, value) => rows.insert(key.clone(), value.clone()),
                Write::Remove(key) => rows.remove(key),
            };
        }
        Ok(())
    }

    fn commits_block(&self) -> bool {
        false
    }
}
