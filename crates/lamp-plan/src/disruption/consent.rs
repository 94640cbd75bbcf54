//! On whose word the database is interrupted.

use std::time::Duration;

use jiff::Timestamp;
use lamp_api::v1alpha1::{Database, DisruptiveChanges, WeeklyWindow};

use crate::PlanInput;
use crate::kinds::db_instance::observed_primary;

/// Nothing is begun so late in the window that it may not be over when the window closes.
const LAST_START: Duration = Duration::from_secs(15 * 60);

/// Whose word there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Consent {
    /// There is: whose.
    Given(String),
    /// From the opening of this window on.
    From(Timestamp, String),
    /// Nobody's.
    Missing,
}

/// The word of a person for this generation, or of the spec for all.
pub(super) fn find(input: &PlanInput<'_>, database: &Database) -> Consent {
    if input.confirmed {
        return Consent::Given("with consent".to_owned());
    }
    match database.maintenance.disruptive_changes {
        DisruptiveChanges::Confirm => Consent::Missing,
        DisruptiveChanges::Immediately => Consent::Given("the spec wants it at once".to_owned()),
        DisruptiveChanges::InWindow => in_window(input, database),
    }
}

fn in_window(input: &PlanInput<'_>, database: &Database) -> Consent {
    let observed = || observed_primary(input).and_then(|primary| primary.maintenance_window.as_deref());
    let text = database.maintenance.window.as_deref().or_else(observed);
    let Some((text, window)) =
        text.and_then(|text| Some((text.to_ascii_lowercase(), WeeklyWindow::parse(text)?)))
    else {
        return Consent::Missing;
    };
    if window.is_open(input.now, LAST_START) {
        return Consent::Given(format!("in the maintenance window {text}"));
    }
    Consent::From(window.next_opening(input.now), text)
}
