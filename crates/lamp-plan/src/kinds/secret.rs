//! The master password of the database.

use lamp_api::v1alpha1::Database;
use lamp_cloud::Kind;
use lamp_cloud::kinds::secret::Secret;

use crate::observed::{Holding, find, held};
use crate::{PlanInput, Wanted, parts};

/// Whether a secret of ours holds the master password. A database that was taken over keeps the password that it has,
/// which nobody told us.
pub(crate) fn is_wanted(input: &PlanInput<'_>) -> bool {
    let part = parts::database_secret();
    let has_none = !input.ledger.contains_key(&part)
        && matches!(find(input, &part, Kind::Secret), Holding::Absent { .. });
    !(has_none && held(input, &parts::database(), Kind::DbInstance).is_some())
}

pub(crate) fn wanted(input: &PlanInput<'_>, database: &Database) -> Wanted {
    let description = format!("Master user of the database of {}", input.owner.stack());
    Wanted::new(parts::database_secret(), Secret { description, username: database.username.clone() })
}
