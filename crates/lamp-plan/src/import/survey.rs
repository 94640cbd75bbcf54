//! Everything that AWS shows of a region, to look for a site in.

use jiff::Timestamp;
use lamp_cloud::kinds::auto_scaling_group::AutoScalingGroup;
use lamp_cloud::kinds::db_instance::DbInstance;
use lamp_cloud::kinds::subnet::Subnet;
use lamp_cloud::{Body, Instance, Kind, Owner, Reference, Resource, ResourceId, tag};

/// A region as AWS shows it to everybody, and the network in it that is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Survey<'a> {
    /// The stack that the site would be.
    pub owner: &'a Owner,
    pub region: &'a str,
    pub vpc: &'a ResourceId,
    /// Every resource of every kind, with tags and details.
    pub rows: &'a [Resource],
    /// Whatever runs in the network.
    pub instances: &'a [Instance],
    pub now: Timestamp,
}

impl<'a> Survey<'a> {
    pub(super) fn row(&self, kind: Kind, id: &str) -> Option<&'a Resource> {
        self.rows.iter().find(|row| row.kind() == kind && row.id == id)
    }

    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = &'a Resource> {
        self.rows.iter().filter(move |row| row.kind() == kind)
    }

    pub(super) fn subnets(&self) -> impl Iterator<Item = (&'a Resource, &'a Subnet)> {
        let vpc = self.vpc.as_str();
        self.of(Kind::Subnet).filter_map(move |row| match &row.body {
            Body::Subnet(subnet) if subnet.vpc.as_id() == Some(vpc) => Some((row, subnet)),
            _ => None,
        })
    }

    /// Whether all of these are subnets of the network.
    pub(super) fn holds(&self, subnets: &[Reference]) -> bool {
        let ours = |id: &str| self.subnets().any(|(row, _)| row.id == id);
        !subnets.is_empty() && subnets.iter().all(|subnet| subnet.as_id().is_some_and(ours))
    }

    pub(super) fn groups(&self) -> impl Iterator<Item = (&'a Resource, &'a AutoScalingGroup)> {
        self.of(Kind::AutoScalingGroup).filter_map(|row| match &row.body {
            Body::AutoScalingGroup(group) => Some((row, group)),
            _ => None,
        })
    }

    pub(super) fn databases(&self) -> impl Iterator<Item = (&'a Resource, &'a DbInstance)> {
        self.of(Kind::DbInstance).filter_map(|row| match &row.body {
            Body::DbInstance(instance) => Some((row, instance)),
            _ => None,
        })
    }

    /// The resource that is named first.
    pub(super) fn first(&self, kind: Kind, references: &[Reference]) -> Option<&'a Resource> {
        self.row(kind, references.first()?.as_id()?)
    }
}

/// A name that a person gave, for a reason in words.
pub(super) fn label(row: &Resource) -> String {
    match row.tags.get(tag::NAME).filter(|name| **name != row.id) {
        Some(name) => format!("{name:?}"),
        None => format!("{:?}", row.name),
    }
}
