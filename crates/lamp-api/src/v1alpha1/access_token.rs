//! A bearer token, as far as it is kept.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Lets whoever has the token act as a user, until it expires or this object is deleted. Only the token's digest is kept:
/// `lampctl token create` makes a token, shows it once and stores this.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "lamplighter.dev",
    version = "v1alpha1",
    kind = "AccessToken",
    plural = "accesstokens",
    singular = "accesstoken",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct AccessTokenSpec {
    /// Name of the user that it stands for, as roles are bound to it.
    pub user: String,
    /// Groups of the user, as roles are bound to them. Default: none, as most tokens are one person's or program's.
    #[serde(default)]
    pub groups: Vec<String>,
    /// When it ends, in RFC 3339: `2027-01-31T18:00:00Z`.
    pub expires_at: String,
    /// SHA-256 of the whole token, in lower-case hexadecimal digits.
    pub sha256: String,
}
