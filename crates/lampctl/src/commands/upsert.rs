//! Making the server's object what the file says: create, merge, or nothing.

use serde_json::Value;

use super::read;
use crate::client::{APPLY_MANAGER, Selection, Write};
use crate::exit::Failure;
use crate::merge;
use crate::session::Session;
use crate::yaml::{self, Manifest};

/// What became of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Created,
    Configured,
    Unchanged,
}

impl Change {
    /// kubectl's word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
        }
    }
}

/// The object before and after.
#[derive(Debug)]
pub(super) struct Upsert {
    pub(super) live: Option<Value>,
    pub(super) result: Value,
    pub(super) change: Change,
}

/// Applies `manifest`; `remember` writes down what was applied, for the next time.
pub(super) async fn upsert(
    session: &Session,
    manifest: &Manifest,
    dry_run: bool,
    remember: bool,
) -> Result<Upsert, Failure> {
    let Manifest { kind, name, namespace, .. } = manifest;
    let selection = Selection::new(kind, namespace);
    let write = Write { manager: APPLY_MANAGER, dry_run };
    let modified = if remember { merge::remembering(&manifest.object) } else { manifest.object.clone() };
    let refused = |failure| yaml::explain(failure, manifest, "");
    let Some(live) = read::object(session, kind, namespace, name).await? else {
        let result = session.server.send(selection.create(&modified, write)?).await.map_err(refused)?;
        return Ok(Upsert { live: None, result, change: Change::Created });
    };
    let patch = merge::three_way(&live, &modified)?;
    if patch.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(Upsert { result: live.clone(), live: Some(live), change: Change::Unchanged });
    }
    let result = session.server.send(selection.merge(name, &patch, write)?).await.map_err(refused)?;
    // The patch replaces lists that differ only by the server's defaults: what the server makes of it decides.
    let change = if same(&live, &result, dry_run) { Change::Unchanged } else { Change::Configured };
    Ok(Upsert { live: Some(live), result, change })
}

/// Whether a write changed nothing; one that was not stored keeps its version anyway.
fn same(live: &Value, result: &Value, dry_run: bool) -> bool {
    let metadata = |field: &str| live["metadata"][field] == result["metadata"][field];
    metadata("resourceVersion")
        && (!dry_run || (live["spec"] == result["spec"] && metadata("labels") && metadata("annotations")))
}
