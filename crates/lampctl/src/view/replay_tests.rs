use expect_test::expect;
use lamp_plan::replay::ReplayedMinute;

use super::*;
use crate::replay::Load;
use crate::replay::experiment::Model;

fn run(label: &str, capacity: &[u32], loads: &[f64]) -> Run {
    let minute = |(capacity, load): (&u32, &f64)| ReplayedMinute {
        capacity: *capacity,
        serving: *capacity,
        utilisation: load / (f64::from(*capacity) * 100.0),
        decision: None,
    };
    let minutes: Vec<ReplayedMinute> = capacity.iter().zip(loads).map(minute).collect();
    let at = |minute: i64| jiff::Timestamp::from_second(1_763_633_400 + minute * 60).unwrap();
    let decided = |minute: i64, reason: &str| Decided {
        at: at(minute),
        action: "ScaleUp".to_owned(),
        reason: reason.to_owned(),
    };
    Run {
        label: label.to_owned(),
        policies: Some(("TargetTracking CPUUtilization 60".to_owned(), 1, 6)),
        share: 0.6,
        summary: Summary::of(&minutes),
        decisions: vec![decided(2, "2 -> 3: busy"), decided(3, "3 -> 6: busier")],
        minutes,
    }
}

fn experiment() -> Experiment {
    let loads = vec![100.0, 120.0, 250.0, 330.0, f64::NAN, 300.0];
    Experiment {
        model: Model {
            per_instance: 100.0,
            boot_minutes: 2,
            sentence: "one instance serves 100 units a minute".to_owned(),
        },
        unit: "instances",
        price_per_hour: Some(0.5),
        runs: vec![run("a.yaml", &[2, 2, 3, 6, 6, 6], &loads), run("b.yaml", &[2, 2, 2, 3, 3, 6], &loads)],
        load: Load {
            name: "t.csv".to_owned(),
            began: "2025-11-20T10:10:00Z".parse().unwrap(),
            loads,
            unit: "units a minute",
            spacing: 1,
            remarks: vec!["1 gaps".to_owned()],
        },
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn two_policies_stand_beside_each_other() {
    expect![[r#"
        load: t.csv, 6 min from 2025-11-20 10:10 to 2025-11-20 10:16 UTC, every minute; at most 330 units a minute, and 330 or less for 95 % of the time
        model: one instance serves 100 units a minute; boots in 2 minutes
        a.yaml: TargetTracking CPUUtilization 60, 1 to 6 instances
        b.yaml: TargetTracking CPUUtilization 60, 1 to 6 instances
        note: 1 gaps

                                  a.yaml   b.yaml
        overloaded minutes        1        2
        instance hours            0.4      0.3
        cost at 0.5 an hour       0.21     0.15
        changes of the capacity   2        2
        highest utilisation       83 %     125 %
        minutes without a load    1        1

        a.yaml: 1 overloaded minutes, 0.4 instance hours, 2 changes
            6 ┤                                    ╭───────────────────────────────────
              │                                    │░░░░░░░░░░░
              │                                    │░░░░░░░░░░░            ░░░░░░░░░░░░
              │                        ░░░░░░░░░░░░│░░░░░░░░░░░            ░░░░░░░░░░░░
              │                        ░░░░░░░░░░░░│░░░░░░░░░░░            ░░░░░░░░░░░░
              │                        ░░░░░░░░░░░░│░░░░░░░░░░░            ░░░░░░░░░░░░
            3 ┤                        ╭───────────╯░░░░░░░░░░░            ░░░░░░░░░░░░
              │                        │░░░░░░░░░░░░░░░░░░░░░░░            ░░░░░░░░░░░░
              │────────────────────────╯░░░░░░░░░░░░░░░░░░░░░░░            ░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░            ░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░            ░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░            ░░░░░░░░░░░░
            0 └────────────────────────────────────────────────────────────────────────
                                       ▲▲▲▲▲▲▲▲▲▲▲▲
               10:10       10:11       10:12       10:13       10:14       10:15 UTC
               ─ capacity   ░ needed at 60 %   ▲ overloaded (over 80 % busy)   [instances]

        b.yaml: 2 overloaded minutes, 0.3 instance hours, 2 changes
            6 ┤                                                            ╭───────────
              │                                    ░░░░░░░░░░░░            │
              │                                    ░░░░░░░░░░░░            │░░░░░░░░░░░
              │                        ░░░░░░░░░░░░░░░░░░░░░░░░            │░░░░░░░░░░░
              │                        ░░░░░░░░░░░░░░░░░░░░░░░░            │░░░░░░░░░░░
              │                        ░░░░░░░░░░░░░░░░░░░░░░░░            │░░░░░░░░░░░
            3 ┤                        ░░░░░░░░░░░░╭───────────────────────╯░░░░░░░░░░░
              │                        ░░░░░░░░░░░░│░░░░░░░░░░░            ░░░░░░░░░░░░
              │────────────────────────────────────╯░░░░░░░░░░░            ░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░            ░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░            ░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░            ░░░░░░░░░░░░
            0 └────────────────────────────────────────────────────────────────────────
                                       ▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲▲
               10:10       10:11       10:12       10:13       10:14       10:15 UTC
               ─ capacity   ░ needed at 60 %   ▲ overloaded (over 80 % busy)   [instances]

        Decisions of a.yaml: the last 1 of 2; --decisions 0 shows all
          2025-11-20 10:13   ScaleUp   3 -> 6: busier

        Decisions of b.yaml: the last 1 of 2; --decisions 0 shows all
          2025-11-20 10:13   ScaleUp   3 -> 6: busier
    "#]].assert_eq(&plain(&text(&experiment(), 1)));
}

#[test]
fn programs_get_the_same_as_numbers() {
    let value = json(&experiment());
    let run = &value["runs"][1];
    assert_eq!((run["overloadedMinutes"].as_u64(), run["unknownMinutes"].as_u64()), (Some(2), Some(1)));
    assert_eq!((run["instanceHours"].as_f64(), run["cost"].as_f64()), (Some(0.3), Some(0.15)));
    assert_eq!(run["decisions"][0]["time"], "2025-11-20T10:12:00Z");
    assert_eq!(value["notes"], json!(["1 gaps"]));
}

#[test]
fn numbers_and_spans_are_short() {
    let shown = [412.34, 41.26, 4.5, 0.333, 3.0].map(number);
    assert_eq!(shown, ["412", "41.3", "4.5", "0.33", "3"]);
    let spans = [40_320, 1500, 180, 50].map(span);
    assert_eq!(spans, ["28 days", "1 day 1 h", "3 h", "50 min"]);
}
