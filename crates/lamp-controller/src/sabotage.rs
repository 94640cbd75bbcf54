//! Where tests put bugs in on purpose, to see that the fault simulator finds them.
//!
//! It is compiled only with the feature `sabotage`, which no daemon is built with; the bugs themselves are in the tests.

use std::fmt;
use std::sync::OnceLock;

use lamp_plan::{Plan, PlanInput};

use crate::engine::Engine;

/// Spoils a plan after it was checked.
pub type Sabotage = Box<dyn Fn(&PlanInput<'_>, &mut Plan) + Send + Sync>;

/// Empty unless a test fills it.
#[derive(Default)]
pub(crate) struct Slot(OnceLock<Sabotage>);

impl Slot {
    pub(crate) fn spoil(&self, input: &PlanInput<'_>, mut plan: Plan) -> Plan {
        if let Some(sabotage) = self.0.get() {
            sabotage(input, &mut plan);
        }
        plan
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Slot").field(&self.0.get().is_some()).finish()
    }
}

impl<C> Engine<C> {
    /// From now on every plan is spoiled. The first one who asks is heard.
    pub fn sabotage(&self, sabotage: Sabotage) {
        // A second bug in one engine would hide which of them was found.
        drop(self.shared.sabotage.0.set(sabotage));
    }
}
