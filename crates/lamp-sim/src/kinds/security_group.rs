//! A security group: there at once with one rule that lets everything out; held by whatever uses or names it.

use lamp_cloud::kinds::security_group::{Change, Peer, Rule, SecurityGroup};
use lamp_cloud::kinds::vpc::Vpc;
use lamp_cloud::{DeleteOptions, Reference, ResourceId, State};

use super::{Behaviour, Creation, of_body};
use crate::refusal::Refusal;
use crate::world::World;

impl Behaviour for SecurityGroup {
    const MISSING: &'static str = "InvalidGroup.NotFound";
    const PAGE: usize = 1000;
    const NAMED: bool = true;

    of_body!(SecurityGroup);

    fn id(&self, world: &World, creation: &Creation<'_>) -> ResourceId {
        creation.ec2_id(world, "sg")
    }

    fn admit(&self, world: &World, creation: &Creation<'_>) -> Result<(), Refusal> {
        world.require::<Vpc>(&self.vpc)?;
        let taken =
            world.each::<Self>().any(|(found, other)| found.name == creation.name && other.vpc == self.vpc);
        let message =
            || format!("The security group '{}' already exists for VPC '{}'", creation.name, self.vpc);
        if taken { Err(Refusal::new("InvalidGroup.Duplicate", message())) } else { Ok(()) }
    }

    fn made(self, _: &World, _: &ResourceId) -> (Self, State) {
        (Self { ingress: Vec::new(), egress: vec![Rule::everything_out()], ..self }, State::Ready)
    }

    fn admit_change(&self, world: &World, _: &str, change: &Change) -> Result<(), Refusal> {
        let (present, adds) = match change {
            Change::AuthorizeIngress(_) => (&self.ingress, true),
            Change::AuthorizeEgress(_) => (&self.egress, true),
            Change::RevokeIngress(_) => (&self.ingress, false),
            Change::RevokeEgress(_) => (&self.egress, false),
        };
        change.rules().iter().try_for_each(|rule| admit_rule(world, rule, present.contains(rule), adds))
    }

    fn admit_delete(&self, world: &World, id: &str, _: &DeleteOptions) -> Result<(), Refusal> {
        let group = Reference::id(id);
        match world.group_user(id, &group) {
            Some(user) => Err(Refusal::in_use(id, &user)),
            None => Ok(()),
        }
    }
}

// A batch with one bad rule changes nothing.
fn admit_rule(world: &World, rule: &Rule, present: bool, adds: bool) -> Result<(), Refusal> {
    if let (Peer::Group(group), true) = (&rule.peer, adds) {
        world.require::<SecurityGroup>(group)?;
    }
    match (adds, present) {
        (true, true) => Err(Refusal::new("InvalidPermission.Duplicate", "the specified rule already exists")),
        (false, false) => {
            Err(Refusal::new("InvalidPermission.NotFound", "The specified rule does not exist"))
        }
        _ => Ok(()),
    }
}

impl World {
    /// Something that uses a security group, or names it in a rule.
    fn group_user(&self, id: &str, group: &Reference) -> Option<String> {
        let names = |other: &SecurityGroup| {
            other.ingress.iter().chain(&other.egress).any(|rule| rule.peer == Peer::Group(group.clone()))
        };
        let rule = self.each::<SecurityGroup>().find(|(found, other)| found.id != id && names(other));
        let rule = rule.map(|(found, _)| found.id.clone());
        rule.or_else(|| self.guarded_by(id).map(|interface| interface.id))
    }
}
