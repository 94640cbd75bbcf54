//! Mutating calls: throttled, struck by faults, made, written down.

use lamp_cloud::kinds::auto_scaling_group::AutoScalingGroup;
use lamp_cloud::kinds::target_group::TargetGroup;
use lamp_cloud::{
    Applied, Body, CloudError, DeleteOptions, InstanceState, Kind, Operation, Reference, Request, ResourceId,
    Tags, Target, tag,
};

use crate::Fault;
use crate::agenda::Event;
use crate::calls::{Asked, Call, Effect};
use crate::faults::{Calling, LATEST_EFFECT, Shape, server_error, timeout};
use crate::kinds::{self, Created, Creation};
use crate::refusal::Refusal;
use crate::world::World;

impl World {
    /// Makes one mutating call.
    pub(crate) fn call(&mut self, request: &Request) -> Result<Applied, CloudError> {
        let shape = Shape::of_request(request);
        let calling = self.calling(request.called(), true, shape);
        self.check_request(request);
        let mut effect = Effect::None;
        let (answer, fault) = match self.hindrance(&calling) {
            Err((refusal, fault)) => (Err(refusal), fault),
            Ok(fault) => (self.struck(request, &calling, fault, &mut effect), fault),
        };
        // Where nothing young was asked for, it struck nothing.
        let fault = fault.filter(|fault| *fault != Fault::NotYetVisible || answer.is_err());
        let request_id = self.request_id(calling.ordinal);
        let answer = answer
            .map(|applied| Applied { request_id: Some(request_id.clone()), ..applied })
            .map_err(|refusal| refused(refusal, calling.operation, request_id));
        self.write_down(
            &calling,
            Asked::Request(Box::new(request.clone())),
            answer.as_ref().err().cloned(),
            effect,
            fault,
        );
        answer
    }

    /// A call begins.
    pub(crate) fn calling(&mut self, called: Operation, mutates: bool, shape: Shape) -> Calling {
        let Operation { service, name: operation } = called;
        let nth = self.log.count(service, operation);
        Calling { ordinal: self.log.begin(), nth, at: self.now, service, operation, mutates, shape }
    }

    /// What keeps a call from being made at all, or the fault that will strike it.
    pub(crate) fn hindrance(&mut self, calling: &Calling) -> Result<Option<Fault>, (Refusal, Option<Fault>)> {
        self.check_courtesy(calling);
        if self.config.throttle {
            let neighbour = self.config.faults.noisy_neighbour;
            let taken =
                self.throttle.take(calling.service, calling.operation, calling.mutates, neighbour, self.now);
            taken.map_err(|refusal| (refusal, None))?;
        }
        let fault = self.config.faults.strike(calling, self.dice);
        match fault.and_then(|fault| fault.refusal(calling)) {
            Some(refusal) => Err((refusal, fault)),
            None => Ok(fault),
        }
    }

    fn struck(
        &mut self,
        request: &Request,
        calling: &Calling,
        fault: Option<Fault>,
        effect: &mut Effect,
    ) -> Result<Applied, Refusal> {
        if fault == Some(Fault::LateEffect) {
            let after = LATEST_EFFECT.mul_f64(self.dice.share(&["late"], calling.ordinal));
            let at = self.now + after;
            self.agenda.plan(at, Event::LateEffect(Box::new(request.clone())));
            *effect = Effect::Later(at);
            return Err(timeout());
        }
        self.is_behind = fault == Some(Fault::NotYetVisible);
        let answer = self.mutate(request);
        self.is_behind = false;
        if let Ok(applied) = &answer {
            *effect = Effect::Done(applied.clone());
            self.follow_up(request, applied, fault);
        }
        match fault {
            Some(Fault::TimeoutWithEffect) => Err(timeout()),
            Some(Fault::ServerErrorWithEffect) => Err(server_error()),
            Some(Fault::Unintelligible) => Err(unintelligible()),
            _ => answer,
        }
    }

    pub(crate) fn write_down(
        &mut self,
        calling: &Calling,
        what: Asked,
        error: Option<CloudError>,
        effect: Effect,
        fault: Option<Fault>,
    ) {
        let call = Call {
            ordinal: calling.ordinal,
            at: calling.at,
            service: calling.service,
            operation: calling.operation,
            what,
            outcome: error.map_or(Ok(()), Err),
            effect,
            fault,
        };
        // What went wrong is remembered in any case.
        let keep = calling.mutates || self.config.log_reads || call.fault.is_some();
        self.log.end(call, keep);
    }

    pub(crate) fn request_id(&self, ordinal: u64) -> String {
        let hex = self.dice.hex(32, &["request"], ordinal);
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }

    /// The effect of a request.
    pub(crate) fn mutate(&mut self, request: &Request) -> Result<Applied, Refusal> {
        self.authorize(request)?;
        match request {
            Request::Create { part, name, tags, token, body } => {
                self.with_token(request, body.kind(), token, |world| {
                    world.make(part.as_str(), name, tags, body)
                })
            }
            Request::Change { id, token, change } => {
                let kind = change.kind();
                let changed =
                    self.with_token(request, kind, token, |world| world.change(id, change).map(|()| None));
                if matches!(kind, Kind::SecurityGroup | Kind::DbInstance) {
                    self.check_primaries_beside(kind, id);
                }
                changed
            }
            Request::Tag { kind, id, tags } => self.tag(*kind, id, tags).map(|()| Applied::default()),
            Request::TagInstance { instance, tags } => {
                self.tag_instance(instance, tags).map(|()| Applied::default())
            }
            Request::Delete { kind, id, options } => {
                self.delete_request(*kind, id, options).map(|()| Applied::default())
            }
            Request::ReplaceInstance { group, instance } => {
                self.replace(group, instance).map(|()| Applied::default())
            }
            Request::RegisterTargets { target_group, targets } => {
                self.register_targets(target_group, targets).map(|()| Applied::default())
            }
            Request::DeregisterTargets { target_group, targets } => {
                self.deregister_targets(target_group, targets).map(|()| Applied::default())
            }
        }
    }

    /// The same token with the same request gives the first answer again; with another one it is refused.
    fn with_token(
        &mut self,
        request: &Request,
        kind: Kind,
        token: &str,
        act: impl FnOnce(&mut Self) -> Result<Option<ResourceId>, Refusal>,
    ) -> Result<Applied, Refusal> {
        let takes = kinds::takes_token(kind) && !token.is_empty() && takes_token(request);
        let key = (request.operation(), token.to_owned());
        if let Some((first, applied)) = self.tokens.get(&key).filter(|_| takes) {
            let message = "The request uses the same client token as a previous, but non-identical request.";
            let same = first == request;
            return if same {
                Ok(applied.clone())
            } else {
                Err(Refusal::new("IdempotentParameterMismatch", message))
            };
        }
        let applied = Applied { id: act(self)?, request_id: None };
        if takes {
            self.tokens.insert(key, (request.clone(), applied.clone()));
        }
        Ok(applied)
    }

    fn make(
        &mut self,
        part: &str,
        name: &str,
        tags: &Tags,
        body: &Body,
    ) -> Result<Option<ResourceId>, Refusal> {
        let owner = tags.get(tag::UID).map(String::as_str).unwrap_or_default();
        let label = format!("{} {owner} {part}", body.kind().name());
        let nth = self.ordinals.get(&label).copied().unwrap_or_default();
        let creation = Creation { name, tags, label: &label, nth };
        let Created { id, new } = self.create(body.clone(), &creation)?;
        if new {
            self.ordinal(&label);
            self.note_service_role(body.kind());
            self.check_created(body.kind(), &id);
        }
        Ok(Some(id))
    }

    fn tag(&mut self, kind: Kind, id: &str, tags: &Tags) -> Result<(), Refusal> {
        if self.resource(kind, id).is_none() {
            return Err(Refusal::new(
                kinds::missing(kind),
                format!("The {} '{id}' does not exist", kind.name()),
            ));
        }
        self.rewrite(kind, id, |resource| resource.tags.extend(tags.clone()));
        Ok(())
    }

    fn tag_instance(&mut self, id: &str, tags: &Tags) -> Result<(), Refusal> {
        let now = self.now;
        let machine = self.machines.get_mut(id).filter(|machine| machine.exists());
        let missing = || {
            let message = format!("The instance ID '{id}' does not exist");
            Refusal::new("InvalidInstanceID.NotFound", message)
        };
        machine.ok_or_else(missing)?.row.update(now, |row| row.tags.extend(tags.clone()));
        Ok(())
    }

    fn delete_request(&mut self, kind: Kind, id: &str, options: &DeleteOptions) -> Result<(), Refusal> {
        self.check_deleted(kind, id);
        self.delete(kind, id, options)
    }

    /// `TerminateInstanceInAutoScalingGroup` without decrement: the group launches another one.
    fn replace(&mut self, group: &str, instance: &str) -> Result<(), Refusal> {
        let body = self.require::<AutoScalingGroup>(&Reference::id(group))?.clone();
        let member =
            self.groups.get(group).is_some_and(|group| group.members.iter().any(|id| id == instance));
        if !member {
            let message =
                format!("Instance Id not found - No managed instance found for instance ID {instance}");
            return Err(Refusal::new("ValidationError", message));
        }
        self.withdraw(&body, instance, true);
        self.show_members(group);
        self.wake_group(group);
        Ok(())
    }

    // One bad target, and none is registered.
    fn register_targets(&mut self, group: &str, targets: &[Target]) -> Result<(), Refusal> {
        self.require::<TargetGroup>(&Reference::id(group))?;
        for target in targets {
            let runs = self
                .machines
                .get(&target.instance)
                .is_some_and(|machine| matches!(machine.state, InstanceState::Running));
            if !runs {
                let message =
                    format!("The following targets are not in a running state: '{}'", target.instance);
                return Err(Refusal::new("InvalidTarget", message));
            }
        }
        for target in targets {
            self.register(group, target.clone());
        }
        Ok(())
    }

    fn deregister_targets(&mut self, group: &str, targets: &[Target]) -> Result<(), Refusal> {
        self.require::<TargetGroup>(&Reference::id(group))?;
        for target in targets {
            self.deregister(group, target);
        }
        Ok(())
    }
}

/// Of changes, only those of launch templates take a token.
fn takes_token(request: &Request) -> bool {
    match request {
        Request::Create { .. } => true,
        Request::Change { change, .. } => change.kind() == Kind::LaunchTemplate,
        _ => false,
    }
}

pub(crate) fn refused(refusal: Refusal, operation: &str, request_id: String) -> CloudError {
    let answered = refusal.code != "Timeout";
    CloudError { request_id: answered.then_some(request_id), ..refusal.error(operation) }
}

pub(crate) fn unintelligible() -> Refusal {
    Refusal::new("UnintelligibleAnswer", "the answer could not be understood")
}
