//! The trouble of one seed: which site, which faults, how often, for how long.

use std::time::Duration;

use lamp_sim::{Fault, Lag, Load};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{SiteOptions, specs};

/// What happens to a site at one moment, besides faults of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// The daemon dies at the boundary with this number, counted from then.
    Crash(usize),
    /// The running instance with this number, modulo how many there are, is lost.
    Kill(usize),
    /// It hangs: it runs, and does not answer.
    Hang(usize),
}

/// Everything that goes wrong under one seed.
#[derive(Clone, Debug)]
pub struct Trouble {
    pub seed: u64,
    /// Name of the spec.
    pub spec: &'static str,
    pub options: SiteOptions,
    /// From the beginning until nothing goes wrong any more.
    pub span: Duration,
    /// When, from the beginning, and what.
    pub blows: Vec<(Duration, Blow)>,
}

/// Faults of calls, with the largest share of calls that one may strike.
const FAULTS: [(Fault, f64); 9] = [
    (Fault::Throttle, 0.10),
    (Fault::TimeoutWithEffect, 0.05),
    (Fault::TimeoutWithoutEffect, 0.05),
    (Fault::LateEffect, 0.03),
    (Fault::ServerErrorWithEffect, 0.05),
    (Fault::ServerErrorWithoutEffect, 0.10),
    (Fault::EmptySuccess, 0.02),
    (Fault::MissingPage, 0.02),
    (Fault::Unintelligible, 0.02),
];

impl Trouble {
    /// The same seed draws the same trouble.
    pub fn draw(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let spec = specs::ALL.choose(&mut random).map_or("lamp", |(name, _)| *name);
        let mut options = calm(seed);
        options.region.throttle = random.random_bool(0.5);
        if random.random_bool(0.5) {
            options.region.lag = Lag::aws();
        }
        for (fault, most) in FAULTS {
            if random.random_bool(0.5) {
                options.region.faults = options.region.faults.rate(fault, random.random_range(0.0..most));
            }
        }
        let span = Duration::from_secs(random.random_range(600..=7200));
        let blows = blows(&mut random, span);
        Self { seed, spec, options, span, blows }
    }
}

fn blows(random: &mut ChaCha8Rng, span: Duration) -> Vec<(Duration, Blow)> {
    let count = random.random_range(0..=6);
    let mut blows: Vec<(Duration, Blow)> = (0..count)
        .map(|_| {
            let at = Duration::from_secs(random.random_range(0..span.as_secs()));
            let which = random.random_range(0..40);
            let blow = match random.random_range(0..4) {
                0 | 1 => Blow::Crash(which),
                2 => Blow::Kill(which),
                _ => Blow::Hang(which),
            };
            (at, blow)
        })
        .collect();
    blows.sort_by_key(|(at, _)| *at);
    blows
}

/// No trouble: the same few visitors at all times, and one call at a time, so that equal seeds run equally.
pub(super) fn calm(seed: u64) -> SiteOptions {
    let mut options = SiteOptions::calm(seed);
    options.region.load = Load::steady(40.0);
    options.settings = options.settings.sequential();
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_the_same_trouble_again_and_others_draw_others() {
        let text = |seed| format!("{:?}", Trouble::draw(seed));
        assert_eq!(text(7), text(7));
        assert_ne!(text(7), text(8));
    }
}
