//! What the region shows: listings page by page, single resources with everything that takes a call of its own.

use anyhow::{Result, bail, ensure};
use lamp_cloud::kinds::auto_scaling_group::ScalingPolicy;
use lamp_cloud::kinds::launch_template::TemplateData;
use lamp_cloud::{
    Body, Cloud, Instance, InstanceStatus, Kind, Listing, Page, Read, Reading, Resource, ResourceId, Tags,
    TargetHealth, Zone,
};

use super::Contract;
use super::verbs::word;

/// Lists every page of what a listing shows.
macro_rules! listing {
    ($name:ident($($argument:ident: $type:ty)?) -> $row:ty, $listing:expr, $reading:ident) => {
        listing!(@read $name($($argument: $type)?) -> $row, page, Read::List { listing: $listing, page }, $reading);
    };
    (@read $name:ident($($argument:ident: $type:ty)?) -> $row:ty, $page:ident, $read:expr, $reading:ident) => {
        pub(super) async fn $name(&mut self $(, $argument: $type)?) -> Result<Vec<$row>> {
            let (mut rows, mut $page) = (Vec::new(), None);
            loop {
                let reading = self.caller.read(&$read).await?;
                let Reading::$reading(Page { items, next }) = reading else { bail!("another listing: {reading:?}") };
                rows.extend(items);
                $page = next;
                if $page.is_none() {
                    return Ok(rows);
                }
            }
        }
    };
}

/// Reads one thing.
macro_rules! answer {
    ($self:ident, $read:expr, $reading:ident) => {
        match $self.caller.read(&$read).await? {
            lamp_cloud::Reading::$reading(found) => found,
            other => anyhow::bail!("another reading: {other:?}"),
        }
    };
}
pub(super) use answer;

impl<C: Cloud, O> Contract<C, O> {
    listing!(zones() -> Zone, Listing::Zones, Zones);
    listing!(rows(kind: Kind) -> Resource, Listing::Resources(kind), Resources);
    listing!(@read everyones(kind: Kind) -> Resource, page, Read::Everyones { kind, page }, Resources);
    listing!(versions() -> (ResourceId, u64, TemplateData), Listing::LaunchTemplateVersions, LaunchTemplateVersions);
    listing!(@read policies() -> (ResourceId, ScalingPolicy), page, Read::ScalingPolicies { page }, ScalingPolicies);
    listing!(instances() -> Instance, Listing::Instances, Instances);
    listing!(statuses() -> InstanceStatus, Listing::InstanceStatus, InstanceStatus);

    pub(super) async fn targets(&mut self, target_group: &str) -> Result<Vec<TargetHealth>> {
        Ok(answer!(self, Read::TargetHealth { target_group: target_group.to_owned() }, TargetHealth))
    }

    /// A resource as the region shows it now, with its tags and details; `None` if it is not listed.
    pub(super) async fn look(&mut self, kind: Kind, id: &str) -> Result<Option<Resource>> {
        let Some(mut row) = self.listed(kind, id).await? else { return Ok(None) };
        if kind.tags_are_separate() {
            ensure!(row.tags.is_empty(), "the listing of {} shows tags after all", kind.name());
            row.tags = self.tags(kind, id).await?;
        }
        self.add_details(&mut row).await?;
        self.values.see(&row.body)?;
        Ok(Some(row))
    }

    /// A resource as its listing shows it.
    async fn listed(&mut self, kind: Kind, id: &str) -> Result<Option<Resource>> {
        let rows = if kind.is_listed() { self.rows(kind).await? } else { self.listeners().await? };
        Ok(rows.into_iter().find(|row| row.id == id))
    }

    /// Asked for by its id, and among those of everybody, a resource is what the listing says of it.
    pub(super) async fn is_shown_alone(&mut self, kind: Kind, id: &str) -> Result<()> {
        let listed = self.listed(kind, id).await?.map(timeless);
        let alone = answer!(self, Read::One { kind, id: id.to_owned() }, One).map(timeless);
        ensure!(alone == listed, "alone it is {alone:?}, and listed as {listed:?}");
        if kind.is_listed() {
            let among_all = self.everyones(kind).await?.into_iter().find(|row| row.id == id).map(timeless);
            ensure!(among_all == listed, "among all it is {among_all:?}, and listed as {listed:?}");
        }
        Ok(())
    }

    /// Asked for by its id, what is gone is none.
    pub(super) async fn is_not_shown_alone(&mut self, kind: Kind, id: &str) -> Result<()> {
        let seen = match self.caller.read(&Read::One { kind, id: id.to_owned() }).await {
            Ok(Reading::One(None)) => "none".to_owned(),
            Ok(Reading::One(Some(_))) => "one".to_owned(),
            Ok(other) => bail!("another reading: {other:?}"),
            refused => word(&refused),
        };
        self.judge.demand(&format!("{} that is gone asked for by its id", kind.name()), "none", &seen);
        Ok(())
    }

    async fn listeners(&mut self) -> Result<Vec<Resource>> {
        let mut all = Vec::new();
        for row in self.rows(Kind::LoadBalancer).await? {
            all.extend(answer!(self, Read::Listeners { load_balancer: row.id }, Listeners));
        }
        Ok(all)
    }

    async fn tags(&mut self, kind: Kind, id: &str) -> Result<Tags> {
        let rows = answer!(self, Read::Tags { kind, ids: vec![id.to_owned()] }, Tags);
        Ok(rows.into_iter().find(|(found, _)| found == id).map(|(_, tags)| tags).unwrap_or_default())
    }

    async fn add_details(&mut self, row: &mut Resource) -> Result<()> {
        let id = row.id.clone();
        match &mut row.body {
            Body::Vpc(vpc) => {
                vpc.dns_support = Some(answer!(self, Read::VpcDnsSupport { vpc: id.clone() }, VpcAttribute));
                vpc.dns_hostnames = Some(answer!(self, Read::VpcDnsHostnames { vpc: id }, VpcAttribute));
            }
            Body::LoadBalancer(body) => {
                let read = Read::LoadBalancerAttributes { load_balancer: id };
                body.attributes = Some(answer!(self, read, LoadBalancerAttributes));
            }
            Body::TargetGroup(body) => {
                let read = Read::TargetGroupAttributes { target_group: id };
                body.attributes = Some(answer!(self, read, TargetGroupAttributes));
            }
            Body::AutoScalingGroup(body) => {
                let rows = self.policies().await?.into_iter();
                body.set_policies(rows.filter(|(group, _)| *group == id).map(|(_, policy)| policy).collect());
            }
            Body::DbParameterGroup(body) => {
                body.parameters = Some(answer!(self, Read::DbParameters { group: id }, DbParameters));
            }
            Body::LaunchTemplate(body) => {
                let versions = self.versions().await?;
                let mut mine = versions.into_iter().filter(|(template, ..)| *template == id);
                let newest = mine.next();
                ensure!(mine.next().is_none(), "{id}: more than its newest version is listed");
                ensure!(
                    newest.as_ref().is_some_and(|(_, version, _)| *version == body.latest_version),
                    "{id}: the newest version is {}, and another one is listed: {newest:?}",
                    body.latest_version
                );
                body.data = newest.map(|(.., data)| data);
            }
            Body::Subnet(_)
            | Body::InternetGateway(_)
            | Body::ElasticIp(_)
            | Body::NatGateway(_)
            | Body::RouteTable(_)
            | Body::SecurityGroup(_)
            | Body::Listener(_)
            | Body::DbSubnetGroup(_)
            | Body::DbInstance(_)
            | Body::Secret(_) => {}
        }
        Ok(())
    }
}

/// Without what is a little later in each answer.
fn timeless(mut row: Resource) -> Resource {
    if let Body::DbInstance(body) = &mut row.body {
        body.facts.latest_restorable = None;
    }
    row
}
