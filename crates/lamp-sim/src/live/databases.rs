//! Databases: minutes to make, change and remove; storage that grows by itself; replication that can break.

use jiff::Timestamp;
use lamp_cloud::kinds::Declared;
use lamp_cloud::kinds::db_instance::{Change, DbInstance, Modification};
use lamp_cloud::{DeleteOptions, Kind, Reference, State};

use crate::agenda::{Event, Step};
use crate::config::Span;
use crate::kinds::db_instance::full_version;
use crate::world::{Snapshot, World};

/// What only the region knows of a database.
#[derive(Clone, Debug, Default)]
pub(crate) struct Database {
    /// Zone of the standby, of a Multi-AZ instance.
    standby: Option<String>,
    /// What is being changed.
    pub(super) pending: Option<Modification>,
    /// What somebody asked for in the maintenance window.
    pub(super) in_window: Option<Modification>,
    /// Whether a call restarts it.
    restarts: bool,
    grown_at: Option<Timestamp>,
    /// Replication lag that somebody set, in seconds.
    pub(crate) lag_seconds: Option<f64>,
    pub(crate) broken: bool,
    pub(crate) available_since: Option<Timestamp>,
    /// Since when it is in a state that it does not leave by itself: nothing replicates it.
    pub(super) down_since: Option<Timestamp>,
    /// What was stored at once, on top of what grows by and by: since when, and how much in GiB.
    pub(super) filled: Option<(Timestamp, f64)>,
    /// The backups that a promotion asked for, in days.
    pub(super) promoting: Option<u32>,
}

impl World {
    pub(crate) fn begin_database(&mut self, id: &str) {
        let Some(body) = self.body::<DbInstance>(id).cloned() else { return };
        let zones = self.database_zones(id, &body);
        let standby = zones.get(1).filter(|_| body.multi_zone).cloned();
        self.databases.insert(id.to_owned(), Database { standby, ..Database::default() });
        let zone = zones.first().cloned();
        self.update(id, |body: &mut DbInstance| body.zone = zone);
        if let Some(source) = body.source.as_ref().and_then(Reference::as_id) {
            self.update(source, |source: &mut DbInstance| source.facts.replicas.push(id.to_owned()));
        }
        let mut span =
            if body.is_replica() { self.config.durations.replica } else { self.config.durations.primary };
        if body.multi_zone {
            let standby = self.config.durations.standby;
            span = Span { from: span.from + standby.from, to: span.to + standby.to };
        }
        self.plan_step(Kind::DbInstance, id, Step::Ready, span);
    }

    /// The zones that it stands in: its own, and that of its standby.
    pub(crate) fn zones_of_database(&self, id: &str, body: &DbInstance) -> Vec<String> {
        let standby = self.databases.get(id).and_then(|database| database.standby.clone());
        body.zone.clone().into_iter().chain(standby).collect()
    }

    /// Zones of its subnets: the one that was asked for first, then by lot.
    fn database_zones(&self, id: &str, body: &DbInstance) -> Vec<String> {
        use lamp_cloud::kinds::{db_subnet_group::DbSubnetGroup, subnet::Subnet};
        let group = body.subnet_group.as_id().and_then(|id| self.body::<DbSubnetGroup>(id));
        let subnets = group.map(|group| group.subnets.as_slice()).unwrap_or_default();
        let mut zones: Vec<String> = subnets
            .iter()
            .filter_map(|subnet| self.body::<Subnet>(subnet.as_id()?))
            .map(|subnet| subnet.zone.clone())
            .collect();
        zones
            .sort_by_key(|zone| (body.zone.as_ref() != Some(zone), self.dice.number(&["zone", id, zone], 0)));
        zones.dedup();
        zones
    }

    pub(crate) fn database_step(&mut self, id: &str, step: Step) {
        match step {
            Step::Ready => self.database_up(id),
            Step::Changed => self.database_changed(id),
            Step::Window => self.window_opens(id),
            Step::Optimized => self.set_status(id, &["storage-optimization"], "available"),
            Step::NearlyFull => self.grow_storage(id),
            Step::Full => self.storage_is_full(id),
            Step::Promoted => self.promotion_ends(id),
            Step::Gone => self.database_gone(id),
            Step::Dead => {}
        }
    }

    fn database_up(&mut self, id: &str) {
        if !self.lives(Kind::DbInstance, id) || self.body_status(id) == "failed" {
            return;
        }
        if self.body::<DbInstance>(id).is_some_and(|body| body.facts.status == "rebooting") {
            self.update(id, |body: &mut DbInstance| body.parameters_in_effect = true);
            if let Some(database) = self.databases.get_mut(id) {
                database.restarts = false;
            }
            self.force_status(id, "available");
            return;
        }
        let account = self.dice.hex(12, &["rds"], 0);
        let endpoint = format!("{id}.{account}.{}.rds.amazonaws.com", self.config.region);
        let now = self.now;
        self.update(id, |body: &mut DbInstance| {
            body.facts.endpoint = Some(endpoint);
            body.facts.replication = body.is_replica().then(|| "replicating".to_owned());
            body.facts.latest_restorable = (body.backup_retention_days > 0).then_some(now);
        });
        if let Some(database) = self.databases.get_mut(id) {
            database.available_since.get_or_insert(now);
        }
        self.set_status(id, &["creating"], "available");
        self.plan_growth(id);
    }

    fn body_status(&self, id: &str) -> &str {
        self.body::<DbInstance>(id).map(|body| body.facts.status.as_str()).unwrap_or_default()
    }

    /// Plans the moment at which a tenth of the volume is left.
    pub(super) fn plan_growth(&mut self, id: &str) {
        if let Some(at) = self.full_at(id) {
            self.plan_step_at(Kind::DbInstance, id, Step::Full, at.max(self.now));
        }
        let Some(at) = self.nearly_full_at(id) else { return };
        self.plan_step_at(Kind::DbInstance, id, Step::NearlyFull, at.max(self.now));
    }

    /// Puts a status in place of one of `from`.
    fn set_status(&mut self, id: &str, from: &[&str], status: &str) {
        let is = self.body::<DbInstance>(id).is_some_and(|body| from.contains(&body.facts.status.as_str()));
        if is {
            self.force_status(id, status);
        }
    }

    pub(crate) fn force_status(&mut self, id: &str, status: &str) {
        self.update(id, |body: &mut DbInstance| status.clone_into(&mut body.facts.status));
        let (state, now) = (state_of(status), self.now);
        if let Some(database) = self.databases.get_mut(id) {
            let since = database.down_since.unwrap_or(now);
            database.down_since = matches!(state, State::Failed(_)).then_some(since);
        }
        self.set_state(Kind::DbInstance, id, state);
        self.record_database(id);
        self.check_primaries(id);
    }

    /// What needs no work on the instance holds at once; the rest is being changed for some minutes, and with it whatever
    /// waited for the window: "If there are pending modifications, they are applied as well".
    pub(crate) fn modify_database(&mut self, id: &str, modification: &Modification) {
        let waited = self.databases.get_mut(id).and_then(|database| database.in_window.take());
        let (light, heavy) =
            split(&waited.map_or_else(|| modification.clone(), |waited| over(&waited, modification)));
        let Some(body) = self.body::<DbInstance>(id) else { return };
        let heavy = unlike(heavy, body);
        self.update(id, |body: &mut DbInstance| body.apply(&Change::Modify(Box::new(light))));
        if heavy == Modification::default() {
            return;
        }
        let waiting = names(&heavy);
        self.update(id, |body: &mut DbInstance| body.facts.pending_changes = waiting);
        if let Some(database) = self.databases.get_mut(id) {
            database.pending = Some(heavy);
        }
        self.force_status(id, "modifying");
        let span = self.config.durations.modification;
        self.plan_step(Kind::DbInstance, id, Step::Changed, span);
    }

    fn database_changed(&mut self, id: &str) {
        let Some(pending) = self.databases.get_mut(id).and_then(|database| database.pending.take()) else {
            return;
        };
        let Some(before) = self.body::<DbInstance>(id).cloned() else { return };
        if !self.lives(Kind::DbInstance, id) {
            return;
        }
        let now = self.now;
        let change = Change::Modify(Box::new(rounded(pending, &before)));
        self.update(id, |body: &mut DbInstance| {
            body.apply(&change);
            body.facts.pending_changes.clear();
            let backed_up = body.facts.latest_restorable.or(Some(now));
            body.facts.latest_restorable = backed_up.filter(|_| body.backup_retention_days > 0);
        });
        self.place_standby(id);
        let grown = self.body::<DbInstance>(id).is_some_and(|after| {
            after.storage_gib != before.storage_gib || after.storage_type != before.storage_type
        });
        if grown { self.optimize(id) } else { self.set_status(id, &["modifying"], "available") }
    }

    /// A restart: parameters that waited for it are in effect afterwards.
    pub(crate) fn reboot_database(&mut self, id: &str, failover: bool) {
        let Some(database) = self.databases.get_mut(id) else { return };
        database.restarts = true;
        if failover && database.standby.is_some() {
            return self.fail_over(id);
        }
        self.force_status(id, "rebooting");
        let span = self.config.durations.reboot;
        self.plan_step(Kind::DbInstance, id, Step::Ready, span);
    }

    /// Static parameters of a group changed: what uses it waits for a restart.
    pub(crate) fn await_restart(&mut self, group: &str) {
        let group = Reference::id(group);
        let users: Vec<_> = self
            .each::<DbInstance>()
            .filter(|(row, body)| {
                body.parameter_group == group
                    && body.facts.status != "creating"
                    && row.state != State::Deleting
            })
            .map(|(row, _)| row.id.clone())
            .collect();
        for id in users {
            self.update(&id, |body: &mut DbInstance| body.parameters_in_effect = false);
        }
    }

    /// Whether a call interrupts it right now.
    pub(crate) fn is_interrupted(&self, id: &str) -> bool {
        self.databases.get(id).is_some_and(|database| {
            database.restarts || database.pending.as_ref().is_some_and(Modification::is_disruptive)
        })
    }

    fn place_standby(&mut self, id: &str) {
        let Some(body) = self.body::<DbInstance>(id).cloned() else { return };
        let others = self.database_zones(id, &body).into_iter().find(|zone| Some(zone) != body.zone.as_ref());
        if let Some(database) = self.databases.get_mut(id) {
            database.standby = others.filter(|_| body.multi_zone);
        }
    }

    fn optimize(&mut self, id: &str) {
        let now = self.now;
        if let Some(database) = self.databases.get_mut(id) {
            database.grown_at = Some(now);
        }
        self.force_status(id, "storage-optimization");
        self.plan_growth(id);
        let span = self.config.durations.storage_optimization;
        self.plan_step(Kind::DbInstance, id, Step::Optimized, span);
    }

    /// Whether the volume changed less than six hours ago, or is being optimised.
    pub(crate) fn is_storage_cooling(&self, id: &str) -> bool {
        let grown = self.databases.get(id).and_then(|database| database.grown_at);
        grown.is_some_and(|at| self.now < at + self.config.durations.storage_cooldown)
    }

    pub(crate) fn delete_database(&mut self, id: &str, options: &DeleteOptions) {
        let mut span = self.config.durations.database_delete;
        if let Some(snapshot) = &options.final_snapshot {
            let taken = self.draw(self.config.durations.final_snapshot, &["snapshot", snapshot]);
            span = Span { from: span.from + taken, to: span.to + taken };
            self.agenda.plan(self.now + taken, Event::SnapshotDone(snapshot.clone()));
            let record = Snapshot {
                status: "creating".to_owned(),
                source: id.to_owned(),
                tags: options.snapshot_tags.clone(),
                created_at: self.now,
            };
            self.snapshots.insert(snapshot.clone(), record);
        }
        self.force_status(id, "deleting");
        self.plan_step(Kind::DbInstance, id, Step::Gone, span);
    }

    // Replicas of a source that is deleted become databases of their own.
    fn database_gone(&mut self, id: &str) {
        let Some(body) = self.body::<DbInstance>(id).cloned() else { return };
        for replica in &body.facts.replicas {
            self.promote(replica);
        }
        self.leave_source(id, &body);
        self.databases.remove(id);
        self.end(Kind::DbInstance, id);
        self.record_database(id);
    }

    pub(super) fn leave_source(&mut self, id: &str, body: &DbInstance) {
        if let Some(source) = body.source.as_ref().and_then(Reference::as_id) {
            self.update(source, |source: &mut DbInstance| source.facts.replicas.retain(|other| other != id));
        }
    }

    /// A replica becomes a database of its own.
    pub(crate) fn promote(&mut self, id: &str) {
        if let Some(body) = self.body::<DbInstance>(id).cloned() {
            self.leave_source(id, &body);
        }
        self.update(id, |body: &mut DbInstance| {
            body.source = None;
            body.facts.replication = None;
        });
        self.check_primaries(id);
    }

    /// The standby takes over: a minute or two without service, then the zones are swapped.
    pub(crate) fn fail_over(&mut self, id: &str) {
        let zone = self.body::<DbInstance>(id).and_then(|body| body.zone.clone());
        let Some(database) = self.databases.get_mut(id) else { return };
        let Some(standby) = std::mem::replace(&mut database.standby, zone) else {
            database.standby = None;
            return;
        };
        self.update(id, |body: &mut DbInstance| body.zone = Some(standby));
        self.force_status(id, "rebooting");
        let span = self.config.durations.failover;
        self.plan_step(Kind::DbInstance, id, Step::Ready, span);
    }

    /// Replication of a replica breaks, or works again.
    pub(crate) fn set_replication(&mut self, id: &str, works: bool) {
        if let Some(database) = self.databases.get_mut(id) {
            database.broken = !works;
        }
        let word = if works { "replicating" } else { "error" };
        self.update(id, |body: &mut DbInstance| {
            if body.is_replica() {
                body.facts.replication = Some(word.to_owned());
            }
        });
    }

    /// The volume grows by itself, up to its limit, when less than a tenth of it is free.
    pub(crate) fn grow_storage(&mut self, id: &str) {
        let Some(body) = self.body::<DbInstance>(id) else { return };
        let Some(limit) = body.max_storage_gib else { return };
        let wanted = (body.storage_gib + (body.storage_gib / 10).max(10)).min(limit);
        let early = self.nearly_full_at(id).is_none_or(|at| at > self.now);
        if early || wanted <= body.storage_gib {
            return;
        }
        if body.facts.status != "available" || self.is_storage_cooling(id) {
            let again = self.now + std::time::Duration::from_secs(3600);
            self.plan_step_at(Kind::DbInstance, id, Step::NearlyFull, again);
            return;
        }
        self.update(id, |body: &mut DbInstance| body.storage_gib = wanted);
        self.optimize(id);
    }
}

/// What a status means for whoever wants to use or change the instance.
fn state_of(status: &str) -> State {
    match status {
        // A full disk is ready: it can be grown, and growing is what it needs.
        "available" | "storage-optimization" | "storage-full" | "backing-up" => State::Ready,
        "deleting" => State::Deleting,
        "failed" | "stopped" | "restore-error" => State::Failed(status.to_owned()),
        word if word.starts_with("incompatible-") || word.starts_with("inaccessible-") => {
            State::Failed(word.to_owned())
        }
        word => State::Pending(word.to_owned()),
    }
}

/// The fields that hold at once, and those that take their time.
fn split(modification: &Modification) -> (Modification, Modification) {
    let mut heavy = modification.clone();
    let light = Modification {
        max_storage_gib: heavy.max_storage_gib.take(),
        parameter_group: heavy.parameter_group.take(),
        security_groups: heavy.security_groups.take(),
        deletion_protection: heavy.deletion_protection.take(),
        maintenance_window: heavy.maintenance_window.take(),
        ..Modification::default()
    };
    (light, heavy)
}

/// What of a modification is not so already: RDS has nothing to do for the rest.
fn unlike(asked: Modification, body: &DbInstance) -> Modification {
    Modification {
        class: asked.class.filter(|class| *class != body.class),
        storage_gib: asked.storage_gib.filter(|gib| *gib != body.storage_gib),
        multi_zone: asked.multi_zone.filter(|multi_zone| *multi_zone != body.multi_zone),
        backup_retention_days: asked.backup_retention_days.filter(|days| *days != body.backup_retention_days),
        version: asked.version.filter(|version| full_version(&body.engine, version) != body.version),
        storage_type: asked.storage_type.filter(|kind| *kind != body.storage_type),
        ..asked
    }
}

/// One modification, and another on top of it.
fn over(waited: &Modification, new: &Modification) -> Modification {
    let (waited, new) = (waited.clone(), new.clone());
    Modification {
        class: new.class.or(waited.class),
        storage_gib: new.storage_gib.or(waited.storage_gib),
        max_storage_gib: new.max_storage_gib.or(waited.max_storage_gib),
        multi_zone: new.multi_zone.or(waited.multi_zone),
        parameter_group: new.parameter_group.or(waited.parameter_group),
        security_groups: new.security_groups.or(waited.security_groups),
        backup_retention_days: new.backup_retention_days.or(waited.backup_retention_days),
        deletion_protection: new.deletion_protection.or(waited.deletion_protection),
        version: new.version.or(waited.version),
        storage_type: new.storage_type.or(waited.storage_type),
        maintenance_window: new.maintenance_window.or(waited.maintenance_window),
    }
}

/// The names of what waits, as in `PendingModifiedValues`.
pub(super) fn names(modification: &Modification) -> Vec<String> {
    [
        ("AllocatedStorage", modification.storage_gib.is_some()),
        ("BackupRetentionPeriod", modification.backup_retention_days.is_some()),
        ("DBInstanceClass", modification.class.is_some()),
        ("EngineVersion", modification.version.is_some()),
        ("MultiAZ", modification.multi_zone.is_some()),
        ("StorageType", modification.storage_type.is_some()),
    ]
    .into_iter()
    .filter(|(_, waits)| *waits)
    .map(|(name, _)| name.to_owned())
    .collect()
}

// "Values that are not at least 10% greater than the existing value are rounded up so that they are 10% greater."
fn rounded(modification: Modification, before: &DbInstance) -> Modification {
    let least = before.storage_gib + before.storage_gib.div_ceil(10);
    Modification {
        storage_gib: modification
            .storage_gib
            .map(|wanted| if wanted > before.storage_gib { wanted.max(least) } else { wanted }),
        version: modification.version.map(|version| full_version(&before.engine, &version)),
        ..modification
    }
}
