//! All changes of a selection, for as long as somebody looks: a watch that the server ends is opened again where it
//! ended.

use std::time::{Duration, Instant};

use futures::StreamExt;
use kube::core::WatchEvent;
use serde_json::Value;

use super::{Changes, Selection, Server};
use crate::exit::Failure;

/// A watch that ends sooner than this is not opened again at once.
const SHORT: Duration = Duration::from_secs(1);

/// A watch without an end.
pub(crate) struct Tail {
    selection: Selection,
    /// Everything up to here was seen.
    version: String,
    open: Option<(Changes, Instant)>,
}

impl std::fmt::Debug for Tail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tail").field("version", &self.version).finish_non_exhaustive()
    }
}

impl Tail {
    /// Changes after `version`.
    pub(crate) fn new(selection: Selection, version: &str) -> Self {
        Self { selection, version: version.to_owned(), open: None }
    }

    /// The next change; the object is the changed one, or a table with its row.
    ///
    /// # Errors
    /// The server refuses (as when it forgot what happened since), or cannot be reached.
    pub(crate) async fn next(&mut self, server: &Server) -> Result<WatchEvent<Value>, Failure> {
        loop {
            let Some((changes, since)) = &mut self.open else {
                let changes = server.watch(self.selection.watch(&self.version)?).await?;
                self.open = Some((changes, Instant::now()));
                continue;
            };
            match changes.next().await {
                Some(Ok(WatchEvent::Bookmark(mark))) => self.version = mark.metadata.resource_version,
                Some(Ok(WatchEvent::Error(status))) => return Err(Failure::Api(status)),
                Some(Ok(change)) => {
                    self.remember(&change);
                    return Ok(change);
                }
                Some(Err(failure)) => return Err(failure),
                None => {
                    let early = SHORT.saturating_sub(since.elapsed());
                    self.open = None;
                    tokio::time::sleep(early).await;
                }
            }
        }
    }

    fn remember(&mut self, change: &WatchEvent<Value>) {
        let (WatchEvent::Added(object) | WatchEvent::Modified(object) | WatchEvent::Deleted(object)) = change
        else {
            return;
        };
        let rows = object["rows"].as_array().into_iter().flatten();
        let objects = rows.map(|row| &row["object"]).chain([object]);
        let version =
            objects.filter_map(|o| o["metadata"]["resourceVersion"].as_str()).find(|v| !v.is_empty());
        if let Some(version) = version {
            self.version = version.to_owned();
        }
    }
}
