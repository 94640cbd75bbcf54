//! A tier: a group of equal instances behind an optional load balancer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Scaling;

/// A group of equal instances: Apache, PHP, or whatever else listens on one port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tier {
    /// Name of the tier, unique in the stack: a DNS label of at most 20 characters.
    pub name: String,

    /// What this tier calls: names of other tiers, or `database`. Security groups, and what healing knows of
    /// dependencies, come from these edges. Default: nothing.
    #[serde(default)]
    pub uses: Vec<String>,

    /// The machine image that instances start from.
    #[serde(default)]
    pub image: Image,

    /// Instance types in order of preference; AWS takes the next one when it has no capacity for the first.
    /// Default `[t3.small]`: the smallest that runs Apache and PHP comfortably.
    #[serde(default = "default_instance_types")]
    pub instance_types: Vec<String>,

    /// Name or ARN of the IAM instance profile. Default: none, as an instance needs no rights to serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance_profile: Option<String>,

    /// TCP port on which instances serve HTTP/1.1. Default 80: what Apache listens on.
    #[serde(default = "default_port")]
    pub port: u16,

    /// How many instances.
    #[serde(default)]
    pub capacity: Capacity,

    /// The load balancer in front of the tier. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<LoadBalancer>,

    /// How the number of instances follows the load. Default: it does not.
    #[serde(default)]
    pub scaling: Scaling,

    /// The policy of EC2 Auto Scaling that stands in while Lamplighter is away: `ScaleOut` or `None`. Default `ScaleOut`:
    /// a tier that follows its CPU, requests or network can then grow without us; it never shrinks without us.
    #[serde(default)]
    pub safety_policy: SafetyPolicy,

    /// How many connections to the database each instance opens at most. Default: not known, and so no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database_connections: Option<DatabaseConnections>,

    /// How failed instances are replaced.
    #[serde(default)]
    pub healing: Healing,

    /// How a new version of what instances are launched from is brought to them.
    #[serde(default)]
    pub rollout: Rollout,

    /// The encrypted root volume of each instance.
    #[serde(default)]
    pub root_volume: RootVolume,

    /// cloud-config or a script that runs at first boot. Endpoints of what the tier uses are put in
    /// `/etc/lamplighter/environment` before it runs. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_data: Option<String>,
}

/// The public SSM parameter that names the newest Amazon Linux 2023 image.
pub const AMAZON_LINUX_2023: &str = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";

fn default_instance_types() -> Vec<String> {
    vec!["t3.small".to_owned()]
}

fn default_port() -> u16 {
    80
}

/// A machine image: exactly one of the two fields.
// Whoever applies one field must not meet the default of the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct Image {
    /// An SSM parameter that names the image; AWS resolves it at each launch.
    /// Default for a tier without `image`: the newest Amazon Linux 2023, as it is patched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ssm_parameter: Option<String>,

    /// A fixed image, `ami-…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl Default for Image {
    fn default() -> Self {
        Self { ssm_parameter: Some(AMAZON_LINUX_2023.to_owned()), id: None }
    }
}

/// What stands in for Lamplighter's scaling while it is away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SafetyPolicy {
    /// A target tracking policy of EC2 Auto Scaling that only adds instances, later than Lamplighter would.
    #[default]
    ScaleOut,
    /// Nothing: capacity stays as it is.
    None,
}

/// Connections that one instance opens at most: the size of its pool, or the number of its PHP workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseConnections {
    /// To the primary, 0 to 10000. Default 0.
    #[serde(default)]
    pub primary: u32,

    /// To all read replicas together, among which they are spread evenly, 0 to 10000. Without a replica that serves they
    /// go to the primary. Default 0.
    #[serde(default)]
    pub replicas: u32,
}

/// Bounds of the number of instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Capacity {
    /// Never fewer instances than this. Default 2: one may fail.
    #[serde(default = "default_min")]
    pub min: u32,

    /// Never more instances than this, at most 1000. Default 4: room to grow, and a limit on the bill.
    #[serde(default = "default_max")]
    pub max: u32,

    /// The number of instances where no scaling policy decides it. Default: `min`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<u32>,
}

fn default_min() -> u32 {
    2
}

fn default_max() -> u32 {
    4
}

impl Default for Capacity {
    fn default() -> Self {
        Self { min: default_min(), max: default_max(), desired: None }
    }
}

/// An Application Load Balancer: HTTP/2 and HTTP/1.1 at the front, HTTP/1.1 to the instances.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LoadBalancer {
    /// `Internet` or `Internal`. Default `Internal`: nothing is exposed unless asked.
    #[serde(default)]
    pub scheme: Scheme,

    /// ARN of an ACM certificate: an HTTPS listener on 443 with HTTP/2, and HTTP redirected to it.
    /// Default: none, plain HTTP on port 80.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_arn: Option<String>,

    /// How the load balancer finds out whether an instance serves.
    #[serde(default)]
    pub health_check: HealthCheck,

    /// Keeps a visitor on one instance. Default: none, so that load spreads evenly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stickiness: Option<Stickiness>,

    /// How long an instance that leaves may finish its requests, 0 to 3600.
    /// Default 60: longer than any page should take, shorter than AWS's 300 that makes every change slow.
    #[serde(default = "default_deregistration_delay")]
    pub deregistration_delay_seconds: u32,

    /// How long an idle connection is kept, 1 to 4000. Default 60: AWS's own.
    #[serde(default = "default_idle_timeout")]
    pub idle_timeout_seconds: u32,

    /// Whether AWS refuses to delete the load balancer; lifted when the stack is deleted.
    /// Default true: the name that visitors know hangs on it.
    #[serde(default = "yes")]
    pub deletion_protection: bool,
}

fn default_deregistration_delay() -> u32 {
    60
}

fn default_idle_timeout() -> u32 {
    60
}

fn yes() -> bool {
    true
}

/// Who can reach a load balancer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Scheme {
    /// Everybody.
    Internet,
    /// Only the tiers that use it.
    #[default]
    Internal,
}

/// The load balancer's health check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    /// Path that answers 2xx or 3xx when the instance can serve. Default `/`.
    #[serde(default = "default_path")]
    pub path: String,

    /// Time between two checks, 5 to 300. Default 15: a dead instance leaves after 45 seconds.
    #[serde(default = "default_interval")]
    pub interval_seconds: u32,

    /// How long an answer may take, 2 to 120 and less than the interval. Default 5.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u32,

    /// Successes in a row until an instance is healthy, 2 to 10. Default 3.
    #[serde(default = "default_threshold")]
    pub healthy_threshold: u32,

    /// Failures in a row until an instance is unhealthy, 2 to 10. Default 3: one slow answer is no failure.
    #[serde(default = "default_threshold")]
    pub unhealthy_threshold: u32,
}

fn default_path() -> String {
    "/".to_owned()
}

fn default_interval() -> u32 {
    15
}

fn default_timeout() -> u32 {
    5
}

fn default_threshold() -> u32 {
    3
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            path: default_path(),
            interval_seconds: default_interval(),
            timeout_seconds: default_timeout(),
            healthy_threshold: default_threshold(),
            unhealthy_threshold: default_threshold(),
        }
    }
}

/// Sticky sessions by the load balancer's own cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stickiness {
    /// How long the cookie lasts, 1 to 604800 (seven days). Default 3600: a visit.
    #[serde(default = "default_cookie_seconds")]
    pub cookie_seconds: u32,
}

fn default_cookie_seconds() -> u32 {
    3600
}

/// How failed instances are replaced. Every limit protects the site from its own healer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Healing {
    /// Whether instances are replaced at all. Default true.
    #[serde(default = "yes")]
    pub enabled: bool,

    /// After its launch an instance is not judged for this long. Default 300: the time a slow boot takes.
    #[serde(default = "default_grace")]
    pub grace_period_seconds: u32,

    /// How long a new instance may take until it is ready for the first time, 60 to 7200, and no less than the grace
    /// period. Until then it is not sick, but starting; after it, its start has failed. Default 600, as in Cluster API.
    #[serde(default = "default_startup")]
    pub startup_timeout_seconds: u32,

    /// How long an instance must look sick in every observation, 90 to 3600, unless two sources agree: EC2 and the load
    /// balancer. Default 90: three observations and more.
    #[serde(default = "default_sick_for")]
    pub unhealthy_for_seconds: u32,

    /// If this share of a tier looks sick at once, rounded up and at least two, nothing is replaced: then the cause lies
    /// elsewhere. It ends when less than half of the share has looked sick for five minutes, 1 to 100.
    /// Default 20, as in Karpenter.
    #[serde(default = "default_max_unhealthy")]
    pub max_unhealthy_percent: u32,

    /// The same for the instances of one zone, at least two: then nothing is replaced in that zone until it has been
    /// well for 15 minutes, 1 to 100. Default 40: a zone has fewer instances than a tier.
    #[serde(default = "default_max_unhealthy_in_zone")]
    pub max_unhealthy_in_zone_percent: u32,

    /// Replacements that may be under way at once, as a share of the tier, at least one; not more than
    /// `maxUnhealthyPercent`. Default 10: visitors do not notice.
    #[serde(default = "default_max_in_flight")]
    pub max_in_flight_percent: u32,

    /// Replacements in any hour, 1 to 100; beyond it a person must look. Default 3: a fourth would die of the same cause.
    #[serde(default = "default_per_hour")]
    pub max_replacements_per_hour: u32,

    /// The same as a share of the tier, 1 to 100: in a large tier, where it is more than `maxReplacementsPerHour`, it
    /// counts. Default 20: what loses more in an hour has one cause.
    #[serde(default = "default_per_hour_percent")]
    pub max_replacements_per_hour_percent: u32,

    /// Replacements of which each follows one that failed within an hour, 1 to 10; each waits longer than the one
    /// before, and after so many a person must look. Default 3: a fourth would fail alike.
    #[serde(default = "default_in_a_row")]
    pub max_replacements_in_a_row: u32,
}

fn default_grace() -> u32 {
    300
}

fn default_sick_for() -> u32 {
    90
}

fn default_startup() -> u32 {
    600
}

fn default_max_unhealthy() -> u32 {
    20
}

fn default_max_unhealthy_in_zone() -> u32 {
    40
}

fn default_max_in_flight() -> u32 {
    10
}

fn default_per_hour_percent() -> u32 {
    20
}

fn default_in_a_row() -> u32 {
    3
}

fn default_per_hour() -> u32 {
    3
}

impl Default for Healing {
    fn default() -> Self {
        Self {
            enabled: true,
            grace_period_seconds: default_grace(),
            startup_timeout_seconds: default_startup(),
            unhealthy_for_seconds: default_sick_for(),
            max_unhealthy_percent: default_max_unhealthy(),
            max_unhealthy_in_zone_percent: default_max_unhealthy_in_zone(),
            max_in_flight_percent: default_max_in_flight(),
            max_replacements_per_hour: default_per_hour(),
            max_replacements_per_hour_percent: default_per_hour_percent(),
            max_replacements_in_a_row: default_in_a_row(),
        }
    }
}

/// How instances are replaced by those of a new version: one at a time, new before old, and back if it does not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollout {
    /// How long new instances must have been ready before the next one is replaced, and before a version counts as
    /// good, 0 to 3600. Default 120: one that fails under its first visitors fails its health checks well before.
    #[serde(default = "default_bake")]
    pub bake_seconds: u32,
}

fn default_bake() -> u32 {
    120
}

impl Default for Rollout {
    fn default() -> Self {
        Self { bake_seconds: default_bake() }
    }
}

/// The root volume of each instance: gp3, always encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RootVolume {
    /// Size in GiB, 8 to 1024. Default 20: the system, the site, and logs of a few days.
    #[serde(default = "default_root_gib")]
    pub gib: u32,
}

fn default_root_gib() -> u32 {
    20
}

impl Default for RootVolume {
    fn default() -> Self {
        Self { gib: default_root_gib() }
    }
}
