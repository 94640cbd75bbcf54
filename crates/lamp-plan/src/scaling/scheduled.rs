//! `Scheduled` policies: bounds and capacities that hold from a time of day on.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::{LampStackSpec, Scaling, ScalingPolicy, ScalingPolicyType, Schedule};

/// A capacity is set this long after its time: what was missed for longer is not made up for, as the load of then is
/// not the load of now.
const DEADLINE: SignedDuration = SignedDuration::from_mins(10);

/// The newest firing of all schedules of a tier or pool.
#[derive(Clone, Copy, Debug)]
struct Firing<'a> {
    at: Timestamp,
    policy: &'a ScalingPolicy,
}

/// A capacity that a schedule set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) at: Timestamp,
    pub(crate) capacity: u32,
    /// Which schedule, and when.
    pub(crate) reason: String,
}

impl Setting {
    /// Whether it is too late for it.
    pub(super) fn is_late(&self, now: Timestamp) -> bool {
        now.duration_since(self.at) > DEADLINE
    }
}

/// The spec as it holds now: the bounds that schedules set stand in the place of those of the capacity.
pub fn spec_in_force(spec: &LampStackSpec, now: Timestamp) -> Cow<'_, LampStackSpec> {
    let pool = spec.database.as_ref().map(|database| &database.replicas.scaling);
    let mut all = spec.tiers.iter().map(|tier| &tier.scaling).chain(pool);
    if !all.any(|scaling| schedules(scaling).next().is_some()) {
        return Cow::Borrowed(spec);
    }
    let mut spec = spec.clone();
    for tier in &mut spec.tiers {
        let (min, max) = bounds(&tier.scaling, now);
        tier.capacity.min = min.unwrap_or(tier.capacity.min);
        tier.capacity.max = max.unwrap_or(tier.capacity.max);
    }
    if let Some(replicas) = spec.database.as_mut().map(|database| &mut database.replicas) {
        let (min, max) = bounds(&replicas.scaling, now);
        replicas.min = min.unwrap_or(replicas.min);
        replicas.max = max.or(replicas.max);
    }
    Cow::Owned(spec)
}

/// The smallest and the largest capacity that the newest firing set.
pub(crate) fn bounds(scaling: &Scaling, now: Timestamp) -> (Option<u32>, Option<u32>) {
    newest(scaling, now).map_or((None, None), |firing| (firing.policy.min, firing.policy.max))
}

/// The capacity that was set last, if the newest firing set one.
pub(crate) fn setting(scaling: &Scaling, now: Timestamp) -> Option<Setting> {
    let Firing { at, policy } = newest(scaling, now)?;
    let reason = format!("the schedule {} fired at {at}", words(policy));
    Some(Setting { at, capacity: policy.desired?, reason })
}

/// When a schedule fires next.
pub(crate) fn next(scaling: &Scaling, now: Timestamp) -> Option<Timestamp> {
    schedules(scaling).filter_map(|(_, schedule)| schedule.next(now)).min()
}

/// Of two that fired at once the later one in the spec counts.
fn newest(scaling: &Scaling, now: Timestamp) -> Option<Firing<'_>> {
    let firings =
        schedules(scaling).filter_map(|(policy, schedule)| Some(Firing { at: schedule.last(now)?, policy }));
    firings.max_by_key(|firing| firing.at)
}

/// Admission refused what cannot be read.
fn schedules(scaling: &Scaling) -> impl Iterator<Item = (&ScalingPolicy, Schedule)> {
    let scheduled = scaling.policies.iter().filter(|policy| policy.kind == ScalingPolicyType::Scheduled);
    scheduled.filter_map(|policy| {
        let schedule = Schedule::parse(policy.schedule.as_deref()?, zone(policy)).ok()?;
        Some((policy, schedule))
    })
}

fn zone(policy: &ScalingPolicy) -> &str {
    policy.time_zone.as_deref().unwrap_or(ScalingPolicy::TIME_ZONE)
}

/// `0 8 * * MON-FRI (Europe/Berlin)`
fn words(policy: &ScalingPolicy) -> String {
    format!("{} ({})", policy.schedule.as_deref().unwrap_or_default(), zone(policy))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn spec(policies: serde_json::Value) -> LampStackSpec {
        let tier = serde_json::json!({"name": "web", "capacity": {"min": 2, "max": 12}, "scaling": {"policies": policies}});
        serde_json::from_value(serde_json::json!({"region": "eu-central-1", "tiers": [tier]})).unwrap()
    }

    fn working_hours() -> LampStackSpec {
        spec(serde_json::json!([
            {"type": "Scheduled", "schedule": "0 8 * * MON-FRI", "timeZone": "Europe/Berlin", "min": 6, "desired": 8},
            {"type": "Scheduled", "schedule": "0 20 * * *", "timeZone": "Europe/Berlin", "max": 4},
        ]))
    }

    fn bounds(spec: &LampStackSpec, now: &str) -> (u32, u32) {
        let spec = spec_in_force(spec, at(now));
        (spec.tiers[0].capacity.min, spec.tiers[0].capacity.max)
    }

    #[test]
    fn what_a_schedule_sets_holds_until_another_fires_and_the_rest_is_that_of_the_capacity() {
        let spec = working_hours();
        assert_eq!(bounds(&spec, "2026-11-27T06:59:59Z"), (2, 4), "the evening's");
        assert_eq!(bounds(&spec, "2026-11-27T07:00:00Z"), (6, 12), "eight o'clock in Berlin");
        assert_eq!(bounds(&spec, "2026-11-27T18:59:59Z"), (6, 12));
        assert_eq!(bounds(&spec, "2026-11-27T19:00:00Z"), (2, 4));
        assert_eq!(bounds(&spec, "2026-11-28T12:00:00Z"), (2, 4), "on Saturday the evening goes on");
    }

    #[test]
    fn a_capacity_is_set_when_it_fires_and_the_next_look_is_at_the_next_firing() {
        let scaling = &working_hours().tiers[0].scaling;
        let setting = setting(scaling, at("2026-11-27T07:05:00Z")).unwrap();
        assert_eq!((setting.at, setting.capacity), (at("2026-11-27T07:00:00Z"), 8));
        assert_eq!(
            setting.reason,
            "the schedule 0 8 * * MON-FRI (Europe/Berlin) fired at 2026-11-27T07:00:00Z"
        );
        assert!(!setting.is_late(at("2026-11-27T07:10:00Z")) && setting.is_late(at("2026-11-27T07:10:01Z")));
        assert_eq!(super::setting(scaling, at("2026-11-27T19:05:00Z")), None, "the evening sets none");
        assert_eq!(next(scaling, at("2026-11-27T07:05:00Z")), Some(at("2026-11-27T19:00:00Z")));
    }

    #[test]
    fn a_spec_without_schedules_is_not_copied() {
        let spec = spec(serde_json::json!([{"metric": "CPUUtilization", "target": 60}]));
        assert!(matches!(spec_in_force(&spec, at("2026-11-27T07:05:00Z")), Cow::Borrowed(_)));
    }
}
