//! `replay` and `scaling`: what is printed, drawn and refused.

use std::path::Path;

use expect_test::expect;
use serde_json::{Value, json};

use crate::fake::{Asked, Fake, Reply, ok};
use crate::run::{Ended, run};

const NOWHERE: &str = "http://127.0.0.1:9";
const HIGH: &str = "policies:\n- {metric: CPUUtilization, target: 60}\n";
const LOW: &str = "policies:\n- {metric: CPUUtilization, target: 40}\n";

/// Three days of a web site's requests a minute: nights, mornings, evenings, and the noise of few visitors.
fn days() -> String {
    let noise = |minute: u32| f64::from((minute.wrapping_mul(2_654_435_761) >> 16) % 41) - 20.0;
    let hour = |minute: u32| (f64::from(minute) / 1440.0 * std::f64::consts::TAU - 2.0).sin();
    let rush = |minute: u32| if minute % 1440 / 30 == 36 { 90.0 } else { 0.0 };
    let start = 804_556_800; // 1995-07-01
    let row = |minute: u32| {
        let load = (100.0 + 70.0 * hour(minute) + rush(minute) + noise(minute)).max(0.0);
        format!("{},{load:.1}\n", start + minute * 60)
    };
    (0..3 * 1440).map(row).collect()
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_string_lossy().into_owned()
}

/// Replays a trace with these policies.
fn replayed(trace: &str, policies: &[&str], more: &[&str]) -> (Ended, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let trace = write(folder.path(), "t.csv", trace);
    let files: Vec<String> = policies
        .iter()
        .zip(["a.yaml", "b.yaml", "c.yaml"])
        .map(|(text, name)| write(folder.path(), name, text))
        .collect();
    let mut arguments = vec!["replay", "--trace", &trace];
    arguments.extend(files.iter().flat_map(|file| ["--policy", file.as_str()]));
    arguments.extend(more);
    (run(NOWHERE, &arguments), folder)
}

#[test]
fn two_policies_live_through_the_same_days_without_a_daemon() {
    let (ended, _folder) = replayed(&days(), &[HIGH, LOW], &["--price-per-hour", "0.05", "--decisions", "3"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    expect![[r#"
        load: t.csv, 3 days from 1995-07-01 00:00 to 1995-07-04 00:00 UTC, every minute; at most 239 units a minute, and 180 or less for 95 % of the time
        model: one instance serves 49.9 units a minute (95th percentile of the load on 6 of 12 instances at 60 %); boots in 2 minutes
        a.yaml: TargetTracking CPUUtilization 60, 2 to 12 instances
        b.yaml: TargetTracking CPUUtilization 40, 2 to 12 instances

                                  a.yaml   b.yaml
        overloaded minutes        5        0
        instance hours            305.5    446.9
        cost at 0.05 an hour      15.27    22.34
        changes of the capacity   44       52
        highest utilisation       96 %     60 %

        a.yaml: 5 overloaded minutes, 305.5 instance hours, 44 changes
           12 ┤                  ╭╮
              │                  ││
              │                  ││                      ╭╮
              │                  ││                      ││                      ╭╮
              │                  │╰╮                     │╰╮                     │╰╮
              │           ░░░░░  │ │              ░░░░░  │ │              ░░░░░  │ │
            6 ┤         ░░╭──────╯ │            ░╭───────╯ │            ░░╭──────╯ │
              │       ░░╭─╯░░░░░░░░│          ░╭─╯░░░░░░░░░╰╮         ░╭──╯░░░░░░░░│
              │      ░╭─╯░░░░░░░░░░╰─╮       ╭─╯░░░░░░░░░░░░╰╮       ╭─╯░░░░░░░░░░░╰─╮
              │   ░░╭─╯░░░░░░░░░░░░░░╰─╮  ░╭─╯░░░░░░░░░░░░░░░╰─╮  ░╭─╯░░░░░░░░░░░░░░░╰─
              │─────╯░░░░░░░░░░░░░░░░░░╰───╯░░░░░░░░░░░░░░░░░░░╰───╯░░░░░░░░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
            0 └────────────────────────────────────────────────────────────────────────
                    ▲            ▲
               Jul 01      12:00       Jul 02      12:00       Jul 03      12:00 UTC
               ─ capacity   ░ needed at 60 %   ▲ overloaded (over 80 % busy)   [instances]

        b.yaml: 0 overloaded minutes, 446.9 instance hours, 52 changes
           12 ┤                  ╭─╮                     ╭─╮                     ╭─╮
              │                  │ │                     │ │                     │ │
              │           ░░░░░  │ │              ░░░░░  │ │              ░░░░░  │ │
              │          ░░░╭────╯ │             ░╭──────╯ │             ╭───────╯ │
              │         ░╭──╯░░░░░ │           ░╭─╯░░░░░░░ │           ░░│░░░░░░░░ │
              │       ░░╭╯░░░░░░░░░│          ░╭╯░░░░░░░░░░│          ░╭─╯░░░░░░░░░│
            6 ┤      ░░╭╯░░░░░░░░░░╰╮        ░╭╯░░░░░░░░░░░╰─╮       ░╭╯░░░░░░░░░░░╰╮
              │     ╭╮╭╯░░░░░░░░░░░░╰─╮     ░╭╯░░░░░░░░░░░░░░╰╮     ░╭╯░░░░░░░░░░░░░╰─╮
              │   ░░│╰╯░░░░░░░░░░░░░░░╰╮  ░╭─╯░░░░░░░░░░░░░░░░╰╮  ░╭─╯░░░░░░░░░░░░░░░░╰
              │─────╯░░░░░░░░░░░░░░░░░░╰───╯░░░░░░░░░░░░░░░░░░░╰───╯░░░░░░░░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
            0 └────────────────────────────────────────────────────────────────────────
               Jul 01      12:00       Jul 02      12:00       Jul 03      12:00 UTC
               ─ capacity   ░ needed at 40 %   ▲ overloaded (over 80 % busy)   [instances]

        Decisions of a.yaml: the last 3 of 44; --decisions 0 shows all
          1995-07-03 19:42   ScaleDown   5 -> 4: CPUUtilization 40.5 against a target of 60 on 5
          1995-07-03 21:24   ScaleDown   4 -> 3: CPUUtilization 28.5 against a target of 60 on 4
          1995-07-03 23:22   ScaleDown   3 -> 2: CPUUtilization 27 against a target of 60 on 3

        Decisions of b.yaml: the last 3 of 52; --decisions 0 shows all
          1995-07-03 20:50   ScaleDown   6 -> 5: CPUUtilization 21.9 against a target of 40 on 6
          1995-07-03 22:06   ScaleDown   5 -> 4: CPUUtilization 23 against a target of 40 on 5
          1995-07-03 23:22   ScaleDown   4 -> 3: CPUUtilization 20.2 against a target of 40 on 4
    "#]].assert_eq(&ended.stdout);
}

#[test]
fn the_figures_are_there_for_programs_and_the_picture_for_people() {
    let folder = tempfile::tempdir().unwrap();
    let svg = folder.path().join("out.svg");
    let (ended, _folder) = replayed(
        &days(),
        &[HIGH, LOW],
        &["--per-instance", "50", "--boot-minutes", "5", "-o", "json", "--svg", svg.to_str().unwrap()],
    );
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let value: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        (value["model"]["perInstance"].as_f64(), value["model"]["bootMinutes"].as_u64()),
        (Some(50.0), Some(5))
    );
    assert_eq!(value["load"]["minutes"], 4320);
    let figure = |run: usize, name: &str| value["runs"][run][name].as_f64().unwrap();
    assert!(figure(0, "instanceHours") < figure(1, "instanceHours"), "a lower target costs more");
    assert!(figure(0, "overloadedMinutes") >= figure(1, "overloadedMinutes"), "and overloads less");
    let changes = value["runs"][0]["decisions"].as_array().unwrap().len();
    assert!(changes >= value["runs"][0]["changes"].as_u64().unwrap() as usize, "each change has its reason");
    let text = std::fs::read_to_string(&svg).unwrap();
    assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"), "{text}");
    assert!(text.contains("\nJul 02\n") && text.contains("b.yaml: "), "{text}");
    assert!(ended.stderr.contains("The plot is in "), "{}", ended.stderr);
}

#[test]
fn a_bad_trace_is_told_with_its_line() {
    let first = "time,value\n2026-11-01 00:00:00,1\n2026-11-01 00:01:00,2\n";
    for (trace, says) in [
        ("", "t.csv: it has no rows"),
        ("time,value\n2026-11-01 00:00:00,1\n", "t.csv: line 2: it is the only row"),
        (&format!("{first}2026-11-01 00:02:00,-3\n"), "t.csv: line 4: -3 is negative"),
        (&format!("{first}2026-11-01 00:00:00,3\n"), "t.csv: line 4: 2026-11-01T00:00:00Z is earlier"),
        (&format!("{first}2026-11-01 00:02:00,NaN\n"), "t.csv: line 4: NaN is no load"),
        ("2026-11-01 00:00:00,0\n2026-11-01 00:01:00,0\n", "most of the trace is 0: say with --per-instance"),
    ] {
        let (ended, _folder) = replayed(trace, &[HIGH], &[]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{trace}: {ended:?}");
        assert!(ended.stderr.contains(says), "{trace}: {}", ended.stderr);
    }
}

#[test]
fn a_bad_policy_is_told_with_its_place() {
    let (ended, _folder) = replayed(&days(), &["policies:\n- metric: CPUUtilization\n  target: 0\n"], &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stderr.contains("a.yaml:3:11") && ended.stderr.contains("policies[0].target"),
        "{}",
        ended.stderr
    );
}

#[test]
fn wrong_usage_is_64() {
    for arguments in [
        &["replay"][..],
        &["replay", "--trace", "t.csv"],
        &["replay", "shop", "--trace", "t.csv", "--policy", "f.yaml"],
        &["replay", "shop", "--per-instance", "5"],
        &["replay", "--trace", "t", "--policy", "a", "--policy", "b", "--policy", "c"],
        &["replay", "--trace", "t", "--policy", "a", "--min", "5", "--max", "2"],
        &["replay", "--trace", "t", "--policy", "a", "--price-per-hour", "0"],
        &["replay", "shop", "--tier", "web", "--replicas"],
        &["scaling"],
        &["scaling", "shop", "--hours", "337"],
    ] {
        let ended = run(NOWHERE, arguments);
        assert_eq!(ended.code, Some(64), "{arguments:?}: {}", ended.stderr);
    }
}

fn stack() -> Value {
    let scaling =
        json!({"policies": [{"type": "TargetTracking", "metric": "CPUUtilization", "target": 60.0}]});
    json!({"apiVersion": "lamplighter.dev/v1alpha1", "kind": "LampStack",
           "metadata": {"name": "shop", "namespace": "default", "resourceVersion": "7"},
           "spec": {"region": "eu-central-1", "tiers": [
               {"name": "web", "capacity": {"min": 2, "max": 6}, "scaling": scaling}, {"name": "app"}]}})
}

/// Three hours in which the load doubles, and the capacity follows.
fn points() -> Vec<Value> {
    let start: jiff::Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
    let point = |minute: i32| {
        let capacity = if minute < 70 { 2.0 } else { 4.0 };
        let load = if minute < 60 { 1.0 } else { 2.0 };
        let cpu = f64::min(100.0, load / capacity * 100.0);
        let at = start + std::time::Duration::from_secs(u64::from(minute.unsigned_abs()) * 60);
        json!({"at": at, "capacity": capacity, "load": load, "metrics": {"CPUUtilization": cpu}})
    };
    (0..180).map(point).collect()
}

fn answer(asked: &Asked) -> Reply {
    let decision = json!({"time": "2026-11-20T11:09:00Z", "part": "auto-scaling-group/web", "action": "ScaleUp",
                          "reason": "2 -> 4: CPUUtilization 100 against a target of 60 on 2"});
    let status =
        json!({"phase": "Answered", "periodSeconds": 60, "points": points(), "decisions": [decision]});
    let object = json!({"apiVersion": "lamplighter.dev/v1alpha1", "kind": "ScalingHistory",
                        "metadata": {"name": "n", "resourceVersion": "7"}, "spec": {}, "status": status});
    match asked.method.as_str() {
        "GET" if asked.path.ends_with("/lampstacks/shop") => ok(stack()),
        "GET" if asked.is_watch() => (200, vec![json!({"type": "ADDED", "object": object})]),
        "GET" => ok(json!({"kind": "List", "apiVersion": "lamplighter.dev/v1alpha1",
                           "metadata": {"resourceVersion": "7"}, "items": [object]})),
        _ => ok(object),
    }
}

#[test]
fn a_stack_shows_its_metric_against_the_target_its_capacity_and_its_decisions() {
    let fake = Fake::start(answer);
    let ended = run(&fake.address, &["scaling", "shop"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    expect![[r#"
        tier web of shop: TargetTracking CPUUtilization 60, 2 to 6 instances

        CPUUtilization against a target of 60
          100 ┤                        ░░░░
              │                        ░░░░
              │                        ░░░░
              │                        ░░░░
              │┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄
              │                        ░░░░
           50 ┤░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
            0 └────────────────────────────────────────────────────────────────────────
               10:00       10:30       11:00       11:30       12:00       12:30 UTC
               ░ CPUUtilization   ┄ target 60   [per cent]

        Capacity, 2 to 6 instances
            4 ┤                            ╭───────────────────────────────────────────
              │                            │
              │                            │
              │                            │
              │                            │
              │                            │
            2 ┤────────────────────────────╯
              │
              │
              │
              │
              │
            0 └────────────────────────────────────────────────────────────────────────
               10:00       10:30       11:00       11:30       12:00       12:30 UTC
               ─ capacity   [instances]

        Last decisions
          2026-11-20 11:09   ScaleUp   2 -> 4: CPUUtilization 100 against a target of 60 on 2
    "#]]
    .assert_eq(&ended.stdout);
    let asked = fake.asked().into_iter().find(|asked| asked.is("POST", "/scalinghistories")).unwrap();
    assert_eq!(asked.body["spec"], json!({"stack": "shop", "tier": "web", "replicas": false, "hours": 3}));
    let asked = fake.asked().into_iter().any(|asked| asked.method == "DELETE");
    assert!(asked, "the question is removed");
    let value: Value =
        serde_json::from_str(&run(&fake.address, &["scaling", "shop", "-o", "json"]).stdout).unwrap();
    assert_eq!(value["metrics"]["CPUUtilization"]["level"], json!({"name": "target", "value": 60.0}));
    assert_eq!(value["capacity"].as_array().map(Vec::len), Some(180));
}

#[test]
fn what_was_in_force_stands_beside_what_would_have_been() {
    let fake = Fake::start(answer);
    let folder = tempfile::tempdir().unwrap();
    let policy = write(folder.path(), "g.yaml", LOW);
    let ended = run(&fake.address, &["replay", "shop", "--policy", &policy, "--tier", "web"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    expect![[r#"
        load: tier web of shop, 3 h from 2026-11-20 10:00 to 2026-11-20 13:00 UTC, every minute; at most 2 busy instances, and 2 or less for 95 % of the time
        model: the load is in instances that it keeps wholly busy (capacity x CPU); boots in 2 minutes
        g.yaml: TargetTracking CPUUtilization 40, 2 to 6 instances
        note: in 10 minutes the CPU was at 95 % or more: the load may have been higher than it shows

                                  in force   g.yaml
        overloaded minutes        10         0
        instance hours            9.7        13.0
        changes of the capacity   1          3
        highest utilisation       100 %      67 %

        in force: 10 overloaded minutes, 9.7 instance hours, 1 changes
            6 ┤
              │
              │
              │
              │                            ╭───────────────────────────────────────────
              │                        ░░░░│░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
            3 ┤                        ░░░░│░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
              │                        ░░░░│░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
              │────────────────────────────╯░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
            0 └────────────────────────────────────────────────────────────────────────
                                       ▲▲▲▲
               10:00       10:30       11:00       11:30       12:00       12:30 UTC
               ─ capacity   ░ needed at 60 %   ▲ overloaded (over 80 % busy)   [instances]

        g.yaml: 0 overloaded minutes, 13.0 instance hours, 3 changes
            6 ┤                          ╭─╮
              │                          │ │
              │                        ░╭╯░╰───────────────────────────────────────────
              │                        ░│░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
              │                        ░│░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
              │                        ░│░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
            3 ┤─────────────────────────╯░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
              │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
            0 └────────────────────────────────────────────────────────────────────────
               10:00       10:30       11:00       11:30       12:00       12:30 UTC
               ─ capacity   ░ needed at 40 %   ▲ overloaded (over 80 % busy)   [instances]

        Decisions of in force
          2026-11-20 11:09   ScaleUp   2 -> 4: CPUUtilization 100 against a target of 60 on 2

        Decisions of g.yaml
          2026-11-20 11:02   ScaleUp     3 -> 5: CPUUtilization 66.7 in the newest minute against a target of 40 on 3
          2026-11-20 11:05   ScaleUp     5 -> 6: CPUUtilization 66.7 against a target of 40 on 5
          2026-11-20 11:10   ScaleDown   6 -> 5: CPUUtilization 33.3 against a target of 40 on 6
    "#]].assert_eq(&ended.stdout);
    let own = run(&fake.address, &["replay", "shop", "-o", "json"]);
    let value: Value = serde_json::from_str(&own.stdout).unwrap();
    let names: Vec<_> =
        value["runs"].as_array().unwrap().iter().map(|run| run["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["in force", "shop"], "without a file the stack's own policies are tried");
    let other = run(&fake.address, &["replay", "shop", "--tier", "app"]);
    assert_eq!(other.code, Some(1), "{other:?}");
    assert!(other.stderr.contains("shop has no scaling policies for --tier app"), "{}", other.stderr);
}
