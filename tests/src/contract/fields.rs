//! Every field of every kind: compared with what was asked for, and seen to change.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use lamp_cloud::{Body, Kind};
use serde_json::Value;

/// Fields that hold fields.
const NESTED: &[&str] = &["attributes", "data", "facts", "health_check"];

/// Fields that only the region knows, or that the creation takes and nothing shows again.
const UNASKED: &[(Kind, &str)] = &[
    (Kind::ElasticIp, "association"),
    (Kind::RouteTable, "associations"),
    (Kind::LoadBalancer, "dns_name"),
    (Kind::TargetGroup, "load_balancers"),
    (Kind::LaunchTemplate, "latest_version"),
    (Kind::LaunchTemplate, "default_version"),
    (Kind::AutoScalingGroup, "members"),
    (Kind::AutoScalingGroup, "foreign_policies"),
    // To show the user name, AWS would have to show the password beside it.
    (Kind::Secret, "username"),
    (Kind::DbInstance, "secret"),
    (Kind::DbInstance, "facts"),
    // AWS chooses the zone of a primary; that of a replica is asked for where it is made.
    (Kind::DbInstance, "zone"),
];

/// Fields in which all resources of the story are alike, because nothing can change them.
const ALIKE: &[(Kind, &str)] = &[
    (Kind::Vpc, "cidr"),
    (Kind::Subnet, "vpc"),
    (Kind::RouteTable, "vpc"),
    (Kind::SecurityGroup, "vpc"),
    (Kind::TargetGroup, "vpc"),
    (Kind::Listener, "load_balancer"),
    (Kind::DbParameterGroup, "family"),
    (Kind::DbInstance, "engine"),
    (Kind::DbInstance, "encrypted"),
    (Kind::DbInstance, "username"),
    (Kind::DbInstance, "subnet_group"),
    (Kind::DbInstance, "secret"),
    (Kind::Secret, "username"),
];

/// Fields of a body by name, in an order that has no meaning where AWS gives it none.
fn fields(body: &Body) -> Result<BTreeMap<String, Value>> {
    let mut fields = BTreeMap::new();
    let Value::Object(all) = serde_json::to_value(body).context("a body")? else { return Ok(fields) };
    for (name, value) in all.into_iter().filter(|(name, _)| name != "kind") {
        match value {
            Value::Object(inner) if NESTED.contains(&name.as_str()) => {
                fields.extend(
                    inner.into_iter().map(|(inner, value)| (format!("{name}.{inner}"), unordered(value))),
                );
            }
            other => drop(fields.insert(name, unordered(other))),
        }
    }
    Ok(fields)
}

fn unordered(value: Value) -> Value {
    let Value::Array(mut items) = value else { return value };
    items.sort_by_key(ToString::to_string);
    Value::Array(items)
}

fn stands_in(table: &[(Kind, &str)], kind: Kind, field: &str) -> bool {
    let outer = field.split('.').next().unwrap_or_default();
    table.iter().any(|(of, name)| *of == kind && (*name == field || *name == outer))
}

/// Fields in which `seen` is not as `wanted`.
///
/// # Errors
/// When a body cannot be read.
pub(super) fn differing(wanted: &Body, seen: &Body) -> Result<Vec<String>> {
    let (kind, wanted, seen) = (wanted.kind(), fields(wanted)?, fields(seen)?);
    let unlike = |(name, value): (&String, &Value)| {
        let found = seen.get(name).unwrap_or(&Value::Null);
        (!stands_in(UNASKED, kind, name) && found != value).then(|| format!("{name}: {found}, not {value}"))
    };
    Ok(wanted.iter().filter_map(unlike).collect())
}

/// The values that each field was seen with.
#[derive(Debug, Default)]
pub(super) struct Values {
    seen: BTreeMap<(Kind, String), BTreeSet<String>>,
}

impl Values {
    pub(super) fn see(&mut self, body: &Body) -> Result<()> {
        for (name, value) in fields(body)? {
            self.seen.entry((body.kind(), name)).or_default().insert(value.to_string());
        }
        Ok(())
    }

    /// Whether each field was the same all along, or changed; fields that cannot change are left out.
    ///
    /// # Errors
    /// Fields that are listed as such and changed all the same.
    pub(super) fn changed(&self) -> Result<Vec<(String, bool)>> {
        let mut changed = Vec::new();
        for ((kind, field), values) in &self.seen {
            let (name, many) = (format!("{}.{field}", kind.name()), values.len() > 1);
            if stands_in(ALIKE, *kind, field) {
                ensure!(!many, "{name} is listed as always the same, and changed");
            } else {
                changed.push((name, many));
            }
        }
        Ok(changed)
    }
}
