//! A swarm of random troubles, each drawn from its seed alone: `cargo xtask sim`.
//!
//! For some time a site meets what the catalogue of faults has: stale readings, failing calls, crashes of the daemon,
//! lost instances, hands, operators in a hurry. Then all is calm, and the site must come to what it is without any
//! trouble, stay there for seven days, and have broken no law meanwhile.
//!
//! | file | is |
//! |---|---|
//! | `catalogue` | every row of the catalogue: drawn, tested elsewhere, or not applicable yet |
//! | `trouble`, `blow` | the trouble of one seed |
//! | `strike` | how each blow falls |
//! | `trial` | one seed, lived through |
//! | `portrait`, `strangers` | what the site and its neighbours must be in the end |
//! | `person` | what a person does who is asked |
//! | `coverage` | what was met, on what, in which phase |
//! | `shrink`, `story` | a failing seed, made as short as it gets, and told |
//! | `hunt` | bugs put in on purpose, and the seeds that find them |
//! | `pairs` | deaths at two boundaries |

mod blow;
mod catalogue;
mod coverage;
mod hunt;
mod lived;
mod pairs;
mod person;
mod portrait;
mod shrink;
mod story;
mod strangers;
mod strike;
mod trial;
mod trouble;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

pub use catalogue::{How, ROWS, Row};
pub use coverage::{Coverage, Phase};
pub use hunt::{Found, hunt};
pub use lived::Lived;
pub use pairs::{boundaries, dies_twice};
pub use portrait::Calm;
pub use story::Story;
pub use trouble::{Ingredient, Trouble};

use crate::bugs::Bug;
use crate::{SiteOptions, specs};

/// What each spec's site is without trouble, found out when it is first asked for.
#[derive(Debug)]
pub struct Calms {
    sites: BTreeMap<&'static str, OnceLock<Result<Calm, String>>>,
}

impl Default for Calms {
    fn default() -> Self {
        Self { sites: specs::ALL.iter().map(|(name, _)| (*name, OnceLock::new())).collect() }
    }
}

impl Calms {
    /// # Errors
    /// When there is no such spec, or its site does not even come up.
    fn of(&self, spec: &str) -> Result<&Calm> {
        let site = self.sites.get(spec).with_context(|| format!("no spec {spec}"))?;
        let found = site.get_or_init(|| trial::calm_site(spec).map_err(|error| format!("{error:#}")));
        found.as_ref().map_err(|error| anyhow!("{spec} without trouble: {error}"))
    }
}

/// A seed that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    pub trouble: Trouble,
    /// What was broken: a law or an oracle, as the study names it.
    pub kind: String,
    pub text: String,
    /// What happened, line by line.
    pub story: String,
}

/// What a swarm went through.
#[derive(Debug, Default)]
pub struct Summary {
    pub seeds: u64,
    pub failures: Vec<Failure>,
    pub lived: Lived,
    /// Of all workers together.
    pub worked: Duration,
}

/// Which seeds a swarm takes.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    pub first: u64,
    /// At most so many; each worker takes one at least.
    pub seeds: u64,
    /// New seeds are begun for so long.
    pub span: Duration,
    pub workers: usize,
}

/// A region and a daemon without any trouble, and always the same.
pub fn calm_options(seed: u64) -> SiteOptions {
    trouble::calm(seed)
}

/// Lives through one seed after the other.
pub fn swarm(order: Order, calms: &Calms, failed: impl Fn(&Failure) + Sync) -> Summary {
    let next = AtomicU64::new(order.first);
    let summary = Mutex::new(Summary::default());
    let began = Instant::now();
    let last = order.first.saturating_add(order.seeds);
    std::thread::scope(|scope| {
        for _ in 0..order.workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= last || (began.elapsed() >= order.span && seed > order.first) {
                        return;
                    }
                    let started = Instant::now();
                    let outcome = live(&Trouble::draw(seed), calms, None);
                    let worked = started.elapsed();
                    let outcome = outcome.map_err(|failure| shrink::shrunk(failure, calms, None));
                    let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
                    summary.seeds += 1;
                    summary.worked += worked;
                    match outcome {
                        Ok(lived) => summary.lived += lived,
                        Err(failure) => {
                            failed(&failure);
                            summary.failures.push(*failure);
                        }
                    }
                }
            });
        }
    });
    summary.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Lives through one trouble.
///
/// # Errors
/// What was broken.
pub fn live(trouble: &Trouble, calms: &Calms, bug: Option<Bug>) -> Result<Lived, Box<Failure>> {
    attempt(trouble, calms, bug, Story::silent()).0.map_err(|error| failure(trouble, &error, ""))
}

/// Lives through one trouble, and tells it.
pub fn tell(trouble: &Trouble, calms: &Calms, bug: Option<Bug>) -> (Result<Lived, Box<Failure>>, String) {
    let (outcome, story) = attempt(trouble, calms, bug, Story::told());
    let text = story.text();
    (outcome.map_err(|error| failure(trouble, &error, &text)), text)
}

fn attempt(trouble: &Trouble, calms: &Calms, bug: Option<Bug>, story: Story) -> (Result<Lived>, Story) {
    let lived = catch_unwind(AssertUnwindSafe(|| match calms.of(trouble.spec) {
        Ok(calm) => trial::run(trouble, calm, bug, story),
        Err(error) => (Err(error), Story::silent()),
    }));
    lived.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it says nothing");
        (Err(anyhow::anyhow!("S-X1: a panic: {said}")), Story::silent())
    })
}

fn failure(trouble: &Trouble, error: &anyhow::Error, story: &str) -> Box<Failure> {
    let text = format!("{error:#}");
    Box::new(Failure { trouble: trouble.clone(), kind: kind(&text), text, story: story.to_owned() })
}

/// The law or oracle that a text is about: failures of one kind are one failure.
fn kind(text: &str) -> String {
    let is_law = |word: &&str| {
        let name = word.trim_end_matches(':');
        let known = ["S-", "D", "L", "O"].iter().find_map(|letter| name.strip_prefix(letter));
        word.ends_with(':')
            && known.is_some_and(|rest| {
                rest.len() <= 3 && rest.chars().any(|letter| letter.is_ascii_digit() || letter == '$')
            })
    };
    let law = text.split_whitespace().find(is_law).map(|word| word.trim_end_matches(':').to_owned());
    law.unwrap_or_else(|| text.split(':').take(2).collect::<Vec<_>>().join(":").chars().take(60).collect())
}

impl Summary {
    /// Figures, in a line.
    pub fn line(&self) -> String {
        let seconds = self.worked.as_secs_f64().max(0.001);
        let hours = self.lived.simulated.as_secs_f64() / 3600.0;
        format!(
            "{} seeds, {} violations; {:.0} steps/s and {:.0} simulated hours/s of one core; {:.0} simulated hours, \
             {} steps, {} crashes, {} instances hurt, {} calls struck",
            self.seeds,
            self.failures.len(),
            number(self.lived.steps) / seconds,
            hours / seconds,
            hours,
            self.lived.steps,
            self.lived.crashes,
            self.lived.instances_hurt,
            self.lived.calls_struck,
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_of_the_law_that_it_names() {
        assert_eq!(kind("in trouble: 2027-01-15T08:00:00Z: S-U1: Vpc vpc of 1 exists twice"), "S-U1");
        assert_eq!(kind("after the trouble: L1: not ready: shop: Waiting"), "L1");
        assert_eq!(kind("in trouble: 2027-01-15T08:00:00Z: S-$1: costs"), "S-$1");
        assert_eq!(
            kind("in trouble: busy without end, 200 passes"),
            "in trouble: busy without end, 200 passes"
        );
    }
}
