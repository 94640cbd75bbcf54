//! Read replicas.

use anyhow::{Result, bail, ensure};
use lamp_cloud::kinds::db_instance::{self, DbFacts, DbInstance, Modification};
use lamp_cloud::{Body, Change, Cloud, DeleteOptions, Kind, Read, Reference, Request};

use super::database::{PRIMARY, modify, primary};
use super::sight::answer;
use super::verbs::DONE;
use super::{Contract, Outside};

pub(super) const REPLICA: &str = "replica/1";

impl<C: Cloud, O: Outside> Contract<C, O> {
    pub(super) async fn replicas(&mut self) -> Result<()> {
        self.without_backups().await?;
        let id = self.make(REPLICA, self.replica()).await?;
        let again = self.creation(REPLICA, self.replica())?;
        self.attempt("a replica created twice, word for word", &again, "AlreadyExists").await?;
        self.change(REPLICA, DbInstance { class: "db.r6g.xlarge".to_owned(), ..self.replica() }).await?;
        self.change(REPLICA, self.replica()).await?;
        self.replicates(&id).await?;
        self.restarted_without_standby(&id).await?;
        self.source_keeps_backups().await?;
        self.no_snapshot_of_a_replica().await?;
        self.promoted().await?;
        self.no_snapshot().await
    }

    fn replica(&self) -> DbInstance {
        DbInstance {
            multi_zone: false,
            backup_retention_days: 0,
            secret: None,
            source: Some(Reference::part(PRIMARY)),
            zone: self.zones.get(1).cloned(),
            ..primary()
        }
    }

    /// A source without backups has no replicas.
    async fn without_backups(&mut self) -> Result<()> {
        self.change(PRIMARY, DbInstance { backup_retention_days: 0, ..primary() }).await?;
        let early = self.creation("replica/early", self.replica())?;
        self.attempt("a replica of a database without backups", &early, "State").await?;
        self.change(PRIMARY, primary()).await
    }

    /// Source and replica say so of each other.
    async fn replicates(&mut self, id: &str) -> Result<()> {
        let source = self.id(PRIMARY)?;
        let row = self.settled(Kind::DbInstance, id).await?;
        let Body::DbInstance(body) = row.body else { bail!("no database: {row:?}") };
        let place = if body.zone == self.zones.get(1).cloned() { "the one asked for" } else { "another one" };
        self.judge.demand("the zone of a replica", "the one asked for", place);
        let DbFacts { replicas, replication, endpoint, .. } = body.facts;
        ensure!(replicas.is_empty() && endpoint.is_some(), "{id}: {replicas:?} {endpoint:?}");
        let word = replication.unwrap_or_else(|| "nothing".to_owned());
        self.judge.demand("the replication of a replica", "replicating", &word);
        let replicas = self.facts(&source).await?.replicas;
        ensure!(replicas.iter().all(|replica| replica == id), "{source} has the replicas {replicas:?}");
        let times = match replicas.len() {
            0 => "never",
            1 => "once",
            _ => "more than once",
        };
        self.judge.demand("a database names its replica", "once", times);
        Ok(())
    }

    /// A replica that is promoted replicates no more, and cannot be promoted again.
    async fn promoted(&mut self) -> Result<()> {
        let promote = || Change::DbInstance(db_instance::Change::Promote { backup_retention_days: 3 });
        let id = self.make("replica/promoted", self.replica()).await?;
        self.send(&id, promote()).await?;
        let row = self.settled(Kind::DbInstance, &id).await?;
        let Body::DbInstance(body) = row.body else { bail!("no database: {row:?}") };
        let role = if body.is_replica() { "a replica" } else { "a database of its own" };
        self.judge.demand("a replica that was promoted", "a database of its own", role);
        let backups = if body.backup_retention_days == 3 { "as asked for" } else { "others" };
        self.judge.demand("the backups of a replica that was promoted", "as asked for", backups);
        self.demand_change("a database promoted that replicates nothing", &id, promote(), "State").await;
        self.settled(Kind::DbInstance, &id).await?;
        self.remove(Kind::DbInstance, &id).await
    }

    async fn restarted_without_standby(&mut self, id: &str) -> Result<()> {
        let restart = |failover| Change::DbInstance(db_instance::Change::Reboot { failover });
        let what = "a failover of a database in one zone";
        self.demand_change(what, id, restart(true), "Invalid").await;
        self.settled(Kind::DbInstance, id).await?;
        self.demand_change("a database restarted", id, restart(false), DONE).await;
        self.settled(Kind::DbInstance, id).await.map(drop)
    }

    async fn source_keeps_backups(&mut self) -> Result<()> {
        let source = self.id(PRIMARY)?;
        let off = Modification { backup_retention_days: Some(0), ..Modification::default() };
        self.demand_change("backups of a source of replicas switched off", &source, modify(off), "State")
            .await;
        self.change(PRIMARY, primary()).await
    }

    async fn no_snapshot_of_a_replica(&mut self) -> Result<()> {
        let body = DbInstance { deletion_protection: false, ..self.replica() };
        let id = self.make("replica/2", body).await?;
        let options =
            DeleteOptions { final_snapshot: Some("ll-contract-replica".to_owned()), ..Default::default() };
        let delete = Request::Delete { kind: Kind::DbInstance, id, options };
        self.demand_end("a replica deleted with a final snapshot", &delete, "Invalid").await;
        Ok(())
    }

    /// A snapshot that is not there is none.
    async fn no_snapshot(&mut self) -> Result<()> {
        let nothing = "ll-contract-nothing".to_owned();
        let read = answer!(self, Read::DbSnapshot { id: nothing.clone() }, DbSnapshot);
        ensure!(read.is_none(), "{nothing} is {read:?}");
        Ok(())
    }
}
