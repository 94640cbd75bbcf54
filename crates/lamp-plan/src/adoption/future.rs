//! How the stack would be if everything that is named were taken over: what the spec wants then, and what differs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lamp_cloud::{Difference, Inventory, LedgerEntry, Part, Resource, ResourceId};

use super::Adoption;
use crate::{Draft, Ledger, PartReport, PlanInput, steps};

/// A resource as the part that it is to be; the row is missing while AWS has not shown it.
#[derive(Clone, Debug)]
pub struct Taken {
    pub part: Part,
    pub id: ResourceId,
    pub row: Option<Arc<Resource>>,
}

/// A plan for the stack after its takeover.
#[derive(Clone, Debug)]
pub struct Future {
    /// Every part that the spec wants.
    pub wanted: BTreeSet<Part>,
    /// Where what is taken over is not as the spec says.
    pub differences: BTreeMap<Part, Vec<Difference>>,
    pub parts: BTreeMap<Part, PartReport>,
}

impl Future {
    /// Plans as if everything that was `taken` carried our tags and stood in the records.
    pub fn of(input: &PlanInput<'_>, taken: &[Taken]) -> Self {
        let (mut inventory, mut ledger) = (input.inventory.clone(), input.ledger.clone());
        for one in taken {
            record(input, &mut inventory, &mut ledger, one);
        }
        let nothing = Adoption::default();
        let input = PlanInput { inventory: &inventory, ledger: &ledger, adoption: &nothing, ..*input };
        let mut draft = Draft::new(input);
        steps::run(&mut draft);
        Self { wanted: draft.wanted, differences: draft.differences, parts: draft.plan.parts }
    }

    /// Why a part would need a person once it is taken over.
    pub(super) fn obstacle(&self, part: &Part) -> Option<&str> {
        self.parts.get(part).filter(|report| report.blocked).and_then(|report| report.reason.as_deref())
    }
}

fn record(input: &PlanInput<'_>, inventory: &mut Inventory, ledger: &mut Ledger, one: &Taken) {
    let entry = LedgerEntry {
        kind: one.row.as_ref().map(|row| row.kind()),
        id: Some(one.id.clone()),
        created_at: Some(input.now),
        completed_at: Some(input.now),
        ..LedgerEntry::default()
    };
    ledger.insert(one.part.clone(), entry);
    let Some(row) = &one.row else { return };
    let mut row = Resource::clone(row);
    row.tags.extend(input.owner.identity_beside(&one.part, &row.tags));
    inventory.missing_since.remove(&one.part);
    inventory.parts.insert(one.part.clone(), vec![Arc::new(row)]);
}
