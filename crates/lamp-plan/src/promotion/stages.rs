//! The steps of a promotion, each from what AWS shows: what was done is seen, and not remembered.

use lamp_api::v1alpha1::{Database, PartState};
use lamp_cloud::kinds::db_instance::{Change as DatabaseChange, DbInstance, Modification};
use lamp_cloud::{
    Change, Kind, Outcome, Part, Promotion, PromotionEnd, Reference, Request, Resource, ResourceId, State,
    tag, token,
};

use super::{fence, instance, loss};
use crate::observed::held;
use crate::protocol::{is_stale, propose, settle_open};
use crate::{Action, Draft, Effect, Precondition, Settlement, parts};

/// What a promotion waits for, or is at.
type Step = Result<(), String>;

pub(super) fn carry_on(draft: &mut Draft<'_>, database: &Database, promotion: &Promotion) {
    let former = parts::former_database(promotion.number);
    for part in [parts::database(), promotion.part.clone(), former] {
        draft.wanted.insert(part);
    }
    let step = advance(draft, database, promotion);
    let sentence = match step {
        Ok(()) => format!("{} is the primary", promotion.to),
        Err(sentence) => sentence,
    };
    report(draft, promotion, &sentence);
}

fn report(draft: &mut Draft<'_>, promotion: &Promotion, sentence: &str) {
    let part = parts::database();
    let words = format!("{} takes the place of {}: {sentence}", promotion.part, promotion.from);
    draft.report(&part, Kind::DbInstance, Some(&promotion.from), PartState::Progressing, words.clone());
    let replicas = draft.input.ledger.keys().filter(|part| parts::replica_slot(part).is_some());
    for replica in replicas.cloned().collect::<Vec<_>>() {
        draft.wanted.insert(replica.clone());
        if !draft.plan.parts.contains_key(&replica) {
            let id = draft.entry(&replica).and_then(|entry| entry.id.clone());
            draft.report(&replica, Kind::DbInstance, id.as_ref(), PartState::Waiting, words.clone());
        }
    }
    let database = draft.plan.database.get_or_insert_default();
    "promoting".clone_into(&mut database.status);
    database.operation = Some(words);
    database.reasons.insert(part, "DatabasePromoting".to_owned());
}

fn advance(draft: &mut Draft<'_>, database: &Database, promotion: &Promotion) -> Step {
    if draft.input.inventory.region.unknown(Kind::DbInstance.listing()).is_some() {
        return Err("databases could not be listed".to_owned());
    }
    let Some((row, body)) = instance(&draft.input, &promotion.to) else {
        draft.ask(Kind::DbInstance, &promotion.to);
        if loss::is_gone(&draft.input, &promotion.to) {
            return call_off(draft, promotion, &format!("{} is gone", promotion.to));
        }
        return Err(format!("{} is not listed", promotion.to));
    };
    if body.is_replica() {
        if let Some(why) = recovered(draft, promotion) {
            return call_off(draft, promotion, &why);
        }
        if let State::Failed(why) = &row.state {
            return call_off(draft, promotion, &format!("{} failed: {why}", promotion.to));
        }
    }
    move_replicas(draft, promotion)?;
    let fences = fence::verify(draft, &promotion.from)?;
    if body.is_replica() {
        return promote(draft, database, promotion, row, fences);
    }
    if !row.is_ready() {
        return Err(format!("RDS makes it a database of its own: {}", body.facts.status));
    }
    rename(draft, promotion, row)
}

/// Whether the primary serves again before RDS was asked to promote another one.
fn recovered(draft: &Draft<'_>, promotion: &Promotion) -> Option<String> {
    let (row, _) = instance(&draft.input, &promotion.from)?;
    let back = row.is_ready() && !promotion.forced && !was_asked(draft, promotion);
    back.then(|| format!("{} serves again", promotion.from))
}

/// Whether RDS was asked to promote the replica, with whatever outcome that is not known to be none.
fn was_asked(draft: &Draft<'_>, promotion: &Promotion) -> bool {
    let Some(entry) = draft.entry(&promotion.part) else { return false };
    let asks = |request: &Request| {
        matches!(request, Request::Change { id, change: Change::DbInstance(DatabaseChange::Promote { .. }), .. }
            if *id == promotion.to)
    };
    let open = entry.open.as_ref().is_some_and(|intent| asks(&intent.request));
    let done = entry.last.as_ref().is_some_and(|last| last.outcome == Outcome::Done && asks(&last.request));
    open || done
}

fn call_off(draft: &mut Draft<'_>, promotion: &Promotion, why: &str) -> Step {
    let ended = Some(PromotionEnd { at: draft.input.now, done: false });
    draft.plan.promotions.insert(parts::database(), Promotion { ended, ..promotion.clone() });
    draft.decide(&parts::database(), "PromotionCalledOff", format!("{why}: nothing was promoted"));
    draft.look_at(draft.input.now);
    Err(format!("called off: {why}"))
}

/// Replicas leave the group of the old primary: the one that is promoted must, the others go on serving readers so.
fn move_replicas(draft: &mut Draft<'_>, promotion: &Promotion) -> Step {
    let group_part = fence::security_group(&draft.input);
    let group = held(&draft.input, &group_part, Kind::SecurityGroup).filter(|row| lets_in(row)).cloned();
    let Some(group) = group else { return Err(format!("waiting for {group_part}")) };
    let slots = draft.input.ledger.keys().filter(|part| parts::replica_slot(part).is_some());
    for part in slots.cloned().collect::<Vec<_>>() {
        let Some(row) = held(&draft.input, &part, Kind::DbInstance).cloned() else { continue };
        let lamp_cloud::Body::DbInstance(body) = &row.body else { continue };
        let follows = body.is_replica() || row.id == promotion.to;
        if row.is_ready() && follows {
            stand_in(draft, &part, &row, body, &group.id);
        }
    }
    match fence::has_moved(&draft.input, &promotion.to) {
        true => Ok(()),
        false => Err(format!("it moves to {group_part}")),
    }
}

/// Whether the rules of the new group are there: who moves to it is not cut off.
fn lets_in(group: &Resource) -> bool {
    matches!(&group.body, lamp_cloud::Body::SecurityGroup(body) if !body.ingress.is_empty())
}

/// Puts an instance into one security group, and takes it out of all others.
pub(super) fn stand_in(draft: &mut Draft<'_>, part: &Part, row: &Resource, body: &DbInstance, group: &str) {
    let security_groups = vec![Reference::id(group)];
    if body.security_groups == security_groups || !is_free(draft, part) {
        return;
    }
    let modification = Modification { security_groups: Some(security_groups), ..Modification::default() };
    let change = DatabaseChange::Modify(Box::new(modification));
    act(draft, part, row, change, "it leaves the security group of the old primary", None);
}

/// Whether nothing of the part is open, and the reading shows all that was done to it.
fn is_free(draft: &mut Draft<'_>, part: &Part) -> bool {
    !is_stale(draft, part) && settle_open(draft, part, Kind::DbInstance)
}

fn act(
    draft: &mut Draft<'_>,
    part: &Part,
    row: &Resource,
    change: DatabaseChange,
    reason: &str,
    precondition: Option<Precondition>,
) {
    let change = Change::DbInstance(change);
    let what = serde_json::to_string(&change).unwrap_or_default();
    let token = token(draft.input.owner, part, &format!("{} {what}", row.id), 0);
    let request = Request::Change { id: row.id.clone(), token, change };
    send(draft, part, row, request, reason, precondition);
}

fn send(
    draft: &mut Draft<'_>,
    part: &Part,
    row: &Resource,
    request: Request,
    reason: &str,
    precondition: Option<Precondition>,
) {
    let action = Action {
        part: part.clone(),
        kind: Kind::DbInstance,
        effect: Effect::Update,
        request,
        reason: reason.to_owned(),
        changes: Vec::new(),
        precondition,
    };
    propose(draft, action, Some(&row.id), PartState::Progressing);
}

/// Asks RDS, once: the old primary is shut off, and each call reads again that it is.
fn promote(
    draft: &mut Draft<'_>,
    database: &Database,
    promotion: &Promotion,
    row: &Resource,
    fences: Vec<ResourceId>,
) -> Step {
    let part = &promotion.part;
    if !row.is_ready() {
        return Err(format!("RDS makes it a database of its own: {:?}", row.state));
    }
    if !is_free(draft, part) {
        return Err("RDS was asked to make it a database of its own".to_owned());
    }
    let change = DatabaseChange::Promote { backup_retention_days: database.backups.retention_days };
    let reason = format!("{} is lost, and nobody reaches it any more", promotion.from);
    let precondition = Precondition::Promotable { id: promotion.to.clone(), fences };
    act(draft, part, row, change, &reason, Some(precondition));
    Err(format!("nobody reaches {} any more; RDS makes it a database of its own", promotion.from))
}

/// The tags follow: the old primary is a former one, and the new one the database. Then the records do, all at once.
fn rename(draft: &mut Draft<'_>, promotion: &Promotion, row: &Resource) -> Step {
    let (database, former) = (parts::database(), parts::former_database(promotion.number));
    let old = instance(&draft.input, &promotion.from).map(|(row, _)| row.clone());
    if let Some(old) = &old {
        if !is_called(old, &former) {
            call(draft, &database, old, &former);
            return Err(format!("{} gets another name in the records", promotion.from));
        }
    } else {
        draft.ask(Kind::DbInstance, &promotion.from);
        if !loss::is_gone(&draft.input, &promotion.from) {
            return Err(format!("{} is not listed; AWS is asked for it by its id", promotion.from));
        }
    }
    if !is_called(row, &database) {
        call(draft, &promotion.part, row, &database);
        return Err("it gets the name of the database in the records".to_owned());
    }
    if !(is_free(draft, &database) && is_free(draft, &promotion.part)) {
        return Err("it gets the name of the database in the records".to_owned());
    }
    conclude(draft, promotion, old.is_some());
    Ok(())
}

fn is_called(row: &Resource, part: &Part) -> bool {
    row.tags.get(tag::PART).map(String::as_str) == Some(part.as_str())
}

fn call(draft: &mut Draft<'_>, recorded: &Part, row: &Resource, new: &Part) {
    if !is_free(draft, recorded) {
        return;
    }
    let tags = draft.input.owner.identity_beside(new, &row.tags);
    let request = Request::Tag { kind: Kind::DbInstance, id: row.id.clone(), tags };
    send(draft, recorded, row, request, &format!("it is {new} from now on"), None);
}

fn conclude(draft: &mut Draft<'_>, promotion: &Promotion, keeps_old: bool) {
    let database = parts::database();
    draft.settle(&database, Settlement::Adopted(Kind::DbInstance, promotion.to.clone()));
    draft.settle(&promotion.part, Settlement::Forget);
    if keeps_old {
        let former = parts::former_database(promotion.number);
        draft.settle(&former, Settlement::Adopted(Kind::DbInstance, promotion.from.clone()));
    }
    let ended = Some(PromotionEnd { at: draft.input.now, done: true });
    draft.plan.promotions.insert(database.clone(), Promotion { ended, ..promotion.clone() });
    draft.plan.losses.insert(database.clone(), None);
    let reason = format!(
        "{} is the primary, in the place of {}; instances of the tiers follow by a rollout, and replicas are made anew",
        promotion.to, promotion.from
    );
    draft.decide(&database, "Promoted", reason);
    draft.look_at(draft.input.now);
}
