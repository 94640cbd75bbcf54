//! Ranges of numbers, and shapes of names.

use std::fmt::{Debug, Display};
use std::ops::RangeInclusive;

use crate::FieldError;

/// Refuses a value outside `range`.
pub(super) fn within<T: PartialOrd + Debug + Display>(
    errors: &mut Vec<FieldError>,
    field: impl Into<String>,
    value: T,
    range: RangeInclusive<T>,
) {
    if !range.contains(&value) {
        let detail = format!("must be from {} to {}", range.start(), range.end());
        errors.push(FieldError::invalid(field, value, detail));
    }
}

/// Refuses every value that an earlier one of the list equals.
pub(super) fn unique<'a>(
    errors: &mut Vec<FieldError>,
    values: impl Iterator<Item = &'a str>,
    path: impl Fn(usize) -> String,
) {
    let mut seen = std::collections::BTreeSet::new();
    for (index, value) in values.enumerate() {
        if !seen.insert(value) {
            errors.push(FieldError::duplicate(path(index), value));
        }
    }
}

/// Whether `text` is not empty and consists of what `allowed` allows.
pub(super) fn only(text: &str, allowed: impl Fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(allowed)
}

pub(super) fn lower_or_digit(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}
