//! A failing trouble, made as short as it gets while it fails in the same way (delta debugging).

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::{Calms, Failure, Trouble, live, tell};
use crate::bugs::Bug;

/// Shorter stories are looked for no longer than this.
const PATIENCE: Duration = Duration::from_secs(90);
/// A shorter trouble hits nothing.
const SHORTEST: Duration = Duration::from_secs(120);

/// The shortest failure of the same kind that was found, told.
pub(super) fn shrunk(failure: Box<Failure>, calms: &Calms, bug: Option<Bug>) -> Box<Failure> {
    let end = Instant::now() + PATIENCE;
    let fails = |trouble: &Trouble| {
        Instant::now() < end && live(trouble, calms, bug).is_err_and(|other| other.kind == failure.kind)
    };
    let trouble = shrink(failure.trouble.clone(), fails);
    let (outcome, _) = tell(&trouble, calms, bug);
    match outcome {
        Err(told) if told.kind == failure.kind => told,
        _ => failure,
    }
}

/// Leaves out ingredients, in halves first and then one by one, and halves the span, while it still fails.
fn shrink(trouble: Trouble, fails: impl Fn(&Trouble) -> bool) -> Trouble {
    let mut best = trouble;
    loop {
        let before = (best.ingredients.len(), best.span);
        let mut size = best.ingredients.len().div_ceil(2);
        while size > 0 {
            best = without(best, size, &fails);
            size /= 2;
        }
        let shorter = best.within((best.span / 2).max(SHORTEST));
        if shorter.span < best.span && fails(&shorter) {
            best = shorter;
        }
        if (best.ingredients.len(), best.span) == before {
            return best;
        }
    }
}

/// Leaves out each run of so many ingredients that is not needed.
fn without(trouble: Trouble, size: usize, fails: impl Fn(&Trouble) -> bool) -> Trouble {
    let mut best = trouble;
    let mut from = 0;
    while from < best.ingredients.len() {
        let rest =
            best.ingredients.iter().enumerate().filter(|(place, _)| *place < from || *place >= from + size);
        let rest: BTreeSet<usize> = rest.map(|(_, (number, _))| *number).collect();
        let less = best.with_only(&rest);
        if fails(&less) { best = less } else { from += size }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A trouble with many ingredients.
    fn long() -> Trouble {
        (1..).map(Trouble::draw).find(|trouble| trouble.ingredients.len() > 10).unwrap()
    }

    #[test]
    fn what_is_not_needed_is_left_out() {
        let needed =
            |trouble: &Trouble, number: usize| trouble.ingredients.iter().any(|(other, _)| *other == number);
        let shrunk = shrink(long(), |trouble| needed(trouble, 3) && needed(trouble, 9));
        let left: Vec<usize> = shrunk.ingredients.iter().map(|(number, _)| *number).collect();
        assert_eq!(left, [3, 9]);
        assert!(shrunk.span <= SHORTEST * 2);
    }

    #[test]
    fn what_does_not_fail_any_shorter_stays_as_it_is() {
        let trouble = long();
        let whole = trouble.clone();
        assert_eq!(shrink(trouble, |less| *less == whole), whole);
    }
}
