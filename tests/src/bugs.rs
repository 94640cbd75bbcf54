//! Bugs that are put in on purpose, one at a time: the fault simulator is worth what it finds of them.
//!
//! None is in the product. Most spoil a plan after it was made (`bugs/plans.rs`), the others sit where tests own the
//! seam: between the daemon and its region (`bugs/calls.rs`), and on its disk. Each is a class of bugs that
//! controllers had: the study of reliability names them.

mod calls;
mod plans;

use lamp_controller::Sabotage;

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bug {
    /// Intents are not on disk when calls are made.
    IntentNotWritten,
    /// A write is acknowledged and lost.
    AcknowledgedLost,
    /// Creations lack the tag that names their intent.
    TagsStripped,
    /// A mutation that failed in transit is sent again by the client (the SDK's own retries).
    MutationsRetried,
    /// A lost reply is taken for success.
    LostReplyIsDone,
    /// A reading that failed is taken for absence.
    ErrorIsAbsence,
    /// Calls are made as fast as possible.
    RateIgnored,
    /// What takes no token is repeated before its quarantine is over.
    QuarantineSkipped,
    /// An open creation is forgotten, and made again (created in AWS, not yet recorded).
    CreationForgotten,
    /// A repeated creation has another token.
    TokenChanged,
    /// One listing without a row, and the row is gone.
    AbsenceBelieved,
    /// What could not be listed is gone.
    UnknownIsAbsent,
    /// A record is dropped.
    RecordDropped,
    /// What a late reply left behind is never swept.
    TwinsLeft,
    /// What carries our tags is ours: somebody's copy is deleted.
    TagsAreEnough,
    /// Many look sick, and all are replaced.
    BreakerLeftOut,
    /// Young instances are judged too.
    GraceSkipped,
    /// The budget of an hour is not looked at.
    HourIgnored,
    /// The wrong one of several instances is replaced.
    WrongInstance,
    /// Memory is lost with every plan: nothing is ever seen often enough.
    Forgetful,
    /// A version is rolled out to all instances at once.
    RolloutAtOnce,
    /// Capacity goes below the minimum.
    BelowMinimum,
    /// What grew shrinks at once.
    NoStabilization,
    /// No metrics are no load.
    ScalesBlind,
    /// A primary goes without a final snapshot.
    SnapshotSkipped,
    /// A lost secret or database is made again empty.
    MadeAgainEmpty,
    /// Where one replica is replaced, all are.
    ReplicasAtOnce,
    /// A route is put to a gateway that does not work yet.
    EarlyRoute,
    /// Quarrels are not noticed.
    WarWithoutEnd,
    /// A failed resource is made again under the same token.
    SameAttempt,
    /// A deletion ends before everything is gone.
    FinishedEarly,
    /// There is always something left to write.
    NeverSettles,
}

impl Bug {
    /// Every one, in the order of the enum.
    pub const ALL: [Self; 32] = [
        Self::IntentNotWritten,
        Self::AcknowledgedLost,
        Self::TagsStripped,
        Self::MutationsRetried,
        Self::LostReplyIsDone,
        Self::ErrorIsAbsence,
        Self::RateIgnored,
        Self::QuarantineSkipped,
        Self::CreationForgotten,
        Self::TokenChanged,
        Self::AbsenceBelieved,
        Self::UnknownIsAbsent,
        Self::RecordDropped,
        Self::TwinsLeft,
        Self::TagsAreEnough,
        Self::BreakerLeftOut,
        Self::GraceSkipped,
        Self::HourIgnored,
        Self::WrongInstance,
        Self::Forgetful,
        Self::RolloutAtOnce,
        Self::BelowMinimum,
        Self::NoStabilization,
        Self::ScalesBlind,
        Self::SnapshotSkipped,
        Self::MadeAgainEmpty,
        Self::ReplicasAtOnce,
        Self::EarlyRoute,
        Self::WarWithoutEnd,
        Self::SameAttempt,
        Self::FinishedEarly,
        Self::NeverSettles,
    ];

    /// How the keys of rows begin that the disk says it has written, and has not.
    pub(crate) fn forgotten(self) -> Option<&'static str> {
        match self {
            Self::IntentNotWritten => Some("ledger\0"),
            Self::AcknowledgedLost => Some("object\0lampstacks\0"),
            _ => None,
        }
    }

    /// What it does to plans.
    pub(crate) fn sabotage(self) -> Option<Sabotage> {
        plans::spoils(self)
            .then(|| -> Sabotage { Box::new(move |input, plan| plans::spoil(self, input, plan)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bug_is_somewhere() {
        for bug in Bug::ALL {
            let places = [bug.forgotten().is_some(), plans::spoils(bug), bug.is_of_calls()].map(usize::from);
            assert_eq!(places.iter().sum::<usize>(), 1, "{bug:?}");
        }
    }
}
