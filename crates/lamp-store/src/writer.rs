//! The one writer: takes the requests that wait, commits them together, shows the result, answers.
//!
//! Nobody is answered before the disk has the write, and nobody can read it before either.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use crate::backend::Backend;
use crate::error::StoreError;
use crate::index::{self, Delta};
use crate::state::State;
use crate::store::Clock;
use crate::transaction::{Change, Outcome, Transaction};

/// Requests that may wait; the next writer waits for a place.
const QUEUE: usize = 1024;
/// Requests in one commit.
const GROUP: usize = 256;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Request {
    change: Change,
    reply: oneshot::Sender<Result<Outcome, StoreError>>,
}

/// Why the last commit failed, and when to read again what the disk has.
#[derive(Debug)]
struct Failure {
    /// What requests are told until then.
    refusal: StoreError,
    retry_at: Instant,
    pause: Duration,
    is_disk_known: bool,
}

pub(crate) struct Writer {
    state: Arc<State>,
    backend: Arc<dyn Backend>,
    clock: Clock,
    place: String,
    failure: Option<Failure>,
}

impl Writer {
    pub(crate) fn new(state: Arc<State>, backend: Arc<dyn Backend>, clock: Clock, place: String) -> Writer {
        Writer { state, backend, clock, place, failure: None }
    }

    fn process(&mut self, group: Vec<Request>) {
        let (changes, replies): (Vec<_>, Vec<_>) =
            group.into_iter().map(|request| (request.change, request.reply)).unzip();
        match self.recover().and_then(|()| self.commit(changes)) {
            // A caller that has gone away no longer wants its answer.
            Ok(outcomes) => replies.into_iter().zip(outcomes).for_each(|(reply, it)| drop(reply.send(it))),
            Err(error) => replies.into_iter().for_each(|reply| drop(reply.send(Err(error.clone())))),
        }
    }

    fn commit(&mut self, changes: Vec<Change>) -> Result<Vec<Result<Outcome, StoreError>>, StoreError> {
        let now = (self.clock)();
        let (outcomes, finished) = {
            // Readers share this lock with us; only this thread ever takes it for writing.
            let index = self.state.read();
            let mut transaction = Transaction::new(&index, now);
            let outcomes: Vec<_> = changes.into_iter().map(|change| transaction.execute(change)).collect();
            (outcomes, transaction.finish()?)
        };
        if let Some((batch, delta)) = finished {
            self.backend.commit(&batch).map_err(|error| self.fail(&error))?;
            self.publish(delta);
        }
        Ok(outcomes)
    }

    fn publish(&mut self, delta: Delta) {
        self.state.update(|index| index.apply(delta));
        if self.failure.take().is_some() {
            tracing::info!("the store is written again");
            self.state.set_fault(None);
        }
    }

    /// Notes that what the disk has is no longer known, and when to look: at the next request after a first
    /// failure, and then less and less often until a commit succeeds.
    fn fail(&mut self, error: &StoreError) -> StoreError {
        let pause = match &self.failure {
            _ if !self.backend.is_spared() => Duration::ZERO,
            None => Duration::ZERO,
            Some(failure) => (failure.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE),
        };
        tracing::error!(%error, ?pause, "a write to the store failed");
        self.state.set_fault(Some(error.to_string()));
        let (refusal, retry_at) = (error.refused(), Instant::now() + pause);
        self.failure = Some(Failure { refusal: refusal.clone(), retry_at, pause, is_disk_known: false });
        refusal
    }

    /// After a failed commit: reads back what the disk has, so that a commit that reached it after all is shown
    /// and one that did not is forgotten.
    fn recover(&mut self) -> Result<(), StoreError> {
        match &self.failure {
            Some(failure) if !failure.is_disk_known => {
                if Instant::now() < failure.retry_at {
                    return Err(failure.refusal.clone());
                }
            }
            _ => return Ok(()),
        }
        // A default index has no commits, and so is refused: rows that are all gone are damage, not a new store.
        let loaded = self.backend.load().and_then(|rows| index::load(rows, &self.place));
        let recovered = loaded.and_then(|index| self.state.replace(index.unwrap_or_default(), &self.place));
        recovered.map_err(|error| self.fail(&error))?;
        if let Some(failure) = &mut self.failure {
            failure.is_disk_known = true;
        }
        Ok(())
    }
}

/// How requests reach the writer. Dropping it ends the writer and lets go of the backend.
pub(crate) struct WriterHandle {
    lane: Lane,
    state: Arc<State>,
}

enum Lane {
    /// On the caller's thread: the backend does not block.
    Inline(Box<Mutex<Writer>>),
    /// On a thread of its own.
    Thread { sender: Option<mpsc::Sender<Request>>, thread: Option<JoinHandle<()>> },
}

impl WriterHandle {
    pub(crate) fn start(writer: Writer) -> Result<WriterHandle, StoreError> {
        let state = Arc::clone(&writer.state);
        if !writer.backend.commits_block() {
            return Ok(WriterHandle { lane: Lane::Inline(Box::new(Mutex::new(writer))), state });
        }
        let (sender, receiver) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || run(writer, receiver))
            .map_err(|error| StoreError::unavailable(format!("cannot start the writer's thread: {error}")))?;
        Ok(WriterHandle { lane: Lane::Thread { sender: Some(sender), thread: Some(thread) }, state })
    }

    pub(crate) async fn submit(&self, change: Change) -> Result<Outcome, StoreError> {
        let (reply, answer) = oneshot::channel();
        let request = Request { change, reply };
        match &self.lane {
            Lane::Inline(writer) => {
                writer.lock().unwrap_or_else(PoisonError::into_inner).process(vec![request]);
            }
            Lane::Thread { sender: Some(sender), .. } => sender.send(request).await.map_err(|_| stopped())?,
            Lane::Thread { sender: None, .. } => return Err(stopped()),
        }
        answer.await.map_err(|_| stopped())?
    }
}

impl Drop for WriterHandle {
    fn drop(&mut self) {
        if let Lane::Thread { sender, thread } = &mut self.lane {
            drop(sender.take());
            // A writer that panicked has said so on standard error; there is nothing left to end.
            let _ = thread.take().map(JoinHandle::join);
        }
        self.state.close();
    }
}

fn run(mut writer: Writer, mut receiver: mpsc::Receiver<Request>) {
    while let Some(first) = receiver.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP {
            let Ok(request) = receiver.try_recv() else { break };
            group.push(request);
        }
        // A panic drops the replies, which tells the callers; the next group starts from what the disk has.
        if catch_unwind(AssertUnwindSafe(|| writer.process(group))).is_err() {
            writer.fail(&StoreError::unavailable("the writer panicked"));
        }
    }
}

fn stopped() -> StoreError {
    StoreError::unavailable("the writer has stopped")
}
