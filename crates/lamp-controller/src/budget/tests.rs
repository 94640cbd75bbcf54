//! The laws of a budget, for any sequence of demands.

use lamp_cloud::{Kind, Listing, Rate, Read, Request, Target};
use proptest::prelude::*;

use super::lines::reserve;
use super::*;

const START: Timestamp = Timestamp::UNIX_EPOCH;

fn at(seconds: f64) -> Timestamp {
    START + Duration::from_secs_f64(seconds)
}

fn limit() -> Limit {
    let targets: Vec<Target> = Vec::new();
    Request::RegisterTargets { target_group: String::new(), targets }.limit()
}

/// A budget that takes all of a bucket of this rate.
fn budget_of(rate: Rate) -> (Budget, Limit) {
    (Budget::new("eu-central-1", 1.0), Limit { rate, ..limit() })
}

fn demand(asker: u64, run: u64, priority: Priority) -> Demand {
    Demand { asker: Asker::reading(asker), run, priority }
}

fn throttled(budget: &Budget, limit: &Limit, sent_at: f64, now: f64) {
    let throttled = Throttled { sent_at: at(sent_at), priority: Priority::Deploy, retry_after: None };
    budget.throttled(limit, &throttled, at(now));
}

/// A stack that wants to make so many calls, and comes back when it is told, or a little later.
struct Stack {
    number: u64,
    priority: Priority,
    left: u32,
    comes_at: Timestamp,
    run: u64,
    made: Vec<Timestamp>,
}

impl Stack {
    fn new(number: u64, priority: Priority, calls: u32, comes_at: Timestamp) -> Self {
        Self { number, priority, left: calls, comes_at, run: 0, made: Vec::new() }
    }

    /// Asks for everything that is left, as the executor does.
    fn ask(&mut self, budget: &Budget, limit: &Limit, late: Duration) {
        let now = self.comes_at;
        self.run += 1;
        let mut told = None;
        for _ in 0..self.left {
            match budget.take(limit, &demand(self.number, self.run, self.priority), now) {
                Ok(_) => {
                    self.left -= 1;
                    self.made.push(now);
                }
                Err(at) => told = told.or(Some(at)),
            }
        }
        budget.finish(Asker::reading(self.number), self.run);
        self.comes_at = told.unwrap_or(now) + late;
    }
}

/// Lets the stacks ask until `end`, each when its time has come.
fn play(budget: &Budget, limit: &Limit, stacks: &mut [Stack], end: Timestamp, late: Duration) {
    loop {
        let next = stacks.iter_mut().filter(|stack| stack.left > 0 && stack.comes_at <= end);
        let Some(stack) = next.min_by_key(|stack| (stack.comes_at, stack.number)) else { return };
        stack.ask(budget, limit, late);
    }
}

fn priorities() -> impl Strategy<Value = Priority> {
    proptest::sample::select(Priority::ALL.to_vec())
}

fn rates() -> impl Strategy<Value = Rate> {
    (1.0..60.0_f64, 0.1..20.0_f64).prop_map(|(burst, per_second)| Rate { burst, per_second })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_window_sees_more_calls_than_its_rate_allows(
        rate in rates(),
        asks in proptest::collection::vec((0.0..2.0_f64, 0..6_u64, 0..3_u64, priorities()), 1..300),
    ) {
        let (budget, limit) = budget_of(rate);
        let mut now = 0.0;
        let mut made = Vec::new();
        for (step, asker, run, priority) in asks {
            now += step;
            if budget.take(&limit, &demand(asker, run, priority), at(now)).is_ok() {
                made.push(now);
            }
        }
        for (first, start) in made.iter().enumerate() {
            for (calls, end) in (1_u32..).zip(&made[first..]) {
                let allowed = rate.burst + rate.per_second * (end - start);
                prop_assert!(f64::from(calls) <= allowed + 1e-3, "{calls} calls in {} s", end - start);
            }
        }
    }

    #[test]
    fn healing_is_let_through_at_once_whatever_floods(
        rate in (10.0..60.0_f64, 0.1..20.0_f64).prop_map(|(burst, per_second)| Rate { burst, per_second }),
        flood in proptest::collection::vec((1..100_u32, 1..5_usize), 1..8),
        when in 0.0..60.0_f64,
    ) {
        let (budget, limit) = budget_of(rate);
        let mut stacks: Vec<_> = (0..).zip(&flood)
            .map(|(number, (calls, priority))| Stack::new(number, Priority::ALL[*priority], *calls, START))
            .collect();
        play(&budget, &limit, &mut stacks, at(when), Duration::from_millis(100));
        let heal = demand(99, 1, Priority::Heal);
        prop_assert_eq!(budget.take(&limit, &heal, at(when)), Ok(Duration::ZERO));
    }

    #[test]
    fn healing_waits_for_few_tokens_even_after_throttling(
        rate in rates(),
        calls in 1..100_u32,
        priority in 1..5_usize,
    ) {
        let (budget, limit) = budget_of(rate);
        let mut stacks = [Stack::new(1, Priority::ALL[priority], calls, START)];
        play(&budget, &limit, &mut stacks, at(10.0), Duration::from_millis(100));
        throttled(&budget, &limit, 10.0, 10.0);
        let mut heal = Stack::new(99, Priority::Heal, 1, at(10.0));
        play(&budget, &limit, std::slice::from_mut(&mut heal), at(10_000.0), Duration::ZERO);
        let rate = rate.share(0.5);
        let waited = heal.made[0].duration_since(at(10.0)).as_secs_f64();
        // What was kept for others is given away when they are late.
        prop_assert!(waited <= 2.0 / rate.per_second + 6.0, "{waited} s at {} a second", rate.per_second);
    }

    #[test]
    fn equal_demands_get_equal_shares(rate in rates(), calls in 50..100_u32, stacks in 2..6_u64) {
        let (budget, limit) = budget_of(Rate { burst: rate.burst.min(20.0), ..rate });
        // Nothing is there when they come: what there was is taken.
        while budget.take(&limit, &demand(99, 1, Priority::Heal), START).is_ok() {}
        budget.finish(Asker::reading(99), 2);
        let mut stacks: Vec<_> =
            (0..stacks).map(|number| Stack::new(number, Priority::Deploy, calls, START)).collect();
        play(&budget, &limit, &mut stacks, at(20.0 / rate.per_second + 20.0), Duration::from_millis(50));
        let made: Vec<_> = stacks.iter().map(|stack| stack.made.len()).collect();
        let (least, most) = (made.iter().min().unwrap(), made.iter().max().unwrap());
        prop_assert!(most - least <= 2, "{made:?}");
    }

    #[test]
    fn two_calls_are_not_delayed_by_five_hundred_of_another(rate in rates(), others in 1..4_u64) {
        let (budget, limit) = budget_of(rate);
        let mut stacks: Vec<_> =
            (0..others).map(|number| Stack::new(number, Priority::Deploy, 500, START)).collect();
        stacks.push(Stack::new(9, Priority::Deploy, 2, at(1.0)));
        play(&budget, &limit, &mut stacks, at(1.0 + 20.0 / rate.per_second + 10.0), Duration::from_millis(10));
        let small = stacks.last().unwrap();
        prop_assert_eq!(small.left, 0);
        let waited = small.made[1].duration_since(at(1.0)).as_secs_f64();
        // Two turns of each, what was promised before, and the way back.
        let turns = f64::from(u32::try_from(others + 1).unwrap()) * 2.0 + 2.0;
        prop_assert!(waited <= turns / rate.per_second + 1.0, "{waited} s");
    }

    #[test]
    fn who_is_told_to_come_back_does_not_come_in_vain_again_and_again(
        rate in rates(),
        passed in proptest::collection::vec(priorities(), 0..100),
        priority in priorities(),
    ) {
        let (budget, limit) = budget_of(rate);
        for (number, priority) in (10..).zip(passed) {
            let demand = demand(number, 1, priority);
            if budget.take(&limit, &demand, START).is_err() {
                budget.withdraw(&limit, &demand);
            }
        }
        let (mut now, mut asked) = (START, 0);
        while let Err(at) = budget.take(&limit, &demand(1, asked, priority), now) {
            (now, asked) = (at, asked + 1);
            prop_assert!(asked < 20, "asked {asked} times, and now is {now}");
        }
    }

    #[test]
    fn no_priority_starves(rate in rates(), late in 0..200_u64) {
        let (budget, limit) = budget_of(rate);
        let flood = |(number, priority)| Stack::new(number, priority, 150, START);
        let mut stacks: Vec<_> = (0..).zip(Priority::ALL).map(flood).collect();
        let late = Duration::from_millis(late.max(1)).div_f64(rate.per_second);
        play(&budget, &limit, &mut stacks, at(150.0 / rate.per_second), late);
        let made: Vec<_> = stacks.iter().map(|stack| stack.made.len()).collect();
        prop_assert!(made.iter().all(|made| *made >= 2), "{made:?}");
        prop_assert!(made.is_sorted_by(|one, other| one >= other || one.abs_diff(*other) < 12), "{made:?}");
    }
}

#[test]
fn half_of_the_published_burst_is_ours_less_what_is_kept_for_others() {
    let request = Request::ReplaceInstance { group: String::new(), instance: String::new() };
    let limit = request.limit();
    let calls = |priority| {
        let budget = Budget::new("eu-central-1", 0.5);
        (0..1000).filter(|_| budget.take(&limit, &demand(1, 1, priority), START).is_ok()).count()
    };
    assert_eq!(Priority::ALL.map(calls), [10, 9, 7, 6, 5]);
    assert!((reserve(Priority::Deploy, 10.0) - 3.0).abs() < 0.1);
}

#[test]
fn throttling_empties_and_halves_and_recovers_slowly() {
    let (budget, limit) = budget_of(Rate { burst: 10.0, per_second: 2.0 });
    let calls = |seconds: f64| {
        let mut made = 0;
        while budget.take(&limit, &demand(1, made, Priority::Heal), at(seconds)).is_ok() {
            made += 1;
        }
        budget.finish(Asker::reading(1), u64::MAX);
        made
    };
    assert_eq!(calls(0.0), 10);
    throttled(&budget, &limit, 0.0, 0.0);
    assert_eq!(calls(0.0), 0);
    assert_eq!(calls(30.0), 5, "half of ten");
    assert!((budget.levels(at(60.0))[0].share - 0.55).abs() < 0.001);
    assert!((budget.levels(at(3600.0))[0].share - 1.0).abs() < 0.001);
}

#[test]
fn calls_that_were_under_way_when_aws_throttled_halve_nothing_again() {
    let (budget, limit) = budget_of(Rate { burst: 10.0, per_second: 2.0 });
    budget.take(&limit, &demand(1, 1, Priority::Heal), START).unwrap();
    throttled(&budget, &limit, 0.0, 1.0);
    for _ in 0..7 {
        throttled(&budget, &limit, 0.5, 1.1);
    }
    assert!((budget.levels(at(1.1))[0].share - 0.5).abs() < 0.01);
    throttled(&budget, &limit, 2.0, 2.1);
    assert!((budget.levels(at(2.1))[0].share - 0.25).abs() < 0.01);
}

#[test]
fn aws_is_left_alone_for_as_long_as_it_asks_and_no_header_stops_us_for_good() {
    let (budget, limit) = budget_of(Rate { burst: 10.0, per_second: 2.0 });
    let heal = demand(1, 1, Priority::Heal);
    budget.take(&limit, &heal, START).unwrap();
    let asks = |seconds| Throttled {
        sent_at: START,
        priority: Priority::Heal,
        retry_after: Some(Duration::from_secs(seconds)),
    };
    budget.throttled(&limit, &asks(20), START);
    assert!(budget.take(&limit, &heal, START).unwrap_err() >= at(20.0));
    assert!(budget.take(&limit, &demand(1, 2, Priority::Heal), at(19.9)).is_err());
    assert!(budget.take(&limit, &demand(1, 3, Priority::Heal), at(21.1)).is_ok());
    budget.throttled(&limit, &asks(u64::MAX), at(30.0));
    assert!(budget.take(&limit, &demand(1, 4, Priority::Heal), at(340.0)).is_ok());
}

#[test]
fn throttling_one_bucket_leaves_the_others_alone() {
    let budget = Budget::new("eu-central-1", 0.5);
    let vpcs = Read::List { listing: Listing::Resources(Kind::Vpc), page: None }.limit();
    let instances = Read::List { listing: Listing::Instances, page: None }.limit();
    let heal = demand(1, 1, Priority::Heal);
    budget.take(&vpcs, &heal, START).unwrap();
    throttled(&budget, &vpcs, 0.0, 0.0);
    assert!(budget.take(&vpcs, &heal, START).is_err());
    assert!(budget.take(&instances, &heal, START).is_ok());
}

#[test]
fn a_process_goes_on_where_another_was_throttled() {
    let (rate, limit) = (limit().rate, limit());
    let first = Budget::new("eu-central-1", 0.5);
    first.take(&limit, &demand(1, 1, Priority::Deploy), START).unwrap();
    assert_eq!(first.changed_record().unwrap(), None, "a call is no news");
    throttled(&first, &limit, 0.0, 0.0);
    let record = first.changed_record().unwrap().unwrap();
    assert_eq!(first.changed_record().unwrap(), None);
    let second = Budget::new("eu-central-1", 0.5);
    let levels = second.restore(&record, START).unwrap();
    assert_eq!(levels, first.levels(START));
    assert!(levels[0].tokens < 0.1 && (levels[0].share - 0.25).abs() < 0.01);
    let later = at(3.0);
    assert_eq!(second.levels(later), first.levels(later));
    assert!(second.levels(later)[0].tokens <= rate.per_second * 3.0 * 0.26);
}

#[test]
fn what_recovered_leaves_the_record() {
    let budget = Budget::new("eu-central-1", 0.5);
    let limit = limit();
    budget.take(&limit, &demand(1, 1, Priority::Deploy), START).unwrap();
    throttled(&budget, &limit, 0.0, 0.0);
    assert!(budget.changed_record().unwrap().unwrap().contains(limit.name));
    budget.levels(at(60.0));
    assert_eq!(budget.changed_record().unwrap(), None, "on its way is no news");
    budget.levels(at(600.0));
    assert!(!budget.changed_record().unwrap().unwrap().contains(limit.name));
}

#[test]
fn regions_have_budgets_of_their_own() {
    let (one, other) = (Budget::new("eu-central-1", 0.5), Budget::new("eu-west-1", 0.5));
    assert_ne!(one.record_name(), other.record_name());
    let heal = demand(1, 1, Priority::Heal);
    while one.take(&limit(), &heal, START).is_ok() {}
    assert_eq!(other.take(&limit(), &heal, START), Ok(Duration::ZERO));
}
