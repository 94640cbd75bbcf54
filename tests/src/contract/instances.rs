//! Instances: what a group launches, replaces and lets go.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use lamp_cloud::{Cloud, Instance, InstanceState, LifecycleState, Member, Read, Request, StatusCheck, tag};

use super::groups::{WEB, web};
use super::sight::answer;
use super::templates::TEAM;
use super::{Contract, Outside};

impl<C: Cloud, O: Outside> Contract<C, O> {
    pub(super) async fn instances_of_web(&mut self) -> Result<()> {
        self.templates().await?;
        self.groups().await?;
        let members = self.members(2).await?;
        self.are_as_launched(&members).await?;
        self.pass_status_checks(&members).await?;
        self.targets_of_web(&members).await?;
        self.interfaces(&members).await?;
        self.lost_tags(&members).await?;
        self.resized().await?;
        self.replaced().await?;
        self.terminated().await?;
        self.refused_replacements().await
    }

    /// What the group says of its members, and EC2 of the same instances.
    async fn are_as_launched(&mut self, members: &[Member]) -> Result<()> {
        let group = self.id(WEB)?;
        let newest = self.newest(&self.id("launch-template/web")?).await?;
        let instances = self.instances().await?;
        let mut zones = BTreeSet::new();
        for member in members {
            let Member { instance: id, zone, lifecycle, healthy, template_version, instance_type } = member;
            ensure!(*lifecycle == LifecycleState::InService && *healthy, "{member:?}");
            ensure!(instance_type == "t3.small", "{member:?}");
            let version = match template_version {
                Some(1) => "that of the group",
                Some(other) if *other == newest => "the template's default",
                _ => "none",
            };
            self.judge.demand("the template version of a member", "that of the group", version);
            let instance = instances.iter().find(|row| row.id == *id).with_context(|| format!("no {id}"))?;
            ensure!(instance.zone == *zone, "{instance:?} of {member:?}");
            self.is_as_launched(instance, &group)?;
            zones.insert(zone.clone());
        }
        self.by_zone(&instances).await?;
        let spread = if zones.len() == members.len() { "one in each" } else { "all in one" };
        self.judge.demand("two instances of a group in two zones", "one in each", spread);
        Ok(())
    }

    /// Each zone shows its own instances, as the region does.
    async fn by_zone(&mut self, all: &[Instance]) -> Result<()> {
        for zone in self.zones.clone() {
            let read = Read::ZoneInstances { zone: zone.clone(), page: None };
            let rows = answer!(self, read, Instances).items;
            let expected = all.iter().filter(|row| row.zone == zone);
            let is_same =
                rows.len() == expected.clone().count() && expected.clone().all(|row| rows.contains(row));
            ensure!(is_same, "in {zone}: {rows:?}, not {:?}", expected.collect::<Vec<_>>());
        }
        Ok(())
    }

    fn is_as_launched(&mut self, row: &Instance, wanted: &str) -> Result<()> {
        let Instance { id, tags, group, state, zone, instance_type, launched_at, status, events } = row;
        ensure!(group.as_deref() == Some(wanted), "{row:?} is not of {wanted}");
        ensure!(*state == InstanceState::Running, "{row:?}");
        ensure!(self.zones.contains(zone), "{id} stands in {zone}");
        ensure!(instance_type == "t3.small", "{row:?}");
        ensure!(launched_at.as_second() > 0, "{id} was launched at {launched_at}");
        ensure!(events.is_empty(), "scheduled events take a call of their own: {row:?}");
        ensure!(status.is_none(), "status checks take a call of their own: {row:?}");
        let value = |key: &str| tags.get(key).map(String::as_str);
        ensure!(value(tag::INSTALL) == Some(self.owner.install.as_str()), "{row:?}");
        ensure!(value(TEAM) == Some("contract"), "{row:?}");
        ensure!(value(tag::NAME) == Some("contract instance/web"), "not named by its template: {row:?}");
        let part = if value(tag::PART) == Some(WEB) { "that of the group" } else { "that of the template" };
        self.judge.demand("a tag that group and launch template set", "that of the group", part);
        Ok(())
    }

    async fn pass_status_checks(&mut self, members: &[Member]) -> Result<()> {
        loop {
            let statuses = self.statuses().await?;
            let passes = |member: &Member| {
                let mut rows = statuses.iter().filter(|row| row.instance == member.instance);
                rows.any(|row| row.check == Some(StatusCheck::Ok) && row.events.is_empty())
            };
            if members.iter().all(passes) {
                return Ok(());
            }
            ensure!(self.outside.wait().await, "not all passed: {statuses:?}");
        }
    }

    /// The group grows and shrinks as it is told.
    async fn resized(&mut self) -> Result<()> {
        for desired in [3, 2] {
            self.change(WEB, web(desired)).await?;
            self.members(desired as usize).await?;
        }
        Ok(())
    }

    /// A member that is replaced leaves, and another one comes.
    async fn replaced(&mut self) -> Result<()> {
        let victim = self.members(2).await?.first().context("no member")?.instance.clone();
        let replace = Request::ReplaceInstance { group: self.id(WEB)?, instance: victim.clone() };
        self.caller.apply(&replace).await?;
        self.left(&victim).await
    }

    /// So it is when somebody terminates one, and the new one is a target too.
    async fn terminated(&mut self) -> Result<()> {
        let victim = self.members(2).await?.first().context("no member")?.instance.clone();
        self.outside.terminate(&victim)?;
        self.left(&victim).await?;
        self.lost_its_interface(&victim).await?;
        self.new_targets().await
    }

    /// A member is none any more, another one is there, and EC2 still shows the grave.
    async fn left(&mut self, victim: &str) -> Result<()> {
        while self.members(2).await?.iter().any(|member| member.instance == victim) {
            ensure!(self.outside.wait().await, "{victim} is still a member");
        }
        loop {
            let row = self.instance(victim).await?;
            if row.as_ref().is_some_and(|row| row.state == InstanceState::Terminated) {
                return Ok(());
            }
            ensure!(self.outside.wait().await, "{victim} is not terminated: {row:?}");
        }
    }

    /// An instance as it is listed.
    pub(super) async fn instance(&mut self, id: &str) -> Result<Option<Instance>> {
        Ok(self.instances().await?.into_iter().find(|row| row.id == id))
    }
}
