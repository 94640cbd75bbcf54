//! The data subnets, as RDS wants them.

use lamp_cloud::kinds::db_subnet_group::DbSubnetGroup;

use super::{to, zones};
use crate::parts::Layer;
use crate::{PlanInput, Wanted, parts};

pub(crate) fn wanted(input: &PlanInput<'_>) -> Wanted {
    let subnets = zones(input).map(|zone| to(&parts::subnet(Layer::Data, zone))).collect();
    Wanted::new(parts::db_subnet_group(), DbSubnetGroup { subnets })
}
