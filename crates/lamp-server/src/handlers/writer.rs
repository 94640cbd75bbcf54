//! In whose name a request writes: who owns the fields that it sets.

use http::HeaderMap;
use http::header::USER_AGENT;
use lamp_api::FieldError;

use super::resource::Call;
use crate::error::ApiError;
use crate::fields::{self, Operation, Owner, Writer};
use crate::path::Subresource;

/// What a client that does not say who it is is called.
const UNKNOWN: &str = "unknown";

/// Who writes, by anything but apply; `options` is Kubernetes' name for the parameters of the verb.
pub(super) fn updater(call: &Call, options: &'static str) -> Result<Writer, ApiError> {
    let mut errors = Vec::new();
    let named = named(call, &mut errors);
    if options == PATCH_OPTIONS && call.parameters.text("force").is_some() {
        errors.push(FieldError::forbidden("force", "may not be specified for non-apply patch"));
    }
    let manager = named.map_or_else(|| from_user_agent(&call.headers), str::to_owned);
    writer(call, Operation::Update, manager, (options, errors))
}

/// Who applies, which must be said.
pub(super) fn applier(call: &Call) -> Result<Writer, ApiError> {
    let mut errors = Vec::new();
    let named = named(call, &mut errors);
    if named.is_none() {
        errors.push(FieldError::required("fieldManager", "is required for apply patch"));
    }
    writer(call, Operation::Apply, named.unwrap_or_default().to_owned(), (PATCH_OPTIONS, errors))
}

pub(super) const PATCH_OPTIONS: &str = "PatchOptions";

fn named<'a>(call: &'a Call, errors: &mut Vec<FieldError>) -> Option<&'a str> {
    let name = call.parameters.text("fieldManager")?;
    if let Err(detail) = fields::require_printable(name) {
        errors.push(FieldError::invalid("fieldManager", name, detail));
    }
    Some(name)
}

/// The name of the program: what stands before the first `/`.
fn from_user_agent(headers: &HeaderMap) -> String {
    let agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = fields::printable(agent.split('/').next().unwrap_or_default());
    if name.is_empty() { UNKNOWN.to_owned() } else { name }
}

fn writer(
    call: &Call,
    operation: Operation,
    manager: String,
    (options, errors): (&'static str, Vec<FieldError>),
) -> Result<Writer, ApiError> {
    if !errors.is_empty() {
        return Err(ApiError::InvalidOptions { options, errors });
    }
    let subresource = match call.path.subresource {
        Some(Subresource::Status) => "status",
        None => "",
    };
    let owner = Owner { operation, manager, subresource: subresource.to_owned() };
    Ok(Writer { owner, api_version: call.path.kind.api_version(), now: call.view.now })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_called_what_its_user_agent_begins_with() {
        let called =
            |agent: &str| from_user_agent(&HeaderMap::from_iter([(USER_AGENT, agent.parse().unwrap())]));
        assert_eq!(called("kubectl/v1.32.4 (linux/amd64) kubernetes/4cb5f07"), "kubectl");
        assert_eq!(called("curl"), "curl");
        assert_eq!(called("/1.0"), "unknown");
        assert_eq!(from_user_agent(&HeaderMap::new()), "unknown");
    }
}
