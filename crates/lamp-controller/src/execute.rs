//! Carries out the actions of a plan: the only place that changes AWS. It chooses nothing and repeats nothing.

use std::collections::BTreeMap;

use futures::StreamExt;
use lamp_cloud::{Body, Cloud, Kind, LedgerEntry, Part, Read, Reading, ResourceId};
use lamp_plan::{Action, Ledger, Precondition, Priority};

use crate::audit;
use crate::calls::Turn;
use crate::engine::Shared;
use crate::ledger::{self, LedgerError};
use crate::observer::is_ours;
use crate::outcome::{self, Ending, not_sent};
use crate::reconcile::STORE_OLDER;
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

/// An action, and how it stands to those of others while calls are short.
pub(crate) type Ranked = (Priority, Action);

/// Carries out `actions`, which were planned for the object of `mandate` as it says. Actions on one part go one after the
/// other, all others at once, the most urgent first.
pub(crate) async fn execute<C: Cloud>(
    shared: &Shared<C>,
    mandate: Mandate<'_>,
    actions: Vec<Ranked>,
    ledger: &Ledger,
) -> Executed {
    let turn = shared.calls.begin(mandate.uid);
    let run = Run { shared, mandate, turn };
    let run = &run;
    let mut results = futures::stream::iter(by_part(actions))
        .map(|(part, actions)| {
            let entry = ledger.get(&part).cloned();
            async move { act_on_part(run, actions, entry).await }
        })
        .buffer_unordered(shared.settings.action_concurrency.max(1));
    let mut executed = Executed::default();
    while let Some(of_part) = results.next().await {
        executed.ended.extend(of_part.ended);
        executed.fault = executed.fault.or(of_part.fault);
    }
    shared.calls.finish(turn);
    executed
}

/// What the actions of one run share.
struct Run<'a, C> {
    shared: &'a Shared<C>,
    mandate: Mandate<'a>,
    turn: Turn,
}

/// The actions of each part; the parts with the most urgent ones first.
fn by_part(actions: Vec<Ranked>) -> Vec<(Part, Vec<Ranked>)> {
    let mut parts: BTreeMap<Part, Vec<Ranked>> = BTreeMap::new();
    for ranked in actions {
        parts.entry(ranked.1.part.clone()).or_default().push(ranked);
    }
    let mut parts: Vec<_> = parts.into_iter().collect();
    parts.sort_by_key(|(_, actions)| actions.iter().map(|(priority, _)| *priority).min());
    parts
}

async fn act_on_part<C: Cloud>(
    run: &Run<'_, C>,
    actions: Vec<Ranked>,
    mut entry: Option<LedgerEntry>,
) -> Executed {
    let mut executed = Executed::default();
    for (priority, action) in actions {
        match act(run, priority, &action, entry.clone()).await {
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
    run: &Run<'_, C>,
    priority: Priority,
    action: &Action,
    before: Option<LedgerEntry>,
) -> Result<(Option<LedgerEntry>, Ending), LedgerError> {
    let Run { shared, mandate, turn } = *run;
    if let Some(reason) = hindrance(shared, turn, priority, action, before.as_ref()).await {
        return Ok((before, reason));
    }
    let uid = mandate.uid;
    let opened = outcome::opened(&before.clone().unwrap_or_default(), action, shared.clock.now());
    ledger::write(&shared.store, uid, &action.part, Some(&opened)).await?;
    if !still_stands(shared, mandate.object)? {
        ledger::write(&shared.store, uid, &action.part, before.as_ref()).await?;
        return Ok((before, Ending::Superseded));
    }
    let reply = shared.calls.apply(&action.request, priority).await;
    let ending = outcome::ending(&action.request, reply);
    shared.note(&action.request);
    let concluded = outcome::concluded(opened, &ending, shared.clock.now());
    ledger::write(&shared.store, uid, &action.part, Some(&concluded)).await?;
    audit::record(shared, mandate, action, &ending);
    Ok((Some(concluded), ending))
}

/// Why an action cannot be sent now.
async fn hindrance<C: Cloud>(
    shared: &Shared<C>,
    turn: Turn,
    priority: Priority,
    action: &Action,
    entry: Option<&LedgerEntry>,
) -> Option<Ending> {
    if let Some(why) = shared.epochs.hold() {
        return Some(Ending::Refused(not_sent(&action.part, &action.request, STORE_OLDER, &why)));
    }
    if entry.is_some_and(|entry| !outcome::allows(entry, &action.request)) {
        let why = "the outcome of an earlier creation of this part is not known yet";
        return Some(Ending::Refused(not_sent(&action.part, &action.request, "IntentOpen", why)));
    }
    if let Err(at) = shared.calls.reserve(&action.request, priority, turn) {
        return Some(Ending::Postponed(at));
    }
    match &action.precondition {
        None => None,
        Some(precondition) => unfulfilled(shared, priority, precondition)
            .await
            .map(|why| Ending::Refused(not_sent(&action.part, &action.request, "PreconditionFailed", &why))),
    }
}

/// Why a precondition does not hold, as far as AWS says right now.
async fn unfulfilled<C: Cloud>(
    shared: &Shared<C>,
    priority: Priority,
    precondition: &Precondition,
) -> Option<String> {
    let (id, fences): (_, &[ResourceId]) = match precondition {
        Precondition::IsReplica { id } => (id, &[]),
        Precondition::Promotable { id, fences } => (id, fences),
    };
    for fence in fences {
        let read = Read::One { kind: Kind::SecurityGroup, id: fence.clone() };
        let reading = shared.calls.read_as(&read, priority).await;
        if let Some(why) = not_shut(&reading, fence) {
            return Some(why);
        }
    }
    let read = Read::One { kind: Kind::DbInstance, id: id.clone() };
    let reading = shared.calls.read_as(&read, priority).await;
    not_a_replica(&reading, &shared.install)
}

fn not_shut(reading: &Result<Reading, lamp_cloud::CloudError>, group: &str) -> Option<String> {
    let row = match reading {
        Ok(Reading::One(row)) => row.as_ref(),
        Ok(_) => return Some(format!("the answer about {group} makes no sense")),
        Err(error) => return Some(format!("the rules of {group} could not be read: {error}")),
    };
    match row.map(|row| &row.body) {
        // Nobody is let in by what is not there.
        None => None,
        Some(Body::SecurityGroup(body)) if body.ingress.is_empty() => None,
        Some(_) => Some(format!("{group} lets somebody in: the old primary may be reached")),
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

#[cfg(test)]
mod tests {
    use lamp_api::v1alpha1::PlanEffect;
    use lamp_cloud::Request;

    use super::*;

    fn ranked(priority: Priority, part: &str) -> Ranked {
        let request = Request::ReplaceInstance { group: "web".to_owned(), instance: part.to_owned() };
        let action = Action {
            part: Part::new(part),
            kind: Kind::AutoScalingGroup,
            effect: PlanEffect::Replace,
            request,
            reason: String::new(),
            changes: Vec::new(),
            precondition: None,
        };
        (priority, action)
    }

    #[test]
    fn the_most_urgent_parts_come_first_and_equal_ones_by_name() {
        let actions = vec![
            ranked(Priority::Deploy, "b"),
            ranked(Priority::Heal, "z"),
            ranked(Priority::Deploy, "a"),
            ranked(Priority::Deploy, "z"),
        ];
        let parts = by_part(actions);
        assert_eq!(parts.iter().map(|(part, _)| part.as_str()).collect::<Vec<_>>(), ["z", "a", "b"]);
        assert_eq!(
            parts[0].1.iter().map(|(priority, _)| *priority).collect::<Vec<_>>(),
            [Priority::Heal, Priority::Deploy]
        );
    }
}
