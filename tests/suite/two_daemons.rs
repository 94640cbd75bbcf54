//! Two daemons on one installation: the machine was copied, with its data directory. They know nothing of each other.

use std::time::Duration;

use lamp_api::annotations;
use lamp_api::conditions::{is_true, types};
use lamp_store::Key;
use lamp_tests::swarm::calm_options;
use lamp_tests::{Site, SiteOptions, specs};

const STEP: Duration = Duration::from_secs(15);

/// Both work at the same region in turns; whatever they do, nothing is there twice, and no law of ownership is broken.
/// Each makes parts that the other has no record of, and leaves those alone; one that starts again finds that AWS has
/// newer resources than its records, and changes nothing. Then they say that a person is needed.
fn together(spec: &str, before: u32, copier_dies_at: Option<usize>) {
    let mut one = Site::new(SiteOptions { judged: true, ..calm_options(1) }).expect("a site");
    let key = one.apply(&specs::load(spec).expect("a spec")).expect("applied");
    one.run_for(STEP, STEP * before).expect("goes on").expect("lives");
    let mut other = one.copied().expect("a copy");
    if let Some(boundary) = copier_dies_at {
        one.gate.crash_at(boundary);
    }
    for _ in 0..240 {
        for site in [&mut one, &mut other] {
            if site.pass().expect("a pass").is_err() {
                site.restart().expect("starts again");
            }
        }
        one.clock.advance(STEP);
    }
    let world = one.region.world();
    assert_eq!(world.violations(), Vec::<String>::new(), "{spec}, copied after {before} passes");
    drop(world);
    let twice = one
        .judge
        .broken()
        .into_iter()
        .filter(|broken| ["S-U1", "S-D1", "S-D2", "S-D5"].contains(&broken.law));
    assert_eq!(twice.collect::<Vec<_>>(), Vec::new(), "{spec}, copied after {before} passes");
    assert!(one.census().values().all(|count| *count <= 12), "{:#?}", one.census());
    for site in [&one, &other] {
        let status = site.status(&key).expect("read").expect("it is there");
        let asks = is_true(&status.conditions, types::STALLED);
        assert!(asks || site.is_ready(&key).expect("read"), "{}", site.story().expect("a story"));
    }
    goes_on_alone(&mut other, &key);
}

/// The person has stopped the first daemon, and lets the other one have whatever carries the tags of the stack.
fn goes_on_alone(site: &mut Site, key: &Key) {
    let before = site.census();
    site.edit(key, |object| object["metadata"]["annotations"][annotations::ADOPT] = "true".into())
        .expect("noted");
    let limit = Duration::from_secs(3 * 3600);
    site.run_until(STEP, limit, |site| site.is_ready(key)).expect("it settles").expect("lives");
    for (kind, count) in &before {
        assert!(
            site.census()[kind] >= *count,
            "{kind}: nothing was removed, {before:#?} {:#?}",
            site.census()
        );
    }
}

#[test]
fn a_copied_daemon_makes_nothing_twice() {
    for before in [1, 2, 4, 8, 16, 120] {
        together("whatisthetime", before, None);
    }
    together("lamp", 6, None);
    together("lamp", 200, None);
}

#[test]
fn a_copied_daemon_makes_nothing_twice_though_the_first_one_dies() {
    for (before, boundary) in [(1, 5), (1, 20), (3, 40)] {
        together("whatisthetime", before, Some(boundary));
    }
}
