//! What is written down of a change to AWS: for which object, what, why, and AWS's own number of the request, by which
//! CloudTrail has it as well.

use lamp_cloud::Cloud;
use lamp_plan::Action;
use serde_json::{Map, Value, json};

use crate::engine::Shared;
use crate::execute::Mandate;
use crate::outcome::Ending;

/// Writes it down. What cannot be written is told in the log: the change is made, and in the ledger.
pub(crate) fn record<C: Cloud>(shared: &Shared<C>, mandate: Mandate<'_>, action: &Action, ending: &Ending) {
    let mut entry = change(mandate, action, ending);
    entry.insert("time".to_owned(), shared.clock.now().to_string().into());
    entry.insert("region".to_owned(), shared.calls.region().into());
    if let Err(error) = shared.store.audit().record(entry) {
        tracing::error!(%error, part = %action.part, "a change to AWS could not be written into the audit log");
    }
}

fn change(mandate: Mandate<'_>, action: &Action, ending: &Ending) -> Map<String, Value> {
    let key = &mandate.object.key;
    let (outcome, request_id, error) = match ending {
        Ending::Done(applied) => ("Done", applied.request_id.as_deref(), None),
        Ending::Failed(error) => ("Failed", error.request_id.as_deref(), Some(error.to_string())),
        Ending::Unknown(error) => ("Unknown", error.request_id.as_deref(), Some(error.to_string())),
        Ending::Postponed(_) | Ending::Superseded | Ending::Refused(_) => ("NotSent", None, None),
    };
    let said = [
        ("user", Some("lamplighter".to_owned())),
        ("operation", Some(action.request.operation().to_owned())),
        ("kind", Some(key.plural.clone())),
        ("namespace", Some(key.namespace.clone())),
        ("name", Some(key.name.clone())),
        ("part", Some(action.part.to_string())),
        ("reason", Some(action.reason.clone())),
        ("outcome", Some(outcome.to_owned())),
        ("requestId", request_id.map(str::to_owned)),
        ("error", error),
    ];
    let mut entry: Map<String, Value> =
        said.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into()))).collect();
    entry.insert("uid".to_owned(), json!(mandate.uid));
    entry.insert("generation".to_owned(), json!(mandate.object.generation));
    entry
}
