//! The log of calls: what was asked, what came back, and what really happened.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lamp_cloud::{Applied, CloudError, Read, Request, Service};

use crate::Fault;

/// One call, as the region saw it.
#[derive(Clone, Debug)]
pub struct Call {
    /// Counts all calls, readings too, from 0.
    pub ordinal: u64,
    pub at: Timestamp,
    pub service: Service,
    pub operation: &'static str,
    pub what: Asked,
    /// What the caller was told.
    pub outcome: Result<(), CloudError>,
    /// What happened.
    pub effect: Effect,
    /// The fault that was injected, if one was.
    pub fault: Option<Fault>,
}

/// What was asked.
#[derive(Clone, Debug)]
pub enum Asked {
    Read(Read),
    Request(Box<Request>),
}

/// What a call did to the region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    None,
    Done(Applied),
    /// It takes effect later, unless it is refused then.
    Later(Timestamp),
}

impl Call {
    /// The mutation, if it was one.
    pub fn request(&self) -> Option<&Request> {
        match &self.what {
            Asked::Request(request) => Some(request),
            Asked::Read(_) => None,
        }
    }

    /// Whether it changed the region.
    pub fn took_effect(&self) -> bool {
        matches!(self.effect, Effect::Done(_))
    }
}

/// Every call of a region's life.
#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) calls: Vec<Call>,
    pub(crate) counts: BTreeMap<(Service, &'static str), u64>,
    next: u64,
    digest: u64,
}

impl Log {
    /// The ordinal of the call that begins now.
    pub(crate) fn begin(&mut self) -> u64 {
        let ordinal = self.next;
        self.next += 1;
        ordinal
    }

    /// The ordinal of the call that is under way.
    pub(crate) fn begun(&self) -> u64 {
        self.next.saturating_sub(1)
    }

    /// How often this operation was called before.
    pub(crate) fn count(&self, service: Service, operation: &'static str) -> u64 {
        self.counts.get(&(service, operation)).copied().unwrap_or_default()
    }

    pub(crate) fn end(&mut self, call: Call, keep: bool) {
        *self.counts.entry((call.service, call.operation)).or_default() += 1;
        self.mix(&call);
        if keep {
            self.calls.push(call);
        }
    }

    /// A number that two runs share only if they made the same calls with the same outcomes at the same times.
    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }

    fn mix(&mut self, call: &Call) {
        let outcome = call.outcome.as_ref().err().map_or("ok", |error| error.code.as_str());
        let subject = call.request().map(|request| format!("{request:?}")).unwrap_or_default();
        let nanoseconds = call.at.as_nanosecond().to_le_bytes();
        let text = call.operation.bytes().chain(outcome.bytes()).chain(subject.bytes());
        for byte in text.chain(nanoseconds) {
            self.digest = (self.digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(5);
        }
    }
}
