//! Engine parameters: what may be set is RDS's to say; what Lamplighter itself relies on may not.

use std::collections::BTreeMap;

use super::bounds::{lower_or_digit, only};
use crate::FieldError;

/// Connections are always encrypted.
const REQUIRE_SECURE_TRANSPORT: &str = "require_secure_transport";

pub(super) fn check(parameters: &BTreeMap<String, String>, errors: &mut Vec<FieldError>) {
    for name in parameters.keys() {
        let field = format!("spec.database.parameters[{name}]");
        if name == REQUIRE_SECURE_TRANSPORT {
            errors.push(FieldError::forbidden(field, "connections are always encrypted; remove it"));
        } else if !only(name, |c| lower_or_digit(c) || "_.-".contains(c)) {
            let detail = "must be the name of an engine parameter, such as max_connections";
            errors.push(FieldError::invalid(field, name, detail));
        }
    }
}
