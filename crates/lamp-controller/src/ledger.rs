//! The ledger of one stack in the store: the only place that encodes and decodes its entries.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use lamp_cloud::{Body, Finished, LedgerEntry, Outcome, Part, Request, Versions};
use lamp_plan::{Ledger, Plan, Settlement};
use lamp_store::{Store, StoreError};
use serde::Deserialize;
use serde_json::Value;

use crate::time::{OVERTAKING, since};

/// How long it is remembered that a part was made again.
const HOUR: SignedDuration = SignedDuration::from_secs(3600);

/// Why a ledger cannot be used. Nothing is changed on AWS without one.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum LedgerError {
    #[error(
        "the record of part {part} cannot be read: {reason}; nothing is changed until it is repaired \
         (was it written by a newer version?)"
    )]
    Unreadable { part: String, reason: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads the ledger of the stack `uid`.
pub(crate) fn load(store: &Store, uid: &str) -> Result<Ledger, LedgerError> {
    let decode = |(part, value): (String, std::sync::Arc<Value>)| match LedgerEntry::deserialize(&*value) {
        Ok(entry) => Ok((Part::new(part), entry)),
        Err(error) => Err(LedgerError::Unreadable { part, reason: error.to_string() }),
    };
    store.ledger(uid)?.into_iter().map(decode).collect()
}

/// The ledger without times that are yet to come: the clock was set back since, and whatever waits for them would wait
/// for no reason. They become now, in the store as well.
pub(crate) async fn without_future(
    store: &Store,
    uid: &str,
    mut ledger: Ledger,
    now: Timestamp,
) -> Result<Ledger, LedgerError> {
    let mut batch = Vec::new();
    for (part, entry) in &mut ledger {
        if bring_back(entry, now) {
            batch.push((part.to_string(), Some(encode(part, entry)?)));
        }
    }
    if !batch.is_empty() {
        store.put_ledger_batch(uid, batch).await?;
    }
    Ok(ledger)
}

/// Whether there was something to bring back.
fn bring_back(entry: &mut LedgerEntry, now: Timestamp) -> bool {
    let of_part = entry.created_at.iter_mut().chain(&mut entry.completed_at);
    let of_calls = entry.open.iter_mut().map(|intent| &mut intent.started_at);
    let of_calls = of_calls.chain(entry.last.iter_mut().map(|last| &mut last.at));
    let of_fields = entry.corrections.values_mut().flat_map(|corrections| &mut corrections.times);
    let of_versions = entry.versions.failed.iter_mut().map(|failed| &mut failed.at);
    let all = of_part.chain(of_calls).chain(of_fields).chain(of_versions);
    let mut found = false;
    for at in all.filter(|at| since(now, **at) > OVERTAKING) {
        *at = now;
        found = true;
    }
    found
}

/// Writes (or removes) the record of one part. It is durable when this returns.
pub(crate) async fn write(
    store: &Store,
    uid: &str,
    part: &Part,
    entry: Option<&LedgerEntry>,
) -> Result<(), LedgerError> {
    let value = entry.map(|entry| encode(part, entry)).transpose()?;
    Ok(store.put_ledger(uid, part.as_str(), value).await?)
}

/// Writes down what an observation settled, all or nothing, and returns the ledger as it is then.
pub(crate) async fn settle(
    store: &Store,
    uid: &str,
    mut ledger: Ledger,
    plan: &Plan,
    now: Timestamp,
) -> Result<Ledger, LedgerError> {
    let mut batch = Vec::new();
    let noted = plan.settlements.keys().chain(&plan.completed);
    let noted = noted.chain(plan.corrections.keys()).chain(plan.versions.keys()).chain(plan.healing.keys());
    let noted = noted.chain(plan.seen.keys()).chain(plan.losses.keys()).chain(plan.promotions.keys());
    for part in noted.collect::<BTreeSet<_>>() {
        let before = ledger.remove(part).unwrap_or_default();
        let after = match plan.settlements.get(part) {
            Some(settlement) => settled(before, settlement, now),
            None => Some(before),
        };
        let after = after.map(|entry| with_history(entry, part, plan, now));
        let value = after.as_ref().map(|entry| encode(part, entry)).transpose()?;
        batch.push((part.to_string(), value));
        ledger.extend(after.map(|entry| (part.clone(), entry)));
    }
    if !batch.is_empty() {
        store.put_ledger_batch(uid, batch).await?;
    }
    Ok(ledger)
}

/// The record with what the plan says of the part's history.
fn with_history(mut entry: LedgerEntry, part: &Part, plan: &Plan, now: Timestamp) -> LedgerEntry {
    if plan.completed.contains(part) {
        entry.completed_at = Some(now);
    }
    if let Some(corrections) = plan.corrections.get(part) {
        entry.corrections.clone_from(corrections);
    }
    if let Some(versions) = plan.versions.get(part) {
        entry.versions.clone_from(versions);
    }
    if let Some(healing) = plan.healing.get(part) {
        entry.healing.clone_from(healing);
    }
    if let Some(seen) = plan.seen.get(part) {
        entry.seen = Some(seen.clone());
    }
    if let Some(loss) = plan.losses.get(part) {
        entry.loss.clone_from(loss);
    }
    if let Some(promotion) = plan.promotions.get(part) {
        entry.promotion = Some(promotion.clone());
    }
    entry
}

/// Removes every record of a stack of which nothing is left.
pub(crate) async fn clear(store: &Store, uid: &str) -> Result<(), StoreError> {
    let parts = store.ledger(uid)?.into_keys().map(|part| (part, None)).collect::<Vec<_>>();
    if parts.is_empty() { Ok(()) } else { store.put_ledger_batch(uid, parts).await }
}

fn encode(part: &Part, entry: &LedgerEntry) -> Result<Value, LedgerError> {
    serde_json::to_value(entry)
        .map_err(|error| LedgerError::Unreadable { part: part.to_string(), reason: error.to_string() })
}

/// The record after an observation settled it; `None` if it is no longer needed.
fn settled(mut entry: LedgerEntry, settlement: &Settlement, now: Timestamp) -> Option<LedgerEntry> {
    match settlement {
        Settlement::Created(id) => {
            if let Some(intent) = entry.open.take() {
                entry.kind = created_kind(&intent.request).or(entry.kind);
                entry.last = Some(done(intent.request, intent.reason, now));
            }
            entry.id = Some(id.clone());
            entry.created_at = Some(now);
        }
        Settlement::Void => entry.open = None,
        Settlement::Adopted(kind, id) => {
            entry = LedgerEntry {
                kind: Some(*kind),
                id: Some(id.clone()),
                created_at: Some(now),
                completed_at: Some(now),
                versions: Versions::default(),
                open: None,
                ..entry
            };
        }
        Settlement::Forget => return None,
        Settlement::NextAttempt => {
            let attempt = entry.attempt + 1;
            let mut remakes = entry.remakes;
            remakes.retain(|at| now.duration_since(*at) < HOUR);
            remakes.push(now);
            let promotion = entry.promotion.take();
            entry = LedgerEntry { kind: entry.kind, attempt, remakes, promotion, ..LedgerEntry::default() };
        }
    }
    Some(entry)
}

fn created_kind(request: &Request) -> Option<lamp_cloud::Kind> {
    match request {
        Request::Create { body, .. } => Some(Body::kind(body)),
        _ => None,
    }
}

/// A mutation that took effect.
pub(crate) fn done(request: Request, reason: String, at: Timestamp) -> Finished {
    Finished { request, reason, at, outcome: Outcome::Done, failures: 0 }
}

#[cfg(test)]
mod tests {
    use lamp_cloud::{Chain, DeleteOptions, HealingRecord, Intent, Kind, TemplateVersion};

    use super::*;

    fn open_entry() -> LedgerEntry {
        let request =
            Request::Delete { kind: Kind::Vpc, id: "vpc-1".to_owned(), options: DeleteOptions::default() };
        let intent = Intent {
            request,
            reason: "teardown".to_owned(),
            started_at: Timestamp::UNIX_EPOCH,
            sent: 1,
            error: None,
        };
        LedgerEntry { id: Some("vpc-1".to_owned()), open: Some(intent), attempt: 2, ..LedgerEntry::default() }
    }

    #[test]
    fn settling_closes_the_intent_in_every_way() {
        let now = Timestamp::UNIX_EPOCH;
        let created = settled(open_entry(), &Settlement::Created("vpc-2".to_owned()), now).unwrap();
        assert_eq!((created.id.as_deref(), created.open, created.attempt), (Some("vpc-2"), None, 2));
        assert_eq!(created.last.unwrap().outcome, Outcome::Done);
        let void = settled(open_entry(), &Settlement::Void, now).unwrap();
        assert_eq!((void.id.as_deref(), void.open), (Some("vpc-1"), None));
        let next = settled(open_entry(), &Settlement::NextAttempt, now).unwrap();
        assert_eq!((next.id.as_deref(), next.open.as_ref(), next.attempt), (None, None, 3));
        let hours = |hours: i64| now + SignedDuration::from_hours(hours);
        let again = settled(next, &Settlement::NextAttempt, hours(0)).unwrap();
        assert_eq!(again.remakes, [now, now]);
        let later = settled(again, &Settlement::NextAttempt, hours(2)).unwrap();
        assert_eq!(later.remakes, [hours(2)], "what is longer ago is forgotten");
        assert_eq!(settled(open_entry(), &Settlement::Forget, now), None);
    }

    #[tokio::test]
    async fn what_versions_proved_to_be_is_written_down_and_lost_with_their_template() {
        let store = Store::in_memory(|| Timestamp::UNIX_EPOCH);
        let part = Part::new("launch-template/web");
        let version = TemplateVersion { number: 2, launches: "x".to_owned(), instance_types: Vec::new() };
        let versions = Versions { good: Some(version), failed: None };
        let plan = Plan { versions: [(part.clone(), versions.clone())].into(), ..Plan::default() };
        settle(&store, "u", Ledger::new(), &plan, Timestamp::UNIX_EPOCH).await.unwrap();
        let entry = load(&store, "u").unwrap().remove(&part).unwrap();
        assert_eq!(entry.versions, versions);
        let next = settled(entry, &Settlement::NextAttempt, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(next.versions, Versions::default());
    }

    #[tokio::test]
    async fn what_healing_must_not_forget_is_written_down() {
        let store = Store::in_memory(|| Timestamp::UNIX_EPOCH);
        let part = Part::new("auto-scaling-group/web");
        let chain = Chain { length: 2, last: Timestamp::UNIX_EPOCH, requested: None };
        let healing = HealingRecord { chain: Some(chain), ..HealingRecord::default() };
        let plan = Plan { healing: [(part.clone(), healing.clone())].into(), ..Plan::default() };
        settle(&store, "u", Ledger::new(), &plan, Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!(load(&store, "u").unwrap()[&part].healing, healing);
    }

    #[tokio::test]
    async fn times_that_are_yet_to_come_become_now_on_disk_as_well() {
        let store = Store::in_memory(|| Timestamp::UNIX_EPOCH);
        let (part, now) = (Part::new("vpc"), Timestamp::UNIX_EPOCH);
        let ahead = now + std::time::Duration::from_secs(3600);
        let mut entry = LedgerEntry { created_at: Some(ahead), ..open_entry() };
        entry.open.as_mut().unwrap().started_at = ahead;
        write(&store, "u", &part, Some(&entry)).await.unwrap();
        let read = load(&store, "u").unwrap();
        let brought = without_future(&store, "u", read, now).await.unwrap();
        assert_eq!(brought[&part].created_at, Some(now));
        assert_eq!(brought[&part].open.as_ref().unwrap().started_at, now);
        assert_eq!(load(&store, "u").unwrap(), brought);
        assert!(!bring_back(&mut open_entry(), now), "what is past stays");
    }

    #[tokio::test]
    async fn an_unreadable_record_is_an_error_and_not_an_absence() {
        let store = Store::in_memory(|| Timestamp::UNIX_EPOCH);
        store.put_ledger("u", "vpc", Some(serde_json::json!({"attempt": "many"}))).await.unwrap();
        assert!(matches!(load(&store, "u"), Err(LedgerError::Unreadable { part, .. }) if part == "vpc"));
    }

    #[tokio::test]
    async fn what_is_written_is_read_back() {
        let store = Store::in_memory(|| Timestamp::UNIX_EPOCH);
        let part = Part::new("vpc");
        write(&store, "u", &part, Some(&open_entry())).await.unwrap();
        assert_eq!(load(&store, "u").unwrap().get(&part), Some(&open_entry()));
        clear(&store, "u").await.unwrap();
        assert!(load(&store, "u").unwrap().is_empty());
    }
}
