//! Carries out the actions of a plan: the only place that changes AWS. It chooses nothing and repeats nothing.

use std::collections::BTreeMap;

use futures::StreamExt;
use lamp_cloud::{Body, Cloud, Kind, LedgerEntry, Part, Read, Reading};
use lamp_plan::{Action, Ledger, Precondition};

use crate::engine::Shared;
use crate::ledger::{self, LedgerError};
use crate::observer::is_ours;
use crate::outcome::{self, Ending, not_sent};
use crate::stack::Identity;

/// In whose name actions are carried out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mandate<'a> {
    /// The stack whose records they go into.
    pub(crate) uid: &'a str,
    /// The object that asks for them: what it said must still stand at each call.
    pub(crate) object: &'a Identity,
}

/// What became of the actions.
#[derive(Debug, Default)]
pub(crate) struct Executed {
    pub(crate) ended: Vec<(Action, Ending)>,
    /// The store refused a record: what it was about was not sent, or its outcome is still open.
    pub(crate) fault: Option<LedgerError>,
}

impl Executed {
    /// Whether any call was made.
    pub(crate) fn was_sent(&self) -> bool {
        self.ended.iter().any(|(_, ending)| ending.was_sent())
    }
}

/// Carries out `actions`, which were planned for the object of `mandate` as it says. Actions on one part go one after the
/// other, all others at once.
pub(crate) async fn execute<C: Cloud>(
    shared: &Shared<C>,
    mandate: Mandate<'_>,
    actions: Vec<Action>,
    ledger: &Ledger,
) -> Executed {
    let mut parts: BTreeMap<Part, Vec<Action>> = BTreeMap::new();
    for action in actions {
        parts.entry(action.part.clone()).or_default().push(action);
    }
    let mut results = futures::stream::iter(parts)
        .map(|(part, actions)| {
            let entry = ledger.get(&part).cloned();
            async move { act_on_part(shared, mandate, actions, entry).await }
        })
        .buffer_unordered(shared.settings.action_concurrency.max(1));
    let mut executed = Executed::default();
    while let Some(of_part) = results.next().await {
        executed.ended.extend(of_part.ended);
        executed.fault = executed.fault.or(of_part.fault);
    }
    executed
}

async fn act_on_part<C: Cloud>(
    shared: &Shared<C>,
    mandate: Mandate<'_>,
    actions: Vec<Action>,
    mut entry: Option<LedgerEntry>,
) -> Executed {
    let mut executed = Executed::default();
    for action in actions {
        match act(shared, mandate, &action, entry.clone()).await {
            Ok((after, ending)) => {
                entry = after;
                let goes_on = matches!(ending, Ending::Done(_));
                executed.ended.push((action, ending));
                if !goes_on {
                    break;
                }
            }
            Err(fault) => {
                executed.fault = Some(fault);
                break;
            }
        }
    }
    executed
}

/// Intent, durable; a last look at the object; the call; outcome, durable.
async fn act<C: Cloud>(
    shared: &Shared<C>,
    mandate: Mandate<'_>,
    action: &Action,
    before: Option<LedgerEntry>,
) -> Result<(Option<LedgerEntry>, Ending), LedgerError> {
    if let Some(reason) = hindrance(shared, action, before.as_ref()).await {
        return Ok((before, reason));
    }
    let uid = mandate.uid;
    let opened = outcome::opened(&before.clone().unwrap_or_default(), action, shared.clock.now());
    ledger::write(&shared.store, uid, &action.part, Some(&opened)).await?;
    if !still_stands(shared, mandate.object)? {
        ledger::write(&shared.store, uid, &action.part, before.as_ref()).await?;
        return Ok((before, Ending::Superseded));
    }
    let reply = shared.calls.apply(&action.request).await;
    let ending = outcome::ending(&action.request, reply);
    shared.note(&action.request);
    let concluded = outcome::concluded(opened, &ending, shared.clock.now());
    ledger::write(&shared.store, uid, &action.part, Some(&concluded)).await?;
    Ok((Some(concluded), ending))
}

/// Why an action cannot be sent now.
async fn hindrance<C: Cloud>(
    shared: &Shared<C>,
    action: &Action,
    entry: Option<&LedgerEntry>,
) -> Option<Ending> {
    if entry.is_some_and(|entry| !outcome::allows(entry, &action.request)) {
        let why = "the outcome of an earlier creation of this part is not known yet";
        return Some(Ending::Refused(not_sent(&action.part, &action.request, "IntentOpen", why)));
    }
    if let Err(at) = shared.calls.reserve(&action.request) {
        return Some(Ending::Postponed(at));
    }
    match &action.precondition {
        None => None,
        Some(Precondition::IsReplica { id }) => {
            let read = Read::One { kind: Kind::DbInstance, id: id.clone() };
            let reading = shared.calls.read(&read).await;
            not_a_replica(&reading, &shared.install).map(|why| {
                Ending::Refused(not_sent(&action.part, &action.request, "PreconditionFailed", &why))
            })
        }
    }
}

fn not_a_replica(reading: &Result<Reading, lamp_cloud::CloudError>, install: &str) -> Option<String> {
    let row = match reading {
        Ok(Reading::One(row)) => row.as_ref().filter(|row| is_ours(&row.tags, install)),
        Ok(_) => None,
        Err(error) => return Some(format!("whether it is still a replica could not be read: {error}")),
    };
    match row.map(|row| &row.body) {
        Some(Body::DbInstance(body)) if body.is_replica() => None,
        Some(_) => Some("it is no read replica any more: somebody promoted it".to_owned()),
        None => Some("it is not there any more".to_owned()),
    }
}

/// Whether the object still says what the plan was made for. Cheap: it reads memory.
fn still_stands<C: Cloud>(shared: &Shared<C>, identity: &Identity) -> Result<bool, LedgerError> {
    let stored = shared.store.get(&identity.key)?;
    let now = stored.map(|stored| Identity::decode(&stored, &identity.owner.install));
    Ok(now.is_some_and(|now| identity.same_decision(&now)))
}
