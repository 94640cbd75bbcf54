//! What scaling policies would have done with a load of the past: the evaluator that runs in production, over recorded
//! load and a stated model of capacity.
//!
//! It must not decide anything itself: how many are wanted comes from [`crate::scaling`]. Loads are numbers a minute; one
//! that is not known is `NaN`: nothing is measured in it, and it counts as no overload.

mod forecasts;
mod model;
mod production;
pub mod recorded;
mod summary;
pub mod trace;

pub use model::{CapacityModel, Origin, Sizing, size, target_share};
pub use production::{Production, Unreplayed, unreplayed};
pub use summary::{OVERLOADED, Summary};

/// CloudWatch has a minute about one minute after it is over.
const PUBLISHED_AFTER: usize = 1;

/// One minute of a replay.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayedMinute {
    /// Instances that are paid for.
    pub capacity: u32,
    /// Those that serve.
    pub serving: u32,
    /// The share of their CPU that they use; more than 1, where the load is more than they can serve.
    pub utilisation: f64,
    /// What was decided, in the words of production.
    pub decision: Option<(&'static str, String)>,
}

/// Whatever decides how many instances there should be.
pub trait Scaler {
    /// The wanted capacity at the beginning of a minute, within its bounds, and what there is to say of it. `past` are the
    /// minutes whose metrics are published, `loads` their loads.
    fn decide(
        &mut self,
        fleet: &Fleet,
        past: &[ReplayedMinute],
        loads: &[f64],
    ) -> (u32, Option<(&'static str, String)>);
}

/// The instances of a moment.
#[derive(Clone, Debug)]
pub struct Fleet {
    pub model: CapacityModel,
    /// The minute that begins now.
    pub minute: usize,
    /// When each instance was launched, oldest first.
    launched: Vec<i64>,
}

impl Fleet {
    fn new(model: CapacityModel, first_load: f64, target: f64) -> Self {
        let wanted = (first_load / (model.per_instance * target)).ceil().max(0.0) as u32;
        let fleet = wanted.max(model.min).min(model.max.max(model.min));
        let launched = vec![i64::MIN / 2; usize::try_from(fleet).unwrap_or(usize::MAX)];
        Self { model, minute: 0, launched }
    }

    /// How many there are.
    pub fn capacity(&self) -> u32 {
        u32::try_from(self.launched.len()).unwrap_or(u32::MAX)
    }

    /// How many were launched at least so many minutes ago.
    pub fn older_than(&self, minutes: u32) -> u32 {
        let now = i64::try_from(self.minute).unwrap_or(i64::MAX);
        let old =
            self.launched.iter().filter(|launched| now.saturating_sub(**launched) >= i64::from(minutes));
        u32::try_from(old.count()).unwrap_or(u32::MAX)
    }

    /// How many serve.
    pub fn serving(&self) -> u32 {
        self.older_than(self.model.boot_minutes)
    }

    /// Launches what is missing, and removes the newest of what is too much.
    fn set(&mut self, wanted: u32) {
        let now = i64::try_from(self.minute).unwrap_or(i64::MAX);
        self.launched.resize(usize::try_from(wanted).unwrap_or(usize::MAX), now);
    }
}

/// Lives through a load, one number a minute. The fleet begins with what the first minute needs at the target share.
pub fn replay(
    scaler: &mut dyn Scaler,
    model: CapacityModel,
    loads: &[f64],
    target_share: f64,
) -> Vec<ReplayedMinute> {
    let mut fleet = Fleet::new(model, loads.first().copied().unwrap_or_default(), target_share);
    let mut minutes: Vec<ReplayedMinute> = Vec::with_capacity(loads.len());
    for (minute, load) in loads.iter().enumerate() {
        fleet.minute = minute;
        let known = minutes.len().saturating_sub(PUBLISHED_AFTER);
        let (past, published) =
            (minutes.get(..known).unwrap_or_default(), loads.get(..known).unwrap_or_default());
        let (wanted, decision) = scaler.decide(&fleet, past, published);
        fleet.set(wanted);
        let serving = fleet.serving();
        let utilisation = model.utilisation(*load, serving);
        minutes.push(ReplayedMinute { capacity: fleet.capacity(), serving, utilisation, decision });
    }
    minutes
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use lamp_api::v1alpha1::{Metric, PolicyOwner, Scaling, ScalingPolicy, ScalingPolicyType};

    use super::*;

    const MODEL: CapacityModel = CapacityModel { per_instance: 100.0, boot_minutes: 2, min: 2, max: 20 };

    fn scaling() -> Scaling {
        let policy = ScalingPolicy {
            metric: Some(Metric::CPUUtilization),
            target: Some(60.0),
            ..ScalingPolicy::default()
        };
        Scaling { policies: vec![policy], ..Scaling::default() }
    }

    fn lived(loads: &[f64]) -> Vec<ReplayedMinute> {
        let scaling = scaling();
        replay(&mut Production::new(&scaling, Timestamp::UNIX_EPOCH), MODEL, loads, 0.6)
    }

    #[test]
    fn steady_load_changes_nothing() {
        let minutes = lived(&[300.0; 300]);
        assert!(minutes.iter().all(|minute| (minute.capacity, minute.serving) == (5, 5)), "{minutes:?}");
    }

    #[test]
    fn a_jump_is_followed_when_its_first_minute_is_published_and_the_way_back_waits_for_the_window() {
        let mut loads = vec![300.0; 60];
        loads.extend([600.0; 60]);
        loads.extend([300.0; 120]);
        let minutes = lived(&loads);
        let first = |is: &dyn Fn(&ReplayedMinute) -> bool| minutes.iter().position(is).unwrap();
        assert_eq!(first(&|minute| minute.capacity > 5), 62, "a minute to be over, and one to be published");
        assert!(minutes[70..118].iter().all(|minute| minute.utilisation <= 0.67), "{:?}", &minutes[70..118]);
        let back = minutes[120..].iter().position(|minute| minute.capacity < minutes[119].capacity).unwrap();
        assert!((38..=47).contains(&back), "{back}");
        assert_eq!(minutes.last().unwrap().capacity, 5);
    }

    #[test]
    fn the_words_are_those_of_production() {
        let mut loads = vec![300.0; 10];
        loads.extend([500.0; 10]);
        let minutes = lived(&loads);
        let (action, reason) = minutes[12].decision.clone().unwrap();
        assert_eq!(
            (action, reason.as_str()),
            ("ScaleUp", "5 -> 9: CPUUtilization 100 in the newest minute against a target of 60 on 5")
        );
    }

    #[test]
    fn where_the_load_is_not_known_nothing_shrinks_and_nothing_counts_as_overload() {
        let mut loads = vec![300.0; 60];
        loads.extend([f64::NAN; 120]);
        loads.extend([300.0; 60]);
        let minutes = lived(&loads);
        assert!(minutes.iter().all(|minute| minute.capacity == 5), "{minutes:?}");
        assert_eq!(Summary::of(&minutes).unknown_minutes, 120);
        assert_eq!(Summary::of(&minutes).overloaded_minutes, 0);
    }

    #[test]
    fn what_a_load_does_not_tell_is_refused_at_its_field() {
        let policy = |kind, metric| ScalingPolicy { kind, metric, ..ScalingPolicy::default() };
        let by_aws =
            ScalingPolicy { owner: PolicyOwner::Aws, ..policy(ScalingPolicyType::TargetTracking, None) };
        let custom =
            ScalingPolicy { custom_metric: Some(<_>::default()), ..policy(ScalingPolicyType::Step, None) };
        let policies = vec![
            policy(ScalingPolicyType::TargetTracking, Some(Metric::CPUUtilization)),
            policy(ScalingPolicyType::Step, Some(Metric::TargetResponseTime)),
            policy(ScalingPolicyType::Predictive, Some(Metric::CPUUtilization)),
            by_aws,
            custom,
            policy(ScalingPolicyType::Scheduled, None),
        ];
        let found = unreplayed(&Scaling { policies, ..Scaling::default() });
        let places: Vec<_> = found.iter().map(|it| (it.policy, it.field)).collect();
        let expected = [(1, "metric"), (3, "owner"), (4, "customMetric")];
        assert_eq!(places, expected);
        assert!(found[0].why.contains("does not tell TargetResponseTime"), "{}", found[0].why);
    }

    #[test]
    fn schedules_hold_from_their_minute_on_in_the_time_of_the_load() {
        let scheduled = |schedule: &str, min| ScalingPolicy {
            kind: ScalingPolicyType::Scheduled,
            schedule: Some(schedule.to_owned()),
            min: Some(min),
            ..ScalingPolicy::default()
        };
        let mut scaling = scaling();
        scaling.policies.extend([scheduled("0 8 * * *", 9), scheduled("0 20 * * *", 2)]);
        let began = "2026-11-20T07:30:00Z".parse().unwrap();
        let minutes = replay(&mut Production::new(&scaling, began), MODEL, &[300.0; 1440], 0.6);
        let capacities = [29, 31, 700, 1000].map(|minute| minutes[minute].capacity);
        assert_eq!(capacities, [5, 9, 9, 5], "at 07:59, 08:01, 19:10 and the next day at 00:10");
    }
}
