//! A site comes up from nothing.

use std::time::Duration;

use expect_test::{expect, expect_file};
use lamp_sim::Lag;
use lamp_tests::specs;

use crate::stage::{HOUR, MINUTE, Stage, calm, spec};

/// Every change to AWS, when it was made and for what reason, as the Events say it.
fn transcript(stage: &Stage) -> String {
    stage.events().join("\n") + "\n"
}

#[test]
fn a_stateless_site_comes_up_in_the_order_of_its_dependencies() {
    let mut stage = Stage::open(calm(1), specs::load("whatisthetime").unwrap());
    let took = stage.until_ready();
    assert!(took < 15 * MINUTE, "{took:?}");
    expect_file!["golden/whatisthetime-creation.txt"].assert_eq(&transcript(&stage));
    stage.settles();
}

#[test]
fn a_full_site_comes_up_and_says_what_it_waits_for() {
    let mut stage = Stage::open(calm(1), specs::load("lamp").unwrap());
    let mut said = Vec::new();
    while !stage.site.is_ready(&stage.key).unwrap() {
        stage.run(Duration::ZERO);
        let ready = stage.condition("Ready");
        if said.last() != Some(&ready) {
            said.push(ready);
        }
        stage.site.clock.advance(MINUTE);
        assert!(said.len() < 60, "{said:#?}");
    }
    expect_file!["golden/lamp-ready-condition.txt"].assert_eq(&(said.join("\n") + "\n"));
    expect_file!["golden/lamp-creation.txt"].assert_eq(&(stage.brief_since(0) + "\n"));
    stage.settles();
}

#[test]
fn conditions_name_the_database_while_rds_makes_it() {
    let mut stage = Stage::open(calm(1), specs::load("lamp").unwrap());
    stage.run(6 * MINUTE);
    let conditions =
        ["Ready", "Progressing", "Degraded", "Stalled", "NetworkReady", "TiersReady", "DatabaseReady"];
    let shown: Vec<String> =
        conditions.iter().map(|kind| format!("{kind}={}", stage.condition(kind))).collect();
    expect![[r#"
        Ready=False DatabaseCreating: waiting for database: creating (since 2027-01-15T08:00:22Z), and 3 more parts
        Progressing=True Waiting: database: creating (since 2027-01-15T08:00:22Z)
        Degraded=False ComingUp: the site comes up for the first time
        Stalled=False NotBlocked: nothing needs a person
        NetworkReady=True AsSpecified: every part is as the spec says
        TiersReady=False AutoScalingGroupWaiting: auto-scaling-group/app: waiting for the address of database
        DatabaseReady=False DatabaseCreating: database: creating (since 2027-01-15T08:00:22Z)"#]].assert_eq(&shown.join("\n"));
    stage.settles();
}

#[test]
fn a_shop_with_carts_comes_up() {
    let mut stage = Stage::open(calm(1), specs::load("myclothes").unwrap());
    let took = stage.until_ready();
    assert!(took < HOUR, "{took:?}");
    stage.settles();
}

/// Reading as stale as AWS may be, and calls refused beyond its rates: what comes up is what comes up in calm.
#[test]
fn stale_reads_and_throttling_make_no_duplicates() {
    let census = Stage::up("lamp").site.census();
    for seed in 1..=20 {
        let mut options = calm(seed);
        options.region.lag = Lag::aws();
        options.region.throttle = true;
        let mut stage = Stage::open(options, specs::load("lamp").unwrap());
        stage.until_ready();
        stage.run(HOUR);
        assert_eq!(stage.site.census(), census, "seed {seed}");
        stage.nothing_unlawful();
        if seed % 5 == 0 {
            stage.settles();
        }
    }
}

#[test]
fn throttling_and_a_noisy_neighbour_make_it_slower_and_nothing_else() {
    let mut options = calm(3);
    options.region.throttle = true;
    options.region.lag = Lag::aws();
    options.region.faults.noisy_neighbour = 0.8;
    let mut stage = Stage::open(options, specs::load("lamp").unwrap());
    stage.until_ready();
    stage.settles();
}

#[test]
fn a_site_without_load_balancers_or_scaling_comes_up() {
    let spec = spec("whatisthetime", |spec| {
        spec["spec"]["tiers"][0].as_object_mut().unwrap().remove("loadBalancer");
        spec["spec"]["tiers"][0].as_object_mut().unwrap().remove("scaling");
    });
    let mut stage = Stage::open(calm(1), spec);
    stage.settles();
}
