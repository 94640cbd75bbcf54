//! Who may do what: Kubernetes' RBAC. What no rule allows is denied.
//!
//! | file | is |
//! |---|---|
//! | `gate` | the door that every request goes through |
//! | `authentication`, `impersonation` | who asks, or as whom |
//! | `audit` | what is written down of it |
//! | `rates` | how often someone may ask |
//! | `request`, `attributes` | what is asked for |
//! | `policy`, `rule` | what roles and bindings allow; pure |
//! | `current` | the policy as the store has it now |
//! | `escalation`, `coverage` | nobody grants what they do not have themselves |
//! | `defaults` | the roles that are there from the start |

mod attributes;
mod audit;
mod authentication;
mod caller;
mod coverage;
mod current;
pub(crate) mod defaults;
pub(crate) mod escalation;
pub(crate) mod gate;
mod impersonation;
mod policy;
mod rates;
mod request;
mod rule;
#[cfg(test)]
mod tests;

pub(crate) use attributes::{Attributes, Identity};
pub(crate) use caller::{Caller, Denial};
pub(crate) use current::Access;
pub(crate) use policy::Decision;
