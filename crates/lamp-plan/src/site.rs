//! The edges of a site: which tier calls which, and where.

use lamp_api::v1alpha1::{LampStackSpec, LoadBalancer, Tier};

/// What `uses` calls the database.
pub(crate) const DATABASE: &str = "database";

/// The port of MySQL and MariaDB.
pub(crate) const DATABASE_PORT: u16 = 3306;

/// The tiers that a tier calls.
pub(crate) fn used_tiers<'a>(spec: &'a LampStackSpec, tier: &'a Tier) -> impl Iterator<Item = &'a Tier> {
    spec.tiers.iter().filter(|other| tier.uses.contains(&other.name))
}

/// The tiers that call `name`, a tier or the database.
pub(crate) fn users<'a>(spec: &'a LampStackSpec, name: &'a str) -> impl Iterator<Item = &'a Tier> {
    spec.tiers.iter().filter(move |tier| tier.uses.iter().any(|used| used == name))
}

pub(crate) fn uses_database(spec: &LampStackSpec, tier: &Tier) -> bool {
    spec.database.is_some() && tier.uses.iter().any(|used| used == DATABASE)
}

/// The port on which other tiers call a load balancer.
pub(crate) fn inner_port(balancer: &LoadBalancer) -> u16 {
    if balancer.certificate_arn.is_some() { 443 } else { 80 }
}

/// The scheme in which other tiers call a load balancer.
pub(crate) fn url_scheme(balancer: &LoadBalancer) -> &'static str {
    if balancer.certificate_arn.is_some() { "https" } else { "http" }
}
