//! The stream of changes: one JSON object per line.
//!
//! A stream reads the store's history at the pace of its client, so that a slow one costs writers nothing; one that
//! falls too far behind is told to list again.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::stream;
use http::StatusCode;
use lamp_api::FieldError;
use lamp_api::kinds::KindInfo;
use lamp_store::{ChangeKind, Revision, StoreError, Watch, WatchEvent};
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep};

use crate::error::ApiError;
use crate::handlers::resource::Call;
use crate::metrics::OpenWatch;
use crate::parameters::Parameters;
use crate::path::ResourcePath;
use crate::respond::{self, View};
use crate::selector::Selector;
use crate::server::Shared;

/// Objects that are sent in one piece at the start.
const INITIAL_BATCH: usize = 100;

/// Opens the stream that a request asks for.
pub(crate) fn open(shared: &Arc<Shared>, call: &Call) -> Result<Response, ApiError> {
    let Call { path, parameters, view, .. } = call;
    let own = shared.access.rates.watch(&call.caller.identity)?;
    let permit = Arc::clone(&shared.watches).try_acquire_owned().map_err(|_| {
        let text = format!("{} watches are open, which is the limit", shared.dependencies.limits.watches);
        ApiError::TooManyRequests(text)
    })?;
    let feed = Feed::start(shared, path, parameters, *view, (permit, own))?;
    let lines = stream::unfold(feed, |mut feed| async move {
        let bytes = feed.next().await?;
        Some((Ok::<_, Infallible>(bytes), feed))
    });
    Ok(respond::json(StatusCode::OK, Body::from_stream(lines), &[]))
}

/// Of all watches, and of those of one user.
type Permits = (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>);

/// How a watch begins.
struct Beginning {
    /// Whether what exists is sent first.
    initial: bool,
    /// Whether the client wants to be told when that is done.
    announce: bool,
    /// Changes after this revision are sent; `None`: after what exists now.
    from: Option<Revision>,
}

impl Beginning {
    fn of(kind: &'static KindInfo, parameters: &Parameters) -> Result<Beginning, ApiError> {
        let from = parameters.revision()?;
        let matched = parameters.text("resourceVersionMatch");
        let invalid = |error| ApiError::Invalid { kind, name: String::new(), errors: vec![error] };
        match parameters.flag("sendInitialEvents")? {
            None if matched.is_some() => {
                let detail =
                    "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
                Err(invalid(FieldError::forbidden("resourceVersionMatch", detail)))
            }
            // Without a revision, a watch begins with what there is.
            None => Ok(Beginning { initial: from.is_none(), announce: false, from }),
            Some(_) if matched != Some("NotOlderThan") => {
                let detail = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
                Err(invalid(FieldError::forbidden("resourceVersionMatch", detail)))
            }
            Some(initial) => Ok(Beginning { initial, announce: initial, from }),
        }
    }
}

/// One open stream.
struct Feed {
    kind: &'static KindInfo,
    selector: Selector,
    view: View,
    clock: crate::server::Clock,
    initial: VecDeque<Arc<Value>>,
    announce: Option<Revision>,
    watch: Watch,
    end: Option<Pin<Box<Sleep>>>,
    bookmarks: Option<Interval>,
    shutdown: tokio_util::sync::CancellationToken,
    ended: bool,
    _permits: Permits,
    _open: OpenWatch,
}

impl Feed {
    fn start(
        shared: &Arc<Shared>,
        path: &ResourcePath,
        parameters: &Parameters,
        view: View,
        permits: Permits,
    ) -> Result<Feed, ApiError> {
        let kind = path.kind;
        let failed = |error| ApiError::from_store(kind, error);
        let store = &shared.dependencies.store;
        let namespace = path.namespace.as_deref();
        let selector = Selector::of(kind, parameters)?;
        let beginning = Beginning::of(kind, parameters)?;
        let (objects, head) = store.list(kind.plural, namespace).map_err(failed)?;
        let from = if beginning.initial {
            not_future(kind, beginning.from, head)?
        } else {
            beginning.from.unwrap_or(head)
        };
        let wanted =
            objects.into_iter().map(|stored| stored.object).filter(|object| selector.matches(object));
        let initial = if beginning.initial { wanted.collect() } else { VecDeque::new() };
        let bookmarks = parameters.flag("allowWatchBookmarks")?.unwrap_or(false);
        let limits = shared.dependencies.limits;
        Ok(Feed {
            kind,
            selector,
            view,
            clock: Arc::clone(&shared.dependencies.clock),
            initial,
            announce: (beginning.announce && bookmarks).then_some(from),
            watch: store.watch(kind.plural, namespace, from).map_err(failed)?,
            end: parameters
                .number("timeoutSeconds")?
                .filter(|s| *s > 0)
                .map(|s| Box::pin(tokio::time::sleep(Duration::from_secs(s)))),
            bookmarks: bookmarks.then(|| interval(limits.bookmark)),
            shutdown: shared.dependencies.shutdown.clone(),
            ended: false,
            _permits: permits,
            _open: shared.metrics.open_watch(kind.plural),
        })
    }

    /// The next lines; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Bytes> {
        if self.ended {
            return None;
        }
        self.view.now = (self.clock)();
        if !self.initial.is_empty() {
            return Some(self.initial_batch());
        }
        if let Some(revision) = self.announce.take() {
            let metadata = json!({
                "resourceVersion": revision.to_string(), "annotations": {"k8s.io/initial-events-end": "true"}
            });
            return Some(self.bookmark(metadata));
        }
        loop {
            let lines = tokio::select! {
                batch = self.watch.next() => self.changes(batch),
                () = tick(&mut self.bookmarks) => {
                    Some(self.bookmark(json!({"resourceVersion": self.watch.revision().to_string()})))
                }
                () = elapsed(&mut self.end) => return None,
                () = self.shutdown.cancelled() => return None,
            };
            if let Some(lines) = lines {
                return Some(lines);
            }
        }
    }

    fn initial_batch(&mut self) -> Bytes {
        let count = self.initial.len().min(INITIAL_BATCH);
        let mut lines = Vec::new();
        for object in self.initial.drain(..count) {
            write_line(&mut lines, "ADDED", &self.view.object(self.kind, &object));
        }
        lines.into()
    }

    fn changes(&mut self, batch: Result<Vec<WatchEvent>, StoreError>) -> Option<Bytes> {
        let mut lines = Vec::new();
        match batch {
            Ok(events) => {
                for event in &events {
                    if let Some(change) = seen_through(&self.selector, event) {
                        write_line(&mut lines, change, &self.view.object(self.kind, &event.object));
                    }
                }
            }
            Err(error) => {
                self.ended = true;
                let status = ApiError::from_store(self.kind, error).status();
                write_line(&mut lines, "ERROR", status.to_string().as_bytes());
            }
        }
        (!lines.is_empty()).then(|| lines.into())
    }

    fn bookmark(&self, metadata: Value) -> Bytes {
        let mut lines = Vec::new();
        write_line(&mut lines, "BOOKMARK", self.view.bookmark(self.kind, metadata).to_string().as_bytes());
        lines.into()
    }
}

/// A list that is at least as new as the client has seen.
fn not_future(
    kind: &'static KindInfo,
    wanted: Option<Revision>,
    head: Revision,
) -> Result<Revision, ApiError> {
    match wanted {
        Some(requested) if requested > head => {
            Err(ApiError::from_store(kind, StoreError::FutureRevision { requested, head }))
        }
        _ => Ok(head),
    }
}

/// A change as a client sees it that sees only part of the objects: entering its part is ADDED, leaving DELETED.
fn seen_through(selector: &Selector, event: &WatchEvent) -> Option<&'static str> {
    if selector.is_everything() {
        return Some(match event.kind {
            ChangeKind::Added => "ADDED",
            ChangeKind::Modified => "MODIFIED",
            ChangeKind::Deleted => "DELETED",
        });
    }
    let before = event.previous.as_ref().is_some_and(|object| selector.matches(object));
    let after = event.kind != ChangeKind::Deleted && selector.matches(&event.object);
    match (before, after) {
        (false, true) => Some("ADDED"),
        (true, true) => Some("MODIFIED"),
        (true, false) => Some("DELETED"),
        (false, false) => None,
    }
}

fn write_line(lines: &mut Vec<u8>, change: &str, object: &[u8]) {
    lines.extend_from_slice(format!("{{\"type\":\"{change}\",\"object\":").as_bytes());
    lines.extend_from_slice(object);
    lines.extend_from_slice(b"}\n");
}

fn interval(period: Duration) -> Interval {
    let mut interval = tokio::time::interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

async fn tick(interval: &mut Option<Interval>) {
    match interval {
        Some(interval) => drop(interval.tick().await),
        None => std::future::pending().await,
    }
}

async fn elapsed(sleep: &mut Option<Pin<Box<Sleep>>>) {
    match sleep {
        Some(sleep) => sleep.await,
        None => std::future::pending().await,
    }
}
