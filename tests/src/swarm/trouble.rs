//! The trouble of one seed: which site, and everything that goes wrong with it. Each ingredient can be left out.

mod draw;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use lamp_sim::{BadLaunch, Fate, Fault, Lag, Load};

use super::blow::{Blow, Strike};
use super::catalogue::row_of;
use crate::SiteOptions;

/// Everything that goes wrong under one seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    pub seed: u64,
    /// Name of the spec.
    pub spec: &'static str,
    /// From the beginning until nothing goes wrong any more.
    pub span: Duration,
    /// What goes wrong, by the number that it was drawn with.
    pub ingredients: Vec<(usize, Ingredient)>,
    /// Whether some were left out, or the span is shorter than it was drawn.
    pub is_shrunk: bool,
}

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Ingredient {
    /// Readings are as stale as AWS's.
    Lag,
    /// Calls beyond AWS's rates are refused.
    Throttle,
    /// Pages hold so many rows.
    Pages(usize),
    /// A fault strikes a share of all calls.
    Fault(Fault, f64),
    Strike(Strike),
}

impl Ingredient {
    fn row(&self) -> &'static str {
        match self {
            Self::Lag => "A6",
            Self::Throttle => "A1",
            Self::Pages(_) => "A8",
            Self::Fault(fault, _) => row_of(*fault),
            Self::Strike(strike) => strike.blow.row(),
        }
    }
}

/// What a bad release is known by.
pub(super) const MARKS: [(&str, Fate); 3] = [
    ("release-that-never-serves", Fate::NeverServes),
    ("release-that-dies", Fate::Dies(Duration::from_secs(240))),
    ("release-that-hangs", Fate::Hangs(Duration::from_secs(200))),
];

impl Trouble {
    /// Rows of the catalogue that it has ingredients of.
    pub fn rows(&self) -> BTreeSet<&'static str> {
        self.ingredients.iter().map(|(_, ingredient)| ingredient.row()).collect()
    }

    /// The numbers of the ingredients of a row.
    pub fn numbers_of(&self, row: &str) -> BTreeSet<usize> {
        let of_row = self.ingredients.iter().filter(|(_, ingredient)| ingredient.row() == row);
        of_row.map(|(number, _)| *number).collect()
    }

    /// The region and the daemon that it happens to.
    pub fn options(&self) -> SiteOptions {
        let mut options = calm(self.seed);
        options.region.courtesy = Some(0.6);
        let faults = &mut options.region.faults;
        for (_, ingredient) in &self.ingredients {
            match ingredient {
                Ingredient::Pages(rows) => faults.page_rows = Some(*rows),
                Ingredient::Fault(fault, share) => {
                    faults.rates.insert(*fault, *share);
                }
                _ => {}
            }
        }
        faults.bad_launches = MARKS
            .iter()
            .map(|(mark, fate)| BadLaunch { launches: (*mark).to_owned(), fate: *fate })
            .collect();
        let has = |wanted: &Ingredient| self.ingredients.iter().any(|(_, one)| one == wanted);
        options.region.throttle = has(&Ingredient::Throttle);
        if has(&Ingredient::Lag) {
            options.region.lag = Lag::aws();
        }
        options.judged = true;
        options
    }

    /// Blows in the order in which they fall, none of which outlasts the trouble.
    pub fn strikes(&self) -> Vec<Strike> {
        let strikes = self.ingredients.iter().filter_map(|(_, ingredient)| match ingredient {
            Ingredient::Strike(strike) if strike.at < self.span => {
                Some(Strike { lasts: strike.lasts.min(self.span - strike.at), ..strike.clone() })
            }
            _ => None,
        });
        let mut strikes: Vec<_> = strikes.collect();
        strikes.sort_by_key(|strike| strike.at);
        strikes
    }

    /// The same with these ingredients alone, by their numbers.
    #[must_use]
    pub fn with_only(&self, numbers: &BTreeSet<usize>) -> Self {
        let mut less = self.clone();
        less.ingredients.retain(|(number, _)| numbers.contains(number));
        less.is_shrunk |= less.ingredients.len() < self.ingredients.len();
        less
    }

    /// The same for a shorter time.
    #[must_use]
    pub fn within(&self, span: Duration) -> Self {
        let span = span.min(self.span);
        Self { span, is_shrunk: self.is_shrunk || span < self.span, ..self.clone() }
    }

    /// The command that lives through it again.
    pub fn command(&self) -> String {
        let mut command = format!("cargo xtask sim --minutes 0 --seed {}", self.seed);
        if self.is_shrunk {
            let numbers: Vec<String> =
                self.ingredients.iter().map(|(number, _)| number.to_string()).collect();
            let keep = if numbers.is_empty() { "none".to_owned() } else { numbers.join(",") };
            command.push_str(&format!(" --keep {keep} --span {}", self.span.as_secs()));
        }
        command
    }

    /// Whether the site is deleted for good.
    pub fn deletes(&self) -> bool {
        self.strikes().iter().any(|strike| strike.blow == Blow::Delete)
    }
}

/// One ingredient a line.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}: {}, {} minutes of", self.seed, self.spec, self.span.as_secs() / 60)?;
        for (number, ingredient) in &self.ingredients {
            match ingredient {
                Ingredient::Strike(Strike { at, lasts, blow }) => {
                    let (at, lasts) = (at.as_secs(), lasts.as_secs());
                    writeln!(f, "  {number}: {} {blow:?} after {at} s, for {lasts} s", blow.row())?;
                }
                other => writeln!(f, "  {number}: {} {other:?}", other.row())?,
            }
        }
        Ok(())
    }
}

/// No trouble: the same few visitors at all times, and one call at a time, so that equal seeds run equally.
pub(crate) fn calm(seed: u64) -> SiteOptions {
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
        assert_eq!(Trouble::draw(7), Trouble::draw(7));
        assert_ne!(Trouble::draw(7).ingredients, Trouble::draw(8).ingredients);
    }

    #[test]
    fn what_is_left_out_is_in_the_command_and_nothing_outlasts_the_span() {
        let trouble = Trouble::draw(7);
        assert_eq!(trouble.command(), "cargo xtask sim --minutes 0 --seed 7");
        let less = trouble.with_only(&[0, 1].into()).within(Duration::from_secs(300));
        assert_eq!(less.ingredients.len(), 2);
        assert_eq!(less.command(), "cargo xtask sim --minutes 0 --seed 7 --keep 0,1 --span 300");
        for strike in trouble.within(Duration::from_secs(300)).strikes() {
            assert!(strike.at + strike.lasts <= Duration::from_secs(300));
        }
    }
}
