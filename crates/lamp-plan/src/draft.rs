//! A plan while it is being made.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use lamp_api::v1alpha1::PartState;
use lamp_cloud::{Difference, Kind, LedgerEntry, Part, ResourceId};

use crate::rollout::target::Target;
use crate::{Action, Ask, PartReport, Plan, PlanInput, Settlement};

/// Collects actions and reports. Every step of planning writes here and reads what earlier steps wrote.
#[derive(Debug)]
pub struct Draft<'a> {
    pub input: PlanInput<'a>,
    pub plan: Plan,
    /// Parts that the spec wants: what is not here, and not live, is obsolete.
    pub wanted: BTreeSet<Part>,
    /// Where a part that is there is not as the spec says, and the spec owns the field.
    pub differences: BTreeMap<Part, Vec<Difference>>,
    /// The version of its launch template that each tier is to have, as found out once.
    pub(crate) targets: BTreeMap<String, Result<Target, String>>,
}

impl<'a> Draft<'a> {
    pub fn new(input: PlanInput<'a>) -> Self {
        let plan = Plan { memory: input.memory.clone(), ..Plan::default() };
        let (wanted, differences, targets) = Default::default();
        Self { input, plan, wanted, differences, targets }
    }

    /// What the store knows of a part.
    pub fn entry(&self, part: &Part) -> Option<&'a LedgerEntry> {
        self.input.ledger.get(part)
    }

    /// Whether this plan changes a part already: one action for a part at a time, as its record holds one intent.
    pub fn acts_on(&self, part: &Part) -> bool {
        self.plan.actions.iter().any(|action| action.part == *part)
    }

    /// Adds an action.
    pub fn act(&mut self, action: Action) {
        self.plan.actions.push(action);
    }

    /// Says how a part is.
    pub fn report(
        &mut self,
        part: &Part,
        kind: Kind,
        id: Option<&ResourceId>,
        state: PartState,
        reason: impl Into<Option<String>>,
    ) {
        let report = PartReport { kind, id: id.cloned(), state, reason: reason.into(), blocked: false };
        self.plan.parts.insert(part.clone(), report);
    }

    /// Says that a part cannot go on until a person acts.
    pub fn block(&mut self, part: &Part, kind: Kind, id: Option<&ResourceId>, reason: String) {
        let report = PartReport {
            kind,
            id: id.cloned(),
            state: PartState::Failed,
            reason: Some(reason),
            blocked: true,
        };
        self.plan.parts.insert(part.clone(), report);
    }

    /// Says that a part waits for something that a person must remove. It is well itself.
    pub fn hold(&mut self, part: &Part, kind: Kind, id: &ResourceId, reason: String) {
        self.report(part, kind, Some(id), PartState::Waiting, reason);
        self.plan.parts.entry(part.clone()).and_modify(|report| report.blocked = true);
    }

    /// Settles an open intent, or changes the record of a part.
    pub fn settle(&mut self, part: &Part, settlement: Settlement) {
        self.plan.settlements.insert(part.clone(), settlement);
    }

    /// Notes a decision of scaling or healing, with its numbers.
    pub fn decide(&mut self, part: &Part, action: &str, reason: String) {
        self.plan.decisions.push((part.clone(), action.to_owned(), reason));
    }

    /// Asks to be told what AWS says of a resource that no listing shows.
    pub fn ask(&mut self, kind: Kind, id: &ResourceId) {
        self.plan.asks.insert(Ask::Resource(kind, id.clone()));
    }

    /// Asks to be planned again at `when` at the latest.
    pub fn look_at(&mut self, when: Timestamp) {
        let earliest = self.plan.next_look.map_or(when, |current| current.min(when));
        self.plan.next_look = Some(earliest);
    }

    /// Whether a part is there and ready, as far as this plan has found out.
    pub fn is_ready(&self, part: &Part) -> bool {
        self.plan.parts.get(part).is_some_and(|report| report.state == PartState::Ready)
    }
}
