//! Many sites share one observation of the region.

use std::collections::BTreeMap;

use lamp_tests::site::Site;
use lamp_tests::specs;
use serde_json::json;

use crate::stage::{DAY, HOUR, MINUTE, STEP, calm};

fn calls(site: &Site) -> BTreeMap<String, u64> {
    site.region
        .world()
        .call_counts()
        .iter()
        .map(|((_, operation), count)| ((*operation).to_owned(), *count))
        .collect()
}

fn many(count: u32) -> Site {
    let mut site = Site::new(calm(1)).unwrap();
    for number in 0..count {
        let mut spec = specs::load("lamp").unwrap();
        spec["metadata"]["name"] = json!(format!("shop-{number}"));
        spec["spec"]["network"]["cidr"] = json!(format!("10.{}.0.0/16", 20 + number));
        site.apply(&spec).unwrap();
    }
    site.run_until(STEP, 3 * HOUR, |site| {
        let keys = site.keys()?;
        Ok(keys.iter().all(|key| site.is_ready(key).unwrap_or_default()))
    })
    .unwrap()
    .unwrap();
    site.run_for(STEP, 30 * MINUTE).unwrap().unwrap();
    site
}

/// Calls of the busiest pass of ten in which nothing is to be done.
fn of_a_pass(site: &mut Site) -> BTreeMap<String, u64> {
    let mut busiest = BTreeMap::new();
    for _ in 0..10 {
        site.clock.advance(STEP);
        let before = calls(site);
        site.pass().unwrap().unwrap();
        let made: BTreeMap<String, u64> = calls(site)
            .into_iter()
            .map(|(operation, count)| {
                (operation.clone(), count - before.get(&operation).copied().unwrap_or_default())
            })
            .filter(|(_, count)| *count > 0)
            .collect();
        if made.values().sum::<u64>() > busiest.values().sum::<u64>() {
            busiest = made;
        }
    }
    busiest
}

#[test]
fn twenty_sites_come_up_together_and_a_pass_over_them_takes_few_calls() {
    let mut site = many(20);
    let made = of_a_pass(&mut site);
    let total: u64 = made.values().sum();
    println!("{total} calls of a pass over 20 sites in which nothing is to be done: {made:?}");
    assert!(total <= 60, "{total}: {made:?}");
    let before = site.mutations();
    site.run_for(20 * MINUTE, DAY).unwrap().unwrap();
    assert_eq!(before, site.mutations(), "{}", site.story().unwrap());
    assert_eq!(site.region.world().violations(), Vec::<String>::new());
}

#[test]
fn one_site_takes_at_most_thirty_calls() {
    let mut site = many(1);
    let made = of_a_pass(&mut site);
    let total: u64 = made.values().sum();
    println!("{total} calls of a pass over one site in which nothing is to be done: {made:?}");
    assert!(total <= 30, "{total}: {made:?}");
}

/// What is wrong with one site delays no other.
#[test]
fn a_site_that_cannot_come_up_holds_up_no_other() {
    let mut site = Site::new(calm(1)).unwrap();
    // The account has one elastic IP: one site gets it, the other waits for a person.
    site.region.world().faults_mut().quotas.insert("ElasticIp".to_owned(), 1);
    let named = |name: &str| {
        let mut spec = specs::load("whatisthetime").unwrap();
        spec["metadata"]["name"] = json!(name);
        spec
    };
    let keys = [site.apply(&named("first")).unwrap(), site.apply(&named("second")).unwrap()];
    let ready = |site: &Site| keys.iter().filter(|key| site.is_ready(key).unwrap()).count();
    site.run_until(STEP, HOUR, |site| Ok(ready(site) == 1)).unwrap().unwrap();
    site.run_for(STEP, HOUR).unwrap().unwrap();
    assert_eq!(ready(&site), 1);
    assert!(site.story().unwrap().contains("Stalled=True QuotaExceeded"), "{}", site.story().unwrap());
    site.region.world().faults_mut().quotas.clear();
    site.run_until(STEP, HOUR, |site| Ok(ready(site) == 2)).unwrap().unwrap();
    site.run_for(STEP, HOUR).unwrap().unwrap();
    let before = site.mutations();
    site.run_for(20 * MINUTE, DAY).unwrap().unwrap();
    assert_eq!(before, site.mutations(), "{}", site.story().unwrap());
}
