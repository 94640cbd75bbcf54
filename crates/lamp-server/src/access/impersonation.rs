//! Acting as someone else (`kubectl --as`), for those who may.

use http::HeaderMap;
use lamp_api::access_token::ANONYMOUS;

use super::attributes::{Attributes, Identity};
use super::caller::Caller;
use crate::error::ApiError;

const PREFIX: &str = "impersonate-";
const USER: &str = "impersonate-user";
const GROUP: &str = "impersonate-group";

/// As whom a request is to be answered, if not as its sender.
///
/// # Errors
/// What is asked for is incomplete or unknown: it must not be answered as someone with more rights.
pub(super) fn asked(headers: &HeaderMap) -> Result<Option<Identity>, ApiError> {
    let unknown =
        headers.keys().find(|name| name.as_str().starts_with(PREFIX) && *name != USER && *name != GROUP);
    if let Some(name) = unknown {
        let text = format!("the header {name} is not understood: only a user and groups can be acted as");
        return Err(ApiError::BadRequest(text));
    }
    let (users, groups) = (texts(headers, USER)?, texts(headers, GROUP)?);
    match users.as_slice() {
        [] if groups.is_empty() => Ok(None),
        [] => Err(ApiError::BadRequest("a group is asked for without a user: add --as".to_owned())),
        [user] if user.is_empty() => Err(ApiError::BadRequest("the user to act as has no name".to_owned())),
        [user] if user == ANONYMOUS => Ok(Some(Identity::anonymous())),
        [user] => Ok(Some(Identity::authenticated(user.clone(), groups))),
        _ => Err(ApiError::BadRequest("only one user can be acted as".to_owned())),
    }
}

fn texts(headers: &HeaderMap, name: &str) -> Result<Vec<String>, ApiError> {
    let values = headers.get_all(name).iter().map(|value| value.to_str().map(str::to_owned));
    let unreadable = |_| ApiError::BadRequest(format!("the header {name} is no plain text"));
    values.collect::<Result<_, _>>().map_err(unreadable)
}

/// Whether the caller may be this user in these groups: each is a right of its own.
///
/// # Errors
/// It is not allowed.
pub(super) fn require<'a>(
    caller: &Caller,
    user: &str,
    groups: impl IntoIterator<Item = &'a String>,
) -> Result<(), ApiError> {
    let right = |resource, namespace, name| Attributes::Resource {
        verb: "impersonate",
        group: "",
        resource,
        subresource: "",
        namespace,
        name,
    };
    let account = user.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':'));
    match account {
        Some((namespace, name)) => caller.require(&right("serviceaccounts", namespace, name))?,
        None => caller.require(&right("users", "", user))?,
    }
    groups.into_iter().try_for_each(|group| caller.require(&right("groups", "", group)))
}
