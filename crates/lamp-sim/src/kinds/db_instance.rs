//! An RDS instance as its calls see it; what it does by itself is in `live::databases`.

use lamp_cloud::kinds::db_instance::{Change, DbFacts, DbInstance, Modification};
use lamp_cloud::kinds::{
    db_parameter_group::DbParameterGroup, db_subnet_group::DbSubnetGroup, secret::Secret,
    security_group::SecurityGroup,
};
use lamp_cloud::{DeleteOptions, Kind, Reference, ResourceId, State};

use super::{Behaviour, Creation, of_body};
use crate::agenda::Step;
use crate::live::windows::minutes_of;
use crate::refusal::Refusal;
use crate::world::World;

/// RDS MySQL and MariaDB take at most 15 replicas of one source.
const MAX_REPLICAS: usize = 15;

impl Behaviour for DbInstance {
    const MISSING: &'static str = "DBInstanceNotFound";
    const PAGE: usize = 100;
    const NAMED: bool = true;

    of_body!(DbInstance);

    fn id(&self, _: &World, creation: &Creation<'_>) -> ResourceId {
        creation.name.to_ascii_lowercase()
    }

    fn admit(&self, world: &World, creation: &Creation<'_>) -> Result<(), Refusal> {
        let id = self.id(world, creation);
        if world.resource(Kind::DbInstance, &id).is_some() {
            return Err(Refusal::new("DBInstanceAlreadyExists", format!("DB instance {id} already exists")));
        }
        world.require::<DbParameterGroup>(&self.parameter_group)?;
        self.security_groups.iter().try_for_each(|group| world.require::<SecurityGroup>(group).map(drop))?;
        admit_window(self.maintenance_window.as_deref())?;
        admit_room(self, world)?;
        match &self.source {
            Some(source) => admit_replica(world, source),
            None => admit_primary(self, world),
        }
    }

    fn made(self, world: &World, id: &ResourceId) -> (Self, State) {
        let facts = DbFacts {
            status: "creating".to_owned(),
            arn: Some(world.arn("rds", &format!("db:{id}"))),
            ..DbFacts::default()
        };
        let source = self.source.as_ref().and_then(Reference::as_id).and_then(|id| world.body::<Self>(id));
        // The call that makes a replica takes no window.
        let asked = self.maintenance_window.clone().filter(|_| source.is_none());
        let body = Self {
            facts,
            secret: None,
            version: full_version(&self.engine, &self.version),
            maintenance_window: asked.or_else(|| Some(world.any_window(id))),
            parameters_in_effect: true,
            ..self
        };
        let body = source.map_or(body.clone(), |source| replica_of(source, body));
        (body, State::Pending("creating".to_owned()))
    }

    fn begun(world: &mut World, id: &str) {
        world.begin_database(id);
    }

    fn step(world: &mut World, id: &str, step: Step) {
        world.database_step(id, step);
    }

    fn admit_change(&self, world: &World, id: &str, change: &Change) -> Result<(), Refusal> {
        let ready = world.resource(Kind::DbInstance, id).is_some_and(|found| found.state == State::Ready);
        if !ready {
            let message = format!("Database instance {id} is not in available state: {}", self.facts.status);
            return Err(Refusal::new("InvalidDBInstanceState", message));
        }
        let modification = match change {
            Change::Modify(modification) => modification,
            Change::Reboot { failover } => return admit_reboot(self, id, *failover),
            Change::Promote { .. } => return admit_promotion(self, id),
        };
        admit_full(self, id, modification)?;
        admit_window(modification.maintenance_window.as_deref())?;
        admit_references(world, modification)?;
        admit_storage(self, world, id, modification)?;
        admit_backups(self, id, modification)
    }

    fn change(world: &mut World, id: &str, change: &Change) {
        match change {
            Change::Modify(modification) => world.modify_database(id, modification),
            Change::Reboot { failover } => world.reboot_database(id, *failover),
            Change::Promote { backup_retention_days } => world.begin_promotion(id, *backup_retention_days),
        }
    }

    fn admit_delete(&self, world: &World, id: &str, options: &DeleteOptions) -> Result<(), Refusal> {
        if self.deletion_protection {
            let message =
                "Cannot delete protected DB Instance, please disable deletion protection and try again.";
            return Err(Refusal::new("InvalidParameterCombination", message));
        }
        let Some(snapshot) = &options.final_snapshot else { return Ok(()) };
        if self.is_replica() {
            let message = "FinalDBSnapshotIdentifier can not be specified when deleting a replica instance";
            return Err(Refusal::new("InvalidParameterCombination", message));
        }
        if world.snapshots.contains_key(snapshot) {
            let message =
                format!("Cannot create the snapshot because one with the identifier {snapshot} exists.");
            return Err(Refusal::new("DBSnapshotAlreadyExists", message));
        }
        let ready = world.resource(Kind::DbInstance, id).is_some_and(|found| found.state == State::Ready);
        let message = || format!("Cannot take a final snapshot of {id} while it is {}", self.facts.status);
        if ready { Ok(()) } else { Err(Refusal::new("InvalidDBInstanceState", message())) }
    }

    fn delete(world: &mut World, id: &str, options: &DeleteOptions) {
        world.delete_database(id, options);
    }

    // Backups are restorable up to five minutes ago. What was asked for is shown as the adapter to AWS shows it.
    fn listed(&self, world: &World) -> Self {
        let mut shown = world.with_pending(self);
        shown.facts.latest_restorable = self.facts.latest_restorable.map(|first| {
            let seconds = world.now.as_second();
            let recent = jiff::Timestamp::from_second(seconds - seconds.rem_euclid(300) - 300);
            recent.map_or(first, |recent| recent.max(first))
        });
        shown
    }
}

// "Must be at least 30 minutes", and RDS refuses a whole day.
fn admit_window(window: Option<&str>) -> Result<(), Refusal> {
    let Some(window) = window else { return Ok(()) };
    match minutes_of(window) {
        Some(30..1440) => Ok(()),
        Some(_) => {
            Err(Refusal::new("InvalidParameterValue", "Maintenance window must be at least 30 minutes"))
        }
        None => {
            Err(Refusal::new("InvalidParameterValue", format!("Invalid maintenance window format: {window}")))
        }
    }
}

fn admit_reboot(body: &DbInstance, id: &str, failover: bool) -> Result<(), Refusal> {
    if failover && !body.multi_zone {
        let message = format!("Cannot reboot {id} with failover: it is not a Multi-AZ instance");
        return Err(Refusal::new("InvalidParameterCombination", message));
    }
    Ok(())
}

fn admit_promotion(body: &DbInstance, id: &str) -> Result<(), Refusal> {
    if body.is_replica() {
        return Ok(());
    }
    Err(Refusal::new("InvalidDBInstanceState", format!("DB Instance {id} is not a read replica.")))
}

// "When the storage is full, the only change that RDS makes is to grow it."
fn admit_full(body: &DbInstance, id: &str, modification: &Modification) -> Result<(), Refusal> {
    let others = Modification { storage_gib: None, max_storage_gib: None, ..modification.clone() };
    if body.facts.status == "storage-full" && others != Modification::default() {
        let message = format!("{id} is in the state storage-full: grow its storage first");
        return Err(Refusal::new("InvalidDBInstanceState", message));
    }
    Ok(())
}

fn admit_room(body: &DbInstance, world: &World) -> Result<(), Refusal> {
    let room = |zone: &str| world.config.faults.has_room(zone, &body.class, world.now);
    let found = match &body.zone {
        Some(zone) => room(zone),
        None => world.zones().iter().any(|zone| room(&zone.name)),
    };
    let message = || format!("{} is not available in the zones asked for at the moment", body.class);
    if found { Ok(()) } else { Err(Refusal::new("InsufficientDBInstanceCapacity", message())) }
}

fn admit_primary(body: &DbInstance, world: &World) -> Result<(), Refusal> {
    let group = world.require::<DbSubnetGroup>(&body.subnet_group)?;
    if group.subnets.is_empty() {
        return Err(Refusal::new(
            "DBSubnetGroupDoesNotCoverEnoughAZs",
            "The DB subnet group has no subnets.",
        ));
    }
    let Some(secret) = &body.secret else {
        return Err(Refusal::new(
            "InvalidParameterCombination",
            "The parameter MasterUserPassword must be provided",
        ));
    };
    world.require::<Secret>(secret)?;
    if body.storage_gib < 20 {
        return Err(Refusal::new(
            "InvalidParameterValue",
            "Invalid storage size for engine: at least 20 GiB",
        ));
    }
    Ok(())
}

// "The source DB instance must have backup retention enabled", and be available.
fn admit_replica(world: &World, source: &Reference) -> Result<(), Refusal> {
    let body = world.require::<DbInstance>(source)?;
    let id = source.resolved();
    let ready = world.resource(Kind::DbInstance, id).is_some_and(|found| found.state == State::Ready);
    if !ready || body.facts.status == "storage-full" {
        let message = format!("Source instance {id} is not available: {}", body.facts.status);
        return Err(Refusal::new("InvalidDBInstanceState", message));
    }
    if body.backup_retention_days == 0 {
        let message = format!("Automated backups are not enabled for {id}.");
        return Err(Refusal::new("InvalidDBInstanceState", message));
    }
    if body.facts.replicas.len() >= MAX_REPLICAS {
        let message = format!("{id} has {MAX_REPLICAS} read replicas already");
        return Err(Refusal::new("InstanceQuotaExceeded", message));
    }
    Ok(())
}

// A replica has its source's engine, data and network; its own backups are off until they are switched on.
fn replica_of(source: &DbInstance, body: DbInstance) -> DbInstance {
    DbInstance {
        engine: source.engine.clone(),
        version: source.version.clone(),
        storage_gib: source.storage_gib.max(body.storage_gib),
        encrypted: source.encrypted,
        username: source.username.clone(),
        subnet_group: source.subnet_group.clone(),
        backup_retention_days: 0,
        ..body
    }
}

/// The minor version that AWS chooses where only a major one is asked for.
pub(crate) fn full_version(engine: &str, version: &str) -> String {
    let minor = if engine == "mariadb" { "10" } else { "40" };
    match version.split('.').count() {
        1 => format!("{version}.0.{minor}"),
        2 => format!("{version}.{minor}"),
        _ => version.to_owned(),
    }
}

fn admit_references(world: &World, modification: &Modification) -> Result<(), Refusal> {
    if let Some(group) = &modification.parameter_group {
        world.require::<DbParameterGroup>(group)?;
    }
    let mut groups = modification.security_groups.iter().flatten();
    groups.try_for_each(|group| world.require::<SecurityGroup>(group).map(drop))
}

// A volume only grows, and not again before the last growth is digested.
fn admit_storage(
    body: &DbInstance,
    world: &World,
    id: &str,
    modification: &Modification,
) -> Result<(), Refusal> {
    let combination = |message: String| Err(Refusal::new("InvalidParameterCombination", message));
    let grows = modification.storage_gib.is_some_and(|wanted| wanted != body.storage_gib);
    if !grows && modification.storage_type.is_none() {
        return Ok(());
    }
    if modification.storage_gib.is_some_and(|wanted| wanted < body.storage_gib) {
        return combination("Invalid storage size: a volume cannot shrink".to_owned());
    }
    if world.is_storage_cooling(id) {
        return combination(format!(
            "You can't currently modify the storage of {id} because the previous storage change is being optimized."
        ));
    }
    Ok(())
}

fn admit_backups(body: &DbInstance, id: &str, modification: &Modification) -> Result<(), Refusal> {
    if modification.backup_retention_days == Some(0) && !body.facts.replicas.is_empty() {
        let message = format!("{id} is a source of read replicas: backups cannot be switched off");
        return Err(Refusal::new("InvalidDBInstanceState", message));
    }
    Ok(())
}
