//! Which parameters take effect at once. RDS refuses to apply a static one at once, and one that is applied with a restart
//! needs a restart even if it is dynamic: so RDS itself is asked, as each family and version has its own.

use std::collections::BTreeSet;

use aws_sdk_rds::types::{ApplyMethod, Parameter};

use super::PARAMETERS;
use crate::AwsCloud;
use crate::answer::Answer;
use crate::errors::failure;

/// Those of `names` that RDS calls dynamic. The group shows its whole family, some hundreds in pages.
pub(super) async fn dynamic<'a>(
    cloud: &AwsCloud,
    group: &str,
    names: &BTreeSet<&'a str>,
) -> Answer<BTreeSet<&'a str>> {
    let mut dynamic = BTreeSet::new();
    let mut unseen = names.clone();
    let mut page = None;
    loop {
        let call = cloud.reads.rds.describe_db_parameters().db_parameter_group_name(group);
        let call = call.max_records(100).set_marker(page);
        let answer = call.send().await.map_err(|error| failure(PARAMETERS, error))?;
        for row in answer.parameters() {
            let name = row.parameter_name().and_then(|name| unseen.take(name));
            dynamic.extend(name.filter(|_| row.apply_type() == Some("dynamic")));
        }
        page = answer.marker.filter(|marker| !marker.is_empty());
        if unseen.is_empty() || page.is_none() {
            return Ok(dynamic);
        }
    }
}

/// A parameter as it is set, or reset without a value. What RDS does not call dynamic waits for a restart.
pub(super) fn parameter(name: &str, value: Option<&String>, dynamic: &BTreeSet<&str>) -> Parameter {
    let method = if dynamic.contains(name) { ApplyMethod::Immediate } else { ApplyMethod::PendingReboot };
    Parameter::builder().parameter_name(name).set_parameter_value(value.cloned()).apply_method(method).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dynamic_parameters_are_applied_at_once() {
        let dynamic = BTreeSet::from(["require_secure_transport"]);
        let method = |name| parameter(name, None, &dynamic).apply_method;
        assert_eq!(method("require_secure_transport"), Some(ApplyMethod::Immediate));
        assert_eq!(method("innodb_log_file_size"), Some(ApplyMethod::PendingReboot));
    }
}
