//! A read replica takes the place of a primary that is lost.
//!
//! What is decided is written into the record of the database before anything is done, and every pass goes on from what
//! AWS shows and from that record: first the replica gets a security group of its own, then the group of the old primary
//! loses its rules, and only when a reading shows that, RDS is asked to promote. Two databases that can be written are so
//! never reached at once. The old primary is kept, shut off, until a person deletes it.

mod candidate;
mod decision;
mod fence;
mod former;
mod loss;
mod stages;
#[cfg(test)]
mod tests;

use lamp_api::v1alpha1::Database;
use lamp_cloud::{Body, Promotion, Resource, kinds::db_instance::DbInstance};

pub(crate) use self::fence::{fenced_groups, is_fenced, open_groups, security_group};
pub(crate) use self::former::plan_formers;
use crate::{Draft, PlanInput, parts};

/// The promotion that is under way.
pub(crate) fn under_way<'a>(input: &PlanInput<'a>) -> Option<&'a Promotion> {
    last(input).filter(|promotion| promotion.is_open())
}

/// The last promotion, under way or not.
fn last<'a>(input: &PlanInput<'a>) -> Option<&'a Promotion> {
    input.ledger.get(&parts::database())?.promotion.as_ref()
}

/// Why the primary is not to be judged: readings show the old one under its name, and not the new one.
pub(crate) fn confusion(input: &PlanInput<'_>) -> Option<String> {
    let last = last(input).filter(|last| last.ended.is_some_and(|end| end.done))?;
    let rows = || input.inventory.parts.get(&parts::database()).into_iter().flatten();
    let shows = |id: &str| rows().any(|row| row.id == id);
    (shows(&last.from) && !shows(&last.to)).then(|| {
        format!(
            "{} is still shown as the database, in whose place {} is: a later reading must agree",
            last.from, last.to
        )
    })
}

/// Takes the promotion that is under way a step further.
pub(crate) fn carry_on(draft: &mut Draft<'_>, database: &Database, promotion: &Promotion) {
    stages::carry_on(draft, database, promotion);
    decision::answer_order(draft, promotion);
}

/// Judges whether the primary is lost, and decides what follows from that. `true` if a promotion begins.
pub(crate) fn watch(draft: &mut Draft<'_>, database: &Database) -> bool {
    loss::judge(draft);
    decision::decide(draft, database);
    !draft.plan.promotions.is_empty()
}

/// An instance of the stack by its id, whatever part it is just now.
fn instance<'a>(input: &PlanInput<'a>, id: &str) -> Option<(&'a Resource, &'a DbInstance)> {
    let row = input.inventory.resources().find(|row| row.id == id && row.belongs_to(input.owner))?;
    match &row.body {
        Body::DbInstance(body) => Some((row.as_ref(), body)),
        _ => None,
    }
}
