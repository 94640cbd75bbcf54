use proptest::prelude::*;
use serde_json::json;

use super::*;

fn policy(value: serde_json::Value) -> ScalingPolicy {
    serde_json::from_value(value).unwrap()
}

fn steps() -> ScalingPolicy {
    policy(json!({"type": "Step", "metric": "CPUUtilization", "steps": [
        {"from": 70, "to": 85, "adjustment": 1},
        {"from": 85, "adjustment": 3},
        {"to": 30, "adjustment": -1},
    ]}))
}

fn evidence(minutes: [f64; 3], measured: u32) -> Evidence {
    Evidence { minutes: minutes.to_vec(), measured, missing: 0 }
}

fn stepped(minutes: [f64; 3], current: u32, measured: u32) -> Option<Wish> {
    step(&steps(), current, &evidence(minutes, measured))
}

#[test]
fn the_step_counts_that_two_of_three_minutes_reach() {
    let table = [
        ([75.0, 75.0, 75.0], Wish::at_least(5)),
        ([90.0, 75.0, 90.0], Wish::at_least(7)),
        ([90.0, 75.0, 60.0], Wish::at_least(5)),
        ([90.0, 60.0, 60.0], Wish::at_least(4)),
        ([29.0, 29.0, 90.0], Wish::down_to(3)),
        ([30.0, 30.0, 29.0], Wish::at_least(4)),
        ([85.0, 85.0, 60.0], Wish::at_least(7)), // a range has its beginning
    ];
    for (minutes, wish) in table {
        assert_eq!(stepped(minutes, 4, 4), Some(wish), "{minutes:?}");
    }
}

#[test]
fn what_is_warming_counts_as_added_and_nothing_is_removed_meanwhile() {
    assert_eq!(stepped([75.0; 3], 5, 4), Some(Wish::at_least(5)), "one was added already");
    assert_eq!(stepped([90.0; 3], 5, 4), Some(Wish::at_least(7)), "a higher step adds the rest");
    assert_eq!(stepped([10.0; 3], 5, 4), Some(Wish::at_least(5)));
}

#[test]
fn a_policy_that_only_adds_has_no_say_in_shrinking() {
    let adds =
        policy(json!({"type": "Step", "metric": "CPUUtilization", "steps": [{"from": 70, "adjustment": 1}]}));
    assert_eq!(step(&adds, 4, &evidence([10.0; 3], 4)), None);
    assert_eq!(step(&adds, 4, &evidence([80.0; 3], 4)), Some(Wish::at_least(5)));
}

#[test]
fn shares_are_at_least_one_and_rounded_towards_the_capacity_and_exact_is_exact() {
    let of = |kind: &str, adjustment: i32, from: u32| {
        let policy = policy(json!({"type": "Simple", "metric": "CPUUtilization", "adjustmentType": kind}));
        adjusted(&policy, adjustment, from)
    };
    assert_eq!(of("PercentChangeInCapacity", 50, 5), 7);
    assert_eq!(of("PercentChangeInCapacity", 10, 4), 5);
    assert_eq!(of("PercentChangeInCapacity", -10, 4), 3);
    assert_eq!(of("PercentChangeInCapacity", -25, 10), 8);
    assert_eq!(of("ChangeInCapacity", -9, 4), 0);
    assert_eq!(of("ExactCapacity", 9, 4), 9);
}

#[test]
fn a_simple_policy_waits_for_its_cooldown() {
    let simple_policy = policy(json!({
        "type": "Simple", "metric": "CPUUtilization", "threshold": 80, "adjustment": 2, "cooldownSeconds": 120,
    }));
    let hot = evidence([80.0, 80.0, 10.0], 4);
    assert_eq!(simple(&simple_policy, 4, &hot, false), Some(Wish::at_least(6)));
    assert_eq!(simple(&simple_policy, 4, &hot, true), None);
    assert_eq!(simple(&simple_policy, 4, &evidence([80.0, 79.9, 10.0], 4), false), None);
    let at = |second| Timestamp::from_second(second).unwrap();
    let mut memory = ScalingMemory::new(at(0));
    assert_eq!(cools_until(&simple_policy, &memory), None);
    memory.changed(at(1000), 4, 6);
    assert_eq!(cools_until(&simple_policy, &memory), Some(at(1120)));
}

#[test]
fn comparisons_are_those_of_cloudwatch() {
    let holds = |comparison: &str, value: f64| {
        let policy = policy(json!({
            "type": "Simple", "metric": "CPUUtilization", "threshold": 50, "comparison": comparison, "adjustment": 1,
        }));
        is_breached(&policy, &evidence([value; 3], 4))
    };
    for (comparison, truths) in [
        ("GreaterThanOrEqualToThreshold", [false, true, true]),
        ("GreaterThanThreshold", [false, false, true]),
        ("LessThanOrEqualToThreshold", [true, true, false]),
        ("LessThanThreshold", [true, false, false]),
    ] {
        assert_eq!([49.0, 50.0, 51.0].map(|value| holds(comparison, value)), truths, "{comparison}");
    }
}

proptest! {
    #[test]
    fn a_higher_metric_never_wants_fewer(low in 0.0f64..100.0, more in 0.0f64..100.0, current in 1u32..30) {
        let wish = |value| stepped([value; 3], current, current).unwrap();
        let (before, after) = (wish(low), wish(low + more));
        prop_assert!(before.now <= after.now && before.minute <= after.minute, "{before:?} {after:?}");
    }
}
