//! An RDS instance: a primary, or a read replica of one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Declared, Kind, Repeat};
use crate::field::fields;
use crate::operation::changes;
use crate::{Difference, Reference, ResourceId, Service};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DbInstance {
    pub engine: String,
    /// Full version as observed (`8.0.39`); in what is desired, what to start with.
    pub version: String,
    pub class: String,
    pub storage_gib: u32,
    /// AWS grows the volume by itself up to this.
    pub max_storage_gib: Option<u32>,
    pub storage_type: String,
    pub encrypted: bool,
    pub multi_zone: bool,
    pub username: String,
    pub subnet_group: Reference,
    pub parameter_group: Reference,
    pub security_groups: Vec<Reference>,
    pub backup_retention_days: u32,
    pub deletion_protection: bool,
    /// The secret that holds the master password; only for the creation of a primary.
    #[serde(default)]
    pub secret: Option<Reference>,
    /// The primary that it replicates; `None` for a primary.
    pub source: Option<Reference>,
    /// The zone to put a replica in; `None` lets AWS choose.
    pub zone: Option<String>,
    /// The weekly window in which AWS itself may interrupt it, in UTC, as RDS writes it: `sun:03:00-sun:04:00`. `None` in
    /// what is wanted lets AWS choose.
    #[serde(default)]
    pub maintenance_window: Option<String>,
    /// Whether everything in its parameter group is in effect: what is static waits for a restart.
    #[serde(default = "in_effect")]
    pub parameters_in_effect: bool,
    #[serde(default)]
    pub facts: DbFacts,
}

fn in_effect() -> bool {
    true
}

/// What only AWS knows of a database instance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DbFacts {
    /// RDS's own word: `available`, `creating`, `modifying`, `storage-optimization`, …
    pub status: String,
    pub endpoint: Option<String>,
    pub arn: Option<String>,
    /// Identifiers of its read replicas.
    pub replicas: Vec<ResourceId>,
    /// Replication as RDS sees it, of a replica: `replicating`, `error`, `stopped`, `terminated`; `None` where RDS
    /// does not say.
    pub replication: Option<String>,
    /// RDS's names of values that were asked for and are not in force yet: `DBInstanceClass`. The body shows them as if
    /// they were.
    pub pending_changes: Vec<String>,
    /// Start of its latest restorable backup, as a sign that backups are on.
    pub latest_restorable: Option<Timestamp>,
}

/// Fields that one `ModifyDBInstance` sets at once; those left `None` stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modification {
    pub class: Option<String>,
    pub storage_gib: Option<u32>,
    pub max_storage_gib: Option<u32>,
    pub multi_zone: Option<bool>,
    pub parameter_group: Option<Reference>,
    pub security_groups: Option<Vec<Reference>>,
    pub backup_retention_days: Option<u32>,
    pub deletion_protection: Option<bool>,
    pub version: Option<String>,
    pub storage_type: Option<String>,
    #[serde(default)]
    pub maintenance_window: Option<String>,
}

impl Modification {
    /// Whether it interrupts the instance.
    pub fn is_disruptive(&self) -> bool {
        self.class.is_some() || self.version.is_some()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    Modify(Box<Modification>),
    /// Restarts the instance, which brings static parameters into effect.
    Reboot {
        /// Lets the standby take over, which only an instance in two zones has.
        failover: bool,
    },
    /// Makes a replica a database of its own, which can be written: it stops replicating for good. Its own backups begin.
    Promote {
        backup_retention_days: u32,
    },
}

impl Change {
    /// Whether it interrupts the instance.
    pub fn is_disruptive(&self) -> bool {
        match self {
            Self::Modify(modification) => modification.is_disruptive(),
            Self::Reboot { .. } => true,
            // Nobody is served by what it stops doing.
            Self::Promote { .. } => false,
        }
    }
}

fields!(DbInstance {
    engine: Never Spec,
    version: Disruptive Aws,
    class: Disruptive Spec,
    storage_gib: InPlace Aws,
    max_storage_gib: InPlace Spec,
    storage_type: InPlace Spec,
    encrypted: Never Spec,
    multi_zone: InPlace Spec,
    username: Never Spec,
    subnet_group: Never Spec,
    parameter_group: InPlace Spec,
    security_groups: InPlace Spec,
    backup_retention_days: InPlace Spec,
    deletion_protection: InPlace Spec,
    source: Never Spec,
    maintenance_window: InPlace Spec,
    parameters_in_effect: Disruptive Spec,
});

impl DbInstance {
    /// Whether it is a read replica.
    pub fn is_replica(&self) -> bool {
        self.source.is_some()
    }

    /// Whether a change that interrupts it was asked for, and is not made yet.
    pub fn awaits_disruption(&self) -> bool {
        self.facts.pending_changes.iter().any(|name| DISRUPTIVE.contains(&name.as_str()))
    }

    /// The restart that its parameters wait for.
    fn restart(&self) -> Change {
        let settled = !self.facts.pending_changes.iter().any(|name| name == "MultiAZ");
        Change::Reboot { failover: self.multi_zone && settled }
    }

    fn sorted(&self) -> Self {
        let mut sorted = self.clone();
        sorted.security_groups.sort();
        sorted
    }
}

/// RDS's names of values whose change interrupts the instance.
const DISRUPTIVE: [&str; 2] = ["DBInstanceClass", "EngineVersion"];

const CREATE_REPLICA: &str = "CreateDBInstanceReadReplica";

fn changed<T: PartialEq + Clone>(desired: &T, observed: &T) -> Option<T> {
    (desired != observed).then(|| desired.clone())
}

impl Declared for DbInstance {
    type Change = Change;
    const KIND: Kind = Kind::DbInstance;
    const SERVICE: Service = Service::Rds;
    const REPEAT: Repeat = Repeat::Safe;
    const CREATE: &'static str = "CreateDBInstance";
    const CREATES: &'static [&'static str] = &[Self::CREATE, CREATE_REPLICA];
    const DELETE: &'static str = "DeleteDBInstance";
    const FIELDS: &'static [&'static str] = FIELDS;

    fn needs(&self) -> Vec<&Reference> {
        [&self.subnet_group, &self.parameter_group]
            .into_iter()
            .chain(&self.security_groups)
            .chain(&self.secret)
            .chain(&self.source)
            .collect()
    }

    fn references_mut(&mut self) -> Vec<&mut Reference> {
        [&mut self.subnet_group, &mut self.parameter_group]
            .into_iter()
            .chain(&mut self.security_groups)
            .chain(&mut self.secret)
            .chain(&mut self.source)
            .collect()
    }

    fn differences(&self, observed: &Self) -> Vec<Difference> {
        differences(&self.sorted(), &observed.sorted())
    }

    fn leave(&mut self, observed: &Self, field: &str) {
        // The parameter group is of the version's family: the two change together.
        if field == "version" && self.version != observed.version {
            self.parameter_group.clone_from(&observed.parameter_group);
        }
        leave(self, observed, field);
    }

    fn changes(&self, observed: &Self) -> Vec<Change> {
        let resolved = self.needs().iter().all(|reference| reference.as_id().is_some());
        let (desired, observed) = (self.sorted(), observed.sorted());
        let modification = Modification {
            class: changed(&desired.class, &observed.class),
            storage_gib: (desired.storage_gib > observed.storage_gib).then_some(desired.storage_gib),
            max_storage_gib: changed(&desired.max_storage_gib, &observed.max_storage_gib).flatten(),
            multi_zone: changed(&desired.multi_zone, &observed.multi_zone),
            parameter_group: changed(&desired.parameter_group, &observed.parameter_group),
            security_groups: changed(&desired.security_groups, &observed.security_groups),
            backup_retention_days: changed(&desired.backup_retention_days, &observed.backup_retention_days),
            deletion_protection: changed(&desired.deletion_protection, &observed.deletion_protection),
            version: changed(&desired.version, &observed.version),
            storage_type: changed(&desired.storage_type, &observed.storage_type),
            maintenance_window: changed(&desired.maintenance_window, &observed.maintenance_window).flatten(),
        };
        let modify = (resolved && modification != Modification::default())
            .then(|| Change::Modify(Box::new(modification)));
        let waits = desired.parameters_in_effect && !observed.parameters_in_effect;
        modify.into_iter().chain(waits.then(|| observed.restart())).collect()
    }

    fn apply(&mut self, change: &Change) {
        let modification = match change {
            Change::Modify(modification) => modification,
            Change::Reboot { .. } => {
                self.parameters_in_effect = true;
                return;
            }
            Change::Promote { backup_retention_days } => {
                self.source = None;
                self.facts.replication = None;
                self.backup_retention_days = *backup_retention_days;
                return;
            }
        };
        // The parameters of another group wait for a restart, which a change that interrupts brings along.
        let restarts = modification.is_disruptive();
        let regrouped =
            modification.parameter_group.as_ref().is_some_and(|group| *group != self.parameter_group);
        self.parameters_in_effect = restarts || (self.parameters_in_effect && !regrouped);
        let Modification {
            class,
            storage_gib,
            max_storage_gib,
            multi_zone,
            parameter_group,
            security_groups,
            backup_retention_days,
            deletion_protection,
            version,
            storage_type,
            maintenance_window,
        } = modification.as_ref().clone();
        set(&mut self.class, class);
        set(&mut self.storage_gib, storage_gib);
        set(&mut self.max_storage_gib, max_storage_gib.map(Some));
        set(&mut self.multi_zone, multi_zone);
        set(&mut self.parameter_group, parameter_group);
        set(&mut self.security_groups, security_groups);
        set(&mut self.backup_retention_days, backup_retention_days);
        set(&mut self.deletion_protection, deletion_protection);
        set(&mut self.version, version);
        set(&mut self.storage_type, storage_type);
        set(&mut self.maintenance_window, maintenance_window.map(Some));
    }

    fn before_delete(&self) -> Vec<Change> {
        self.deletion_protection
            .then(|| {
                Change::Modify(Box::new(Modification {
                    deletion_protection: Some(false),
                    ..Modification::default()
                }))
            })
            .into_iter()
            .collect()
    }

    changes! {
        Change::Modify(_) => "ModifyDBInstance",
        Change::Reboot { .. } => "RebootDBInstance",
        Change::Promote { .. } => "PromoteReadReplica",
    }

    fn create_operation(&self) -> &'static str {
        if self.is_replica() { CREATE_REPLICA } else { Self::CREATE }
    }
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}
