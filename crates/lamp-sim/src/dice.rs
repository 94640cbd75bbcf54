//! Chance, as a pure function: the same seed, labels and ordinal give the same number, whatever else happened.
//!
//! There is no stream of random numbers, so one more resource or call changes nothing about the others.

use std::time::Duration;

use crate::config::Span;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Dice {
    seed: u64,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// A number for these labels: FNV-1a over them, finished by SplitMix64.
    pub(crate) fn number(self, labels: &[&str], ordinal: u64) -> u64 {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ self.seed;
        for label in labels {
            for byte in label.bytes().chain([0xff]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        finish(hash ^ finish(ordinal.wrapping_add(0x9e37_79b9_7f4a_7c15)))
    }

    /// A number from 0 up to, not including, 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
    pub(crate) fn share(self, labels: &[&str], ordinal: u64) -> f64 {
        (self.number(labels, ordinal) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A duration within `span`, in whole milliseconds.
    pub(crate) fn within(self, span: Span, labels: &[&str], ordinal: u64) -> Duration {
        let width = span.to.saturating_sub(span.from);
        let part = width.mul_f64(self.share(labels, ordinal));
        Duration::from_millis(u64::try_from((span.from + part).as_millis()).unwrap_or(u64::MAX))
    }

    /// A number of the standard normal distribution (Box-Muller).
    pub(crate) fn normal(self, labels: &[&str], ordinal: u64) -> f64 {
        let first = self.share(labels, ordinal.wrapping_mul(2)).max(f64::MIN_POSITIVE);
        let second = self.share(labels, ordinal.wrapping_mul(2).wrapping_add(1));
        (-2.0 * first.ln()).sqrt() * (std::f64::consts::TAU * second).cos()
    }

    /// `digits` hexadecimal digits, as AWS's ids have them.
    pub(crate) fn hex(self, digits: usize, labels: &[&str], ordinal: u64) -> String {
        let high = self.number(labels, ordinal);
        let low = finish(high);
        format!("{high:016x}{low:016x}").chars().take(digits).collect()
    }
}

fn finish(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
