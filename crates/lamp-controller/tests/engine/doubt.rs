//! Readings and replies that lie: they make the controller wait, never act on guesswork.

use std::collections::BTreeSet;
use std::time::Duration;

use lamp_api::v1alpha1::PartState;
use lamp_cloud::{Body, Kind, Listing};
use lamp_sim::{Config, Fault, Faults, Moment};

use crate::support::{INSTALL, REGION, Site, lamp, small, stack};

fn faulty(faults: Faults, seed: u64) -> Site {
    let config =
        Config { install: INSTALL.to_owned(), region: REGION.to_owned(), faults, seed, ..Config::default() };
    Site::with(config)
}

#[tokio::test]
async fn a_listing_that_is_suddenly_empty_changes_nothing() {
    let site = faulty(Faults::off(), 0);
    site.apply("shop", small()).await;
    site.come_up("shop").await;
    let before = site.mutations();
    for operation in ["DescribeVpcs", "DescribeSubnets", "DescribeAutoScalingGroups", "DescribeLoadBalancers"]
    {
        let nth = site
            .region
            .world()
            .call_counts()
            .iter()
            .find(|((_, name), _)| *name == operation)
            .map(|(_, n)| *n);
        let moment = Moment::Nth { operation: operation.to_owned(), nth: nth.unwrap() };
        site.region.world().faults_mut().script(moment, Fault::EmptySuccess);
    }
    site.pass().await;
    let states: Vec<_> = site.status("shop").parts.into_iter().map(|part| part.state).collect();
    assert!(states.contains(&PartState::Unknown), "{states:?}");
    site.clock.advance(Duration::from_secs(15));
    site.come_up("shop").await;
    assert_eq!(site.mutations(), before);
}

#[tokio::test]
async fn while_a_zone_is_out_the_instances_of_the_others_are_listed() {
    let site = faulty(Faults::off(), 0);
    site.apply("shop", small()).await;
    site.come_up("shop").await;
    let zone = format!("{REGION}a");
    let whole = instances(&site);
    assert!(whole.iter().any(|(_, at)| *at == zone) && whole.iter().any(|(_, at)| *at != zone));
    site.region.world().fail_zone(&zone, Duration::from_secs(600));
    site.pass().await;
    let observed = site.engine.observed();
    assert_eq!(observed.region.unknown(Listing::Instances), None);
    assert_eq!(observed.region.unseen_zones.keys().collect::<Vec<_>>(), [&zone]);
    let elsewhere: BTreeSet<_> = whole.into_iter().filter(|(_, at)| *at != zone).collect();
    assert_eq!(instances(&site), elsewhere);
}

/// Each instance that the last pass saw, with its zone.
fn instances(site: &Site) -> BTreeSet<(String, String)> {
    let observed = site.engine.observed();
    let rows = observed.slices.values().flat_map(|slice| slice.instances.values().flatten());
    rows.map(|row| (row.id.clone(), row.zone.clone())).collect()
}

#[tokio::test]
async fn a_first_listing_that_is_empty_is_measured_by_the_records() {
    let mut site = faulty(Faults::off(), 0);
    site.apply("shop", small()).await;
    site.come_up("shop").await;
    let before = site.mutations();
    site.restart();
    let until = "2030-01-01T00:00:00Z".parse().unwrap();
    let from = "2020-01-01T00:00:00Z".parse().unwrap();
    let moment = Moment::Every { operation: "DescribeVpcs".to_owned(), from, to: until };
    site.region.world().faults_mut().script(moment, Fault::EmptySuccess);
    site.pass().await;
    site.region.world().faults_mut().scripts.clear();
    site.come_up("shop").await;
    site.stays(10).await;
    assert_eq!(site.mutations(), before);
}

#[tokio::test]
async fn lost_replies_and_refused_calls_leave_neither_duplicates_nor_leaks() {
    for seed in 0..4 {
        let faults = [
            Fault::Throttle,
            Fault::TimeoutWithEffect,
            Fault::TimeoutWithoutEffect,
            Fault::ServerErrorWithEffect,
            Fault::ServerErrorWithoutEffect,
        ];
        let faults = faults.into_iter().fold(Faults::off(), |faults, fault| faults.rate(fault, 0.03));
        let site = faulty(faults, seed);
        site.apply("shop", small()).await;
        site.until(Duration::from_secs(1800), |_| false).await;
        *site.region.world().faults_mut() = Faults::off();
        site.come_up("shop").await;
        site.until(Duration::from_secs(1800), |_| false).await;
        site.stays(20).await;
        let world = site.region.world();
        let vpcs = world.resources().filter(|row| row.kind() == Kind::Vpc).count();
        assert_eq!(vpcs, 1, "seed {seed}");
    }
}

#[tokio::test]
async fn a_replica_that_was_promoted_just_now_is_not_deleted() {
    let site = faulty(Faults::off(), 0);
    let mut spec = lamp();
    spec["database"]["deletionProtection"] = false.into();
    spec["database"]["replicas"] = serde_json::json!({"min": 2, "max": 2, "maxLagSeconds": 30});
    site.apply("shop", spec).await;
    site.come_up("shop").await;
    site.edit(&stack("shop"), |object| object["spec"]["database"]["replicas"]["min"] = 1.into()).await;
    site.edit(&stack("shop"), |object| object["spec"]["database"]["replicas"]["max"] = 1.into()).await;
    // Observed as replicas, promoted before the plan is carried out.
    site.run(site.engine.observe()).await;
    let replicas: Vec<String> = {
        let world = site.region.world();
        let is_replica = |body: &Body| matches!(body, Body::DbInstance(body) if body.is_replica());
        world.resources().filter(|row| is_replica(&row.body)).map(|row| row.id.clone()).collect()
    };
    for id in &replicas {
        site.region.world().promote_replica(id);
    }
    site.run(site.engine.reconcile(&stack("shop"))).await;
    let world = site.region.world();
    let deleted = world.log().iter().filter_map(lamp_sim::Call::request);
    let deleted: Vec<_> = deleted.filter(|request| request.operation() == "DeleteDBInstance").collect();
    assert!(deleted.is_empty(), "{deleted:#?}");
    drop(world);
    assert!(site.events().iter().any(|(reason, _)| reason == "WrongState"), "{:?}", site.events());
}
