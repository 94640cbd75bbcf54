//! The catalogue of faults: every row of the reliability study, and what becomes of it here.

use lamp_sim::Fault;

/// A row of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// As the study numbers it.
    pub id: &'static str,
    pub what: &'static str,
    pub how: How,
}

/// What becomes of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Swarms draw it.
    Drawn,
    /// It is no matter of chance, or of a region: the test of this name does it.
    Tested(&'static str),
    /// It cannot happen yet, and why.
    NotYet(&'static str),
}

const fn drawn(id: &'static str, what: &'static str) -> Row {
    Row { id, what, how: How::Drawn }
}

const fn tested(id: &'static str, what: &'static str, test: &'static str) -> Row {
    Row { id, what, how: How::Tested(test) }
}

const fn not_yet(id: &'static str, what: &'static str, why: &'static str) -> Row {
    Row { id, what, how: How::NotYet(why) }
}

/// Every row.
pub const ROWS: &[Row] = &[
    drawn("A1", "throttled, and a noisy neighbour"),
    drawn("A2", "timeout with effect"),
    drawn("A3", "timeout without effect"),
    drawn("A4", "late effect"),
    drawn("A5", "server errors, brown-outs"),
    drawn("A6", "stale readings"),
    drawn("A7", "what was just made is not known yet"),
    drawn("A8", "pages that move, repeat, end or are empty"),
    drawn("A9", "empty success"),
    drawn("A10", "rows of others"),
    drawn("A11", "a batch answered in part"),
    drawn("A12", "quota used up"),
    drawn("A13", "no capacity in a zone"),
    drawn("A14", "no addresses in a subnet"),
    drawn("A15", "access denied for a while"),
    drawn("A16", "credentials expired"),
    drawn("A17", "answers that nobody understands"),
    drawn("A18", "metrics missing, delayed, partial"),
    drawn("A19", "metrics that lie"),
    drawn("A20", "clock skew towards AWS"),
    drawn("A21", "slow and hanging calls"),
    drawn("A22", "delivered twice"),
    drawn("A23", "changed by others at the same moment"),
    drawn("A24", "accepted, and fails later"),
    drawn("A25", "a name that is still held"),
    drawn("A26", "a code that nobody knows"),
    drawn("W1", "instance lost"),
    drawn("W2", "instance hangs"),
    drawn("W3", "instance impaired"),
    drawn("W4", "zone out of service"),
    drawn("W5", "health check fails though the service works"),
    drawn("W6", "bad release that never serves, or hangs"),
    drawn("W7", "replacements that die one after the other"),
    drawn("W8", "failover of the database"),
    tested("W9", "primary lost", "a_database_that_was_deleted_is_never_made_again_empty_without_consent"),
    tested("W10", "old primary returns", "a_replica_that_was_promoted_by_hand_is_never_deleted"),
    drawn("W11", "replica lags"),
    drawn("W12", "replication broken"),
    drawn("W13", "storage full"),
    drawn("W14", "database in a state that needs a person"),
    not_yet("W15", "cache node lost", "there is no cache in a LampStack"),
    not_yet("W16", "spot instances reclaimed", "tiers launch on demand only"),
    drawn("W17", "deleted by hand"),
    drawn("W18", "changed by hand"),
    drawn("W19", "tags lost, or copied onto a stranger"),
    drawn("W20", "a name taken by somebody else"),
    drawn("W21", "somebody's instance or interface in our network"),
    drawn("W22", "another tool insists on its own value"),
    not_yet("W23", "DNS and certificates", "neither records nor certificates are made by a LampStack"),
    drawn("W24", "NAT gateway or route fails"),
    not_yet("W25", "mount target lost", "there is no file system in a LampStack"),
    drawn("W26", "everything out for a while"),
    drawn("W27", "flash crowd, and nobody at all"),
    tested("W28", "cost runs away", "each_law_fires_when_it_is_broken"),
    drawn("C1", "death at a boundary"),
    tested("C2", "death during a write", "acknowledged_writes_survive_sigkill"),
    drawn("C3", "death again and again"),
    not_yet("C4", "store restored from a backup", "no epoch is carried by the tags on AWS"),
    tested("C5", "empty store, full region", "losing_the_store_deletes_nothing"),
    tested("C6", "damaged store", "lost_and_strange_rows_are_noticed"),
    tested("C7", "leftovers of an interrupted snapshot", "acknowledged_writes_survive_sigkill"),
    drawn("C8", "disk full for a while"),
    tested(
        "C9",
        "a second daemon on one data directory",
        "a_second_daemon_is_refused_at_once_with_a_sentence_that_helps",
    ),
    not_yet("C10", "leadership lost in the middle", "one daemon keeps an installation; there is no etcd"),
    tested("C11", "a copied machine", "a_copied_daemon_makes_nothing_twice"),
    drawn("C12", "clock jumps"),
    drawn("C13", "the daemon stands still for a while"),
    not_yet("C14", "task dies", "a panic ends the process, which is C1"),
    drawn("C15", "restart in the middle"),
    tested("C16", "store of another version", "an_unreadable_record_is_an_error_and_not_an_absence"),
    tested("C17", "wrong region", "a_data_directory_stays_with_its_region_and_installation"),
    not_yet("C18", "store server slow or gone", "the store is on the daemon's own disk"),
    not_yet("C19", "bad entropy", "names, tokens and uids are derived, not drawn"),
    not_yet("C20", "log sink blocked", "logs go to the journal, outside of what is simulated"),
    drawn("O1", "edit from a stale version"),
    drawn("O2", "edited every second, in a rollout, and back"),
    drawn("O3", "deleted while being made, and made again"),
    drawn("O4", "impossible specs"),
    drawn("O5", "dangerous change without consent"),
    drawn("O6", "absurd numbers"),
    drawn("O7", "deleted"),
    drawn("O8", "paused, watched and resumed"),
    tested("O9", "hostile input", "large_bodies_and_deep_ones"),
];

/// The row of a fault of calls.
pub(super) fn row_of(fault: Fault) -> &'static str {
    match fault {
        Fault::Throttle => "A1",
        Fault::TimeoutWithEffect => "A2",
        Fault::TimeoutWithoutEffect => "A3",
        Fault::LateEffect => "A4",
        Fault::ServerErrorWithEffect | Fault::ServerErrorWithoutEffect => "A5",
        Fault::NotYetVisible => "A7",
        Fault::MissingPage
        | Fault::ShortPage
        | Fault::EmptyPage
        | Fault::RepeatedRow
        | Fault::ExpiredPage => "A8",
        Fault::EmptySuccess => "A9",
        Fault::ForeignRows => "A10",
        Fault::PartialMetrics => "A11",
        Fault::Denied => "A15",
        Fault::ExpiredCredentials => "A16",
        Fault::Unintelligible => "A17",
        Fault::SkewedClock => "A20",
        Fault::Duplicate => "A22",
        Fault::Contention => "A23",
        Fault::FailsLater => "A24",
        Fault::NameHeld => "A25",
        Fault::UnknownCode => "A26",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::swarm::Trouble;

    #[test]
    fn every_row_of_the_study_is_here_once() {
        let numbers = |letter: char, count: usize| (1..=count).map(move |number| format!("{letter}{number}"));
        let study: Vec<String> =
            numbers('A', 26).chain(numbers('W', 28)).chain(numbers('C', 20)).chain(numbers('O', 9)).collect();
        assert_eq!(ROWS.iter().map(|row| row.id).collect::<Vec<_>>(), study);
    }

    /// Swarms draw what the table says, and nothing else.
    #[test]
    fn each_row_is_drawn_or_says_why_not() {
        let draws = (1..600).map(Trouble::draw);
        let found: BTreeSet<&str> = draws.flat_map(|trouble| trouble.rows()).collect();
        let drawn: BTreeSet<&str> =
            ROWS.iter().filter(|row| row.how == How::Drawn).map(|row| row.id).collect();
        assert_eq!(found, drawn);
        for row in ROWS {
            assert!(!matches!(row.how, How::Tested("") | How::NotYet("")), "{} says nothing", row.id);
        }
    }
}
