//! The master password of the database.

use lamp_api::v1alpha1::Database;
use lamp_cloud::kinds::secret::Secret;

use crate::{PlanInput, Wanted, parts};

pub(crate) fn wanted(input: &PlanInput<'_>, database: &Database) -> Wanted {
    let description = format!("Master user of the database of {}", input.owner.stack());
    Wanted::new(parts::database_secret(), Secret { description, username: database.username.clone() })
}
