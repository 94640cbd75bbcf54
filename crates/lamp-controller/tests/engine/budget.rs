//! Calls are short: what heals goes first, sites take turns, and a restart is no way around a limit.

use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::Clock;
use lamp_controller::Settings;
use lamp_sim::{Config, Fault, Moment};
use prometheus::TextEncoder;
use serde_json::{Value, json};

use crate::support::{INSTALL, REGION, Site, small};

const REPLACE: &str = "TerminateInstanceInAutoScalingGroup";
const RECORD: &str = "budget/ap-northeast-2";

/// A region that refuses calls beyond AWS's rates, of which a fifth is ours.
fn short_of_calls() -> Site {
    let config = Config {
        install: INSTALL.to_owned(),
        region: REGION.to_owned(),
        throttle: true,
        ..Config::default()
    };
    Site::working(config, Settings { rate_percent: 20, ..Settings::default() })
}

/// Tiers without load balancers: about five calls each, all of which may be made at once.
fn tiers(count: usize) -> Value {
    let tier = |n: usize| json!({"name": format!("tier-{n}"), "capacity": {"min": 2, "max": 4}});
    json!({"region": REGION, "tiers": (0..count).map(tier).collect::<Vec<_>>()})
}

/// Sites with so many tiers in all that their creation takes about a thousand calls.
const SITES: usize = 20;

async fn apply_many(site: &Site) {
    for number in 0..SITES {
        site.apply(&format!("mall-{number}"), tiers(10)).await;
    }
}

/// When calls of an operation were made.
fn calls(site: &Site, operation: &str) -> Vec<Timestamp> {
    let world = site.region.world();
    world.log().iter().filter(|call| call.operation == operation).map(|call| call.at).collect()
}

/// The sum of the series of a metric where a label has a value.
fn told(site: &Site, name: &str, label: &str, value: &str) -> f64 {
    let text = TextEncoder::new().encode_to_string(&site.registry.gather()).unwrap();
    let start = format!("lamplighter_{name}{{");
    let pair = format!("{label}=\"{value}\"");
    let series = text.lines().filter(|line| line.starts_with(&start) && line.contains(&pair));
    series.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// How long it takes until an instance that answers no more is replaced, with or without a rush of calls for another site.
async fn time_to_replace(site: &Site, flood: bool) -> Duration {
    let mut spec = small();
    spec["tiers"][0]["capacity"] = json!({"min": 3, "max": 6});
    site.apply("shop", spec).await;
    site.come_up("shop").await;
    site.stays(4).await;
    let victim = site.region.world().instances().next().unwrap().id.clone();
    assert!(site.region.world().hang_instance(&victim));
    let hung_at = Clock::now(&site.clock);
    site.until(Duration::from_secs(75), |_| false).await;
    if flood {
        apply_many(site).await;
    }
    let replaced = |site: &Site| !calls(site, REPLACE).is_empty();
    assert!(site.until(Duration::from_secs(600), replaced).await, "{:#?}", site.status("shop"));
    Duration::try_from(calls(site, REPLACE)[0].duration_since(hung_at)).unwrap()
}

#[tokio::test]
async fn a_sick_instance_is_replaced_at_once_while_many_sites_are_made() {
    let calm = time_to_replace(&short_of_calls(), false).await;
    let site = short_of_calls();
    let busy = time_to_replace(&site, true).await;
    assert!(busy <= calm + Duration::from_secs(15), "{busy:?} instead of {calm:?}");
    let waiting = told(&site, "aws_api_budget_waiting_calls", "priority", "deploy");
    assert!(waiting > 20.0, "{waiting} calls wait");
    let before = calls(&site, "CreateAutoScalingGroup").len();
    site.until(Duration::from_secs(240), |_| false).await;
    let after = calls(&site, "CreateAutoScalingGroup").len();
    assert!(before + 40 < after, "the group was made among others: {before}, {after}");
    let waited = |priority| told(&site, "aws_api_budget_wait_seconds_sum", "priority", priority);
    assert!(waited("heal") < 5.0 && waited("deploy") > 600.0, "{} s, {} s", waited("heal"), waited("deploy"));
    assert_eq!(
        told(&site, "aws_api_throttles_total", "region", REGION),
        0.0,
        "AWS has nothing to complain of"
    );
}

#[tokio::test]
async fn a_site_of_few_calls_is_not_kept_waiting_by_one_of_many() {
    let site = short_of_calls();
    apply_many(&site).await;
    site.until(Duration::from_secs(20), |_| false).await;
    let before = Clock::now(&site.clock);
    site.apply("shop", tiers(1)).await;
    let is_made = |site: &Site| site.is("shop", "TiersReady");
    assert!(site.until(Duration::from_secs(900), is_made).await, "{:#?}", site.status("shop"));
    let took = Clock::now(&site.clock).duration_since(before);
    assert!(took.as_secs() < 700, "{took:?}");
}

#[tokio::test]
async fn a_restart_makes_calls_no_faster_than_aws_allowed() {
    let mut site = Site::new();
    let from = Clock::now(&site.clock);
    let throttled =
        Moment::Every { operation: "CreateVpc".to_owned(), from, to: from + Duration::from_secs(20) };
    site.region.world().faults_mut().script(throttled, Fault::Throttle);
    site.apply("shop", small()).await;
    site.until(Duration::from_secs(15), |site| !calls(site, "CreateVpc").is_empty()).await;
    let share = |site: &Site| told(site, "aws_api_budget_share_ratio", "bucket", "CreateVpc");
    site.pass().await;
    let before = share(&site);
    assert!(before < 0.3, "{before}");
    assert!(site.store.meta(RECORD).unwrap().contains("CreateVpc"));
    site.restart();
    site.pass().await;
    assert!((share(&site) - before).abs() < 0.02, "{} after {before}", share(&site));
    site.come_up("shop").await;
    site.until(Duration::from_secs(1200), |_| false).await;
    assert!(!site.store.meta(RECORD).unwrap().contains("CreateVpc"), "what recovered is not kept");
}

#[tokio::test]
async fn a_call_that_failed_is_not_repeated_sooner_after_restarts() {
    let mut site = Site::new();
    site.region.world().faults_mut().quotas.insert("Vpc".to_owned(), 0);
    site.apply("shop", small()).await;
    for pass in 1..=100 {
        site.pass().await;
        site.clock.advance(Duration::from_secs(15));
        if pass % 5 == 0 {
            site.restart();
        }
    }
    let attempts = calls(&site, "CreateVpc");
    assert_eq!(attempts.len(), 3, "once every ten minutes: {attempts:?}");
}
