//! The kinds of resources that are declared: one module each, of the same name as in `lamp-cloud`. Each lists,
//! creates, changes and deletes its kind, one AWS call a time.

pub(crate) mod auto_scaling_group;
pub(crate) mod db_instance;
pub(crate) mod db_parameter_group;
pub(crate) mod db_subnet_group;
pub(crate) mod elastic_ip;
pub(crate) mod internet_gateway;
pub(crate) mod launch_template;
pub(crate) mod listener;
pub(crate) mod load_balancer;
pub(crate) mod nat_gateway;
pub(crate) mod rds;
pub(crate) mod route_table;
pub(crate) mod secret;
pub(crate) mod security_group;
pub(crate) mod subnet;
pub(crate) mod target_group;
pub(crate) mod vpc;

use lamp_cloud::Tags;

/// What goes with every creation, beside the body.
pub(crate) struct Creation<'a> {
    pub(crate) name: &'a str,
    pub(crate) tags: &'a Tags,
    pub(crate) token: &'a str,
}

/// A description for calls that demand one.
fn description(creation: &Creation<'_>) -> String {
    let name = creation.tags.get(lamp_cloud::tag::NAME).map_or(creation.name, String::as_str);
    format!("{name}, kept by Lamplighter")
}
