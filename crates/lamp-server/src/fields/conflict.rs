//! What an apply may not change without force: fields that others own.

use serde_json::{Value, json};

use super::owners::{Claim, Operation, Owner, Owners};
use super::path::{Path, Set};

/// A field that somebody else owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conflict {
    owner: Owner,
    api_version: String,
    pub(super) path: Path,
}

/// The conflicts of an owner that sets `fields`, sorted by manager and path.
pub(super) fn conflicts(owners: &Owners, owner: &Owner, fields: &Set) -> Vec<Conflict> {
    let of = |(owner, claim): (&Owner, &Claim)| {
        let conflict = |path: &Path| Conflict {
            owner: owner.clone(),
            api_version: claim.api_version.clone(),
            path: path.clone(),
        };
        claim.set.intersection(fields).map(conflict).collect::<Vec<_>>()
    };
    let mut found: Vec<Conflict> = owners.others(owner).flat_map(of).collect();
    found.sort_by(|a, b| a.manager().cmp(&b.manager()).then_with(|| a.path.cmp(&b.path)));
    found
}

impl Conflict {
    fn manager(&self) -> String {
        let mut text = format!("{:?}", self.owner.manager);
        if !self.owner.subresource.is_empty() {
            text += &format!(" with subresource {:?}", self.owner.subresource);
        }
        if self.owner.operation == Operation::Update {
            text += &format!(" using {}", self.api_version);
        }
        text
    }

    /// The cause in a `Status`.
    pub(crate) fn cause(&self) -> Value {
        json!({
            "reason": "FieldManagerConflict", "message": format!("conflict with {}", self.manager()),
            "field": self.path.to_string()
        })
    }
}

/// Kubernetes' words for conflicts, of which there is at least one.
pub(crate) fn message(conflicts: &[Conflict]) -> String {
    if let [only] = conflicts {
        return format!("Apply failed with 1 conflict: conflict with {}: {}", only.manager(), only.path);
    }
    let mut lines: Vec<String> = Vec::new();
    let mut manager = None;
    for conflict in conflicts {
        if manager.as_ref() != Some(&conflict.manager()) {
            lines.push(format!("conflicts with {}:", conflict.manager()));
            manager = Some(conflict.manager());
        }
        lines.push(format!("- {}", conflict.path));
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}
