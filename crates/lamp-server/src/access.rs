//! Who may do what: Kubernetes' RBAC as a pure function of identity, request, roles, bindings and time. What no rule allows
//! is denied. [`defaults`] are the roles that are there from the start.

mod attributes;
pub(crate) mod defaults;
mod policy;
mod rule;
#[cfg(test)]
mod tests;

pub(crate) use attributes::{Attributes, Identity};
pub(crate) use policy::{Decision, Objects, Policy};
