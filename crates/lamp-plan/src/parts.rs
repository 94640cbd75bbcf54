//! Names of the parts of a stack, one function each. Nothing else spells them.

use lamp_cloud::{Kind, Part};

/// The layers of subnets, in the order of their address ranges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Load balancers and NAT gateways.
    Public,
    /// Instances.
    Application,
    /// Databases.
    Data,
}

impl Layer {
    pub const ALL: [Self; 3] = [Self::Public, Self::Application, Self::Data];

    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Application => "application",
            Self::Data => "data",
        }
    }
}

/// The kind of what a part is, by its name; `None`: no part is called so.
pub fn kind(part: &Part) -> Option<Kind> {
    Some(match part.as_str().split('/').next()? {
        "vpc" => Kind::Vpc,
        "internet-gateway" => Kind::InternetGateway,
        "subnet" => Kind::Subnet,
        "elastic-ip" => Kind::ElasticIp,
        "nat-gateway" => Kind::NatGateway,
        "route-table" => Kind::RouteTable,
        "security-group" => Kind::SecurityGroup,
        "load-balancer" => Kind::LoadBalancer,
        "target-group" => Kind::TargetGroup,
        "listener" => Kind::Listener,
        "launch-template" => Kind::LaunchTemplate,
        "auto-scaling-group" => Kind::AutoScalingGroup,
        "db-subnet-group" => Kind::DbSubnetGroup,
        "db-parameter-group" => Kind::DbParameterGroup,
        "database" | "replica" | "former-database" => Kind::DbInstance,
        "secret" => Kind::Secret,
        _ => return None,
    })
}

pub fn vpc() -> Part {
    Part::new("vpc")
}

pub fn internet_gateway() -> Part {
    Part::new("internet-gateway")
}

/// What the names of all subnets of a layer begin with.
pub(crate) fn subnets(layer: Layer) -> String {
    format!("subnet/{}/", layer.name())
}

/// The subnet of a layer in the zone with this number, from 1.
pub fn subnet(layer: Layer, zone: usize) -> Part {
    Part::new(format!("{}{zone}", subnets(layer)))
}

pub fn elastic_ip(zone: usize) -> Part {
    Part::new(format!("elastic-ip/{zone}"))
}

pub fn nat_gateway(zone: usize) -> Part {
    Part::new(format!("nat-gateway/{zone}"))
}

pub fn public_route_table() -> Part {
    Part::new("route-table/public")
}

/// The table of the application subnet in one zone.
pub fn application_route_table(zone: usize) -> Part {
    Part::new(format!("route-table/application/{zone}"))
}

pub fn data_route_table() -> Part {
    Part::new("route-table/data")
}

/// The group of a tier's instances.
pub fn tier_security_group(tier: &str) -> Part {
    Part::new(format!("security-group/{tier}"))
}

/// The group of a tier's load balancer. No tier name holds a `/`, so it is never another tier's.
pub fn load_balancer_security_group(tier: &str) -> Part {
    Part::new(format!("security-group/{tier}/load-balancer"))
}

/// The group of the database; no tier has this name.
pub fn database_security_group() -> Part {
    Part::new(DATABASE_SECURITY_GROUP)
}

const DATABASE_SECURITY_GROUP: &str = "security-group/database";

/// The group of the database after so many promotions: each has another one, so that the primary before it can be shut
/// off. No load balancer has a number for a name.
pub fn database_security_group_after(promotions: u32) -> Part {
    match promotions {
        0 => database_security_group(),
        more => Part::new(format!("{DATABASE_SECURITY_GROUP}/{more}")),
    }
}

/// After how many promotions a part is the group of the database, if it is one.
pub fn promotions_before(part: &Part) -> Option<u32> {
    match part.as_str().strip_prefix(DATABASE_SECURITY_GROUP)? {
        "" => Some(0),
        rest => rest.strip_prefix('/')?.parse().ok(),
    }
}

pub fn load_balancer(tier: &str) -> Part {
    Part::new(format!("load-balancer/{tier}"))
}

pub fn target_group(tier: &str) -> Part {
    Part::new(format!("target-group/{tier}"))
}

pub fn listener(tier: &str, port: u16) -> Part {
    Part::new(format!("listener/{tier}/{port}"))
}

pub fn launch_template(tier: &str) -> Part {
    Part::new(format!("launch-template/{tier}"))
}

pub fn auto_scaling_group(tier: &str) -> Part {
    Part::new(format!("auto-scaling-group/{tier}"))
}

pub fn db_subnet_group() -> Part {
    Part::new("db-subnet-group")
}

/// One for each family, as a family cannot be changed: `mysql8.0` becomes `db-parameter-group/mysql8-0`.
pub fn db_parameter_group(family: &str) -> Part {
    Part::new(format!("db-parameter-group/{}", family.replace('.', "-")))
}

pub fn database_secret() -> Part {
    Part::new("secret/database")
}

/// The primary.
pub fn database() -> Part {
    Part::new("database")
}

const FORMER: &str = "former-database/";

/// The primary in whose place the promotion with this number put another one, from 1.
pub fn former_database(promotion: u32) -> Part {
    Part::new(format!("{FORMER}{promotion}"))
}

/// The number of the promotion that a former primary made room for, if the part is one.
pub fn former_number(part: &Part) -> Option<u32> {
    part.as_str().strip_prefix(FORMER)?.parse().ok()
}

const REPLICA: &str = "replica/";

/// The read replica in one slot of the pool, from 1.
pub fn replica(slot: u32) -> Part {
    Part::new(format!("{REPLICA}{slot}"))
}

/// The slot of a read replica, if the part is one.
pub fn replica_slot(part: &Part) -> Option<u32> {
    part.as_str().strip_prefix(REPLICA)?.parse().ok()
}
