//! The database of a site, and its read replicas.

mod connection_limit;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Maintenance, Scaling};

/// An encrypted RDS instance with read replicas. Its master password lives in AWS Secrets Manager and nowhere else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Database {
    /// `mysql` or `mariadb`. Default `mysql`. Immutable: another engine is another database.
    #[serde(default)]
    pub engine: Engine,

    /// Engine version, a floor: `8.0` accepts every 8.0.x that AWS upgrades to. It never goes down.
    pub version: String,

    /// RDS instance class, for example `db.r6g.large`.
    pub instance_class: String,

    /// The encrypted volume.
    #[serde(default)]
    pub storage: Storage,

    /// Whether a standby in a second zone takes over by itself. Default true: a failover takes a minute, a restore hours.
    #[serde(default = "yes")]
    pub multi_zone: bool,

    /// Read replicas. Default: none.
    #[serde(default)]
    pub replicas: Replicas,

    /// How many connections each server bears, and what share of them the tiers may take.
    #[serde(default)]
    pub connections: Connections,

    /// Automated backups.
    #[serde(default)]
    pub backups: Backups,

    /// When changes that interrupt the database are made.
    #[serde(default)]
    pub maintenance: Maintenance,

    /// Whether a read replica takes the place of a primary that is lost: `Manual` or `Automatic`. Default `Manual`: writes
    /// that no replica has yet are lost by it, and that is a person's to decide.
    #[serde(default)]
    pub promotion: PromotionPolicy,

    /// Whether AWS refuses to delete the database; lifted only in a step of its own when the stack is deleted.
    /// Default true.
    #[serde(default = "yes")]
    pub deletion_protection: bool,

    /// Name of the master user, 1 to 16 letters and digits. Immutable. Default `lamplighter`.
    #[serde(default = "default_username")]
    pub username: String,

    /// Engine parameters, by name. `require_secure_transport` is always on. What is static takes effect with a restart.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

fn yes() -> bool {
    true
}

fn default_username() -> String {
    "lamplighter".to_owned()
}

/// A database engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    #[default]
    Mysql,
    Mariadb,
}

impl Engine {
    /// The name that RDS knows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mysql => "mysql",
            Self::Mariadb => "mariadb",
        }
    }
}

/// Who decides that a read replica takes the place of a primary that is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PromotionPolicy {
    /// A person, by `lampctl promote`.
    #[default]
    Manual,
    /// Lamplighter, once the loss is certain, at most once an hour.
    Automatic,
}

/// The volume of the database. It only ever grows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Storage {
    /// Size in GiB, 20 to 65536. It can grow, never shrink. Default 100.
    #[serde(default = "default_gib")]
    pub gib: u32,

    /// AWS grows the volume by itself up to this size. Default: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_gib: Option<u32>,

    /// Where less than this share of the volume is free, in per cent, or all of it is used, it is grown up to `maxGib`
    /// without waiting for AWS. 0: only AWS grows it. Default 10: the share at which AWS begins, a little later.
    #[serde(default = "default_free_percent")]
    pub grow_below_free_percent: u32,

    /// Volume type: `gp3` or `io2`. Default `gp3`.
    #[serde(default, rename = "type")]
    pub kind: StorageType,
}

fn default_free_percent() -> u32 {
    10
}

fn default_gib() -> u32 {
    100
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            gib: default_gib(),
            max_gib: None,
            grow_below_free_percent: default_free_percent(),
            kind: StorageType::default(),
        }
    }
}

/// Type of a database volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StorageType {
    #[default]
    Gp3,
    Io2,
}

impl StorageType {
    /// The name that RDS knows.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gp3 => "gp3",
            Self::Io2 => "io2",
        }
    }
}

/// The pool of read replicas.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Replicas {
    /// Never fewer replicas than this. Default 0.
    #[serde(default)]
    pub min: u32,

    /// Never more replicas than this, at most 15 (AWS's limit). Default: `min`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,

    /// RDS instance class of each replica. Default: the primary's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_class: Option<String>,

    /// A replica further behind than this does not count as ready. Default 30.
    #[serde(default = "default_max_lag")]
    pub max_lag_seconds: u32,

    /// How the number of replicas follows the load. Default: it does not.
    #[serde(default)]
    pub scaling: Scaling,
}

fn default_max_lag() -> u32 {
    30
}

impl Default for Replicas {
    fn default() -> Self {
        Self {
            min: 0,
            max: None,
            instance_class: None,
            max_lag_seconds: default_max_lag(),
            scaling: Scaling::default(),
        }
    }
}

impl Replicas {
    /// The upper bound in force.
    pub fn max(&self) -> u32 {
        self.max.unwrap_or(self.min)
    }
}

/// What bounds the tiers that say how many `databaseConnections` an instance opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Connections {
    /// Connections that the primary and each replica accept, 1 to 100000. Default: the parameter `max_connections` if it
    /// is a number, or else what RDS works out from the memory of the instance class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,

    /// The share of them that all tiers together may open, 10 to 100 per cent. Default 75: the rest is for people, for
    /// rollouts, and for the memory that RDS keeps for itself.
    #[serde(default = "default_share")]
    pub share_percent: u32,
}

fn default_share() -> u32 {
    75
}

impl Default for Connections {
    fn default() -> Self {
        Self { max: None, share_percent: default_share() }
    }
}

/// Automated backups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Backups {
    /// Days that backups are kept, 0 to 35; 0 turns them off, and read replicas need them.
    /// Default 7: a mistake made before a weekend is found after it.
    #[serde(default = "default_retention")]
    pub retention_days: u32,
}

fn default_retention() -> u32 {
    7
}

impl Default for Backups {
    fn default() -> Self {
        Self { retention_days: default_retention() }
    }
}
