//! A listener: there at once; one for each port of a load balancer.

use lamp_cloud::kinds::listener::{Change, Listener, ListenerAction};
use lamp_cloud::kinds::{load_balancer::LoadBalancer, target_group::TargetGroup};
use lamp_cloud::{DeleteOptions, Kind, Reference, ResourceId};

use super::{Behaviour, Creation, of_body};
use crate::refusal::Refusal;
use crate::world::World;

impl Behaviour for Listener {
    const MISSING: &'static str = "ListenerNotFound";
    const PAGE: usize = 400;
    const NAMED: bool = false;

    of_body!(Listener);

    fn id(&self, world: &World, creation: &Creation<'_>) -> ResourceId {
        let balancer = self.load_balancer.resolved().rsplit("loadbalancer/").next().unwrap_or_default();
        world.arn("elasticloadbalancing", &format!("listener/{balancer}/{}", creation.hex(world, 16)))
    }

    // The call is idempotent for the same settings.
    fn same(&self, world: &World, creation: &Creation<'_>) -> Option<ResourceId> {
        world
            .each::<Self>()
            .find(|(found, other)| *other == self && found.tags == *creation.tags)
            .map(|(found, _)| found.id.clone())
    }

    fn admit(&self, world: &World, _: &Creation<'_>) -> Result<(), Refusal> {
        world.require::<LoadBalancer>(&self.load_balancer)?;
        admit_port(world, &self.load_balancer, self.port, None)?;
        admit_action(world, &self.load_balancer, &self.action)
    }

    fn begun(world: &mut World, id: &str) {
        let group = receiver(world, id);
        relink(world, [group]);
    }

    fn admit_change(&self, world: &World, id: &str, change: &Change) -> Result<(), Refusal> {
        let Change::Modify { port, action, .. } = change;
        admit_port(world, &self.load_balancer, *port, Some(id))?;
        admit_action(world, &self.load_balancer, action)
    }

    fn change(world: &mut World, id: &str, change: &Change) {
        let before = receiver(world, id);
        world.update(id, |listener: &mut Self| {
            lamp_cloud::kinds::Declared::apply(listener, change);
        });
        let after = receiver(world, id);
        relink(world, [before, after]);
    }

    fn delete(world: &mut World, id: &str, _: &DeleteOptions) {
        let before = receiver(world, id);
        world.end(Kind::Listener, id);
        relink(world, [before]);
    }
}

fn receiver(world: &World, id: &str) -> Option<ResourceId> {
    world.body::<Listener>(id).and_then(super::target_group::forwarded)
}

fn relink<const N: usize>(world: &mut World, groups: [Option<ResourceId>; N]) {
    for group in groups.into_iter().flatten() {
        super::target_group::relink(world, &group);
    }
}

fn admit_port(world: &World, balancer: &Reference, port: u16, but: Option<&str>) -> Result<(), Refusal> {
    let taken = world.each::<Listener>().any(|(found, other)| {
        other.load_balancer == *balancer && other.port == port && Some(found.id.as_str()) != but
    });
    let message = || format!("A listener already exists on port {port} for this load balancer '{balancer}'");
    if taken { Err(Refusal::new("DuplicateListener", message())) } else { Ok(()) }
}

// A target group belongs to one load balancer.
fn admit_action(world: &World, balancer: &Reference, action: &ListenerAction) -> Result<(), Refusal> {
    let ListenerAction::Forward(group) = action else { return Ok(()) };
    let target = world.require::<TargetGroup>(group)?;
    let elsewhere = target.load_balancers.iter().any(|other| Some(other.as_str()) != balancer.as_id());
    if elsewhere {
        let message = format!("Target group '{group}' is associated with another load balancer");
        return Err(Refusal::new("TargetGroupAssociationLimit", message));
    }
    Ok(())
}
