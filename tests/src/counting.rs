//! Counts the calls that go through the port.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use lamp_cloud::{Applied, Cloud, CloudError, Read, Reading, Request};

/// Calls by AWS operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    pub reads: BTreeMap<String, u64>,
    pub mutations: BTreeMap<String, u64>,
}

impl Calls {
    /// All reading calls.
    pub fn total_reads(&self) -> u64 {
        self.reads.values().sum()
    }

    /// All mutating calls.
    pub fn total_mutations(&self) -> u64 {
        self.mutations.values().sum()
    }
}

/// A cloud that counts. Clones share the count.
#[derive(Debug)]
pub struct Counting<C> {
    inner: Arc<C>,
    calls: Arc<Mutex<Calls>>,
}

impl<C> Clone for Counting<C> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), calls: Arc::clone(&self.calls) }
    }
}

impl<C> Counting<C> {
    pub fn new(inner: C) -> Self {
        Self { inner: Arc::new(inner), calls: Arc::default() }
    }

    /// The calls since the last time, and starts anew.
    pub fn take(&self) -> Calls {
        std::mem::take(&mut *self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The calls since the last time, which go on counting.
    pub fn peek(&self) -> Calls {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn count(&self, count: impl FnOnce(&mut Calls)) {
        count(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl<C: Cloud> Cloud for Counting<C> {
    fn region(&self) -> &str {
        self.inner.region()
    }

    fn read(&self, read: &Read) -> impl Future<Output = Result<Reading, CloudError>> + Send {
        self.count(|calls| *calls.reads.entry(read.operation().to_owned()).or_default() += 1);
        self.inner.read(read)
    }

    fn apply(&self, request: &Request) -> impl Future<Output = Result<Applied, CloudError>> + Send {
        self.count(|calls| *calls.mutations.entry(request.operation().to_owned()).or_default() += 1);
        self.inner.apply(request)
    }
}
