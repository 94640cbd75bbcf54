//! The daemon's clock is wrong, or jumps: time alone changes nothing on AWS.

use lamp_sim::{Fault, Spell};
use lamp_tests::specs;

use crate::stage::{HOUR, MINUTE, Stage, calm};

/// An hour, a day and a year, forward and back, and the daemon that stood still meanwhile.
#[test]
fn a_clock_that_jumps_changes_nothing() {
    let mut stage = Stage::up("lamp");
    let mark = stage.mark();
    for seconds in [3600, -3600, 86_400, -86_400, 31_536_000, -31_536_000] {
        stage.site.watch.jump(seconds);
        stage.run(20 * MINUTE);
        assert_eq!(stage.brief_since(mark), "", "after a jump by {seconds} s");
        stage.until_ready();
    }
    stage.site.clock.advance(8 * HOUR);
    stage.run(20 * MINUTE);
    assert_eq!(stage.brief_since(mark), "", "after eight hours of standing still");
    stage.settles();
}

/// A site that is made while the clock is a year ahead, and goes on when it is set right: nothing waits for that year.
#[test]
fn a_clock_that_was_ahead_and_is_set_back_holds_nothing_up() {
    for ahead in [3600, 31_536_000] {
        let mut stage = Stage::open(calm(1), specs::load("lamp").unwrap());
        stage.site.watch.set_ahead(ahead);
        stage.run(7 * MINUTE);
        stage.site.watch.set_ahead(0);
        let took = stage.until_ready();
        assert!(took < HOUR, "{ahead} s ahead: {took:?}");
        stage.settles();
    }
}

/// AWS refuses what is signed for another time: nothing is decided meanwhile, and all is well afterwards.
#[test]
fn a_clock_that_is_wrong_is_waited_out() {
    let mut stage = Stage::open(calm(1), specs::load("whatisthetime").unwrap());
    stage.run(2 * MINUTE);
    let (from, to) = (stage.now(), stage.now() + HOUR);
    let refused = Spell { fault: Fault::SkewedClock, service: None, from, to, share: 1.0 };
    stage.world().faults_mut().spells.push(refused);
    stage.site.watch.set_ahead(1200);
    stage.run(30 * MINUTE);
    assert!(!stage.condition("Ready").starts_with("True"), "{}", stage.story());
    stage.site.watch.set_ahead(0);
    stage.run(HOUR);
    stage.settles();
}
