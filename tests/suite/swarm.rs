//! The fault simulator in every test run: some seeds of the whole catalogue, some bugs that must be found, some deaths
//! in pairs, and two daemons at once. `cargo xtask sim` does the same for as long as one likes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex};

use lamp_tests::bugs::Bug;
use lamp_tests::swarm::{Calms, How, ROWS, Trouble, boundaries, dies_twice, hunt, live};

static CALMS: LazyLock<Calms> = LazyLock::new(Calms::default);

fn workers() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Seeds are taken from 1 on; `LAMPLIGHTER_SWARM_SEEDS` says how many.
#[test]
fn a_swarm_of_troubles_breaks_no_law() {
    let (next, last) = (AtomicU64::new(1), number("LAMPLIGHTER_SWARM_SEEDS", 30));
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..workers() {
            scope.spawn(|| {
                while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed <= last)
                {
                    if let Err(error) = live(&Trouble::draw(seed), &CALMS, None) {
                        println!("cargo xtask sim --minutes 0 --seed {seed}: {error:#?}");
                        failed.lock().expect("nobody panics").push(seed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("nobody panics");
    assert!(failed.is_empty(), "seeds {failed:?} failed; how to replay each is above");
}

/// Every row of the catalogue is met by some seed that has an ingredient of it, or says why it cannot be.
#[test]
#[ignore = "takes minutes"]
fn each_row_of_the_catalogue_is_injected_or_says_why_not() {
    let unmet: Vec<&str> = ROWS
        .iter()
        .filter(|row| row.how == How::Drawn)
        .map(|row| row.id)
        .filter(|row| !is_met(row))
        .collect();
    assert!(unmet.is_empty(), "rows that are drawn, and do nothing: {unmet:?}");
    let sources = sources();
    for row in ROWS {
        if let How::Tested(test) = row.how {
            assert!(sources.contains(&format!("fn {test}(")), "{}: there is no test {test}", row.id);
        }
    }
}

/// Whether one of a few seeds with an ingredient of the row, and nothing else, meets it.
fn is_met(row: &str) -> bool {
    let having = (1..2000).map(Trouble::draw).filter(|trouble| trouble.rows().contains(row));
    having.take(12).any(|trouble| {
        let numbers = trouble.numbers_of(row);
        let met = live(&trouble.with_only(&numbers), &CALMS, None);
        met.is_ok_and(|lived| lived.coverage.of_row(row) > 0)
    })
}

fn sources() -> String {
    let mut all = String::new();
    let mut folders = vec![crate::files::root().join("crates"), crate::files::root().join("tests")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                all.push_str(&std::fs::read_to_string(path).expect("a source"));
            }
        }
    }
    all
}

/// The same seed makes the same calls with the same outcomes at the same times.
#[test]
fn equal_seeds_live_equal_lives() {
    for seed in [3, 4, 5] {
        let [one, other] = [0, 1].map(|_| live(&Trouble::draw(seed), &CALMS, None));
        let text = |lived| format!("{lived:?}");
        assert_eq!(text(one), text(other), "seed {seed}");
    }
}

/// A few of the bugs; all of them by `cargo xtask sim --seeded-bugs`.
#[test]
#[ignore = "takes minutes"]
fn bugs_that_are_put_in_are_found() {
    let quick = [
        Bug::IntentNotWritten,
        Bug::TagsStripped,
        Bug::MutationsRetried,
        Bug::CreationForgotten,
        Bug::AbsenceBelieved,
        Bug::WrongInstance,
        Bug::RolloutAtOnce,
        Bug::SnapshotSkipped,
        Bug::EarlyRoute,
        Bug::NeverSettles,
    ];
    for bug in quick {
        let found = hunt(bug, &CALMS, 1, 60).unwrap_or_else(|| panic!("{bug:?} was not found in 60 seeds"));
        println!("{bug:?}: {} after {} seeds", found.kind, found.seeds);
    }
}

/// Some of the ordered pairs; all of them by `cargo xtask sim --long`.
#[test]
fn a_second_death_after_the_first_is_survived() {
    let (count, census) = boundaries("whatisthetime").expect("comes up");
    let pairs = number("LAMPLIGHTER_DEATH_PAIRS", 16);
    for index in 0..pairs {
        let index = usize::try_from(index).expect("few");
        let (first, second) = ((index * 37) % count, (index * 53) % (count / 2));
        dies_twice("whatisthetime", first, second, &census).unwrap_or_else(|error| panic!("{error:#}"));
    }
}
