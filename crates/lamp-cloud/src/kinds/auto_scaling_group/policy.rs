//! A scaling policy of EC2 Auto Scaling: it changes the desired capacity of its group by itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How the names of our policies begin. What else stands on a group is somebody else's, and stays.
pub const POLICY_PREFIX: &str = "lamplighter-";

/// A scaling policy, as far as it tracks a target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScalingPolicy {
    /// Its natural key in the group.
    pub name: String,
    pub metric: TrackedMetric,
    /// The value to keep the metric at, in the metric's own unit.
    pub target: f64,
    /// Whether it removes instances as well as it adds them.
    pub scales_in: bool,
    /// How long a new instance is not counted, in seconds; `None`: as long as the group says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warmup_seconds: Option<u32>,
}

/// What a policy follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TrackedMetric {
    /// `ASGAverageCPUUtilization`: per cent.
    AverageCpuUtilization,
    /// `ASGAverageNetworkIn`: bytes a minute and instance.
    AverageNetworkIn,
    /// `ASGAverageNetworkOut`: bytes a minute and instance.
    AverageNetworkOut,
    /// `ALBRequestCountPerTarget`: requests a minute. The label is the ends of the ARNs of load balancer and target group:
    /// `app/web/50dc6c495c0c9188/targetgroup/web/73e2d6bc24d8a067`.
    RequestCountPerTarget { label: String },
    /// Any metric of CloudWatch that falls when there are more instances.
    Customized {
        namespace: String,
        name: String,
        dimensions: BTreeMap<String, String>,
        /// `Average`, `Maximum`, `Minimum`, `SampleCount` or `Sum`.
        statistic: String,
    },
    /// What cannot be said here, in AWS's words: a policy of another type, one with a formula, or one that is disabled.
    Other(String),
}

impl ScalingPolicy {
    /// Whether it is one of ours, by its name.
    pub fn is_ours(&self) -> bool {
        self.name.starts_with(POLICY_PREFIX)
    }

    /// What it does, for people.
    pub fn describe(&self) -> String {
        let direction = if self.scales_in { "" } else { ", only upwards" };
        match &self.metric {
            TrackedMetric::Other(words) => format!("{words}{direction}"),
            metric => format!("{} {}{direction}", metric.name(), self.target),
        }
    }
}

impl TrackedMetric {
    /// AWS's name of it.
    pub fn name(&self) -> &str {
        match self {
            Self::AverageCpuUtilization => "ASGAverageCPUUtilization",
            Self::AverageNetworkIn => "ASGAverageNetworkIn",
            Self::AverageNetworkOut => "ASGAverageNetworkOut",
            Self::RequestCountPerTarget { .. } => "ALBRequestCountPerTarget",
            Self::Customized { name, .. } => name,
            Self::Other(words) => words,
        }
    }
}

/// What is to be done to the policies of a group.
#[derive(Debug, Default)]
pub(super) struct PolicyChanges {
    /// What may remove instances goes, or is changed, before anybody else sets the capacity.
    pub(super) first: Vec<super::Change>,
    pub(super) last: Vec<super::Change>,
}

/// From the policies that stand to those that are wanted; nothing while they were not read.
pub(super) fn policy_changes(
    wanted: Option<&Vec<ScalingPolicy>>,
    present: Option<&Vec<ScalingPolicy>>,
) -> PolicyChanges {
    let (Some(wanted), Some(present)) = (wanted, present) else { return PolicyChanges::default() };
    let mut changes = PolicyChanges::default();
    let named = |rows: &[ScalingPolicy], name: &str| rows.iter().find(|row| row.name == name).cloned();
    for stale in present.iter().filter(|policy| !wanted.contains(policy)) {
        let change = match named(wanted, &stale.name) {
            Some(policy) => super::Change::PutPolicy(policy),
            None => super::Change::DeletePolicy(stale.name.clone()),
        };
        if stale.scales_in { changes.first.push(change) } else { changes.last.push(change) }
    }
    let missing = wanted.iter().filter(|policy| named(present, &policy.name).is_none());
    changes.last.extend(missing.cloned().map(super::Change::PutPolicy));
    changes
}

/// Puts a policy in the place of the one of its name.
pub(super) fn put(policies: &mut Option<Vec<ScalingPolicy>>, policy: &ScalingPolicy) {
    let policies = policies.get_or_insert_default();
    policies.retain(|other| other.name != policy.name);
    policies.push(policy.clone());
    policies.sort_by(|one, other| one.name.cmp(&other.name));
}

#[cfg(test)]
mod tests {
    use super::super::Change;
    use super::*;

    fn policy(name: &str, target: f64, scales_in: bool) -> ScalingPolicy {
        let metric = TrackedMetric::AverageCpuUtilization;
        ScalingPolicy { name: name.to_owned(), metric, target, scales_in, warmup_seconds: None }
    }

    #[test]
    fn what_may_shrink_goes_before_the_capacity_is_set_and_what_only_grows_comes_after() {
        let present = vec![policy("in-and-out", 60.0, true), policy("only-out", 80.0, false)];
        let wanted = vec![policy("only-out", 90.0, false), policy("safety", 80.0, false)];
        let changes = policy_changes(Some(&wanted), Some(&present));
        assert_eq!(changes.first, [Change::DeletePolicy("in-and-out".to_owned())]);
        assert_eq!(changes.last, wanted.into_iter().map(Change::PutPolicy).collect::<Vec<_>>());
    }

    #[test]
    fn a_policy_that_stops_to_shrink_is_changed_first() {
        let (present, wanted) = (vec![policy("cpu", 60.0, true)], vec![policy("cpu", 60.0, false)]);
        let changes = policy_changes(Some(&wanted), Some(&present));
        assert_eq!((changes.first.len(), changes.last.len()), (1, 0));
    }

    #[test]
    fn nothing_is_changed_that_was_not_read() {
        let changes = policy_changes(Some(&vec![policy("cpu", 60.0, true)]), None);
        assert!(changes.first.is_empty() && changes.last.is_empty());
    }
}
