//! From what a data directory holds, what the store is: the rows of which batch, and where they are taken from. Pure.

use crate::journal::{ORIGIN, Reach, Sound, Survey};

/// Where rows are taken from; frames of the journal follow on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    Index,
    /// The checkpoint with this sequence.
    Checkpoint(u64),
    /// Nothing: the frames since the first one.
    Origin,
}

/// What a person allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Consent {
    /// All that was acknowledged, or nothing.
    NoLoss,
    /// Whatever is left.
    Loss,
}

/// What the store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) base: Base,
    /// The batch of the base.
    pub(crate) from: Reach,
    /// The last batch.
    pub(crate) upto: Reach,
    /// The highest batch of which there is a trace. Higher than `upto` only with consent to lose what is between.
    pub(crate) evidence: u64,
}

impl Decision {
    /// How many batches are given up.
    pub(crate) fn lost(&self) -> u64 {
        self.evidence.saturating_sub(self.upto.sequence)
    }
}

/// Of all that the rows could be taken from, the first from which an unbroken row of frames leads to the newest batch.
/// `sealed`: the batch of the index, if it is sound. The error says, for a person, what is missing.
pub(crate) fn decide(survey: &Survey, sealed: Option<Reach>, consent: Consent) -> Result<Decision, String> {
    if sealed.is_none() && survey.lacks_segment() && consent == Consent::NoLoss {
        return Err("the newest segment of its journal is missing, and the index is no help".to_owned());
    }
    let evidence = survey.evidence.max(sealed.map_or(0, |reach| reach.sequence));
    let candidates: Vec<Decision> = bases(survey, sealed)
        .map(|(base, from)| Decision { base, from, upto: survey.reach(from.sequence, from.link), evidence })
        .collect();
    let complete = candidates.iter().find(|one| one.lost() == 0);
    // Of equals the last is taken: frames are better proven than an index.
    let furthest = candidates.iter().max_by_key(|one| one.upto.sequence);
    match (complete, furthest, consent) {
        (Some(complete), ..) => Ok(*complete),
        (None, Some(furthest), Consent::Loss) => Ok(*furthest),
        (None, furthest, _) => Err(format!(
            "of {evidence} batches that were written, the last {} cannot be read any more",
            furthest.map_or(evidence, Decision::lost)
        )),
    }
}

/// The nearest first.
fn bases(survey: &Survey, sealed: Option<Reach>) -> impl Iterator<Item = (Base, Reach)> {
    let whole = |checkpoint: &Sound| {
        let reach = Reach { sequence: checkpoint.sequence, link: checkpoint.link };
        (Base::Checkpoint(checkpoint.sequence), reach)
    };
    let origin = (Base::Origin, Reach { sequence: 0, link: ORIGIN });
    let index = sealed.map(|reach| (Base::Index, reach));
    index.into_iter().chain(survey.whole_checkpoints().rev().map(whole)).chain([origin])
}
