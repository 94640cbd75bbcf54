//! Draws a trouble: each seed enables some of what can go wrong, at rates of its own, so that rare things meet.

use std::time::Duration;

use lamp_cloud::{Kind, Service};
use lamp_sim::{Fault, MetricTrouble};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Ingredient, MARKS, Trouble};
use crate::specs;
use crate::swarm::blow::{Blow, Strike};

/// The largest share of calls that a fault may strike by chance.
fn most(fault: Fault) -> f64 {
    match fault {
        Fault::Throttle | Fault::ServerErrorWithoutEffect | Fault::NameHeld | Fault::FailsLater => 0.10,
        Fault::ShortPage | Fault::RepeatedRow | Fault::ExpiredPage | Fault::PartialMetrics => 0.10,
        Fault::TimeoutWithEffect | Fault::TimeoutWithoutEffect | Fault::ServerErrorWithEffect => 0.05,
        Fault::NotYetVisible | Fault::Contention | Fault::ForeignRows | Fault::Duplicate => 0.05,
        Fault::LateEffect | Fault::EmptyPage => 0.03,
        Fault::EmptySuccess | Fault::MissingPage | Fault::Unintelligible | Fault::UnknownCode => 0.02,
        // What a person must mend lasts; by chance it strikes few.
        Fault::Denied | Fault::ExpiredCredentials | Fault::SkewedClock => 0.01,
    }
}

impl Trouble {
    /// The same seed draws the same trouble.
    pub fn draw(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let spec = specs::ALL.choose(&mut random).map_or("lamp", |(name, _)| *name);
        let span = Duration::from_secs(random.random_range(900..=5400));
        let mut ingredients = Vec::new();
        if random.random_bool(0.4) {
            ingredients.push(Ingredient::Throttle);
        }
        if random.random_bool(0.4) {
            ingredients.push(Ingredient::Lag);
        }
        if random.random_bool(0.2) {
            ingredients.push(Ingredient::Pages(random.random_range(2..=20)));
        }
        for fault in Fault::ALL {
            if random.random_bool(0.25) {
                ingredients.push(Ingredient::Fault(fault, random.random_range(0.0..most(fault))));
            }
        }
        for _ in 0..random.random_range(1..=8) {
            ingredients.push(Ingredient::Strike(strike(&mut random, span)));
        }
        let ingredients = ingredients.into_iter().enumerate().collect();
        Self { seed, spec, span, ingredients, is_shrunk: false }
    }
}

fn strike(random: &mut ChaCha8Rng, span: Duration) -> Strike {
    let at = Duration::from_secs(random.random_range(0..span.as_secs()));
    let lasts = Duration::from_secs(random.random_range(60..=span.as_secs() / 2));
    Strike { at, lasts, blow: blow(random) }
}

/// Groups of blows, each as likely as another.
fn blow(random: &mut ChaCha8Rng) -> Blow {
    match random.random_range(0..5) {
        0 => of_the_daemon(random),
        1 => of_aws(random),
        2 => of_the_world(random),
        3 => of_hands(random),
        _ => of_operators(random),
    }
}

fn of_the_daemon(random: &mut ChaCha8Rng) -> Blow {
    let sign = if random.random_bool(0.5) { 1 } else { -1 };
    match random.random_range(0..8) {
        0 | 1 => Blow::Crash(random.random_range(0..60)),
        2 => Blow::CrashLoop(random.random_range(3..50)),
        3 => Blow::Restart,
        4 => Blow::Stall,
        5 => Blow::DiskFull,
        6 => Blow::Skew(sign * random.random_range(5..1200)),
        _ => Blow::Jump(sign * [3600, 86_400, 31_536_000].choose(random).copied().unwrap_or(3600)),
    }
}

fn of_aws(random: &mut ChaCha8Rng) -> Blow {
    let service = Service::ALL.choose(random).copied();
    let some = service.filter(|_| random.random_bool(0.7));
    let zone = random.random_bool(0.7).then(|| random.random_range(0..3));
    match random.random_range(0..12) {
        0 => Blow::BrownOut(service, random.random_range(0.3..=1.0)),
        1 => Blow::BrownOut(None, 1.0),
        2 => Blow::Spell(Fault::Denied, some, 1.0),
        3 => Blow::Spell(Fault::ExpiredCredentials, None, 1.0),
        4 | 5 => Blow::Metrics(metrics(random)),
        6 => {
            let kinds = [Kind::ElasticIp, Kind::Vpc, Kind::NatGateway, Kind::LoadBalancer, Kind::DbInstance];
            Blow::Quota(kinds.choose(random).copied().unwrap_or(Kind::ElasticIp))
        }
        7 => Blow::Shortage(zone),
        8 => Blow::Crowding(zone),
        9 => Blow::Neighbour(random.random_range(0.2..0.95)),
        10 => Blow::Slow(random.random_range(1..8)),
        _ => Blow::Spell(Fault::TimeoutWithoutEffect, service, 0.5),
    }
}

fn metrics(random: &mut ChaCha8Rng) -> MetricTrouble {
    let delay = MetricTrouble::Delayed(Duration::from_secs(random.random_range(60..900)));
    let all = [
        MetricTrouble::Missing,
        delay,
        MetricTrouble::Partial,
        MetricTrouble::NotANumber,
        MetricTrouble::Negative,
        MetricTrouble::Huge,
        MetricTrouble::Stuck,
        MetricTrouble::Spike,
    ];
    all.choose(random).copied().unwrap_or(delay)
}

fn of_the_world(random: &mut ChaCha8Rng) -> Blow {
    let which = random.random_range(0..40);
    match random.random_range(0..12) {
        0 => Blow::Kill(which),
        1 => Blow::Hang(which),
        2 => Blow::Impair(which),
        3 => Blow::ZoneDown(random.random_range(0..3)),
        4 => Blow::BrokenCheck(which),
        5 => Blow::FailOver,
        6 => Blow::Lag(which, random.random_range(10..3600)),
        7 => Blow::BrokenReplication(which),
        8 => Blow::Database("storage-full"),
        9 => {
            let words =
                ["incompatible-network", "incompatible-parameters", "inaccessible-encryption-credentials"];
            Blow::Database(words.choose(random).copied().unwrap_or("incompatible-network"))
        }
        10 => Blow::NatFails(which),
        _ => Blow::Load([0.0, 0.2, 3.0, 10.0, 50.0].choose(random).copied().unwrap_or(3.0)),
    }
}

fn of_hands(random: &mut ChaCha8Rng) -> Blow {
    let which = random.random_range(0..60);
    match random.random_range(0..11) {
        0 | 1 => Blow::Deleted(which),
        2 | 3 => Blow::Changed(which),
        4 => Blow::Untagged(which),
        5 => Blow::TagsCopied,
        6 => Blow::NameTaken(which),
        7 => Blow::StrayInterface(which),
        8 => Blow::StrayInstance(which),
        9 => Blow::War(which),
        _ => Blow::RouteLost(which),
    }
}

fn of_operators(random: &mut ChaCha8Rng) -> Blow {
    let which = random.random_range(0..60);
    match random.random_range(0..14) {
        0 => Blow::StaleEdit,
        1 => Blow::EditEverySecond,
        2..=4 => Blow::Edit(which),
        5 | 6 => {
            let (_, fate) = MARKS[which % MARKS.len()];
            Blow::BadRelease(fate)
        }
        7 => Blow::Recreate,
        8 => Blow::BadSpec(which),
        9 => Blow::Dangerous,
        10 => Blow::Absurd(which),
        11 => Blow::Pause,
        12 => Blow::Observe,
        _ => Blow::Delete,
    }
}
