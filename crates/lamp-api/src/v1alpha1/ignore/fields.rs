//! The fields that a rule may name, part by part. The planner knows the same from its kinds; a test there compares.

/// Parts whose names begin alike, and what of them is compared with the spec.
#[derive(Clone, Copy, Debug)]
pub struct PartFamily {
    /// First word of the names: `launch-template` of `launch-template/web`.
    pub word: &'static str,
    pub names: PartNames,
    /// The fields that may be left alone, as plans name them. What says whose something is (tags, ids) is not here.
    pub fields: &'static [&'static str],
}

/// How the names go on after the first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartNames {
    /// Not at all: there is one.
    One,
    /// With the name of a tier.
    Tier,
    /// With the name of a tier, or `database`.
    TierOrDatabase,
    /// With something else.
    Other,
}

const DATABASE: &[&str] = &[
    "engine",
    "version",
    "class",
    "storageGib",
    "maxStorageGib",
    "storageType",
    "encrypted",
    "multiZone",
    "username",
    "subnetGroup",
    "parameterGroup",
    "securityGroups",
    "backupRetentionDays",
    "deletionProtection",
    "maintenanceWindow",
    "parametersInEffect",
];

const LAUNCH_TEMPLATE: &[&str] = &[
    "image",
    "instanceType",
    "instanceProfile",
    "securityGroups",
    "userData",
    "rootVolumeGib",
    "imdsV2Required",
    "rootVolumeEncrypted",
    "detailedMonitoring",
];

const AUTO_SCALING_GROUP: &[&str] = &[
    "template",
    "templateVersion",
    "subnets",
    "targetGroups",
    "min",
    "max",
    "desired",
    "instanceTypes",
    "graceSeconds",
    "healthCheckType",
    "suspended",
    "policies",
];

use PartNames::{One, Other, Tier, TierOrDatabase};

const FAMILIES: &[PartFamily] = &[
    family_of("vpc", One, &["cidr", "dnsSupport", "dnsHostnames"]),
    family_of("internet-gateway", One, &["vpc"]),
    family_of("subnet", Other, &["vpc", "cidr", "zone", "publicAddresses"]),
    family_of("elastic-ip", Other, &[]),
    family_of("nat-gateway", Other, &["subnet", "address"]),
    family_of("route-table", Other, &["vpc", "routes", "subnets"]),
    family_of("security-group", TierOrDatabase, &["vpc", "ingress", "egress"]),
    family_of("load-balancer", Tier, &["internetFacing", "subnets", "securityGroups", "attributes"]),
    family_of("target-group", Tier, &["vpc", "port", "healthCheck", "attributes"]),
    family_of("listener", Tier, &["loadBalancer", "port", "certificate", "action"]),
    family_of("launch-template", Tier, LAUNCH_TEMPLATE),
    family_of("auto-scaling-group", Tier, AUTO_SCALING_GROUP),
    family_of("secret", Other, &[]),
    family_of("db-subnet-group", One, &["subnets"]),
    family_of("db-parameter-group", Other, &["family", "parameters"]),
    family_of("database", One, DATABASE),
    family_of("replica", Other, DATABASE),
];

const fn family_of(word: &'static str, names: PartNames, fields: &'static [&'static str]) -> PartFamily {
    PartFamily { word, names, fields }
}

/// Every family of parts.
pub fn part_families() -> &'static [PartFamily] {
    FAMILIES
}

/// The family of a part.
pub(super) fn family(part: &str) -> Option<&'static PartFamily> {
    let word = part.split('/').next()?;
    FAMILIES.iter().find(|family| family.word == word)
}
