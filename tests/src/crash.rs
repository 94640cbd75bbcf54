//! Crashes: the process dies before or after one mutating call to AWS, or one write of the store.
//!
//! Whatever the process still tries after its death has no effect, and it never hears an answer.

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lamp_cloud::{Applied, Cloud, CloudError, Read, Reading, Request};
use lamp_store::StoreError;
use lamp_store::backend::{Backend, Batch, Row};

/// A point at which a process can die.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Boundary {
    BeforeRead(String),
    AfterRead(String),
    BeforeCall(String),
    AfterCall(String),
    BeforeWrite,
    AfterWrite,
}

#[derive(Debug, Default)]
struct State {
    passed: Vec<Boundary>,
    crash_at: Option<usize>,
    crashed: bool,
    count_reads: bool,
}

/// Counts boundaries, and lets the process die at one of them. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    state: Arc<Mutex<State>>,
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Dies at the boundary with this number, counted from now.
    pub fn crash_at(&self, boundary: usize) {
        let mut state = self.lock();
        state.passed.clear();
        state.crash_at = Some(boundary);
    }

    /// Counts readings as boundaries too.
    pub fn count_reads(&self, count: bool) {
        self.lock().count_reads = count;
    }

    /// Whether the process is dead.
    pub fn crashed(&self) -> bool {
        self.lock().crashed
    }

    /// A new process, which does not die by itself.
    pub fn revive(&self) {
        let mut state = self.lock();
        state.crashed = false;
        state.crash_at = None;
    }

    /// Boundaries passed since the count began, the fatal one last.
    pub fn passed(&self) -> Vec<Boundary> {
        self.lock().passed.clone()
    }

    /// Passes a boundary; false if the process is dead.
    fn pass(&self, boundary: impl FnOnce() -> Boundary) -> bool {
        let mut state = self.lock();
        if state.crashed {
            return false;
        }
        if state.crash_at == Some(state.passed.len()) {
            state.crashed = true;
        }
        state.passed.push(boundary());
        !state.crashed
    }

    fn pass_read(&self, boundary: impl FnOnce() -> Boundary) -> bool {
        if self.lock().count_reads { self.pass(boundary) } else { !self.crashed() }
    }
}

/// A cloud whose caller may die around each call.
#[derive(Clone, Debug)]
pub struct Crashing<C> {
    pub inner: C,
    pub gate: Gate,
}

impl<C: Cloud> Cloud for Crashing<C> {
    fn region(&self) -> &str {
        self.inner.region()
    }

    async fn read(&self, read: &Read) -> Result<Reading, CloudError> {
        let name = || format!("{read:?}").chars().take(60).collect::<String>();
        if !self.gate.pass_read(|| Boundary::BeforeRead(name())) {
            return pending().await;
        }
        let reading = self.inner.read(read).await;
        if !self.gate.pass_read(|| Boundary::AfterRead(name())) {
            return pending().await;
        }
        reading
    }

    async fn apply(&self, request: &Request) -> Result<Applied, CloudError> {
        if !self.gate.pass(|| Boundary::BeforeCall(request.operation().to_owned())) {
            return pending().await;
        }
        let applied = self.inner.apply(request).await;
        if !self.gate.pass(|| Boundary::AfterCall(request.operation().to_owned())) {
            return pending().await;
        }
        applied
    }
}

/// Rows whose writer may die around each commit.
#[derive(Debug)]
pub struct CrashingBackend {
    pub inner: Arc<dyn Backend>,
    pub gate: Gate,
}

impl Backend for CrashingBackend {
    fn load(&self) -> Result<Vec<Row>, StoreError> {
        self.inner.load()
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let dead = || StoreError::Unavailable { reason: "the process died".to_owned() };
        if !self.gate.pass(|| Boundary::BeforeWrite) {
            return Err(dead());
        }
        self.inner.commit(batch)?;
        if self.gate.pass(|| Boundary::AfterWrite) { Ok(()) } else { Err(dead()) }
    }

    fn commits_block(&self) -> bool {
        false
    }

    fn is_spared(&self) -> bool {
        self.inner.is_spared()
    }
}
