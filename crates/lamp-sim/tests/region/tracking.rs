//! Scaling policies of EC2 Auto Scaling: what their calls refuse, and what they make of the load.

use lamp_cloud::kinds::auto_scaling_group::{Change as GroupChange, ScalingPolicy, TrackedMetric};
use lamp_cloud::{Change, CloudError, ErrorClass, Kind, Page, Read, Reading, ResourceId};
use lamp_sim::{Config, Load, MetricSpell, MetricTrouble};

use crate::site::{Lab, Site};

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// Two instances, each of which is busy with 100 requests a second.
fn running(requests_per_second: f64) -> (Lab, Site) {
    let load = Load::steady(requests_per_second);
    let lab = Lab::new(Config { load, ..Config::default() });
    let site = lab.site();
    lab.pass(HOUR);
    (lab, site)
}

fn cpu(name: &str, target: f64, scales_in: bool) -> ScalingPolicy {
    let metric = TrackedMetric::AverageCpuUtilization;
    ScalingPolicy { name: name.to_owned(), metric, target, scales_in, warmup_seconds: Some(120) }
}

fn put(policy: ScalingPolicy) -> Change {
    Change::AutoScalingGroup(GroupChange::PutPolicy(policy))
}

fn remove(name: &str) -> Change {
    Change::AutoScalingGroup(GroupChange::DeletePolicy(name.to_owned()))
}

fn desired(lab: &Lab, site: &Site) -> u32 {
    lab.group(&site.web).desired
}

fn refused(lab: &Lab, id: &str, change: Change) -> CloudError {
    lab.try_change(id, change).unwrap_err()
}

fn listed(lab: &Lab) -> Vec<(ResourceId, String)> {
    let (mut rows, mut page) = (Vec::new(), None);
    loop {
        let reading = lab.sim.read_now(&Read::ScalingPolicies { page }).unwrap();
        let Reading::ScalingPolicies(Page { items, next }) = reading else { panic!("{reading:?}") };
        rows.extend(items.into_iter().map(|(group, policy)| (group, policy.name)));
        page = next;
        if page.is_none() {
            return rows;
        }
    }
}

#[test]
fn policies_are_made_changed_listed_and_removed_with_their_group() {
    let (lab, site) = running(20.0);
    lab.change(&site.web, put(cpu("one", 60.0, true)));
    lab.change(&site.web, put(cpu("two", 70.0, false)));
    lab.change(&site.web, put(cpu("one", 50.0, true)));
    let named = |name: &str| (site.web.clone(), name.to_owned());
    assert_eq!(listed(&lab), [named("one"), named("two")]);
    lab.sim.world().faults_mut().page_rows = Some(1);
    assert_eq!(listed(&lab), [named("one"), named("two")], "page by page");
    assert!(lab.list(Kind::AutoScalingGroup).iter().all(|row| match &row.body {
        lamp_cloud::Body::AutoScalingGroup(group) => group.policies.is_none(),
        _ => true,
    }));
    lab.change(&site.web, remove("one"));
    assert_eq!(listed(&lab), [named("two")]);
    lab.delete(Kind::AutoScalingGroup, &site.web);
    lab.pass(HOUR);
    assert_eq!(listed(&lab), []);
}

#[test]
fn what_no_policy_can_be_is_refused() {
    let (lab, site) = running(20.0);
    let error = refused(&lab, "nobody", put(cpu("one", 60.0, true)));
    assert_eq!((error.class, error.code.as_str()), (ErrorClass::NotFound, "ValidationError"));
    assert_eq!(refused(&lab, &site.web, remove("one")).class, ErrorClass::NotFound);
    assert_eq!(refused(&lab, &site.web, put(cpu("one", 0.0, true))).class, ErrorClass::Invalid);
    let label = "app/web/1/targetgroup/somebodys/2".to_owned();
    let stranger =
        ScalingPolicy { metric: TrackedMetric::RequestCountPerTarget { label }, ..cpu("one", 1000.0, true) };
    assert_eq!(refused(&lab, &site.web, put(stranger)).class, ErrorClass::Invalid);
    (0..50).for_each(|number| lab.change(&site.web, put(cpu(&number.to_string(), 60.0, true))));
    assert_eq!(refused(&lab, &site.web, put(cpu("one more", 60.0, true))).class, ErrorClass::Quota);
    lab.change(&site.web, put(cpu("7", 70.0, true)));
}

#[test]
fn three_minutes_above_the_target_add_what_the_metric_asks_for() {
    let (lab, site) = running(20.0);
    lab.change(&site.web, put(cpu("cpu", 50.0, false)));
    lab.pass(HOUR);
    assert_eq!(desired(&lab, &site), 2);
    lab.sim.world().set_load(Load::steady(160.0));
    lab.pass(2 * MINUTE);
    assert_eq!(desired(&lab, &site), 2, "no alarm yet");
    lab.pass(4 * MINUTE);
    assert_eq!(desired(&lab, &site), 4, "83 per cent of two against 50");
    lab.pass(HOUR);
    assert_eq!(desired(&lab, &site), 4, "what was launched is not asked for twice");
}

#[test]
fn what_only_grows_never_shrinks_and_stops_at_the_maximum() {
    let (lab, site) = running(20.0);
    lab.change(&site.web, put(cpu("cpu", 4.0, false)));
    lab.pass(3 * HOUR);
    assert_eq!(desired(&lab, &site), 12);
    lab.sim.world().set_load(Load::steady(0.1));
    lab.pass(24 * HOUR);
    assert_eq!(desired(&lab, &site), 12);
}

#[test]
fn it_shrinks_only_if_all_that_may_agree() {
    let (lab, site) = running(150.0);
    lab.change(&site.web, put(cpu("cpu", 30.0, true)));
    lab.change(&site.web, put(cpu("only-out", 80.0, false)));
    lab.pass(HOUR);
    let grown = desired(&lab, &site);
    assert!(grown >= 5, "{grown}");
    let label = format!("app/web/1/{}", site.targets.rsplit(':').next().unwrap());
    let requests = ScalingPolicy {
        metric: TrackedMetric::RequestCountPerTarget { label },
        ..cpu("requests", 60.0, true)
    };
    lab.change(&site.web, put(requests));
    lab.sim.world().set_load(Load::steady(10.0));
    lab.pass(2 * HOUR);
    assert!(desired(&lab, &site) >= grown, "ten requests a second are far above a request a second for each");
    lab.change(&site.web, remove("requests"));
    lab.pass(2 * HOUR);
    assert!(desired(&lab, &site) <= 2, "{}", desired(&lab, &site));
}

#[test]
fn without_data_and_while_alarms_are_suspended_nothing_moves() {
    let (lab, site) = running(160.0);
    let now = lab.sim.world().now();
    let spell = MetricSpell {
        trouble: MetricTrouble::Missing,
        from: now,
        to: now + std::time::Duration::from_secs(HOUR),
    };
    lab.sim.world().faults_mut().metrics.push(spell);
    lab.change(&site.web, put(cpu("cpu", 50.0, true)));
    lab.pass(HOUR);
    assert_eq!(desired(&lab, &site), 2);
    lab.sim.world().suspend_processes(&site.web, &["AlarmNotification"]);
    lab.pass(HOUR);
    assert_eq!(desired(&lab, &site), 2);
    lab.sim.world().suspend_processes(&site.web, &[]);
    lab.pass(10 * MINUTE);
    assert_eq!(desired(&lab, &site), 4);
}
