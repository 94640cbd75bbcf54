//! Auto Scaling groups: their settings, their capacity, and what they refuse.

use anyhow::{Result, bail, ensure};
use lamp_cloud::kinds::auto_scaling_group::{self, AutoScalingGroup, EC2};
use lamp_cloud::{Body, Change, Cloud, ErrorClass, Kind, LifecycleState, Member, Reference, Request};

use super::verbs::DONE;
use super::{Contract, Outside};

pub(super) const WEB: &str = "auto-scaling-group/web";
const SPARE: &str = "auto-scaling-group/spare";
const SUBNETS: [&str; 2] = ["subnet/application/1", "subnet/application/2"];

pub(super) fn web(desired: u32) -> AutoScalingGroup {
    AutoScalingGroup {
        template: Reference::part("launch-template/web"),
        template_version: 1,
        subnets: SUBNETS.map(Reference::part).into(),
        target_groups: vec![Reference::part("target-group/web")],
        min: 1,
        max: 4,
        desired,
        instance_types: Vec::new(),
        grace_seconds: 120,
        health_check_type: EC2.to_owned(),
        members: Vec::new(),
        suspended: Vec::new(),
        policies: Some(Vec::new()),
        foreign_policies: Vec::new(),
    }
}

/// A group that stands apart from the other one.
fn spare(desired: u32, template: &str, template_version: u64) -> AutoScalingGroup {
    AutoScalingGroup {
        template: Reference::part(template),
        template_version,
        subnets: vec![Reference::part("subnet/application/3")],
        target_groups: Vec::new(),
        min: 0,
        max: 2,
        ..web(desired)
    }
}

impl<C: Cloud, O: Outside> Contract<C, O> {
    pub(super) async fn groups(&mut self) -> Result<()> {
        let id = self.make(WEB, web(2)).await?;
        self.members(2).await?;
        let settings = AutoScalingGroup {
            template: Reference::part("launch-template/spare"),
            subnets: vec![Reference::part(SUBNETS[0])],
            min: 2,
            max: 5,
            instance_types: vec!["t3.small".to_owned(), "t3a.small".to_owned()],
            grace_seconds: 300,
            health_check_type: "ELB".to_owned(),
            ..web(2)
        };
        let alone = AutoScalingGroup { target_groups: Vec::new(), ..web(2) };
        for body in [settings, alone, web(2)] {
            self.change(WEB, body).await?;
        }
        self.suspended(&id).await?;
        self.scaling_policies(&id).await?;
        self.used().await?;
        self.later_version().await
    }

    /// Processes that somebody suspended are shown, and resumed.
    async fn suspended(&mut self, id: &str) -> Result<()> {
        self.outside.suspend_processes(id, &["Terminate", "Launch"])?;
        let row = self.settled(Kind::AutoScalingGroup, id).await?;
        let Body::AutoScalingGroup(body) = row.body else { bail!("no group: {row:?}") };
        ensure!(body.suspended == ["Launch", "Terminate"], "suspended: {:?}", body.suspended);
        self.change(WEB, web(2)).await
    }

    /// What a group and its instances use stays, and its bounds hold.
    async fn used(&mut self) -> Result<()> {
        let empty = spare(0, "launch-template/spare", 1);
        self.make_twice("auto-scaling-group/empty", empty, "AlreadyExists").await?;
        let id = self.make(SPARE, spare(1, "launch-template/spare", 1)).await?;
        self.members_of(SPARE, 1).await?;
        let beyond = Change::AutoScalingGroup(auto_scaling_group::Change::SetDesired(3));
        self.demand_change("a capacity above the maximum", &id, beyond, "Invalid").await;
        let (subnet, group) = (self.id("subnet/application/3")?, self.id("security-group/others")?);
        self.demand_kept("a subnet with an instance deleted", Kind::Subnet, &subnet, ErrorClass::Dependency)
            .await;
        let what = "a security group of an instance deleted";
        self.demand_kept(what, Kind::SecurityGroup, &group, ErrorClass::Dependency).await;
        Ok(())
    }

    /// Versions that were added later are launched too.
    async fn later_version(&mut self) -> Result<()> {
        let template = self.id("launch-template/web")?;
        let newest = self.newest(&template).await?;
        let subnets = vec![Reference::part(SUBNETS[0])];
        let body = AutoScalingGroup { subnets, ..spare(1, "launch-template/web", newest) };
        let creation = self.creation("auto-scaling-group/later", body)?;
        let what = "a group launches a version that was added later";
        if self.demand_end(what, &creation, DONE).await == DONE {
            let members = self.members_of("auto-scaling-group/later", 1).await?;
            ensure!(members.iter().all(|member| member.template_version == Some(newest)), "{members:?}");
        }
        Ok(())
    }

    /// Waits until the group of the site has so many members in service, and no others.
    pub(super) async fn members(&mut self, count: usize) -> Result<Vec<Member>> {
        self.members_of(WEB, count).await
    }

    async fn members_of(&mut self, name: &str, count: usize) -> Result<Vec<Member>> {
        let id = self.id(name)?;
        loop {
            let row = self.settled(Kind::AutoScalingGroup, &id).await?;
            let Body::AutoScalingGroup(group) = row.body else { bail!("no group: {row:?}") };
            let serve = group.members.iter().all(|member| member.lifecycle == LifecycleState::InService);
            if serve && group.members.len() == count {
                return Ok(group.members);
            }
            ensure!(self.outside.wait().await, "not {count} members: {:?}", group.members);
        }
    }

    /// Only members can be replaced.
    pub(super) async fn refused_replacements(&mut self) -> Result<()> {
        let group = self.id(WEB)?;
        let instance = "i-0123456789abcdef0".to_owned();
        let stranger = Request::ReplaceInstance { group, instance };
        self.demand_end("an instance replaced that is no member", &stranger, "NotFound").await;
        Ok(())
    }
}
