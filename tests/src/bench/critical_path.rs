//! The shortest time in which a site can come up, given how long AWS takes for each part.
//!
//! A witness watches the true state of the region while the site comes up, and notes for each part when it was made,
//! when it could be used, and what it needs. Then the same durations are laid end to end along the dependencies: a part
//! can be used at the latest time at which something that it needs can be used, plus its own time from creation to
//! ready in that very run. What an engine loses between the parts is not in it, and the calls themselves take no time.
//!
//! A part needs every resource that its body refers to, and every one whose address its user data holds. A group makes
//! two more parts: its instances, from the group's creation until all that it wants are in service; and its targets,
//! from when those instances, the listener and the load balancer are there until every target is healthy.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use lamp_cloud::kinds::auto_scaling_group::AutoScalingGroup;
use lamp_cloud::{Body, LifecycleState, Resource, State, TargetState};
use lamp_sim::World;

#[derive(Debug)]
struct Node {
    began: Timestamp,
    ready: Option<Timestamp>,
    needs: BTreeSet<String>,
}

/// Notes what happens in a region.
#[derive(Debug)]
pub(super) struct Witness {
    began: Timestamp,
    nodes: BTreeMap<String, Node>,
}

impl Witness {
    pub(super) fn new(began: Timestamp) -> Self {
        Self { began, nodes: BTreeMap::new() }
    }

    /// Notes how everything is now.
    pub(super) fn look(&mut self, world: &World) {
        for truth in world.truths() {
            let Some(resource) = truth.resource() else { continue };
            let ready = resource.state == State::Ready;
            self.note(&resource.id, truth.created_at(), world.now(), ready, || needs(world, resource));
            if let Body::AutoScalingGroup(group) = &resource.body {
                self.look_at_group(world, &resource.id, truth.created_at(), group);
            }
        }
    }

    fn look_at_group(&mut self, world: &World, id: &str, created: Timestamp, group: &AutoScalingGroup) {
        let serving =
            group.members.iter().filter(|member| member.lifecycle == LifecycleState::InService).count();
        let complete = serving >= group.desired as usize;
        let instances = format!("instances of {id}");
        self.note(&instances, created, world.now(), complete, || BTreeSet::from([id.to_owned()]));
        let healthy = complete && is_healthy(world, group);
        let needs = fronts(world, group).into_iter().chain([instances]).collect::<BTreeSet<_>>();
        let known = |need: &String| self.nodes.get(need).and_then(|node| node.ready);
        // All of what it needs is there: from now on it is the targets' own time.
        let Some(began) = needs.iter().map(known).collect::<Option<Vec<_>>>() else { return };
        let began = began.into_iter().max().unwrap_or(created);
        self.note(&format!("targets of {id}"), began, world.now(), healthy, || needs);
    }

    fn note(
        &mut self,
        id: &str,
        began: Timestamp,
        now: Timestamp,
        ready: bool,
        needs: impl FnOnce() -> BTreeSet<String>,
    ) {
        let node =
            self.nodes.entry(id.to_owned()).or_insert_with(|| Node { began, ready: None, needs: needs() });
        if ready && node.ready.is_none() {
            node.ready = Some(now);
        }
    }

    /// The time from the beginning until the last part can be used, and the parts that determine it.
    ///
    /// # Errors
    /// When a part never became ready, or needs itself.
    pub(super) fn critical_path(&self) -> Result<(Duration, Vec<String>)> {
        let mut done: BTreeMap<&str, (Duration, Option<&str>)> = BTreeMap::new();
        while done.len() < self.nodes.len() {
            let before = done.len();
            for (id, node) in &self.nodes {
                if let Some(latest) = latest(node, &done) {
                    let own = node
                        .ready
                        .with_context(|| format!("{id} was never ready"))?
                        .duration_since(node.began);
                    done.insert(id, (latest.0 + own.unsigned_abs(), latest.1));
                }
            }
            if done.len() == before {
                bail!("parts need each other in a circle, since {}", self.began);
            }
        }
        let last = done.iter().max_by_key(|(_, (at, _))| *at).map(|(id, _)| *id);
        Ok((done.values().map(|(at, _)| *at).max().unwrap_or_default(), path(last, &done)))
    }
}

/// When everything that a node needs is there, and what of it comes last; `None` while that is not known.
fn latest<'a>(
    node: &'a Node,
    done: &BTreeMap<&str, (Duration, Option<&str>)>,
) -> Option<(Duration, Option<&'a str>)> {
    let mut latest = (Duration::ZERO, None);
    for need in &node.needs {
        let (at, _) = done.get(need.as_str())?;
        if *at >= latest.0 {
            latest = (*at, Some(need.as_str()));
        }
    }
    Some(latest)
}

fn path(last: Option<&str>, done: &BTreeMap<&str, (Duration, Option<&str>)>) -> Vec<String> {
    let mut path = Vec::new();
    let mut at = last;
    while let Some(id) = at {
        let (ready, before) = done.get(id).copied().unwrap_or_default();
        path.push(format!("{id} at {} s", ready.as_secs()));
        at = before;
    }
    path.reverse();
    path
}

/// The ids of what a resource refers to, or whose address it holds.
fn needs(world: &World, resource: &Resource) -> BTreeSet<String> {
    let references = match &resource.body {
        // Rules are added later, take no time, and may name groups that name each other.
        Body::SecurityGroup(group) => vec![group.vpc.clone()],
        body => body.references(),
    };
    let referred = references.iter().filter_map(|reference| reference.as_id()).map(str::to_owned);
    let exists = |id: &String| world.resources().any(|other| other.id == *id);
    referred.filter(exists).filter(|id| *id != resource.id).chain(addressed(world, &resource.body)).collect()
}

fn addressed(world: &World, body: &Body) -> Vec<String> {
    let Body::LaunchTemplate(template) = body else { return Vec::new() };
    let Some(data) = &template.data else { return Vec::new() };
    let holds = |other: &&std::sync::Arc<Resource>| {
        address(&other.body).is_some_and(|at| data.user_data.contains(at))
    };
    world.resources().filter(holds).map(|other| other.id.clone()).collect()
}

/// The address that AWS gave to a resource.
pub(super) fn address(body: &Body) -> Option<&str> {
    match body {
        Body::DbInstance(database) => database.facts.endpoint.as_deref(),
        Body::LoadBalancer(balancer) => balancer.dns_name.as_deref(),
        _ => None,
    }
}

/// Listeners and load balancers in front of a group.
fn fronts(world: &World, group: &AutoScalingGroup) -> Vec<String> {
    let forwards = |resource: &&std::sync::Arc<Resource>| {
        matches!(resource.body, Body::Listener(_))
            && resource.body.references().iter().any(|reference| group.target_groups.contains(reference))
    };
    let listeners: Vec<_> = world.resources().filter(forwards).collect();
    let refers = listeners.iter().flat_map(|listener| listener.body.references());
    let balancers = refers.filter(|reference| !group.target_groups.contains(reference));
    let balancers = balancers.filter_map(|reference| reference.as_id().map(str::to_owned));
    balancers.chain(listeners.iter().map(|listener| listener.id.clone())).collect()
}

fn is_healthy(world: &World, group: &AutoScalingGroup) -> bool {
    group.target_groups.iter().filter_map(|target_group| target_group.as_id()).all(|id| {
        world.targets(id).filter(|target| target.state == TargetState::Healthy).count()
            >= group.desired as usize
    })
}
