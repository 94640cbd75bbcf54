//! Target tracking of EC2 Auto Scaling: alarms on each minute's metric, and what they make of the desired capacity.
//!
//! As in the user guide ("Target tracking scaling policies"): out after three minutes above the target, to what the metric
//! asks of the instances that are warmed up; in after fifteen minutes below nine tenths of it, only if every policy that
//! may agrees, and not while an instance warms up. Missing data moves nothing. How much goes AWS does not say: here it is
//! what fifteen minutes of load did not need. `tests/src/bench/scaling/others.rs` replays the same.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lamp_cloud::kinds::auto_scaling_group::{AutoScalingGroup, ScalingPolicy, TrackedMetric};
use lamp_cloud::{Kind, MetricName, MetricQuery, OtherMetric, Reference};

use super::groups::is_suspended;
use super::metrics::Meter;
use crate::MetricTrouble;
use crate::world::World;

/// A minute is known one minute after it is over.
const KNOWN_AFTER: i64 = 120;
const ABOVE_MINUTES: usize = 3;
const BELOW_MINUTES: usize = 15;
const BELOW: f64 = 0.9;
/// From one removal to the next.
const REST: Duration = Duration::from_secs(300);
/// Room for the error of floating point.
const EPSILON: f64 = 1e-9;

/// What the alarms of one policy have seen: the newest minutes without a gap, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watch {
    values: VecDeque<f64>,
}

impl Watch {
    fn see(&mut self, value: Option<f64>) {
        let Some(value) = value else { return self.values.clear() };
        self.values.push_back(value);
        if self.values.len() > BELOW_MINUTES {
            self.values.pop_front();
        }
    }

    /// The newest value, if all of three minutes were above the target.
    fn above(&self, target: f64) -> Option<f64> {
        let mut newest = self.values.iter().rev().take(ABOVE_MINUTES);
        let high = self.values.len() >= ABOVE_MINUTES && newest.all(|value| *value > target);
        self.values.back().copied().filter(|_| high)
    }

    /// The highest value, if all of fifteen minutes were below nine tenths of the target.
    fn below(&self, target: f64) -> Option<f64> {
        let highest = self.values.iter().copied().fold(0.0, f64::max);
        (self.values.len() == BELOW_MINUTES && highest < BELOW * target).then_some(highest)
    }
}

impl World {
    /// The policies of a group changed: alarms are made anew for those that did.
    pub(crate) fn watch_group(&mut self, id: &str, policy: &str) {
        if let Some(group) = self.groups.get_mut(id) {
            group.watches.remove(policy);
        }
        self.tracked.insert(id.to_owned());
        self.agenda.plan_alarms(self.now);
    }

    /// A minute passes for all alarms.
    pub(crate) fn judge_alarms(&mut self) {
        let mut tracked = std::mem::take(&mut self.tracked);
        tracked.retain(|id| {
            let policies = self.body::<AutoScalingGroup>(id).and_then(|body| body.policies.as_ref());
            self.lives(Kind::AutoScalingGroup, id) && policies.is_some_and(|policies| !policies.is_empty())
        });
        if tracked.is_empty() {
            return self.agenda.end_alarms();
        }
        let minute = Timestamp::from_second(self.now.as_second() - KNOWN_AFTER).unwrap_or(self.now);
        let meter = self.meter();
        for id in &tracked {
            let Some(body) = self.body::<AutoScalingGroup>(id).cloned() else { continue };
            self.watch(id, &body, &meter, minute);
            let decided =
                self.tracked_capacity(id, &body).filter(|_| !is_suspended(&body, "AlarmNotification"));
            if let Some(desired) = decided {
                self.set_tracked(id, &body, desired);
            }
        }
        self.tracked = tracked;
    }

    fn watch(&mut self, id: &str, body: &AutoScalingGroup, meter: &Meter, minute: Timestamp) {
        for policy in body.policies.iter().flatten() {
            let value = self.tracked_value(id, body, policy, meter, minute);
            if let Some(group) = self.groups.get_mut(id) {
                group.watches.entry(policy.name.clone()).or_default().see(value);
            }
        }
    }

    fn tracked_value(
        &self,
        id: &str,
        body: &AutoScalingGroup,
        policy: &ScalingPolicy,
        meter: &Meter,
        minute: Timestamp,
    ) -> Option<f64> {
        let silent = |trouble| matches!(trouble, MetricTrouble::Missing);
        let mut spells = self.config.faults.metrics.iter().filter(|spell| spell.is_on(self.now));
        if spells.any(|spell| silent(spell.trouble)) {
            return None;
        }
        let query = tracked_query(id, body, &policy.metric)?;
        self.point(meter, &query, minute).map(|(_, value)| value)
    }

    /// What the alarms of a group make of its capacity; `None`: it stays.
    fn tracked_capacity(&self, id: &str, body: &AutoScalingGroup) -> Option<u32> {
        let group = self.groups.get(id)?;
        let watched = || {
            let policies = body.policies.iter().flatten();
            policies.filter_map(|policy| Some((policy, group.watches.get(&policy.name)?)))
        };
        let serving = self.in_service(id);
        let asks = |policy: &ScalingPolicy, value: f64| {
            let warm = serving.iter().filter(|member| self.is_warm(member, body, policy)).count();
            let wanted = (warm as f64 * value / policy.target - EPSILON).ceil();
            (warm > 0).then_some(wanted.max(0.0) as u32)
        };
        let out = watched().filter_map(|(policy, watch)| asks(policy, watch.above(policy.target)?));
        if let Some(wanted) = out.max() {
            return Some(wanted.min(body.max)).filter(|wanted| *wanted > body.desired);
        }
        let is_settled = |policy: &ScalingPolicy| {
            let staying = self.staying(id);
            staying.len() == body.desired as usize
                && staying.iter().all(|member| self.is_warm(member, body, policy))
        };
        if group.rests_until.is_some_and(|until| self.now < until) {
            return None;
        }
        let shrinking = watched().filter(|(policy, _)| policy.scales_in);
        let agreed: Option<Vec<u32>> = shrinking
            .map(|(policy, watch)| {
                let highest = watch.below(policy.target)?;
                asks(policy, highest).filter(|_| is_settled(policy))
            })
            .collect();
        let wanted = agreed?.into_iter().max()?.max(body.min);
        (wanted < body.desired).then_some(wanted)
    }

    fn is_warm(&self, member: &str, body: &AutoScalingGroup, policy: &ScalingPolicy) -> bool {
        let warm_up = SignedDuration::from_secs(policy.warmup_seconds.unwrap_or(body.grace_seconds).into());
        let since = self.machines.get(member).and_then(|machine| machine.in_service_since);
        since.is_some_and(|since| self.now.duration_since(since) >= warm_up)
    }

    fn set_tracked(&mut self, id: &str, body: &AutoScalingGroup, desired: u32) {
        let now = self.now;
        if let Some(group) = self.groups.get_mut(id).filter(|_| desired < body.desired) {
            group.rests_until = Some(now + REST);
        }
        self.update(id, |body: &mut AutoScalingGroup| body.desired = desired);
        self.wake_group(id);
    }
}

/// The metric that a policy of a group follows; none where the region has no such metric.
fn tracked_query(id: &str, body: &AutoScalingGroup, metric: &TrackedMetric) -> Option<MetricQuery> {
    let of_group = |metric| MetricQuery { metric, resource: id.to_owned(), load_balancer: None };
    match metric {
        TrackedMetric::AverageCpuUtilization => Some(of_group(MetricName::GroupCpuUtilization)),
        TrackedMetric::RequestCountPerTarget { label } => {
            let mut attached = body.target_groups.iter().filter_map(Reference::as_id);
            let resource = attached.find(|group| serves(label, group))?.to_owned();
            let metric = MetricName::RequestCountPerTarget;
            Some(MetricQuery { metric, resource, load_balancer: None })
        }
        TrackedMetric::AverageNetworkIn => Some(of_group(MetricName::GroupNetworkIn)),
        TrackedMetric::AverageNetworkOut => Some(of_group(MetricName::GroupNetworkOut)),
        TrackedMetric::Customized { namespace, name, dimensions, statistic } => {
            let other = OtherMetric {
                namespace: namespace.clone(),
                name: name.clone(),
                dimensions: dimensions.clone(),
                statistic: statistic.clone(),
            };
            let metric = MetricName::Other(Box::new(other));
            Some(MetricQuery { metric, resource: String::new(), load_balancer: None })
        }
        TrackedMetric::Other(_) => None,
    }
}

/// Whether a resource label ends with this target group.
pub(crate) fn serves(label: &str, target_group: &str) -> bool {
    target_group.rsplit(':').next().is_some_and(|end| !end.is_empty() && label.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(values: impl IntoIterator<Item = f64>) -> Watch {
        let mut watch = Watch::default();
        values.into_iter().for_each(|value| watch.see(Some(value)));
        watch
    }

    #[test]
    fn three_minutes_above_the_target_are_an_alarm_and_two_are_none() {
        assert_eq!(watch([70.0, 80.0, 90.0]).above(60.0), Some(90.0));
        assert_eq!(watch([50.0, 80.0, 90.0]).above(60.0), None);
        assert_eq!(watch([80.0, 90.0]).above(60.0), None);
    }

    #[test]
    fn fifteen_minutes_below_nine_tenths_of_the_target_are_an_alarm() {
        assert_eq!(watch([20.0; 15]).below(60.0), Some(20.0));
        assert_eq!(watch([20.0; 14]).below(60.0), None);
        assert_eq!(watch([vec![20.0; 14], vec![54.0]].concat()).below(60.0), None);
        assert_eq!(watch([vec![90.0], vec![20.0; 15]].concat()).below(60.0), Some(20.0));
    }

    #[test]
    fn after_a_gap_alarms_begin_anew() {
        let mut gap = watch([90.0, 90.0]);
        gap.see(None);
        gap.see(Some(90.0));
        assert_eq!(gap.above(60.0), None);
    }
}
