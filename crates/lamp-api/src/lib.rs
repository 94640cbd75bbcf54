//! The nouns on the wire: `LampStack`, `Plan`, their status, defaults and validation.
//!
//! One Rust struct is the schema, the documentation (`kubectl explain`), the defaults and the type that the
//! planner reads. This crate must not know async, IO, storage or AWS.
//!
//! Start at [`v1alpha1::LampStackSpec`]; [`kinds`] lists what the API serves.

pub mod access_token;
pub mod admission;
pub mod adoption;
pub mod conditions;
pub mod event;
pub mod field_error;
pub mod json;
pub mod kinds;
pub mod names;
pub mod rbac;
pub mod schema;
pub mod v1alpha1;

pub use field_error::{FieldError, FieldErrorReason};
pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta, Time};

/// The API group of every kind that is ours.
pub const GROUP: &str = "lamplighter.dev";

/// The finalizer that keeps a `LampStack` until nothing of it is left in AWS.
pub const FINALIZER: &str = "lamplighter.dev/teardown";

/// Annotations that a person sets to ask for something once.
pub mod annotations {
    /// Any new value asks for an immediate observation and reconcile.
    pub const RECONCILE_REQUESTED_AT: &str = "lamplighter.dev/reconcile-requested-at";
    /// Allows taking over existing resources: `true` those that carry the stack's tags already, lines `part: id` exactly
    /// those that they name; see [`crate::adoption`].
    pub const ADOPT: &str = "lamplighter.dev/adopt";
    /// Consents to a change that destroys and recreates: the value is `metadata.generation` as a number.
    pub const CONFIRM_REPLACE: &str = "lamplighter.dev/confirm-replace";
    /// Nothing is replaced, scaled in or rolled out while it stands; the value is the reason. With `.` and the name of a
    /// tier behind it, it holds that tier alone.
    pub const HOLD: &str = "lamplighter.dev/hold";
    /// When a `RoleBinding` or `ClusterRoleBinding` ends to grant anything, in RFC 3339: `2027-01-31T18:00:00Z`.
    pub const EXPIRES_AT: &str = "lamplighter.dev/expires-at";
    /// Consents to deleting data: the value is the stack's name.
    pub const CONFIRM_DELETE: &str = "lamplighter.dev/confirm-delete";
}
