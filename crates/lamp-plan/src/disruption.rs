//! Changes that interrupt the database: on whose word, in which order, and what they cost.
//!
//! RDS would make everything that is pending of an instance when its own window opens, and of all instances at once. So
//! that replicas go first, one at a time, and the primary last, nothing is left to that: a change is sent to be made at
//! once, while there is consent, when it is the turn of its instance.

mod consent;
mod downtime;
#[cfg(test)]
mod tests;
mod turn;

use jiff::Timestamp;
use lamp_api::v1alpha1::{Database, PartState, WeeklyWindow};
use lamp_cloud::kinds::db_instance::DbInstance;
use lamp_cloud::{Body, Change, Difference, Part, Request, Resource};

use self::consent::Consent;
use crate::{Draft, PlanInput};

/// Whether a change that interrupts service may be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Permit {
    /// Now; what it costs, and on whose word.
    Now(String),
    /// Not before others, or not before a time.
    Waits { why: String, until: Option<Timestamp> },
    /// Not without a person.
    Asks(String),
}

/// Whether these differences of a part may be put right now, all of which interrupt service.
pub(crate) fn permit(draft: &Draft<'_>, part: &Part, row: &Resource, differences: &[&Difference]) -> Permit {
    let input = &draft.input;
    let what = differences.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let (Some(database), Body::DbInstance(body)) = (&input.spec.database, &row.body) else {
        return if input.confirmed {
            Permit::Now("with consent".to_owned())
        } else {
            Permit::Asks(format!(
                "{what}: this interrupts service and needs consent: {}",
                how_to_consent(input)
            ))
        };
    };
    let cost = downtime::of(body, differences);
    let word = match consent(input, database, part, differences) {
        Consent::Given(word) => word,
        Consent::From(opens_at, window) => {
            let why = format!(
                "{what}: this interrupts service ({cost}) and waits for the maintenance window {window}, which opens at {opens_at}"
            );
            return Permit::Waits { why, until: Some(opens_at) };
        }
        Consent::Missing => {
            let how = how_to_consent(input);
            return Permit::Asks(format!(
                "{what}: this interrupts service ({cost}) and needs consent: {how}"
            ));
        }
    };
    match turn::obstacle(input, database, part) {
        None => Permit::Now(format!("{cost}; {word}")),
        Some(obstacle) => {
            let why = format!("{what}: this interrupts service ({cost}) and waits for {obstacle}");
            Permit::Waits { why, until: None }
        }
    }
}

fn consent(input: &PlanInput<'_>, database: &Database, part: &Part, differences: &[&Difference]) -> Consent {
    let restart_only = differences.iter().all(|difference| difference.field == "parametersInEffect");
    let is_being_made = input.ledger.get(part).is_some_and(|entry| entry.completed_at.is_none());
    if restart_only && is_being_made {
        return Consent::Given("nobody uses it yet".to_owned());
    }
    consent::find(input, database)
}

/// What a person does who consents.
pub(crate) fn how_to_consent(input: &PlanInput<'_>) -> String {
    format!("annotate the stack with lamplighter.dev/confirm-replace={}", input.generation)
}

/// Says of an instance that something was asked for which will interrupt it, and that it is left alone until then: RDS
/// makes everything that is pending as soon as it is told to make anything at once.
pub(crate) fn report_pending(draft: &mut Draft<'_>, part: &Part, row: &Resource, body: &DbInstance) {
    let what = body.facts.pending_changes.join(", ");
    if turn::is_ours(&draft.input, part) {
        let reason = format!("RDS is about to change {what}");
        return draft.report(part, row.kind(), Some(&row.id), PartState::Progressing, reason);
    }
    let window = body.maintenance_window.as_deref().unwrap_or("that RDS has");
    let opens_at = body
        .maintenance_window
        .as_deref()
        .and_then(WeeklyWindow::parse)
        .map(|it| it.next_opening(draft.input.now));
    let when = opens_at.map(|at| format!(", which opens at {at}")).unwrap_or_default();
    let reason = format!(
        "somebody asked RDS to change {what} in the maintenance window {window}{when}; it is left alone until then"
    );
    opens_at.into_iter().for_each(|at| waits_until(draft, part, at));
    draft.report(part, row.kind(), Some(&row.id), PartState::Waiting, reason);
}

/// Notes that a change of a part waits for a window.
pub(crate) fn waits_until(draft: &mut Draft<'_>, part: &Part, opens_at: Timestamp) {
    draft.look_at(opens_at);
    draft.plan.database.get_or_insert_default().scheduled.insert(part.clone(), opens_at);
}

/// Whether a request restarts or promotes a database. To repeat it does it again, or fails.
pub(crate) fn is_unrepeatable(request: &Request) -> bool {
    use lamp_cloud::kinds::db_instance::Change as DatabaseChange;
    let Request::Change { change: Change::DbInstance(change), .. } = request else { return false };
    matches!(change, DatabaseChange::Reboot { .. } | DatabaseChange::Promote { .. })
}
