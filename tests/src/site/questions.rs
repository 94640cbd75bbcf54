//! What people ask a daemon, and order it to do, besides their stacks.

use anyhow::{Context, Result};
use lamp_api::admission::{self, Strictness};
use lamp_api::kinds::{IMPORT, KindInfo, ORPHAN_DELETION, ORPHAN_REPORT, SCALING_HISTORY};
use lamp_api::v1alpha1::{
    DatabaseOperationStatus, DoomedResource, ImportStatus, OrphanDeletionStatus, OrphanReportStatus,
    ScalingHistoryStatus,
};
use lamp_store::{Key, Preconditions};
use serde_json::Value;

use super::Site;

impl Site {
    /// Creates an object of a kind that people create, with this spec.
    ///
    /// # Errors
    /// What admission or the store says.
    pub fn create(&self, kind: &KindInfo, name: &str, spec: &Value) -> Result<Key> {
        let key = Key::new(kind.plural, "default", name);
        let object = serde_json::json!({
            "apiVersion": kind.api_version(),
            "kind": kind.kind,
            "metadata": {"name": key.name, "namespace": key.namespace},
            "spec": spec,
        });
        let admitted = admission::admit(kind, &object, None, Strictness::Strict)?.object;
        self.finish(self.process.store.create(&key, admitted))???;
        Ok(key)
    }

    /// Asks a question, and removes it again.
    fn ask(&self, kind: &KindInfo, spec: &Value) -> Result<Value> {
        let key = self.create(kind, "question-1", spec)?;
        self.finish(self.process.engine.answer(&key))??;
        let stored = self.process.store.get(&key)?.context("the question is gone")?;
        self.finish(self.process.store.delete(&key, Preconditions::default()))???;
        Ok(stored.object["status"].clone())
    }

    /// Asks as which spec the site in a network would be kept.
    ///
    /// # Errors
    /// What the store says.
    pub fn ask_import(&self, vpc: &str) -> Result<ImportStatus> {
        Ok(serde_json::from_value(self.ask(&IMPORT, &serde_json::json!({"vpc": vpc}))?)?)
    }

    /// Asks what belongs to no stack.
    ///
    /// # Errors
    /// What the store says.
    pub fn ask_orphans(&self) -> Result<OrphanReportStatus> {
        Ok(serde_json::from_value(self.ask(&ORPHAN_REPORT, &serde_json::json!({}))?)?)
    }

    /// Asks how load and capacity of what `spec` names went.
    ///
    /// # Errors
    /// What admission or the store says.
    pub fn ask_scaling_history(&self, spec: &Value) -> Result<ScalingHistoryStatus> {
        Ok(serde_json::from_value(self.ask(&SCALING_HISTORY, spec)?)?)
    }

    /// Orders the deletion of orphans.
    ///
    /// # Errors
    /// What admission or the store says.
    pub fn order(&self, name: &str, uid: &str, resources: &[DoomedResource]) -> Result<Key> {
        let spec = serde_json::json!({"uid": uid, "resources": resources});
        self.create(&ORPHAN_DELETION, name, &spec)
    }

    /// The status of an order; `None` once it is gone.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn order_status(&self, key: &Key) -> Result<Option<OrphanDeletionStatus>> {
        let Some(stored) = self.process.store.get(key)? else { return Ok(None) };
        let status = stored.object.get("status").cloned().unwrap_or_else(|| serde_json::json!({}));
        Ok(Some(serde_json::from_value(status)?))
    }

    /// How far an order about a database is; `None` once it is gone.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn operation_status(&self, key: &Key) -> Result<Option<DatabaseOperationStatus>> {
        let Some(stored) = self.process.store.get(key)? else { return Ok(None) };
        let status = stored.object.get("status").cloned().unwrap_or_else(|| serde_json::json!({}));
        Ok(Some(serde_json::from_value(status)?))
    }
}
