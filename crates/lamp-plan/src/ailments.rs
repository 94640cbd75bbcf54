//! States of a database that say more than ready or not: some pass by themselves and are only watched, some need a person,
//! who is told what to do.

use lamp_api::v1alpha1::PartState;
use lamp_cloud::kinds::db_instance::DbInstance;
use lamp_cloud::{Body, Kind, Part, Resource, State};

use crate::observed::held;
use crate::storage::FULL;
use crate::{Draft, PlanInput, parts};

/// States in which RDS restarts an instance, or lets its standby take over. Source: RDS user guide, "Viewing DB instance
/// status".
const PASSING: [&str; 5] = ["rebooting", "failing-over", "recovering", "starting", "unreachable"];

/// States that RDS does not leave without a person, and what the person does.
const LASTING: [(&str, &str); 8] = [
    ("failed", "look at its events; it may have to be restored from a backup"),
    ("stopped", "start it; RDS does so by itself after seven days"),
    ("restore-error", "restore it again, to a time that its backups cover"),
    ("inaccessible-encryption-credentials", "enable its KMS key again, and let RDS use it"),
    (
        "incompatible-parameters",
        "put right the parameters that its class or version does not take, and restart it",
    ),
    ("incompatible-network", "give its subnets room, addresses and DNS again: RDS cannot place it"),
    ("incompatible-restore", "restore it to an engine version or options that the snapshot fits"),
    ("incompatible-option-group", "take the option out that does not fit its version"),
];

/// What a person does about a state, if it is one that does not pass.
pub(crate) fn remedy(status: &str) -> Option<&'static str> {
    LASTING.iter().find(|(word, _)| status.starts_with(word)).map(|(_, remedy)| *remedy)
}

/// Whether RDS is at work on it, so that it is only watched.
pub(crate) fn is_passing(body: &DbInstance) -> bool {
    PASSING.contains(&body.facts.status.as_str())
}

/// Whether an instance can be read and, if it is a primary, written and copied.
pub(crate) fn serves(row: &Resource) -> bool {
    let Body::DbInstance(body) = &row.body else { return false };
    row.is_ready() && body.facts.status != FULL
}

/// Names the state of each instance of the database where it says more than the part's.
pub(crate) fn name(draft: &mut Draft<'_>) {
    let replicas: Vec<Part> =
        draft.input.ledger.keys().filter(|part| parts::replica_slot(part).is_some()).cloned().collect();
    for part in replicas.into_iter().chain([parts::database()]) {
        let row = held(&draft.input, &part, Kind::DbInstance).cloned();
        let Some(row) = row else { continue };
        let Body::DbInstance(body) = &row.body else { continue };
        if let Some(reason) = reason(&draft.input, &part, &row, body) {
            draft.plan.database.get_or_insert_default().reasons.insert(part.clone(), reason);
        }
        if is_passing(body) {
            watch(draft, &part, &row, body);
        }
    }
}

/// The CamelCase reason of a state.
fn reason(input: &PlanInput<'_>, part: &Part, row: &Resource, body: &DbInstance) -> Option<String> {
    let status = body.facts.status.as_str();
    let lasts = matches!(row.state, State::Failed(_)) || status == FULL;
    if lasts && (status == FULL || remedy(status).is_some()) {
        return Some(format!("Database{}", camel(status)));
    }
    let is_primary =
        *part == parts::database() && input.ledger.get(part).is_some_and(|e| e.completed_at.is_some());
    (is_primary && is_passing(body) && body.multi_zone).then(|| "DatabaseFailingOver".to_owned())
}

fn camel(words: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    };
    words.split('-').map(capital).collect()
}

fn watch(draft: &mut Draft<'_>, part: &Part, row: &Resource, body: &DbInstance) {
    let status = &body.facts.status;
    let what =
        if body.multi_zone { "RDS restarts it or lets its standby take over" } else { "RDS restarts it" };
    let reason =
        format!("{status}: {what}; nothing is done to it, nor to the tiers that use it, until it serves");
    if !draft.acts_on(part) {
        draft.report(part, Kind::DbInstance, Some(&row.id), PartState::Progressing, reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_that_needs_a_person_says_what_to_do() {
        for (word, remedy_of) in LASTING {
            assert_eq!(remedy(word), Some(remedy_of));
        }
        assert!(remedy("inaccessible-encryption-credentials-recoverable").is_some());
        assert_eq!([remedy("available"), remedy("modifying")], [None, None]);
        assert_eq!(camel("incompatible-parameters"), "IncompatibleParameters");
    }
}
