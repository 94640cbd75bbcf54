//! Targets of load balancers.

use anyhow::{Context, Result, ensure};
use lamp_cloud::{Cloud, InstanceState, Member, Request, Target, TargetHealth, TargetState};

use super::security::PORT;
use super::{Contract, Outside};

const GROUP: &str = "target-group/web";
/// So many looks are enough for what comes at all.
const LOOKS: usize = 40;

fn target(instance: &str) -> Vec<Target> {
    vec![Target { instance: instance.to_owned(), port: PORT }]
}

impl<C: Cloud, O: Outside> Contract<C, O> {
    /// The group registers its members, which become healthy; one that is taken out drains, and can be put back.
    pub(super) async fn targets_of_web(&mut self, members: &[Member]) -> Result<()> {
        for member in members {
            self.until_target(&member.instance, TargetState::Healthy).await?;
        }
        let one = members.first().context("no member")?.instance.clone();
        let target_group = self.id(GROUP)?;
        let deregister =
            Request::DeregisterTargets { target_group: target_group.clone(), targets: target(&one) };
        self.caller.apply(&deregister).await?;
        let leaving = match self.target(&one).await? {
            Some(row) if row.state == TargetState::Draining => "draining",
            Some(_) => "registered",
            None => "gone",
        };
        self.judge.demand("a healthy target right after it was deregistered", "draining", leaving);
        while let Some(row) = self.target(&one).await? {
            ensure!(self.outside.wait().await, "still a target: {row:?}");
        }
        self.demand_end("a target deregistered twice", &deregister, "done").await;
        let register = Request::RegisterTargets { target_group, targets: target(&one) };
        self.caller.apply(&register).await?;
        self.until_target(&one, TargetState::Healthy).await?;
        self.refused_targets().await
    }

    async fn refused_targets(&mut self) -> Result<()> {
        let target_group = self.id(GROUP)?;
        let unknown = target("i-0123456789abcdef0");
        let register = Request::RegisterTargets { target_group, targets: unknown };
        self.demand_end("an instance registered that is not there", &register, "State").await;
        Ok(())
    }

    async fn target(&mut self, instance: &str) -> Result<Option<TargetHealth>> {
        let group = self.id(GROUP)?;
        Ok(self.targets(&group).await?.into_iter().find(|row| row.target.instance == instance))
    }

    async fn until_target(&mut self, instance: &str, wanted: TargetState) -> Result<()> {
        loop {
            let row = self.target(instance).await?;
            if let Some(TargetHealth { target, state, reason }) = &row {
                ensure!(target.port == PORT, "{row:?} listens elsewhere");
                if *state == wanted {
                    ensure!(reason.is_none(), "{row:?} has a reason to be healthy");
                    return Ok(());
                }
            }
            ensure!(self.outside.wait().await, "{instance} is not {wanted:?}: {row:?}");
        }
    }

    /// After all the replacements: every member is a target, and no terminated instance is.
    pub(super) async fn new_targets(&mut self) -> Result<()> {
        let members: Vec<String> = self.members(2).await?.into_iter().map(|member| member.instance).collect();
        let group = self.id(GROUP)?;
        let (mut registered, mut dead) = (false, true);
        for _ in 0..LOOKS {
            let rows = self.targets(&group).await?;
            let targets: Vec<String> = rows.into_iter().map(|row| row.target.instance).collect();
            registered = members.iter().all(|member| targets.contains(member));
            dead = self.are_dead(&targets).await?;
            if (registered && !dead) || !self.outside.wait().await {
                break;
            }
        }
        let seen = if registered { "a target" } else { "no target" };
        self.judge.demand("what a group launches for a terminated instance", "a target", seen);
        let seen = if dead { "targets" } else { "no targets" };
        self.judge.demand("instances that a group terminated", "no targets", seen);
        Ok(())
    }

    /// Whether one of these was terminated.
    async fn are_dead(&mut self, targets: &[String]) -> Result<bool> {
        let gone = |state| matches!(state, InstanceState::Terminated | InstanceState::ShuttingDown);
        let instances = self.instances().await?;
        Ok(instances.into_iter().any(|row| gone(row.state) && targets.contains(&row.id)))
    }
}
