//! The process dies before and after mutating calls and writes of the store, while a site comes up. Started
//! again, it must end Ready: nothing made twice, nothing left over, and nothing more to do for seven days.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lamp_sim::Load;
use lamp_tests::crash::Boundary;
use lamp_tests::site::{Site, SiteOptions};
use lamp_tests::specs;

const STEP: Duration = Duration::from_secs(15);
const LIMIT: Duration = Duration::from_secs(3 * 3600);
/// Seven days are looked at every hour.
const QUIET_STEP: Duration = Duration::from_secs(3600);
const QUIET: Duration = Duration::from_secs(7 * 24 * 3600);

/// What there is on AWS in the end: how many resources of each part, instances by group.
type Census = BTreeMap<String, usize>;

fn site(seed: u64) -> Site {
    let mut options = SiteOptions::calm(seed);
    options.settings = options.settings.sequential();
    // So that nothing is scaled: each change would be one by right.
    options.region.load = Load::steady(10.0);
    Site::new(options).expect("a site")
}

fn census(site: &Site) -> Census {
    site.census()
}

/// Comes up, dying once at the boundary with this number, counted from when the spec is stored.
fn come_up(site: &mut Site, name: &str, boundary: usize) -> Census {
    let key = site.apply(&specs::load(name).expect("a spec")).expect("applied");
    site.gate.crash_at(boundary);
    loop {
        match site.run_until(STEP, LIMIT, |site| site.is_ready(&key)).expect("comes up") {
            Ok(_) => break,
            Err(_) => site.restart().expect("starts again"),
        }
    }
    census(site)
}

fn stays_quiet(site: &mut Site) {
    // What was still on its way when it became Ready may end first.
    site.run_for(STEP, Duration::from_secs(1800)).expect("goes on").expect("lives");
    let before = site.mutations();
    site.run_for(QUIET_STEP, QUIET).expect("stays").expect("lives");
    assert_eq!(
        before,
        site.mutations(),
        "something was changed in seven quiet days: {}",
        site.story().unwrap()
    );
}

fn boundaries(name: &str) -> (Vec<Boundary>, Census) {
    let mut site = site(1);
    let census = come_up(&mut site, name, usize::MAX);
    let passed = site.gate.passed();
    stays_quiet(&mut site);
    (passed, census)
}

fn dies_at(name: &str, boundary: usize, what: &Boundary, expected: &Census) {
    let mut site = site(1);
    let census = come_up(&mut site, name, boundary);
    stays_quiet(&mut site);
    let violations = site.region.world().violations().to_vec();
    assert!(violations.is_empty(), "dead at {boundary} ({what:?}): {violations:?}");
    assert_eq!(&census, expected, "dead at {boundary} ({what:?}): another census than without a crash");
}

fn dies_everywhere(name: &str) {
    let (passed, expected) = boundaries(name);
    assert!(passed.len() > 100, "only {} boundaries", passed.len());
    let stride = stride(passed.len());
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some((index, what)) = {
                    let index = next.fetch_add(stride, Ordering::Relaxed);
                    passed.get(index).map(|what| (index, what))
                } {
                    dies_at(name, index, what, &expected);
                }
            });
        }
    });
    println!("{name}: died at every {stride}th of {} boundaries", passed.len());
}

/// `LAMPLIGHTER_CRASH_STRIDE=1` dies at every boundary, which takes a while; by default at some thirty of them, spread
/// over the whole creation.
fn stride(boundaries: usize) -> usize {
    let wanted = std::env::var("LAMPLIGHTER_CRASH_STRIDE").ok().and_then(|stride| stride.parse().ok());
    wanted.unwrap_or(boundaries / 30).max(1)
}

#[test]
fn lamp_survives_death_at_any_boundary() {
    dies_everywhere("lamp");
}

#[test]
fn whatisthetime_survives_death_at_any_boundary() {
    dies_everywhere("whatisthetime");
}

#[test]
fn myclothes_survives_death_at_any_boundary() {
    dies_everywhere("myclothes");
}
