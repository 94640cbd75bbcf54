//! What a person holds: nothing of it is replaced, scaled in or rolled out until they let go.

use std::collections::BTreeMap;

use lamp_api::v1alpha1::{LampStackSpec, Tier};
use lamp_cloud::kinds::auto_scaling_group::AutoScalingGroup;
use lamp_cloud::{Instance, tag};

use crate::PlanInput;
use crate::live::tier_view::{MemberView, TierView};

/// Stacks and tiers that are held, each with the reason. Instances carry theirs as a tag.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    pub stack: Option<String>,
    /// By the tier's name.
    pub tiers: BTreeMap<String, String>,
}

impl Holds {
    /// Why a tier is held as a whole.
    pub(crate) fn of_tier(&self, tier: &str) -> Option<String> {
        let stack = || self.stack.as_ref().map(|why| format!("the stack is held ({})", given(why)));
        let tier = self.tiers.get(tier).map(|why| format!("tier {tier} is held ({})", given(why)));
        tier.or_else(stack)
    }

    /// Tiers that are held, and that the spec does not have.
    pub(crate) fn of_nothing<'a>(&'a self, spec: &'a LampStackSpec) -> impl Iterator<Item = &'a str> {
        let known = |name: &&str| spec.tiers.iter().any(|tier| tier.name == *name);
        self.tiers.keys().map(String::as_str).filter(move |name| !known(name))
    }
}

fn given(reason: &str) -> &str {
    if reason.trim().is_empty() { "no reason is given" } else { reason.trim() }
}

/// Why an instance is held by its tag.
pub(crate) fn of_instance(instance: &Instance) -> Option<String> {
    let reason = instance.tags.get(tag::HOLD)?;
    Some(format!("{} is held ({})", instance.id, given(reason)))
}

/// Why a member is held by its tag.
pub(crate) fn of_member(member: &MemberView<'_>) -> Option<String> {
    member.instance.and_then(of_instance)
}

/// The group of a tier of which anything is held: it keeps its size, and what somebody suspended of it.
pub(crate) fn held_group<'a>(input: &PlanInput<'a>, tier: &Tier) -> Option<&'a AutoScalingGroup> {
    let view = TierView::of(input.inventory, tier)?;
    of_group(input, tier, &view).map(|_| view.body)
}

/// Why no instance of a tier may be removed: the tier is held, or one of its instances, as its group would choose.
pub(crate) fn of_group(input: &PlanInput<'_>, tier: &Tier, view: &TierView<'_>) -> Option<String> {
    input.holds.of_tier(&tier.name).or_else(|| view.staying().find_map(of_member))
}
