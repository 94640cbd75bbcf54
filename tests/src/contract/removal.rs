//! Everything goes again, in the reverse order, and leaves nothing but what was asked for.

use anyhow::{Context, Result, bail, ensure};
use lamp_cloud::kinds::elastic_ip::ElasticIp;
use lamp_cloud::{Body, Cloud, InstanceState, Kind, Read, Reading};

use super::database::PRIMARY;
use super::verbs::final_snapshot;
use super::{Contract, Made, Outside};

impl<C: Cloud, O: Outside> Contract<C, O> {
    pub(super) async fn removal(&mut self) -> Result<()> {
        self.refused_signals().await?;
        let snapshot = final_snapshot(&self.id(PRIMARY)?);
        while let Some(Made { kind, id, name }) = self.made.last().cloned() {
            self.remove(kind, &id).await.with_context(|| format!("remove {name}"))?;
            if kind == Kind::NatGateway {
                self.frees_its_address().await?;
            }
            self.is_missed(kind, &id).await.with_context(|| format!("{name} after its removal"))?;
        }
        self.snapshot_is_there(&snapshot).await?;
        self.nothing_is_left().await
    }

    /// With its gateway an address is free again.
    async fn frees_its_address(&mut self) -> Result<()> {
        let row = self.settled(Kind::ElasticIp, &self.id("elastic-ip/1")?).await?;
        let Body::ElasticIp(ElasticIp { association }) = row.body else { bail!("no address: {row:?}") };
        let seen = if association.is_none() { "free" } else { "associated" };
        self.judge.demand("the address of a NAT gateway that is gone", "free", seen);
        Ok(())
    }

    async fn snapshot_is_there(&mut self, id: &str) -> Result<()> {
        loop {
            let read = Read::DbSnapshot { id: id.to_owned() };
            let Reading::DbSnapshot(found) = self.caller.read(&read).await? else { bail!("another reading") };
            if found.as_deref() == Some("available") {
                return Ok(());
            }
            ensure!(self.outside.wait().await, "the final snapshot is {found:?}");
        }
    }

    async fn nothing_is_left(&mut self) -> Result<()> {
        for kind in Kind::ALL.iter().filter(|kind| kind.is_listed()) {
            let rows = self.rows(*kind).await?;
            ensure!(rows.is_empty(), "left over: {rows:?}");
        }
        let running: Vec<String> = self
            .instances()
            .await?
            .into_iter()
            .filter(|row| row.state != InstanceState::Terminated)
            .map(|row| row.id)
            .collect();
        ensure!(running.is_empty(), "still running: {running:?}");
        Ok(())
    }
}
