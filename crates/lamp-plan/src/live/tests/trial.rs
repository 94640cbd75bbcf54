//! A new version proves itself, or the last good one comes back.

use expect_test::expect;
use lamp_cloud::{InstanceState, LifecycleState, TargetState};
use proptest::prelude::*;
use serde_json::json;

use super::{replaced, step, tier_of};
use crate::Plan;
use crate::rollout::target;
use crate::world::{One, World, lines};

/// What becomes of an instance after its launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Works,
    NeverServes,
    Hangs(i64),
    Dies(i64),
}

/// A group that lives: instances of each version have a fate, and the group goes where the plan sends it.
struct Fleet {
    world: World,
    fates: fn(u64) -> Fate,
    launched: u32,
}

impl Fleet {
    /// Three instances of version 1, which is good, and a version 2 that the spec asks for.
    fn with(fates: fn(u64) -> Fate) -> Self {
        let mut world = World::with_tier(json!({"capacity": {"min": 2, "max": 6, "desired": 3}}), 3);
        world.prove(1);
        (world.version, world.newest) = (2, 2);
        Self { world, fates, launched: 0 }
    }

    /// Plans, and carries it out.
    fn step(&mut self) -> Plan {
        self.aim();
        let plan = step(&mut self.world);
        self.never_below_the_floor(&plan);
        self.world.done(&plan);
        let gone = replaced(&plan);
        self.world.members.retain(|one| !gone.contains(&one.id));
        self.world.desired = plan.tiers["web"].desired;
        self.live();
        self.world.now += 15;
        plan
    }

    /// The group launches what the plan wants it to.
    fn aim(&mut self) {
        let tier = self.world.tier();
        let found = self.world.plan(|draft| target::find(&draft.input, &tier)).1;
        if let Ok(target) = found {
            self.world.version = target.launched().number;
        }
    }

    fn live(&mut self) {
        let (now, fates) = (self.world.now, self.fates);
        self.world.members.retain(|one| match fates(one.version) {
            Fate::Dies(after) => now < one.launched + after || one.launched < 0,
            _ => true,
        });
        let desired = self.world.desired as usize;
        while self.world.members.len() < desired {
            self.launched += 1;
            let fresh = One {
                id: format!("i-new-{}", self.launched),
                version: self.world.version,
                launched: now,
                state: Some(InstanceState::Pending),
                lifecycle: LifecycleState::Pending,
                target: None,
                ..One::healthy(self.launched)
            };
            self.world.members.push(fresh);
        }
        self.world.members.sort_by_key(|one| (one.version, one.launched));
        let surplus = self.world.members.len() - desired;
        self.world.members.drain(..surplus);
        for one in self.world.members.iter_mut().filter(|one| one.launched >= 0) {
            let age = now - one.launched;
            let serves = match fates(one.version) {
                Fate::Works | Fate::Dies(_) => age >= 120,
                Fate::NeverServes => false,
                Fate::Hangs(after) => (120..after).contains(&age),
            };
            if age >= 30 {
                one.state = Some(InstanceState::Running);
                one.lifecycle = LifecycleState::InService;
                let failing = if age < 120 { TargetState::Initial } else { TargetState::Unhealthy };
                one.target = Some(if serves { TargetState::Healthy } else { failing });
            }
        }
    }

    /// No instance that serves is taken from a tier that needs it.
    fn never_below_the_floor(&self, plan: &Plan) {
        let capacity = self.world.tier().capacity;
        let floor = if capacity.max > capacity.min { capacity.min } else { capacity.min.saturating_sub(1) };
        let taken = replaced(plan);
        let serving = |one: &&One| one.target == Some(TargetState::Healthy);
        let all = self.world.members.iter().filter(serving).count();
        let left = self.world.members.iter().filter(serving).filter(|one| !taken.contains(&one.id)).count();
        assert!(left == all || left >= floor as usize, "{left} of {all} are left: {}", lines(plan));
        assert!(taken.len() <= 1, "{}", lines(plan));
    }

    fn run(&mut self, seconds: i64) -> Plan {
        let end = self.world.now + seconds;
        loop {
            let plan = self.step();
            if self.world.now >= end {
                return plan;
            }
        }
    }

    fn until_failed(&mut self) -> i64 {
        while self.world.versions().failed.is_none() {
            assert!(self.world.now < 10_000, "it never failed: {:?}", self.world.members);
            self.step();
        }
        self.world.now
    }

    fn versions(&self) -> Vec<u64> {
        self.world.members.iter().map(|one| one.version).collect()
    }
}

fn second(fate: Fate) -> impl Fn(u64) -> Fate {
    move |version| if version == 2 { fate } else { Fate::Works }
}

#[test]
fn a_version_counts_as_good_only_after_the_last_bake() {
    let mut fleet = Fleet::with(|_| Fate::Works);
    let mut batches = Vec::new();
    while fleet.world.versions().good.as_ref().unwrap().number == 1 {
        assert!(fleet.world.now < 10_000, "{:?}", fleet.world.members);
        let plan = fleet.step();
        if !replaced(&plan).is_empty() {
            batches.push(fleet.world.now);
        }
    }
    let decided = fleet.world.now;
    assert_eq!(fleet.versions(), [2, 2, 2]);
    // Two minutes to start, and two to bake; the spare one came first.
    assert_eq!(batches.len(), 3);
    assert!(batches[0] >= 240 && batches.windows(2).all(|pair| pair[1] - pair[0] >= 240), "{batches:?}");
    assert!(decided - batches[2] >= 240, "{batches:?}, {decided}");
    let plan = fleet.run(600);
    assert!(plan.actions.is_empty() && plan.versions.is_empty(), "{}", lines(&plan));
    assert_eq!(fleet.world.desired, 3, "the spare instance is gone");
    assert!(fleet.world.memory.trials.is_empty());
}

#[test]
fn a_version_that_does_not_work_goes_after_one_instance_and_is_not_tried_again() {
    for fate in [Fate::NeverServes, Fate::Hangs(200), Fate::Dies(200)] {
        let fates: fn(u64) -> Fate = match fate {
            Fate::NeverServes => |version| second(Fate::NeverServes)(version),
            Fate::Hangs(_) => |version| second(Fate::Hangs(200))(version),
            _ => |version| second(Fate::Dies(200))(version),
        };
        let mut fleet = Fleet::with(fates);
        fleet.until_failed();
        let old = fleet.world.members.iter().filter(|one| one.id.len() == 3).count();
        assert_eq!(old, 3, "{fate:?}: no instance went that served: {:?}", fleet.world.members);
        fleet.run(1800);
        assert_eq!(fleet.versions(), [1, 1, 1], "{fate:?}");
        let launched = fleet.launched;
        let plan = fleet.run(20_000);
        assert!(plan.actions.is_empty() && plan.versions.is_empty(), "{fate:?}: {}", lines(&plan));
        assert_eq!((fleet.launched, fleet.world.desired), (launched, 3), "{fate:?}: it is quiet");
    }
}

#[test]
fn what_is_said_names_both_versions_the_cause_and_what_to_do() {
    let mut fleet = Fleet::with(|version| second(Fate::NeverServes)(version));
    fleet.until_failed();
    let plan = fleet.run(1800);
    expect![[r#"
        blocked auto-scaling-group/web: rollout halted: version 2 does not work (i-new-1: it did not become ready in the time that a start may take, at 2027-01-15T08:10:00Z); every instance is of version 1 again, the last good one; change what the spec launches, or try version 2 again with lampctl sync shop
        tier: 3 wanted, 3 there, 3 ready; -
    "#]].assert_eq(&lines(&plan));
    let failed = fleet.world.versions().failed.clone().unwrap();
    assert_eq!((failed.version.number, fleet.world.versions().good.as_ref().unwrap().number), (2, 1));
}

#[test]
fn what_fails_in_a_later_batch_goes_back_as_well() {
    let mut fleet = Fleet::with(|version| second(Fate::Hangs(450))(version));
    fleet.until_failed();
    assert!(fleet.versions().iter().filter(|version| **version == 2).count() > 1, "{:?}", fleet.versions());
    fleet.run(3600);
    assert_eq!(fleet.versions(), [1, 1, 1]);
}

#[test]
fn a_failed_version_is_tried_again_when_a_person_asks_and_when_the_spec_changes() {
    let failing = || {
        let mut fleet = Fleet::with(|version| second(Fate::NeverServes)(version));
        fleet.world.requested = Some("monday".to_owned());
        fleet.until_failed();
        fleet.run(1800);
        fleet
    };
    let mut asked = failing();
    asked.world.requested = None;
    asked.run(600);
    assert_eq!(asked.world.version, 1, "an annotation that is gone asks for nothing");
    asked.world.requested = Some("tuesday".to_owned());
    asked.fates = |_| Fate::Works;
    asked.run(3600);
    assert_eq!(asked.versions(), [2, 2, 2]);
    let mut edited = failing();
    edited.world.spec.tiers[0].user_data = Some("another".to_owned());
    edited.world.newest = 3;
    edited.run(3600);
    assert_eq!(edited.versions(), [3, 3, 3]);
    assert_eq!(edited.world.versions().failed, None);
}

#[test]
fn the_good_version_is_known_again_when_the_spec_asks_for_it() {
    let mut fleet = Fleet::with(|version| second(Fate::NeverServes)(version));
    let before = fleet.world.spec.clone();
    fleet.world.spec.tiers[0].user_data = Some("exit 1".to_owned());
    (fleet.world.version, fleet.world.newest) = (1, 1);
    fleet.world.versions().good = None;
    fleet.world.spec = before.clone();
    fleet.run(60);
    assert_eq!(fleet.world.versions().good.as_ref().map(|good| good.number), Some(1), "they serve for long");
    fleet.world.spec.tiers[0].user_data = Some("exit 1".to_owned());
    fleet.world.newest = 2;
    fleet.until_failed();
    fleet.run(1800);
    // The version is made again, under a number of its own: no instance is replaced for it.
    fleet.world.spec = before;
    fleet.world.newest = 3;
    let launched = fleet.launched;
    let plan = fleet.run(1800);
    assert_eq!((fleet.versions(), fleet.launched), (vec![1, 1, 1], launched), "{}", lines(&plan));
    assert_eq!(fleet.world.versions().failed, None);
}

#[test]
fn a_version_is_not_blamed_for_what_the_others_suffer_too() {
    let mut world = tier_of(4);
    world.prove(1);
    (world.version, world.newest) = (2, 2);
    world.members[0].version = 2;
    for one in &mut world.members[..3] {
        one.target = Some(TargetState::Unhealthy);
    }
    for second in (0..1800).step_by(15) {
        world.now = second;
        let plan = step(&mut world);
        assert!(replaced(&plan).is_empty() && plan.tiers["web"].halted.is_none(), "{}", lines(&plan));
        world.done(&plan);
    }
    assert_eq!(world.versions().failed, None);
}

#[test]
fn one_bad_reading_fails_nothing_and_no_reading_proves_nothing() {
    let mut fleet = Fleet::with(|_| Fate::Works);
    fleet.run(210);
    let fresh = fleet.world.members.iter().position(|one| one.version == 2).unwrap();
    fleet.world.members[fresh].target = Some(TargetState::Unhealthy);
    let plan = step(&mut fleet.world);
    assert!(plan.versions.is_empty() && plan.tiers["web"].halted.is_none(), "{}", lines(&plan));
    assert_eq!(plan.memory.trials.values().next().unwrap().ready_since, None, "it bakes anew");
    // The readings grow old: nothing is decided, however long that lasts.
    fleet.world.members[fresh].target = Some(TargetState::Healthy);
    fleet.world.targets_read = Some(fleet.world.now);
    for _ in 0..100 {
        fleet.world.now += 15;
        let plan = step(&mut fleet.world);
        let old = fleet.world.targets_read.is_some_and(|read| fleet.world.now > read + 60);
        assert!(!old || replaced(&plan).is_empty(), "{}", lines(&plan));
    }
}

#[test]
fn without_a_good_version_it_only_halts() {
    let mut fleet = Fleet::with(|version| second(Fate::NeverServes)(version));
    fleet.world.versions().good = None;
    let halted = (0..480).filter(|_| fleet.step().tiers["web"].halted.is_some()).count();
    assert!(halted > 100, "{halted} of 480 plans");
    assert!(fleet.versions().contains(&1) && fleet.world.version == 2);
}

prop_compose! {
    fn fate()(kind in 0_u8..6, after in 60_i64..1500) -> Fate {
        match kind {
            0..=2 => Fate::Works,
            3 => Fate::NeverServes,
            4 => Fate::Hangs(after),
            _ => Fate::Dies(after),
        }
    }
}

thread_local! {
    static FATES: std::cell::RefCell<Vec<Fate>> = const { std::cell::RefCell::new(Vec::new()) };
}

fn drawn(version: u64) -> Fate {
    let index = usize::try_from(version).unwrap() - 1;
    FATES.with_borrow(|fates| fates.get(index).copied().unwrap_or(Fate::Works))
}

proptest! {
    /// Whatever versions do, and whenever the process ends: as many serve as the budget says, and no version that
    /// failed is launched again by itself.
    #[test]
    fn a_rollout_keeps_its_promises_whatever_its_versions_do(
        fates in prop::collection::vec(fate(), 4),
        (min, more) in (1_u32..4, 0_u32..4),
        edits in prop::collection::vec(10_usize..200, 3),
        restarts in prop::collection::vec(1_usize..400, 0..6),
    ) {
        FATES.set([vec![Fate::Works], fates].concat());
        let mut fleet = Fleet::with(drawn);
        fleet.world = World::with_tier(json!({"capacity": {"min": min, "max": min + more}}), min);
        fleet.world.prove(1);
        let (mut edits, mut failed) = (edits.into_iter().scan(0, |at, gap| { *at += gap; Some(*at) }).peekable(), 0);
        (fleet.world.version, fleet.world.newest) = (1, 2);
        for round in 0..900 {
            if edits.next_if_eq(&round).is_some() {
                fleet.world.newest += 1;
                fleet.world.spec.tiers[0].user_data = Some(format!("edit {round}"));
            }
            if restarts.contains(&round) {
                fleet.world.memory = crate::Memory::default();
            }
            fleet.step();
            let versions = fleet.world.versions().clone();
            fleet.aim();
            failed = versions.failed.map_or(failed, |version| version.version.number.max(failed));
            prop_assert!(fleet.world.version != failed, "version {failed} is launched again");
        }
    }
}
