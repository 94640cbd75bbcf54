//! What runs in the network of a stack and is none of its instances. It is said, and nothing is done about it: somebody
//! may need it.

use std::collections::BTreeSet;

use lamp_api::v1alpha1::Stranger;
use lamp_cloud::{Body, Instance, tag};

use crate::Draft;

/// Reports the strangers in the stack's network.
pub(crate) fn report(draft: &mut Draft<'_>) {
    let inventory = draft.input.inventory;
    let groups = inventory.resources().filter_map(|row| match &row.body {
        Body::AutoScalingGroup(group) => Some((row.id.as_str(), group)),
        _ => None,
    });
    let (names, groups): (BTreeSet<_>, Vec<_>) = groups.unzip();
    let members: BTreeSet<_> =
        groups.iter().flat_map(|group| &group.members).map(|member| member.instance.as_str()).collect();
    let is_stranger = |instance: &&Instance| {
        let launched_by_us = instance.group.as_deref().is_some_and(|group| names.contains(group));
        !launched_by_us && !members.contains(instance.id.as_str())
    };
    let strangers = inventory.unclaimed.values().filter(is_stranger).map(|instance| Stranger {
        instance: instance.id.clone(),
        name: instance.tags.get(tag::NAME).cloned(),
    });
    draft.plan.strangers = strangers.collect();
}
