//! The specs that users copy, as objects.

use anyhow::{Context, Result};
use serde_json::Value;

/// Every file in `specs/`: name and text.
pub const ALL: [(&str, &str); 3] = [
    ("lamp", include_str!("../../specs/lamp.yaml")),
    ("whatisthetime", include_str!("../../specs/whatisthetime.yaml")),
    ("myclothes", include_str!("../../specs/myclothes.yaml")),
];

/// A spec of `specs/`, decoded.
///
/// # Errors
/// When there is no such file, or it is no YAML.
pub fn load(name: &str) -> Result<Value> {
    let (_, text) =
        ALL.iter().find(|(known, _)| *known == name).with_context(|| format!("no spec {name}"))?;
    Ok(serde_saphyr::from_str(text)?)
}
