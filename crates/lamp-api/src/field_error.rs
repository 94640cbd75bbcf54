//! What is wrong with which field, in the words of the Kubernetes API.

use serde::{Deserialize, Serialize};

/// Why a field was refused; the wire spelling is that of a `Status` cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FieldErrorReason {
    FieldValueRequired,
    FieldValueInvalid,
    FieldValueNotSupported,
    FieldValueTypeInvalid,
    FieldValueDuplicate,
    FieldValueForbidden,
}

/// One refused field: its path (`spec.tiers[1].capacity.min`), and a sentence for the person who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{field}: {message}")]
pub struct FieldError {
    pub field: String,
    pub reason: FieldErrorReason,
    pub message: String,
}

impl FieldError {
    /// `Required value: …`
    pub fn required(field: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        Self::new(FieldErrorReason::FieldValueRequired, field, format!("Required value: {detail}"))
    }

    /// `Invalid value: 3: …`
    pub fn invalid(
        field: impl Into<String>,
        value: impl std::fmt::Debug,
        detail: impl std::fmt::Display,
    ) -> Self {
        Self::new(FieldErrorReason::FieldValueInvalid, field, format!("Invalid value: {value:?}: {detail}"))
    }

    /// `Duplicate value: "web"`
    pub fn duplicate(field: impl Into<String>, value: impl std::fmt::Debug) -> Self {
        Self::new(FieldErrorReason::FieldValueDuplicate, field, format!("Duplicate value: {value:?}"))
    }

    /// `Forbidden: …`
    pub fn forbidden(field: impl Into<String>, detail: impl std::fmt::Display) -> Self {
        Self::new(FieldErrorReason::FieldValueForbidden, field, format!("Forbidden: {detail}"))
    }

    /// `Unsupported value: "x": supported values: "a", "b"`
    pub fn not_supported(field: impl Into<String>, value: impl std::fmt::Debug, supported: &[&str]) -> Self {
        let list = supported.iter().map(|s| format!("{s:?}")).collect::<Vec<_>>().join(", ");
        Self::new(
            FieldErrorReason::FieldValueNotSupported,
            field,
            format!("Unsupported value: {value:?}: supported values: {list}"),
        )
    }

    /// `Invalid value: "x": must be a whole number`; `shown` is the value as a person should see it.
    pub fn wrong_type(
        field: impl Into<String>,
        shown: impl std::fmt::Display,
        expected: impl std::fmt::Display,
    ) -> Self {
        let message = format!("Invalid value: {shown}: must be {expected}");
        Self::new(FieldErrorReason::FieldValueTypeInvalid, field, message)
    }

    fn new(reason: FieldErrorReason, field: impl Into<String>, message: String) -> Self {
        Self { field: field.into(), reason, message }
    }
}
