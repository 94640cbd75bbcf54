//! When nothing is changed: by wish, by doubt, or because the records are gone.

use std::time::Duration;

use serde_json::json;

use crate::support::{REGION, Site, small, stack};

#[tokio::test]
async fn observe_plans_and_changes_nothing() {
    let site = Site::new();
    let mut spec = small();
    spec["mode"] = "Observe".into();
    site.apply("shop", spec).await;
    site.until(Duration::from_secs(120), |_| false).await;
    assert_eq!(site.mutations(), 0);
    assert!(!site.status("shop").parts.is_empty(), "the plan is shown");
    site.delete("shop").await;
    assert!(site.until(Duration::from_secs(60), |site| !site.exists("shop")).await, "nothing holds it");
}

#[tokio::test]
async fn paused_does_nothing_and_says_so() {
    let site = Site::new();
    site.apply("shop", small()).await;
    site.come_up("shop").await;
    site.edit(&stack("shop"), |object| object["spec"]["mode"] = "Paused".into()).await;
    let before = site.mutations();
    let victim = site.region.world().instances().next().unwrap().id.clone();
    site.region.world().kill_instance(&victim);
    site.until(Duration::from_secs(120), |_| false).await;
    assert!(site.is("shop", "Paused"));
    assert_eq!(site.mutations(), before);
    site.edit(&stack("shop"), |object| object["spec"]["mode"] = "Enforce".into()).await;
    site.come_up("shop").await;
    assert!(!site.is("shop", "Paused"));
}

#[tokio::test]
async fn a_stack_of_another_region_is_left_alone() {
    let site = Site::new();
    let mut spec = small();
    assert_ne!(REGION, "eu-central-1");
    spec["region"] = "eu-central-1".into();
    site.apply("shop", spec).await;
    site.pass().await;
    site.pass().await;
    assert!(site.is("shop", "Stalled"));
    assert_eq!(site.mutations(), 0);
}

#[tokio::test]
async fn a_record_that_cannot_be_read_stops_everything_until_it_is_repaired() {
    let site = Site::new();
    site.apply("shop", small()).await;
    site.come_up("shop").await;
    let stored = site.store.get(&stack("shop")).unwrap().unwrap();
    let uid = stored.object["metadata"]["uid"].as_str().unwrap().to_owned();
    let good = site.store.ledger(&uid).unwrap()["vpc"].clone();
    site.store.put_ledger(&uid, "vpc", Some(json!({"attempt": "many"}))).await.unwrap();
    let before = site.mutations();
    site.edit(&stack("shop"), |object| object["spec"]["tiers"][0]["capacity"]["min"] = 3.into()).await;
    site.until(Duration::from_secs(60), |_| false).await;
    assert!(site.is("shop", "Stalled"));
    assert_eq!(site.mutations(), before);
    site.store.put_ledger(&uid, "vpc", Some((*good).clone())).await.unwrap();
    site.come_up("shop").await;
    assert!(!site.is("shop", "Stalled"));
    assert!(site.mutations() > before);
}

#[tokio::test]
async fn losing_the_store_deletes_nothing() {
    let site = Site::new();
    site.apply("shop", small()).await;
    site.come_up("shop").await;
    let resources = site.region.world().resources().count();
    let stored = site.store.get(&stack("shop")).unwrap().unwrap();
    let uid = stored.object["metadata"]["uid"].as_str().unwrap().to_owned();
    let before = site.mutations();
    // The object goes without a trace, as from a restored backup.
    site.edit(&stack("shop"), |object| object["metadata"]["finalizers"] = json!(["other/finalizer"])).await;
    site.delete("shop").await;
    site.edit(&stack("shop"), |object| object["metadata"]["finalizers"] = json!([])).await;
    assert!(!site.exists("shop"));
    site.until(Duration::from_secs(120), |_| false).await;
    assert_eq!(site.mutations(), before);
    assert_eq!(site.region.world().resources().count(), resources);
    let orphans = site.engine.orphans();
    assert!(orphans.rows.iter().all(|orphan| orphan.uid == uid));
    assert!(orphans.rows.iter().any(|orphan| orphan.kind == lamp_cloud::Kind::Vpc));
}

#[tokio::test]
async fn nothing_is_decided_from_an_old_observation() {
    let site = Site::new();
    site.apply("shop", small()).await;
    site.pass().await;
    site.clock.advance(Duration::from_secs(3600));
    let outcome = site.run(site.engine.reconcile(&stack("shop"))).await;
    assert!(outcome.observe_first, "after a jump of the clock the region is observed first");
}

#[tokio::test]
async fn equal_events_are_counted_and_old_ones_go() {
    let site = Site::new();
    site.apply("shop", small()).await;
    site.come_up("shop").await;
    let events = site.events();
    for reason in ["Created", "Ready"] {
        assert!(events.iter().any(|(seen, _)| seen == reason), "{reason}: {events:?}");
    }
    site.clock.advance(Duration::from_secs(2 * 3600));
    site.pass().await;
    assert!(!site.events().iter().any(|(reason, _)| reason == "Created"));
}
