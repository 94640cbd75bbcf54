//! Comparison field by field: written once, for every kind.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a field of an existing resource can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mutability {
    /// By a call, without harm.
    InPlace,
    /// By a call that interrupts service: it needs consent.
    Disruptive,
    /// Only by another resource in its place.
    Replacement,
    /// Not at all.
    Never,
}

/// Who decides the value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FieldOwner {
    /// What the spec says is put back.
    Spec,
    /// The scaler, where a policy exists; the spec otherwise.
    Scaler,
    /// AWS may raise it (minor engine version, storage that grows by itself); the spec is a floor.
    Aws,
}

/// A field in which a resource differs from what is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    pub field: &'static str,
    pub mutability: Mutability,
    pub owner: FieldOwner,
    pub desired: String,
    pub observed: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} -> {}", self.field, self.observed, self.desired)
    }
}

/// The fields of a kind: name, mutability, owner. Expands to `differences(desired, observed)`.
///
/// A field marked `detail` is an `Option` that AWS shows only in a call of its own: `None` in the observed resource
/// means "not read yet", which is no difference.
macro_rules! fields {
    ($type:ty { $( $field:ident : $mutability:ident $owner:ident $($detail:ident)? ),* $(,)? }) => {
        fn differences(desired: &$type, observed: &$type) -> Vec<$crate::field::Difference> {
            let mut differences = Vec::new();
            $( fields!(@compare differences desired observed $field $mutability $owner $($detail)?); )*
            differences
        }
    };
    (@compare $out:ident $desired:ident $observed:ident $field:ident $mutability:ident $owner:ident) => {
        if $desired.$field != $observed.$field {
            $out.push(fields!(@difference $desired $observed $field $mutability $owner));
        }
    };
    (@compare $out:ident $desired:ident $observed:ident $field:ident $mutability:ident $owner:ident detail) => {
        if $observed.$field.is_some() && $desired.$field != $observed.$field {
            $out.push(fields!(@difference $desired $observed $field $mutability $owner));
        }
    };
    (@difference $desired:ident $observed:ident $field:ident $mutability:ident $owner:ident) => {
        $crate::field::Difference {
            field: stringify!($field),
            mutability: $crate::field::Mutability::$mutability,
            owner: $crate::field::FieldOwner::$owner,
            desired: $crate::field::show(&$desired.$field),
            observed: $crate::field::show(&$observed.$field),
        }
    };
}
pub(crate) use fields;

/// A value as a person reads it in a plan: JSON without quotes around plain text.
pub(crate) fn show<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        Ok(serde_json::Value::Null) | Err(_) => "(none)".to_owned(),
        Ok(other) => other.to_string(),
    }
}
