//! One object over time: read, watched, and read again where the watch breaks.

use std::time::{Duration, Instant};

use futures::StreamExt;
use kube::core::WatchEvent;
use lamp_api::kinds::KindInfo;
use serde_json::Value;

use super::{Changes, Selection, Server};
use crate::exit::Failure;

/// A daemon that restarts is back within this time; who waits for a site need not notice.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_secs(1);

/// Follows one object; each look says what it is now, or that it is not there.
pub(crate) struct Follower<'a> {
    server: &'a Server,
    selection: Selection,
    name: String,
    changes: Option<Changes>,
    lost_since: Option<Instant>,
}

impl std::fmt::Debug for Follower<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<'a> Follower<'a> {
    pub(crate) fn new(server: &'a Server, kind: &'static KindInfo, namespace: &str, name: &str) -> Self {
        let selection = Selection::new(kind, namespace);
        Self { server, selection, name: name.to_owned(), changes: None, lost_since: None }
    }

    /// The object as it is next: first as it stands, then after each change. None: it does not exist (any more).
    ///
    /// # Errors
    /// The server refuses, or cannot be reached for half a minute (at once, if it never answered).
    pub(crate) async fn next(&mut self) -> Result<Option<Value>, Failure> {
        loop {
            match &mut self.changes {
                None => match self.look().await {
                    Ok(object) => {
                        self.lost_since = None;
                        return Ok(object);
                    }
                    Err(failure) => self.bear(failure).await?,
                },
                Some(changes) => match changes.next().await {
                    Some(Ok(WatchEvent::Added(object) | WatchEvent::Modified(object))) => {
                        return Ok(Some(object));
                    }
                    Some(Ok(WatchEvent::Deleted(_))) => return Ok(None),
                    Some(Ok(WatchEvent::Bookmark(_))) => {}
                    // Too old, cut off, or at its end: read it afresh.
                    Some(Ok(WatchEvent::Error(_)) | Err(_)) | None => self.reopen().await,
                },
            }
        }
    }

    async fn look(&mut self) -> Result<Option<Value>, Failure> {
        let page = self.server.send(self.selection.clone().named(&self.name).list(None)?).await?;
        let version = page["metadata"]["resourceVersion"].as_str().unwrap_or("0");
        let request = self.selection.clone().named(&self.name).watch(version)?;
        self.changes = Some(self.server.watch(request).await?);
        Ok(page["items"].get(0).cloned())
    }

    async fn reopen(&mut self) {
        self.changes = None;
        self.lost_since = Some(Instant::now());
        tokio::time::sleep(PAUSE).await;
    }

    /// Waits a little where the server was there before and may come back.
    async fn bear(&mut self, failure: Failure) -> Result<(), Failure> {
        let passing = matches!(failure, Failure::Unreachable { .. } | Failure::TimedOut(_));
        match self.lost_since {
            Some(since) if passing && since.elapsed() < PATIENCE => {
                tokio::time::sleep(PAUSE).await;
                Ok(())
            }
            _ => Err(failure),
        }
    }
}

/// Runs `work` for at most `limit`; zero means no limit. `what` says what was waited for.
pub(crate) async fn until<T>(
    limit: Duration,
    what: impl FnOnce() -> String,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    if limit.is_zero() {
        return work.await;
    }
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(Failure::TimedOut(what())),
    }
}
