//! What instances are taken to be able to do.

use lamp_api::v1alpha1::{Metric, Scaling, ScalingPolicy};

/// What instances can do, and how soon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CapacityModel {
    /// Units of load a minute that one instance serves with all of its CPU.
    pub per_instance: f64,
    /// Minutes from the launch of an instance until it serves.
    pub boot_minutes: u32,
    pub min: u32,
    pub max: u32,
}

impl CapacityModel {
    /// The share of its CPU that each instance uses, 1 for all of it; more, where more is asked of them than they can do.
    pub fn utilisation(&self, load: f64, serving: u32) -> f64 {
        load / (f64::from(serving.max(1)) * self.per_instance)
    }

    /// Instances that keep to a share of their CPU under a load, whatever the bounds say; none for a load that is not known.
    pub fn needed(&self, load: f64, share: f64) -> Option<f64> {
        let needed = load / (self.per_instance * share);
        needed.is_finite().then_some(needed)
    }
}

/// The share of their CPU that instances are kept at where no policy says it: the target of most, and of the benchmark.
const USUAL_SHARE: f64 = 0.6;

/// What one instance serves, and where the number comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizing {
    /// Units of load a minute with all of its CPU.
    pub per_instance: f64,
    pub origin: Origin,
}

/// Where the size of an instance comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Origin {
    /// A high load (`load`) needs so many `instances` at the `share` of their CPU.
    Load { load: f64, instances: u32, share: f64 },
    /// At its target of requests or connections an instance uses this share of its CPU.
    Target { metric: Metric, target: f64, share: f64 },
}

/// The size of an instance for policies that are to follow a load, of which `high` is a high value: half of `max`
/// instances serve it at the target. A target that counts what the load counts says the size by itself.
///
/// None for a load that is 0.
pub fn size(scaling: &Scaling, high: f64, max: u32) -> Option<Sizing> {
    let share = target_share(scaling);
    let counted = scaling.policies.iter().find_map(counted_target);
    if let (None, Some((metric, target))) = (cpu_target(scaling), counted) {
        let origin = Origin::Target { metric, target, share };
        return Some(Sizing { per_instance: target / share, origin });
    }
    let instances = max.div_ceil(2).max(1);
    let per_instance = high / (f64::from(instances) * share);
    let origin = Origin::Load { load: high, instances, share };
    (per_instance > 0.0).then_some(Sizing { per_instance, origin })
}

/// The share of their CPU that policies keep instances at.
pub fn target_share(scaling: &Scaling) -> f64 {
    cpu_target(scaling).map_or(USUAL_SHARE, |target| target / 100.0)
}

fn cpu_target(scaling: &Scaling) -> Option<f64> {
    let of_cpu = |policy: &&ScalingPolicy| policy.metric == Some(Metric::CPUUtilization);
    scaling.policies.iter().filter(of_cpu).find_map(|policy| policy.target)
}

fn counted_target(policy: &ScalingPolicy) -> Option<(Metric, f64)> {
    let metric = policy.metric?;
    let counts = matches!(metric, Metric::RequestCountPerTarget | Metric::DatabaseConnections);
    policy.target.filter(|_| counts).map(|target| (metric, target))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracking(metric: Metric, target: f64) -> Scaling {
        let policy = ScalingPolicy { metric: Some(metric), target: Some(target), ..ScalingPolicy::default() };
        Scaling { policies: vec![policy], ..Scaling::default() }
    }

    #[test]
    fn half_of_the_fleet_serves_a_high_load_at_the_target() {
        let sizing = size(&tracking(Metric::CPUUtilization, 50.0), 1200.0, 12).unwrap();
        assert_eq!(sizing.per_instance, 400.0);
        assert_eq!(sizing.origin, Origin::Load { load: 1200.0, instances: 6, share: 0.5 });
        let odd = size(&Scaling::default(), 1800.0, 5).unwrap().per_instance;
        assert!((odd - 1000.0).abs() < 1e-9, "half of five is three: {odd}");
        assert_eq!(size(&Scaling::default(), 0.0, 5), None);
    }

    #[test]
    fn a_target_of_requests_says_what_an_instance_serves() {
        let sizing = size(&tracking(Metric::RequestCountPerTarget, 600.0), 1.0, 12).unwrap();
        assert_eq!(sizing.per_instance, 1000.0);
        let mut both = tracking(Metric::RequestCountPerTarget, 600.0);
        both.policies.extend(tracking(Metric::CPUUtilization, 60.0).policies);
        assert!(matches!(size(&both, 1.0, 12).unwrap().origin, Origin::Load { .. }));
    }

    #[test]
    fn what_is_not_known_needs_nothing() {
        let model = CapacityModel { per_instance: 100.0, boot_minutes: 2, min: 1, max: 2 };
        assert_eq!(model.needed(600.0, 0.6), Some(10.0));
        assert_eq!(model.needed(f64::NAN, 0.6), None);
    }
}
