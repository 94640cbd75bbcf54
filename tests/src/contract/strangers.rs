//! Instances that somebody took the tags from: no listing shows them, their network does, and tags bring them back.

use anyhow::{Context, Result, ensure};
use lamp_cloud::{Cloud, Instance, InstanceState, Member, Read, Request, Tags, tag};

use super::sight::answer;
use super::{Contract, Outside};

impl<C: Cloud, O: Outside> Contract<C, O> {
    pub(super) async fn lost_tags(&mut self, members: &[Member]) -> Result<()> {
        let id = members.first().context("no member")?.instance.clone();
        let before = self.instance(&id).await?.with_context(|| format!("{id} is not listed"))?;
        self.outside.take_tags(&id)?;
        ensure!(self.instance(&id).await?.is_none(), "{id} is listed without our tags");
        self.is_a_stranger(&before).await?;
        let ours: Tags =
            before.tags.clone().into_iter().filter(|(key, _)| !key.starts_with("aws:")).collect();
        let put_back = Request::TagInstance { instance: id.clone(), tags: ours };
        self.caller.apply(&put_back).await?;
        let after = self.instance(&id).await?;
        ensure!(after.as_ref() == Some(&before), "{after:?}, not {before:?}");
        self.refused_tags().await
    }

    /// The network shows it, as it is but for its tags, and everything else that runs there.
    async fn is_a_stranger(&mut self, before: &Instance) -> Result<()> {
        let (vpc, spare) = (self.id("vpc")?, self.id("vpc/spare")?);
        let rows = answer!(self, Read::NetworkInstances { vpcs: vec![spare, vpc.clone()] }, NetworkInstances);
        ensure!(rows.iter().all(|(network, _)| *network == vpc), "in another network: {rows:?}");
        let (_, found) = rows.iter().find(|(_, row)| row.id == before.id).context("not in its network")?;
        ensure!(!found.tags.contains_key(tag::INSTALL), "{found:?} kept its tags");
        let dressed = Instance { tags: before.tags.clone(), ..found.clone() };
        ensure!(dressed == *before, "{found:?}, not {before:?}");
        for row in self.instances().await?.into_iter().filter(|row| row.state == InstanceState::Running) {
            ensure!(rows.iter().any(|(_, found)| *found == row), "{row:?} is not in its network");
        }
        Ok(())
    }

    async fn refused_tags(&mut self) -> Result<()> {
        let tags = self.owner.identity(&"instance/web".into());
        let missing = Request::TagInstance { instance: "i-0123456789abcdef0".to_owned(), tags };
        self.demand_end("an instance tagged that is not there", &missing, "NotFound").await;
        Ok(())
    }
}
