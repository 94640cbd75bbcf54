//! Comparison field by field: written once, for every kind.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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
    /// As in the API: `userData`.
    pub field: String,
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

/// The fields of a kind: name, mutability, owner. Expands to `FIELDS`, `differences(desired, observed)`, and
/// `leave(desired, observed, field)`, which takes the value of one field as it was found.
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

        const FIELDS: &[&str] = &[ $( stringify!($field) ),* ];

        fn leave(desired: &mut $type, observed: &$type, field: &str) {
            $( if $crate::field::api_name(stringify!($field)) == field {
                desired.$field.clone_from(&observed.$field);
            } )*
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
            field: $crate::field::api_name(stringify!($field)),
            mutability: $crate::field::Mutability::$mutability,
            owner: $crate::field::FieldOwner::$owner,
            desired: $crate::field::show(&$desired.$field),
            observed: $crate::field::show(&$observed.$field),
        }
    };
}
pub(crate) use fields;

/// The name of a field in the API: `user_data` is `userData` there.
pub(crate) fn api_name(field: &str) -> String {
    let mut words = field.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let mut letters = word.chars();
        let initial = letters.next().map(|letter| letter.to_ascii_uppercase());
        name + &initial.into_iter().chain(letters).collect::<String>()
    })
}

/// A value as a person reads it in a plan: JSON without quotes around plain text, and references as what they name.
pub(crate) fn show<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value).map(named) {
        Ok(Value::String(text)) => text,
        Ok(Value::Null) | Err(_) => "(none)".to_owned(),
        Ok(other) => other.to_string(),
    }
}

/// The value with every [`Reference`](crate::Reference) in it replaced by its id or by the name of its part.
fn named(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(named).collect(),
        Value::Object(mut fields) => match reference(&mut fields) {
            Some(name) => name,
            None => fields.into_iter().map(|(key, value)| (key, named(value))).collect(),
        },
        plain => plain,
    }
}

fn reference(fields: &mut Map<String, Value>) -> Option<Value> {
    let (1, Some(key)) = (fields.len(), ["id", "part"].into_iter().find(|key| fields.contains_key(*key)))
    else {
        return None;
    };
    fields.remove(key)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{api_name, show};
    use crate::Reference;

    #[test]
    fn fields_are_called_as_in_the_api() {
        assert_eq!(
            ["user_data", "vpc", "max_storage_gib"].map(api_name),
            ["userData", "vpc", "maxStorageGib"]
        );
    }

    #[test]
    fn references_are_shown_as_what_they_name() {
        let (known, wanted) = (Reference::id("nat-1"), Reference::part("nat-gateway/2"));
        assert_eq!(show(&known), "nat-1");
        assert_eq!(show(&Some(wanted.clone())), "nat-gateway/2");
        assert_eq!(show(&[known.clone(), wanted.clone()]), r#"["nat-1","nat-gateway/2"]"#);
        let routes: BTreeMap<&str, Vec<Reference>> =
            [("0.0.0.0/0", vec![known]), ("::/0", vec![wanted])].into();
        assert_eq!(show(&routes), r#"{"0.0.0.0/0":["nat-1"],"::/0":["nat-gateway/2"]}"#);
    }

    #[test]
    fn what_is_no_reference_stays() {
        assert_eq!(show(&None::<Reference>), "(none)");
        assert_eq!(show(&"plain"), "plain");
        let tags: BTreeMap<&str, &str> = [("id", "7"), ("part", "web")].into();
        assert_eq!(show(&tags), r#"{"id":"7","part":"web"}"#);
    }
}
