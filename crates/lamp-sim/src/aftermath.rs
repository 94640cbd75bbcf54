//! What becomes of calls after their answer: effects that come late or twice, and what was accepted and fails.

use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::{Applied, Body, Kind, Request, ResourceId, State};

use crate::Fault;
use crate::agenda::Event;
use crate::calls::{Call, Effect};
use crate::world::World;

/// Sooner than anything that takes its time to be made is ready.
const FAILS_AFTER: Duration = Duration::from_secs(45);

impl World {
    /// What a fault adds to a mutation that took effect.
    pub(crate) fn follow_up(&mut self, request: &Request, applied: &Applied, fault: Option<Fault>) {
        match (fault, request, &applied.id) {
            (Some(Fault::Duplicate), ..) => {
                // Whoever sent it hears the first answer only.
                self.is_doubled = true;
                drop(self.mutate(request));
                self.is_doubled = false;
            }
            (Some(Fault::FailsLater), Request::Create { body, .. }, Some(id)) => {
                self.doom(body, id.clone());
            }
            _ => {}
        }
    }

    fn doom(&mut self, body: &Body, id: ResourceId) {
        // A primary that fails holds data, for all that anybody knows: a person must decide.
        let fails = !matches!(body, Body::DbInstance(database) if !database.is_replica());
        if fails {
            let event = Event::Fails { kind: body.kind(), id };
            self.agenda.plan(self.now + FAILS_AFTER, event);
        }
    }

    /// What AWS had accepted cannot be made after all.
    pub(crate) fn fails(&mut self, kind: Kind, id: &str) {
        if !self.is_pending(kind, id) {
            return;
        }
        match kind {
            Kind::DbInstance => self.force_status(id, "failed"),
            Kind::NatGateway => {
                let reason = "InternalError: Network Gateway ran into an error";
                self.fail_resource(kind, id, reason);
            }
            _ => self.fail_resource(kind, id, "failed: it could not be set up"),
        }
    }

    pub(crate) fn is_pending(&self, kind: Kind, id: &str) -> bool {
        self.resource(kind, id).is_some_and(|resource| matches!(resource.state, State::Pending(_)))
    }

    /// A request that its caller gave up on arrives; if it is refused now, nobody hears of it.
    pub(crate) fn late_effect(&mut self, request: &Request) {
        let outcome = self.mutate(request);
        let now = self.now;
        let waiting = self
            .log
            .calls
            .iter_mut()
            .rev()
            .find(|call| call.effect == Effect::Later(now) && call.request() == Some(request));
        if let Some(call) = waiting {
            call.effect = outcome.map_or(Effect::None, Effect::Done);
        }
    }

    /// When the last planned effect of lost requests lands.
    pub fn latest_late_effect(&self) -> Option<Timestamp> {
        let later = |call: &Call| match call.effect {
            Effect::Later(at) => Some(at),
            _ => None,
        };
        self.log.calls.iter().filter_map(later).max()
    }
}
