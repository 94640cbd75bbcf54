//! One call before the judge: what it asks for, of what, and whose that is.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lamp_api::v1alpha1::Tier;
use lamp_cloud::kinds::auto_scaling_group::AutoScalingGroup;
use lamp_cloud::{Body, InstanceState, Kind, Reference, Request, Resource, ResourceId, StatusCheck, tag};
use lamp_sim::{Call, World};
use serde_json::Value;

use super::{Dossier, Files, History};

/// The truth of one moment.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    pub world: &'a World,
    pub files: &'a Files,
    pub history: &'a History,
}

/// One call, with all that laws ask of it.
#[derive(Debug)]
pub struct Case<'a> {
    pub scene: Scene<'a>,
    pub request: &'a Request,
    /// The resource that it changes or removes, in truth.
    pub subject: Option<Arc<Resource>>,
    pub uid: String,
    pub dossier: Option<Arc<Dossier>>,
    pub records: BTreeMap<String, Arc<Value>>,
    pub now: Timestamp,
}

impl<'a> Case<'a> {
    pub(super) fn new(scene: Scene<'a>, request: &'a Request) -> Self {
        let subject = subject(scene.world, request).cloned();
        let uid = match request {
            Request::Create { tags, .. } => tags.get(tag::UID).cloned(),
            _ => subject.as_ref().and_then(|row| row.tags.get(tag::UID).cloned()),
        };
        let uid = uid.or_else(|| holder(&scene, subject.as_ref()?)).unwrap_or_default();
        Self {
            dossier: scene.files.of(&uid),
            records: scene.files.records(&uid),
            now: scene.world.now(),
            scene,
            request,
            subject,
            uid,
        }
    }

    /// How old what the daemon has seen may be.
    pub(super) fn blur(&self) -> Duration {
        let config = self.scene.world.config();
        let stale =
            !config.lag.is_none() || !config.faults.rates.is_empty() || !config.faults.spells.is_empty();
        Duration::from_secs(if stale { 330 } else { 60 })
    }

    pub(super) fn deleting(&self) -> bool {
        self.dossier.as_ref().is_some_and(|dossier| dossier.deleting)
    }

    pub(super) fn part(&self) -> Option<String> {
        match self.request {
            Request::Create { part, .. } => Some(part.to_string()),
            _ => self.subject.as_ref()?.part().map(|part| part.to_string()),
        }
    }

    /// The group that the call is about, and its tier.
    pub(super) fn group(&self) -> Option<(&AutoScalingGroup, &Tier)> {
        let Body::AutoScalingGroup(group) = &self.subject.as_ref()?.body else { return None };
        let part = self.part()?;
        let name = part.strip_prefix("auto-scaling-group/")?;
        let tier = self.dossier.as_ref()?.spec.tiers.iter().find(|tier| tier.name == name)?;
        Some((group, tier))
    }

    /// The instance that is replaced to heal: one of the version that its group launches.
    pub(super) fn healed(&self) -> Option<&ResourceId> {
        let Request::ReplaceInstance { instance, .. } = self.request else { return None };
        let (group, _) = self.group()?;
        let member = group.members.iter().find(|member| member.instance == *instance)?;
        (member.template_version == Some(group.template_version)).then_some(instance)
    }

    /// Whether EC2 itself says that an instance does not run as it should.
    pub(super) fn is_dead(&self, instance: &str) -> bool {
        let found = self.scene.world.instances().find(|row| row.id == instance);
        found.is_none_or(|row| {
            row.state != InstanceState::Running || row.status.is_some_and(StatusCheck::is_impaired)
        })
    }

    /// Calls that took effect, newest first, since so long ago.
    pub(super) fn done(&self, span: Duration) -> impl Iterator<Item = &'a Call> + use<'a> {
        let since = self.now - span;
        let recent = self.scene.world.log().iter().rev().take_while(move |call| call.at >= since);
        recent.filter(|call| call.took_effect())
    }
}

/// The target groups of a group.
pub(super) fn target_groups(group: &AutoScalingGroup) -> impl Iterator<Item = &str> {
    group.target_groups.iter().filter_map(Reference::as_id)
}

fn subject<'a>(world: &'a World, request: &Request) -> Option<&'a Arc<Resource>> {
    match request {
        Request::Create { .. } => None,
        Request::Change { id, change, .. } => world.resource(change.kind(), id),
        Request::Tag { kind, id, .. } | Request::Delete { kind, id, .. } => world.resource(*kind, id),
        Request::ReplaceInstance { group, .. } => world.resource(Kind::AutoScalingGroup, group),
        Request::TagInstance { instance, .. } => {
            let group = world.instances().find(|row| row.id == *instance)?.group.as_ref()?;
            world.resource(Kind::AutoScalingGroup, group)
        }
        Request::RegisterTargets { target_group, .. } | Request::DeregisterTargets { target_group, .. } => {
            world.resource(Kind::TargetGroup, target_group)
        }
    }
}

/// The stack in whose records a resource without tags is.
fn holder(scene: &Scene<'_>, row: &Resource) -> Option<String> {
    let owners = scene.files.store.ledger_owners().ok()?;
    owners
        .into_iter()
        .find(|uid| scene.files.records(uid).values().any(|entry| entry["id"] == row.id.as_str()))
}
