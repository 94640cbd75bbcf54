//! CloudWatch's figures follow from the load and from what serves it.

use lamp_cloud::{HistoryMetric, HistoryQuery, Kind, MetricName, MetricQuery, Read, Reading, Series};
use lamp_sim::{Config, Load};

use crate::site::{Lab, Site, replica};

fn series(lab: &Lab, metric: MetricName, resource: &str, minutes: u32) -> Series {
    let query = MetricQuery { metric, resource: resource.to_owned(), load_balancer: None };
    match lab.sim.read_now(&Read::Metrics { queries: vec![query], minutes }).unwrap() {
        Reading::Metrics(mut rows) => rows.remove(0).1,
        other => panic!("{other:?}"),
    }
}

fn latest(lab: &Lab, metric: MetricName, resource: &str) -> Option<f64> {
    series(lab, metric, resource, 10).latest().map(|(_, value)| value)
}

fn running(load: Load) -> (Lab, Site) {
    let lab = Lab::new(Config { load, ..Config::default() });
    let site = lab.site();
    lab.pass(1800);
    (lab, site)
}

fn near(value: Option<f64>, wanted: f64) -> bool {
    value.is_some_and(|value| (value - wanted).abs() <= wanted.abs() * 0.03 + 0.01)
}

#[test]
fn load_is_shared_by_the_healthy_targets() {
    let (lab, site) = running(Load::steady(100.0));
    assert!(near(latest(&lab, MetricName::RequestCountPerTarget, &site.targets), 3000.0));
    assert!(near(latest(&lab, MetricName::GroupCpuUtilization, &site.web), 53.0));
    assert_eq!(latest(&lab, MetricName::UnhealthyHostCount, &site.targets), Some(0.0));
    let id = lab.sim.world().instances().next().unwrap().id.clone();
    lab.sim.world().hang_instance(&id);
    lab.pass(300);
    assert!(near(latest(&lab, MetricName::RequestCountPerTarget, &site.targets), 6000.0));
    assert_eq!(latest(&lab, MetricName::UnhealthyHostCount, &site.targets), Some(1.0));
}

#[test]
fn replicas_take_the_reads() {
    let (lab, site) = running(Load::steady(100.0));
    assert!(near(latest(&lab, MetricName::DatabaseCpuUtilization, &site.primary), 28.0));
    let primary = lab.database(&site.primary);
    let id = lab.create("replica/1", replica(&site.primary, &primary));
    assert_eq!(latest(&lab, MetricName::ReplicaLag, &id), None, "nothing of a fresh one");
    lab.pass(1200);
    assert!(near(latest(&lab, MetricName::DatabaseCpuUtilization, &site.primary), 8.0));
    assert!(near(latest(&lab, MetricName::DatabaseCpuUtilization, &id), 25.5));
    assert!(latest(&lab, MetricName::ReplicaLag, &id).unwrap() < 1.0);
    assert!(latest(&lab, MetricName::DatabaseConnections, &id).unwrap() > 5.0);
    lab.sim.world().break_replication(&id);
    assert_eq!(latest(&lab, MetricName::ReplicaLag, &id), Some(-1.0));
}

#[test]
fn a_datapoint_comes_a_minute_late_for_whole_minutes() {
    let (lab, site) = running(Load::steady(10.0));
    let series = series(&lab, MetricName::GroupCpuUtilization, &site.web, 5);
    let now = lab.sim.world().now().as_second();
    let newest = series.latest().unwrap().0.as_second();
    assert_eq!(newest % 60, 0);
    assert!((120..180).contains(&(now - newest)), "{}", now - newest);
    assert!(series.points.len() >= 3);
    assert!(series.points.windows(2).all(|pair| pair[1].0.as_second() - pair[0].0.as_second() == 60));
}

#[test]
fn the_day_has_a_peak_and_storage_fills() {
    let load = Load { base: 10.0, peak: 100.0, peak_hour: 20.0, ..Load::default() };
    let at = |hour: i64| load.offered("any", jiff::Timestamp::from_second(hour * 3600).unwrap());
    assert!((at(20) - 100.0).abs() < 1e-6 && (at(8) - 10.0).abs() < 1e-6);
    let (lab, site) = running(load);
    let before = latest(&lab, MetricName::FreeStorageSpace, &site.primary).unwrap();
    lab.pass(86_400);
    let after = latest(&lab, MetricName::FreeStorageSpace, &site.primary).unwrap();
    let gib = (before - after) / 1024.0 / 1024.0 / 1024.0;
    assert!((gib - 0.1).abs() < 0.01, "{gib}");
}

fn past(lab: &Lab, metric: HistoryMetric, resource: &str) -> Vec<f64> {
    let query = HistoryQuery { metric, resource: resource.to_owned(), load_balancer: None };
    match lab.sim.read_now(&Read::History { queries: vec![query], days: 14 }).unwrap() {
        Reading::History(mut rows) => {
            let series = rows.remove(0).1;
            assert!(!series.incomplete);
            assert!(series.points.iter().all(|(at, _)| at.as_second() % 900 == 0), "{series:?}");
            series.points.into_iter().map(|(_, value)| value).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn quarter_hours_are_made_of_their_minutes_for_two_weeks() {
    let (lab, site) = running(Load::steady(100.0));
    lab.pass(3 * 86_400);
    let (cpu, samples) = (
        past(&lab, HistoryMetric::GroupCpu, &site.web),
        past(&lab, HistoryMetric::GroupCpuSamples, &site.web),
    );
    assert!((288..=290).contains(&cpu.len()), "three days and a half hour: {}", cpu.len());
    assert_eq!(samples.len(), cpu.len());
    assert!(near(cpu.last().copied(), 53.0));
    assert_eq!(samples.last(), Some(&30.0), "two members, fifteen minutes");
    let requests = past(&lab, HistoryMetric::Requests, &site.targets);
    assert!(near(requests.last().copied(), 90_000.0), "a hundred a second, of both targets");
    lab.pass(13 * 86_400);
    assert_eq!(past(&lab, HistoryMetric::GroupCpu, &site.web).len(), 14 * 96);
}

#[test]
fn a_replica_that_was_deleted_has_a_past() {
    let (lab, site) = running(Load::steady(100.0));
    let primary = lab.database(&site.primary);
    let id = lab.create("replica/1", replica(&site.primary, &primary));
    lab.pass(4 * 3600);
    let before = past(&lab, HistoryMetric::DatabaseCpu, &id);
    assert!(before.len() >= 13 && near(before.last().copied(), 25.5), "{before:?}");
    lab.delete(Kind::DbInstance, &id);
    lab.pass(3600);
    let after = past(&lab, HistoryMetric::DatabaseCpu, &id);
    assert!((before.len()..=before.len() + 2).contains(&after.len()), "{after:?}");
    assert!(near(after.last().copied(), 25.5), "its share of the work then, not of now: {after:?}");
}
