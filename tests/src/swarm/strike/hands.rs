//! What people and other programs do to a site behind its keeper's back.

use std::time::Duration;

use lamp_cloud::kinds::auto_scaling_group::Change as Group;
use lamp_cloud::kinds::db_instance::{Change as Database, Modification};
use lamp_cloud::kinds::launch_template::Change as Template;
use lamp_cloud::kinds::load_balancer::Change as Balancer;
use lamp_cloud::kinds::route_table::Change as Route;
use lamp_cloud::kinds::security_group::{Change as Rules, Peer, Rule};
use lamp_cloud::kinds::target_group::{Change as Targets, TargetGroup};
use lamp_cloud::kinds::{subnet, vpc};
use lamp_cloud::{Body, Change, Kind, Owner, Part, Reference, Resource, ResourceId, Tags, tag, unique_name};
use lamp_sim::World;

use super::{Struck, ours, pick, struck};
use crate::site::INSTALL;
use crate::swarm::trial::Trial;

fn rows(world: &World, kind: Kind) -> Vec<Resource> {
    ours(world).filter(|row| row.kind() == kind).cloned().collect()
}

/// Kinds that hands delete: without data, and nothing else of the network hangs on them.
const DELETED: [Kind; 8] = [
    Kind::Listener,
    Kind::NatGateway,
    Kind::LaunchTemplate,
    Kind::AutoScalingGroup,
    Kind::TargetGroup,
    Kind::LoadBalancer,
    Kind::DbInstance,
    Kind::Secret,
];

impl Trial {
    /// The first kind from a number on of which something can be deleted.
    pub(super) fn delete_by_hand(&mut self, which: usize) -> Struck {
        for step in 0..DELETED.len() {
            let kind = DELETED[(which + step) % DELETED.len()];
            let found = rows(&self.site.region.world(), kind);
            let replicas = |row: &&Resource| match &row.body {
                Body::DbInstance(body) => body.is_replica(),
                _ => true,
            };
            let found: Vec<&Resource> = found.iter().filter(replicas).collect();
            let Some(row) = pick(&found, which) else { continue };
            let mut world = self.site.region.world();
            lift_protection(&mut world, row);
            let deleted = world.delete_by_hand(kind, &row.id).is_ok();
            // What goes with a load balancer.
            let listeners: Vec<Part> =
                if kind == Kind::LoadBalancer && deleted { self.listeners_lost(&world) } else { Vec::new() };
            drop(world);
            if deleted {
                self.was_taken(row.part());
                listeners.into_iter().for_each(|part| self.was_taken(Some(part)));
                return struck(kind.name());
            }
        }
        Ok(None)
    }

    fn listeners_lost(&self, world: &World) -> Vec<Part> {
        let standing: Vec<Part> =
            ours(world).filter(|row| row.kind() == Kind::Listener).filter_map(Resource::part).collect();
        let tiers = self.base["spec"]["tiers"].as_array().into_iter().flatten();
        let names = tiers.filter_map(|tier| tier["name"].as_str());
        let parts = names.flat_map(|name| [80, 443].map(|port| Part::new(format!("listener/{name}/{port}"))));
        parts.filter(|part| !standing.contains(part)).collect()
    }

    pub(super) fn change_by_hand(&mut self, which: usize) -> Struck {
        let mut world = self.site.region.world();
        for step in 0..CHANGES.len() {
            let (kind, change) = CHANGES[(which + step) % CHANGES.len()];
            let found = rows(&world, kind);
            let Some(row) = pick(&found, which).filter(|row| row.is_ready()) else { continue };
            let Some(change) = change(&row.body) else { continue };
            if world.change_by_hand(&row.id, &change).is_ok() {
                return struck(kind.name());
            }
        }
        Ok(None)
    }

    pub(super) fn lose_route(&mut self, which: usize) -> Struck {
        let mut world = self.site.region.world();
        let tables = rows(&world, Kind::RouteTable);
        let Some(row) = pick(&tables, which) else { return Ok(None) };
        let gone = Change::RouteTable(Route::DeleteRoute { destination: ANYWHERE.to_owned() });
        let done = world.change_by_hand(&row.id, &gone).is_ok();
        Ok(done.then(|| "RouteTable".to_owned()))
    }

    pub(super) fn untag(&mut self, which: usize) -> Struck {
        let mut world = self.site.region.world();
        let all: Vec<(Kind, String)> = ours(&world).map(|row| (row.kind(), row.id.clone())).collect();
        let Some((kind, id)) = pick(&all, which) else { return Ok(None) };
        world.tag_by_hand(*kind, id, Tags::clear);
        struck(kind.name())
    }

    /// Our tags, on a network of somebody else's.
    pub(super) fn copy_tags(&mut self, lasts: Duration) -> Struck {
        let mut world = self.site.region.world();
        let Some(row) = rows(&world, Kind::Vpc).into_iter().next() else { return Ok(None) };
        let body = vpc::Vpc { cidr: "10.99.0.0/16".to_owned(), dns_support: None, dns_hostnames: None };
        let Ok(id) = world.create_by_hand("copied", &row.tags, body.into()) else { return Ok(None) };
        drop(world);
        self.later(lasts, move |trial| {
            let mut world = trial.site.region.world();
            anyhow::ensure!(
                world.resource(Kind::Vpc, &id).is_some(),
                "S-D1: {id}, with copied tags, is gone"
            );
            Ok(world.delete_by_hand(Kind::Vpc, &id)?)
        });
        struck("Vpc")
    }

    /// A target group of somebody else's, by the name that ours is to have.
    pub(super) fn take_name(&mut self, which: usize, lasts: Duration) -> Struck {
        let Some(stored) = self.site.store().get(&self.key)? else { return Ok(None) };
        let uid = stored.object["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        let name = self.base["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let owner = Owner { install: INSTALL.to_owned(), namespace: "default".to_owned(), name, uid };
        let tiers: Vec<String> = self.base["spec"]["tiers"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|tier| tier["name"].as_str().map(str::to_owned))
            .collect();
        let mut world = self.site.region.world();
        let (Some(tier), Some(theirs)) = (
            pick(&tiers, which),
            world
                .resources()
                .find(|row| row.kind() == Kind::Vpc && !row.tags.contains_key(tag::UID))
                .cloned(),
        ) else {
            return Ok(None);
        };
        let part = Part::new(format!("target-group/{tier}"));
        let body = TargetGroup {
            vpc: Reference::id(&theirs.id),
            port: 9999,
            health_check: lamp_cloud::kinds::target_group::HealthCheck {
                path: "/theirs".to_owned(),
                interval_seconds: 30,
                timeout_seconds: 5,
                healthy_threshold: 5,
                unhealthy_threshold: 2,
            },
            attributes: None,
            load_balancers: Vec::new(),
        };
        let tags: Tags = [(tag::PART.to_owned(), "somebody's".to_owned())].into();
        let before: Vec<ResourceId> = world.resources().map(|row| row.id.clone()).collect();
        let Ok(id) = world.create_by_hand(&unique_name(&owner, &part, 0), &tags, body.into()) else {
            return Ok(None);
        };
        // AWS gives back the one that an earlier blow made.
        if before.contains(&id) {
            return Ok(None);
        }
        drop(world);
        self.later(lasts, move |trial| {
            let mut world = trial.site.region.world();
            anyhow::ensure!(
                world.resource(Kind::TargetGroup, &id).is_some(),
                "S-D1: {id} is somebody else's, and gone"
            );
            Ok(world.delete_by_hand(Kind::TargetGroup, &id)?)
        });
        struck("TargetGroup")
    }

    pub(super) fn add_interface(&mut self, which: usize, lasts: Duration) -> Struck {
        let mut world = self.site.region.world();
        let subnets = rows(&world, Kind::Subnet);
        let Some(subnet) = pick(&subnets, which) else { return Ok(None) };
        let id = world.add_interface(&subnet.id, &[], "somebody's");
        drop(world);
        self.later(lasts, move |trial| {
            trial.site.region.world().remove_interface(&id);
            Ok(())
        });
        struck("NetworkInterface")
    }

    pub(super) fn add_instance(&mut self, which: usize, lasts: Duration) -> Struck {
        let mut world = self.site.region.world();
        let subnets = rows(&world, Kind::Subnet);
        let subnet = pick(&subnets, which).map(|row| row.id.clone());
        let tags: Tags = [(tag::PART.to_owned(), "somebody's".to_owned())].into();
        let Some(id) = subnet.and_then(|subnet| world.run_instance(&subnet, tags)) else { return Ok(None) };
        drop(world);
        self.later(lasts, move |trial| {
            trial.site.region.world().terminate_by_hand(&id);
            Ok(())
        });
        struck("Instance")
    }

    /// Another tool puts a rule of its own into a group, again and again.
    pub(super) fn make_war(&mut self, which: usize, lasts: Duration) -> Struck {
        let groups = rows(&self.site.region.world(), Kind::SecurityGroup);
        let Some(row) = pick(&groups, which) else { return Ok(None) };
        let rule = Rule::tcp(22, Peer::Range("192.0.2.0/24".to_owned()));
        let opened = Change::SecurityGroup(Rules::AuthorizeIngress(vec![rule]));
        let id = row.id.clone();
        self.wars.push((id.clone(), opened));
        self.later(lasts, move |trial| {
            trial.wars.retain(|(other, _)| *other != id);
            Ok(())
        });
        struck("SecurityGroup")
    }
}

const ANYWHERE: &str = "0.0.0.0/0";

fn lift_protection(world: &mut World, row: &Resource) {
    let lifted = match &row.body {
        Body::DbInstance(_) => {
            let lift = Modification { deletion_protection: Some(false), ..Modification::default() };
            Some(Change::DbInstance(Database::Modify(Box::new(lift))))
        }
        Body::LoadBalancer(balancer) => balancer.attributes.clone().map(|mut attributes| {
            attributes.deletion_protection = false;
            Change::LoadBalancer(Balancer::Attributes(attributes))
        }),
        _ => None,
    };
    if let Some(lifted) = lifted {
        // Where AWS refuses it, it refuses the deletion as well.
        drop(world.change_by_hand(&row.id, &lifted));
    }
}

/// What hands change of a kind; `None` where there is nothing to change.
type ByHand = fn(&Body) -> Option<Change>;

const CHANGES: [(Kind, ByHand); 10] = [
    (Kind::SecurityGroup, |_| {
        let rule = Rule::tcp(3389, Peer::Range(ANYWHERE.to_owned()));
        Some(Change::SecurityGroup(Rules::AuthorizeIngress(vec![rule])))
    }),
    (Kind::SecurityGroup, |body| match body {
        Body::SecurityGroup(group) if !group.ingress.is_empty() => {
            Some(Change::SecurityGroup(Rules::RevokeIngress(group.ingress.clone())))
        }
        _ => None,
    }),
    (Kind::AutoScalingGroup, |body| match body {
        Body::AutoScalingGroup(group) => {
            let mut settings = group.settings();
            (settings.max, settings.grace_seconds) = (settings.max + 7, 7);
            Some(Change::AutoScalingGroup(Group::Settings(settings)))
        }
        _ => None,
    }),
    (Kind::AutoScalingGroup, |body| match body {
        Body::AutoScalingGroup(group) if group.desired < group.max => {
            Some(Change::AutoScalingGroup(Group::SetDesired(group.desired + 1)))
        }
        _ => None,
    }),
    (Kind::LaunchTemplate, |body| match body {
        Body::LaunchTemplate(template) => {
            let mut data = template.data.clone()?;
            (data.imds_v2_required, data.description) = (false, None);
            Some(Change::LaunchTemplate(Template::NewVersion(data)))
        }
        _ => None,
    }),
    (Kind::LoadBalancer, |body| match body {
        Body::LoadBalancer(balancer) => {
            let mut attributes = balancer.attributes.clone()?;
            (attributes.http2, attributes.idle_timeout_seconds) = (false, 4000);
            Some(Change::LoadBalancer(Balancer::Attributes(attributes)))
        }
        _ => None,
    }),
    (Kind::TargetGroup, |body| match body {
        Body::TargetGroup(group) => {
            let mut check = group.health_check.clone();
            check.path = "/elsewhere".to_owned();
            Some(Change::TargetGroup(Targets::HealthCheck(check)))
        }
        _ => None,
    }),
    (Kind::Subnet, |body| match body {
        Body::Subnet(subnet) => {
            Some(Change::Subnet(subnet::Change::PublicAddresses(!subnet.public_addresses)))
        }
        _ => None,
    }),
    (Kind::Vpc, |_| Some(Change::Vpc(vpc::Change::DnsHostnames(false)))),
    (Kind::DbInstance, |body| match body {
        Body::DbInstance(database) if !database.is_replica() => {
            let modification = Modification { deletion_protection: Some(false), ..Modification::default() };
            Some(Change::DbInstance(Database::Modify(Box::new(modification))))
        }
        _ => None,
    }),
];
