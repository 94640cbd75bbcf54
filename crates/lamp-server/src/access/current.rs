//! The policy as the store has it now, and what else all requests share of access.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use lamp_api::kinds::{CLUSTER_ROLE, CLUSTER_ROLE_BINDING, KindInfo, ROLE, ROLE_BINDING};
use lamp_store::{Revision, Store};
use serde_json::Value;

use super::policy::{Objects, Policy};
use super::rates::Rates;
use crate::error::ApiError;
use crate::limits::Limits;

/// What a policy is made of.
const SOURCES: [&KindInfo; 4] = [&ROLE, &CLUSTER_ROLE, &ROLE_BINDING, &CLUSTER_ROLE_BINDING];

/// What all requests share.
pub(crate) struct Access {
    /// The policy, and how new each of its sources was when it was compiled.
    compiled: Mutex<Option<([Revision; SOURCES.len()], Arc<Policy>)>>,
    pub(crate) rates: Rates,
}

impl fmt::Debug for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Access").finish_non_exhaustive()
    }
}

impl Access {
    pub(crate) fn new(limits: &Limits) -> Access {
        Access { compiled: Mutex::new(None), rates: Rates::new(limits) }
    }

    /// All roles and bindings that were acknowledged before this call. They are compiled when one has changed.
    pub(crate) fn policy(&self, store: &Store) -> Result<Arc<Policy>, ApiError> {
        // Read before the objects: whatever is written in between is compiled the next time.
        let newest = SOURCES.map(|kind| store.newest(kind.plural));
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, policy)) = compiled.as_ref().filter(|(seen, _)| *seen == newest) {
            return Ok(Arc::clone(policy));
        }
        let policy = Arc::new(compile(store)?);
        *compiled = Some((newest, Arc::clone(&policy)));
        Ok(policy)
    }
}

fn compile(store: &Store) -> Result<Policy, ApiError> {
    let all = |kind: &'static KindInfo| -> Result<Vec<Arc<Value>>, ApiError> {
        let listed = store.list(kind.plural, None);
        let (objects, _) = listed.map_err(|error| ApiError::from_store(kind, error))?;
        Ok(objects.into_iter().map(|stored| stored.object).collect())
    };
    Ok(Policy::compile(&Objects {
        roles: all(&ROLE)?,
        cluster_roles: all(&CLUSTER_ROLE)?,
        role_bindings: all(&ROLE_BINDING)?,
        cluster_role_bindings: all(&CLUSTER_ROLE_BINDING)?,
    }))
}
