//! The database of the site: its groups, its secret, the primary.

use anyhow::{Result, bail, ensure};
use lamp_cloud::kinds::db_instance::{self, DbFacts, DbInstance, Modification};
use lamp_cloud::kinds::db_parameter_group::{self, DbParameterGroup};
use lamp_cloud::kinds::db_subnet_group::{self, DbSubnetGroup};
use lamp_cloud::kinds::secret::Secret;
use lamp_cloud::{Body, Change, Cloud, DeleteOptions, ErrorClass, Kind, Reference, Request};

use super::verbs::DONE;
use super::{Contract, Outside};

pub(super) const PRIMARY: &str = "database";
const GROUP: &str = "db-subnet-group";
const PARAMETERS: &str = "db-parameter-group";
const SUBNETS: [&str; 2] = ["subnet/application/1", "subnet/application/2"];
const SETTINGS: [(&str, &str); 3] =
    [("require_secure_transport", "1"), ("max_connections", "200"), ("back_log", "100")];

fn subnet_group(subnets: &[&str]) -> DbSubnetGroup {
    DbSubnetGroup { subnets: subnets.iter().map(|subnet| Reference::part(*subnet)).collect() }
}

fn parameter_group(parameters: &[(&str, &str)]) -> DbParameterGroup {
    let pairs = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    DbParameterGroup { family: "mysql8.0".to_owned(), parameters: Some(pairs.collect()) }
}

fn secret(description: &str) -> Secret {
    Secret { description: description.to_owned(), username: "lamplighter".to_owned() }
}

pub(super) fn primary() -> DbInstance {
    DbInstance {
        engine: "mysql".to_owned(),
        version: "8.0.40".to_owned(),
        class: "db.r6g.large".to_owned(),
        storage_gib: 40,
        max_storage_gib: Some(100),
        storage_type: "gp3".to_owned(),
        encrypted: true,
        multi_zone: true,
        username: "lamplighter".to_owned(),
        subnet_group: Reference::part(GROUP),
        parameter_group: Reference::part(PARAMETERS),
        security_groups: vec![Reference::part("security-group/back")],
        backup_retention_days: 7,
        deletion_protection: true,
        secret: Some(Reference::part("secret/database")),
        source: None,
        zone: None,
        maintenance_window: Some("sun:03:00-sun:04:00".to_owned()),
        parameters_in_effect: true,
        facts: DbFacts::default(),
    }
}

/// A change of one thing or more.
pub(super) fn modify(modification: Modification) -> Change {
    Change::DbInstance(db_instance::Change::Modify(Box::new(modification)))
}

impl<C: Cloud, O: Outside> Contract<C, O> {
    pub(super) async fn database(&mut self) -> Result<()> {
        self.database_groups().await?;
        self.secrets().await?;
        self.primary().await?;
        self.replicas().await?;
        self.kept_by_databases().await
    }

    async fn database_groups(&mut self) -> Result<()> {
        let [one, other] = SUBNETS;
        self.make_twice(GROUP, subnet_group(&[one, other]), "AlreadyExists").await?;
        self.make("db-subnet-group/spare", subnet_group(&[one, "subnet/public/3"])).await?;
        self.other_subnets("db-subnet-group/spare", &[one, other]).await?;
        let narrow = self.creation("db-subnet-group/narrow", subnet_group(&[one]))?;
        self.attempt("a database subnet group in one zone", &narrow, "Invalid").await?;

        self.make_twice(PARAMETERS, parameter_group(&SETTINGS), "AlreadyExists").await?;
        for more in ["300", "200"] {
            self.change(PARAMETERS, parameter_group(&[SETTINGS[0], ("max_connections", more), SETTINGS[2]]))
                .await?;
        }
        self.reset_parameters().await
    }

    /// What was set goes back to its default.
    async fn reset_parameters(&mut self) -> Result<()> {
        const SPARE: &str = "db-parameter-group/spare";
        let id = self.make(SPARE, parameter_group(&[("max_connections", "100")])).await?;
        let reset = db_parameter_group::Change::Reset(vec!["max_connections".to_owned()]);
        let what = "parameters put back to their defaults";
        if self.demand_change(what, &id, Change::DbParameterGroup(reset), DONE).await == DONE {
            self.change(SPARE, parameter_group(&[])).await?;
        }
        Ok(())
    }

    /// A subnet group gets other subnets. Where it is lost by that, it is gone from the story too.
    async fn other_subnets(&mut self, name: &str, subnets: &[&str]) -> Result<()> {
        let id = self.id(name)?;
        let ids = subnets.iter().map(|subnet| Ok(Reference::id(self.id(subnet)?))).collect::<Result<_>>()?;
        self.send(&id, Change::DbSubnetGroup(db_subnet_group::Change::Subnets(ids))).await?;
        let seen = if self.look(Kind::DbSubnetGroup, &id).await?.is_some() { "shown" } else { "gone" };
        self.judge.demand("a database subnet group that got other subnets", "shown", seen);
        if seen == "shown" {
            return self.change(name, subnet_group(subnets)).await;
        }
        self.made.retain(|made| made.id != id);
        Ok(())
    }

    /// A secret that was deleted and can be restored keeps its name.
    async fn secrets(&mut self) -> Result<()> {
        self.make_twice("secret/database", secret("master password"), "AlreadyExists").await?;
        let id = self.make("secret/spare", secret("for a while")).await?;
        let options = DeleteOptions { without_recovery: false, ..DeleteOptions::default() };
        let delete = Request::Delete { kind: Kind::Secret, id, options };
        self.demand_end("a secret deleted and kept restorable", &delete, "done").await;
        let again = self.creation("secret/spare", secret("for a while"))?;
        self.attempt("the name of a secret that can be restored", &again, "State").await
    }

    async fn primary(&mut self) -> Result<()> {
        let open = self.creation("database/open", DbInstance { secret: None, ..primary() })?;
        self.attempt("a database without a password", &open, "Invalid").await?;
        let small = DbInstance {
            storage_gib: 20,
            storage_type: "gp2".to_owned(),
            version: "8.0.39".to_owned(),
            ..primary()
        };
        let id = self.make_twice(PRIMARY, small, "AlreadyExists").await?;
        self.modified(&id).await?;
        self.refused_modifications(&id).await?;
        self.restarted(&id).await?;
        self.facts_of_primary(&id).await
    }

    /// Every setting is changed, and all but the size of the disk are changed back.
    async fn modified(&mut self, id: &str) -> Result<()> {
        let other = DbInstance {
            class: "db.r6g.xlarge".to_owned(),
            max_storage_gib: Some(200),
            multi_zone: false,
            parameter_group: Reference::part("db-parameter-group/spare"),
            security_groups: vec![
                Reference::part("security-group/back"),
                Reference::part("security-group/front"),
            ],
            backup_retention_days: 14,
            deletion_protection: false,
            maintenance_window: Some("mon:23:30-tue:00:30".to_owned()),
            ..primary()
        };
        self.change(PRIMARY, other).await?;
        let busy = Modification { class: Some(primary().class), ..Modification::default() };
        self.send(id, modify(busy)).await?;
        let more = Modification { backup_retention_days: Some(8), ..Modification::default() };
        self.demand_change("a database changed while it is being changed", id, modify(more), "State").await;
        self.change(PRIMARY, primary()).await
    }

    /// A static parameter takes effect with a restart, and RDS says so until then.
    async fn restarted(&mut self, id: &str) -> Result<()> {
        let more = [SETTINGS[0], SETTINGS[1], ("back_log", "300")];
        self.change(PARAMETERS, parameter_group(&more)).await?;
        let waits = if self.body(id).await?.parameters_in_effect { "in effect" } else { "waiting" };
        self.judge.demand("a static parameter that was set", "waiting", waits);
        let restart = |failover| Change::DbInstance(db_instance::Change::Reboot { failover });
        self.demand_change("a database restarted with a failover", id, restart(true), DONE).await;
        ensure!(
            self.body(id).await?.parameters_in_effect,
            "{id} was restarted, and its parameters still wait"
        );
        self.change(PARAMETERS, parameter_group(&SETTINGS)).await?;
        self.change(PRIMARY, primary()).await
    }

    async fn refused_modifications(&mut self, id: &str) -> Result<()> {
        let none = Modification::default;
        let missing = Some(Reference::id("ll-contract-nothing"));
        let short = Some("sun:03:00-sun:03:10".to_owned());
        let rows = [
            (
                "a database given a maintenance window of ten minutes",
                Modification { maintenance_window: short, ..none() },
                "Invalid",
            ),
            (
                "the disk of a database made smaller",
                Modification { storage_gib: Some(20), ..none() },
                "Invalid",
            ),
            (
                "a database given a parameter group that is not there",
                Modification { parameter_group: missing, ..none() },
                "NotFound",
            ),
        ];
        for (what, modification, aws) in rows {
            self.demand_change(what, id, modify(modification), aws).await;
            self.change(PRIMARY, primary()).await?;
        }
        Ok(())
    }

    async fn facts_of_primary(&mut self, id: &str) -> Result<()> {
        let DbFacts { status, endpoint, arn, replicas, replication, pending_changes, latest_restorable } =
            self.facts(id).await?;
        ensure!(status == "available" || status == "storage-optimization", "{id} is {status}");
        ensure!(endpoint.as_ref().is_some_and(|host| host.starts_with(&format!("{id}."))), "{endpoint:?}");
        ensure!(arn.as_ref().is_some_and(|arn| arn.ends_with(&format!(":db:{id}"))), "{arn:?}");
        ensure!(
            replicas.is_empty() && replication.is_none(),
            "{id} replicates: {replicas:?} {replication:?}"
        );
        ensure!(pending_changes.is_empty(), "{id} waits for {pending_changes:?}");
        let backed_up = if latest_restorable.is_some() { "a time" } else { "none" };
        self.judge.demand("the latest time that a database can be restored to", "a time", backed_up);
        Ok(())
    }

    pub(super) async fn facts(&mut self, id: &str) -> Result<DbFacts> {
        Ok(self.body(id).await?.facts)
    }

    async fn body(&mut self, id: &str) -> Result<DbInstance> {
        let row = self.settled(Kind::DbInstance, id).await?;
        let Body::DbInstance(body) = row.body else { bail!("no database: {row:?}") };
        Ok(body)
    }

    /// What databases stand in or use stays. Where it does not, it is made again: no database is shown without.
    async fn kept_by_databases(&mut self) -> Result<()> {
        let rows: [(&str, &str, Body); 2] = [
            ("the subnet group of a database deleted", GROUP, subnet_group(&SUBNETS).into()),
            ("the parameter group of a database deleted", PARAMETERS, parameter_group(&SETTINGS).into()),
        ];
        for (what, name, body) in rows {
            let id = self.id(name)?;
            let place = self.made.iter().position(|made| made.id == id).unwrap_or_default();
            if self.demand_kept(what, body.kind(), &id, ErrorClass::Dependency).await == DONE {
                self.make(name, body).await?;
                // Removed as late as if it had never been gone.
                self.made[place..].rotate_right(1);
            }
        }
        let id = self.id(PRIMARY)?;
        let what = "a database with deletion protection deleted";
        self.demand_kept(what, Kind::DbInstance, &id, ErrorClass::State).await;
        Ok(())
    }
}
