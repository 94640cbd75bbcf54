//! The tags of instances: a member that lost them is known by its group, and gets them back. Without them nobody could
//! tell whose it is once it has left the group.

use jiff::SignedDuration;
use lamp_api::v1alpha1::Tier;
use lamp_cloud::{Kind, LifecycleState, Request, ResourceId, Tags, tag};

use super::attempt::{may_send, tags_part};
use super::tier_view::{MemberView, TierView};
use crate::kinds::launch_template::instance_tags;
use crate::{Action, Draft, Effect};

/// A younger instance may not show the tags yet that it was launched with.
const YOUNG: SignedDuration = SignedDuration::from_secs(60);

/// Plans the tags that members of a tier's group lack.
pub(crate) fn plan_tags(draft: &mut Draft<'_>, tier: &Tier, view: &TierView<'_>) {
    let wanted = instance_tags(&draft.input, tier);
    let now = draft.input.now;
    let settled = view.staying().filter(|member| {
        member.member.lifecycle == LifecycleState::InService && member.is_older_than(YOUNG, now)
    });
    let lacking: Vec<_> = settled.filter_map(|member| lacks(member, &wanted)).collect();
    for (instance, tags) in lacking {
        put_back(draft, instance, tags);
    }
}

/// The tags that an instance lacks. Those that say whose it is must be as we write them; people may name it.
fn lacks(member: &MemberView<'_>, wanted: &Tags) -> Option<(ResourceId, Tags)> {
    let instance = member.instance?;
    let lacks = |key: &String, value: &String| match instance.tags.get(key) {
        Some(found) => key != tag::NAME && found != value,
        None => true,
    };
    let tags: Tags = wanted.iter().filter(|(key, value)| lacks(key, value)).map(owned).collect();
    (!tags.is_empty()).then(|| (instance.id.clone(), tags))
}

fn owned((key, value): (&String, &String)) -> (String, String) {
    (key.clone(), value.clone())
}

fn put_back(draft: &mut Draft<'_>, instance: ResourceId, tags: Tags) {
    let part = tags_part(&instance);
    if !may_send(&draft.input, &part) {
        return;
    }
    let keys: Vec<&str> = tags.keys().map(String::as_str).collect();
    let reason = format!("{instance} is a member of the tier's group and lacks {}", keys.join(", "));
    draft.act(Action {
        part,
        kind: Kind::AutoScalingGroup,
        effect: Effect::Update,
        request: Request::TagInstance { instance, tags },
        reason,
        changes: Vec::new(),
        precondition: None,
    });
}
