//! What the spec wants of each kind of resource: one module per kind, of the same name as in the port.
//!
//! A module turns the spec into bodies whose references name parts. It must not decide what is done about them: that
//! is the protocol's.

pub mod auto_scaling_group;
pub mod db_instance;
pub mod db_parameter_group;
pub mod db_subnet_group;
pub mod elastic_ip;
pub mod internet_gateway;
pub mod launch_template;
pub mod listener;
pub mod load_balancer;
pub mod nat_gateway;
pub mod route_table;
pub mod secret;
pub mod security_group;
pub mod subnet;
pub mod target_group;
pub mod vpc;

use lamp_cloud::kinds::launch_template as template;
use lamp_cloud::{Body, Change, Reference, Resource};

use crate::PlanInput;
use lamp_cloud::Part;

/// What is wanted, given what others own: AWS may have grown a volume or upgraded a minor version, and what was taken
/// over stays as its maker called it.
pub(crate) fn yield_to_owners(desired: Body, observed: &Resource) -> Body {
    match (desired, &observed.body) {
        (Body::DbInstance(desired), Body::DbInstance(observed)) => {
            Body::DbInstance(db_instance::yield_to_aws(desired, observed))
        }
        (Body::LaunchTemplate(desired), Body::LaunchTemplate(template)) if !observed.is_of_our_making() => {
            Body::LaunchTemplate(launch_template::yield_to_maker(desired, template))
        }
        (Body::LaunchTemplate(desired), Body::LaunchTemplate(template)) => {
            Body::LaunchTemplate(launch_template::keep_uid(desired, template))
        }
        (desired, _) => desired,
    }
}

/// What is wanted without the fields whose change needs a consent that nobody gave.
pub(crate) fn without_disruption(desired: Body, observed: &Body) -> Body {
    match (desired, observed) {
        (Body::DbInstance(desired), Body::DbInstance(observed)) => {
            Body::DbInstance(db_instance::without_disruption(desired, observed))
        }
        (desired, _) => desired,
    }
}

/// What a change leaves to be done, for people.
pub(crate) fn consequence(input: &PlanInput<'_>, change: &Change) -> Option<&'static str> {
    let stands = db_instance::observed_primary(input).is_some();
    (stands && matches!(change, Change::DbParameterGroup(_))).then_some(
        "what of it is static takes effect with a restart of each instance, which is a step of its own",
    )
}

/// Whether a change would bring into use what somebody else made: a version of a launch template.
pub(crate) fn promotes_anothers(change: &Change, observed: &Body) -> bool {
    let promotes = matches!(change, Change::LaunchTemplate(template::Change::DefaultVersion(_)));
    promotes && matches!(observed, Body::LaunchTemplate(template) if template.is_anothers())
}

/// A reference to a part.
fn to(part: &Part) -> Reference {
    Reference::Part(part.clone())
}

/// Numbers of the zones that the stack spans, from 1.
pub(crate) fn zones(input: &PlanInput<'_>) -> std::ops::RangeInclusive<usize> {
    1..=input.spec.network.zones.count()
}
