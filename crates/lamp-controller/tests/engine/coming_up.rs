//! From nothing to Ready, through restarts, and back to nothing.

use std::time::Duration;

use lamp_cloud::Kind;

use lamp_sim::{Config, Lag};

use crate::support::{INSTALL, REGION, Site, lamp, small};

#[tokio::test]
async fn a_network_and_one_tier_come_up_and_stay() {
    let site = Site::new();
    site.apply("shop", small()).await;
    site.come_up("shop").await;
    assert!(site.status("shop").url.is_some());
    site.stays(40).await;
}

#[tokio::test]
async fn a_complete_site_comes_up_and_goes() {
    let site = Site::new();
    let mut spec = lamp();
    spec["database"]["deletionProtection"] = false.into();
    site.apply("shop", spec).await;
    site.come_up("shop").await;
    site.stays(20).await;
    site.delete("shop").await;
    let gone = site.until(Duration::from_secs(7200), |site| !site.exists("shop")).await;
    assert!(gone, "{:#?}", site.status("shop"));
    let world = site.region.world();
    let left: Vec<_> = world.resources().map(|row| row.id.clone()).collect();
    assert_eq!(left, [] as [String; 0]);
    assert_eq!(world.snapshots().len(), 1, "the final snapshot stays");
    assert_eq!(world.violations(), &[] as &[String]);
    assert!(site.store.ledger_owners().unwrap().is_empty());
}

#[tokio::test]
async fn an_engine_that_is_replaced_after_every_pass_gets_there_all_the_same() {
    let mut site = Site::new();
    site.apply("shop", small()).await;
    for _ in 0..600 {
        site.pass().await;
        if site.is("shop", "Ready") {
            break;
        }
        site.clock.advance(Duration::from_secs(10));
        site.restart();
    }
    site.come_up("shop").await;
    site.stays(20).await;
    let world = site.region.world();
    let vpcs = world.resources().filter(|row| row.kind() == Kind::Vpc).count();
    assert_eq!(vpcs, 1);
}

#[tokio::test]
async fn an_instance_that_dies_is_replaced() {
    let site = Site::new();
    site.apply("shop", small()).await;
    site.come_up("shop").await;
    let victim = site.region.world().instances().next().unwrap().id.clone();
    assert!(site.region.world().kill_instance(&victim));
    let noticed = site.until(Duration::from_secs(600), |site| !site.is("shop", "Ready")).await;
    assert!(noticed);
    site.come_up("shop").await;
    site.stays(20).await;
}

#[tokio::test]
async fn a_target_that_is_deregistered_by_hand_is_registered_again() {
    let site = Site::new();
    site.apply("shop", small()).await;
    site.come_up("shop").await;
    let group =
        site.region.world().resources().find(|row| row.kind() == Kind::TargetGroup).unwrap().id.clone();
    let victim = site.region.world().targets(&group).next().unwrap().target.instance.clone();
    assert!(site.region.world().deregister_by_hand(&group, &victim));
    let registered = site.until(Duration::from_secs(900), |site| {
        let world = site.region.world();
        world
            .log()
            .iter()
            .filter_map(lamp_sim::Call::request)
            .any(|request| request.operation() == "RegisterTargets")
    });
    assert!(registered.await, "once it has drained");
    site.come_up("shop").await;
    site.stays(20).await;
}

#[tokio::test]
async fn a_slow_and_busy_region_only_takes_longer() {
    let config = Config {
        install: INSTALL.to_owned(),
        region: REGION.to_owned(),
        lag: Lag::aws(),
        throttle: true,
        seed: 7,
        ..Config::default()
    };
    let site = Site::with(config);
    site.apply("shop", lamp()).await;
    site.come_up("shop").await;
    site.stays(40).await;
}
