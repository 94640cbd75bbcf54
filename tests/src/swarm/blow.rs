//! What happens to a site at one moment, or for a while, besides faults of single calls.

use std::time::Duration;

use lamp_cloud::{Kind, Service};
use lamp_sim::{Fate, Fault, MetricTrouble};

use super::catalogue::row_of;

/// A blow, when it falls and how long it lasts; both from the beginning of the trouble.
#[derive(Clone, Debug, PartialEq)]
pub struct Strike {
    pub at: Duration,
    pub lasts: Duration,
    pub blow: Blow,
}

/// One thing that happens. Numbers choose among what there is, modulo how much that is.
#[derive(Clone, Debug, PartialEq)]
pub enum Blow {
    /// The daemon dies at the boundary with this number, counted from then.
    Crash(usize),
    /// It dies at every so many boundaries.
    CrashLoop(usize),
    /// It is started again.
    Restart,
    /// It stands still.
    Stall,
    DiskFull,
    /// Its clock is wrong by so many seconds, and AWS minds.
    Skew(i64),
    /// Its clock jumps by so many seconds, and back.
    Jump(i64),
    /// A service, or all, fails for a share of its calls.
    BrownOut(Option<Service>, f64),
    /// A fault strikes a share of the calls of a service, or of all.
    Spell(Fault, Option<Service>, f64),
    Metrics(MetricTrouble),
    /// No more of a kind may be made.
    Quota(Kind),
    /// A zone, or all of them, has no instances to give.
    Shortage(Option<u8>),
    /// The subnets of a zone, or of all, have no addresses.
    Crowding(Option<u8>),
    /// Somebody else uses up a share of every rate.
    Neighbour(f64),
    /// Calls take up to so many seconds.
    Slow(u64),
    Kill(usize),
    Hang(usize),
    Impair(usize),
    ZoneDown(u8),
    BrokenCheck(usize),
    /// The spec is edited to launch what does not work.
    BadRelease(Fate),
    FailOver,
    /// A replica lags by so many seconds.
    Lag(usize, u32),
    BrokenReplication(usize),
    /// The primary falls into a status of RDS.
    Database(&'static str),
    Deleted(usize),
    Changed(usize),
    Untagged(usize),
    TagsCopied,
    NameTaken(usize),
    StrayInterface(usize),
    StrayInstance(usize),
    /// Another tool insists on a rule of its own.
    War(usize),
    NatFails(usize),
    RouteLost(usize),
    /// So many times the visitors.
    Load(f64),
    StaleEdit,
    EditEverySecond,
    /// An edit that is taken back.
    Edit(usize),
    /// Deleted, and applied again as soon as it is gone.
    Recreate,
    BadSpec(usize),
    Dangerous,
    Absurd(usize),
    Pause,
    Observe,
    /// Deleted for good.
    Delete,
}

impl Blow {
    /// The row of the catalogue that it is of.
    pub fn row(&self) -> &'static str {
        match self {
            Self::Crash(_) => "C1",
            Self::CrashLoop(_) => "C3",
            Self::Restart => "C15",
            Self::Stall => "C13",
            Self::DiskFull => "C8",
            Self::Skew(_) => "A20",
            Self::Jump(_) => "C12",
            Self::BrownOut(None, _) => "W26",
            Self::BrownOut(Some(_), _) => "A5",
            Self::Spell(fault, ..) => row_of(*fault),
            Self::Metrics(trouble) => match trouble {
                MetricTrouble::Missing | MetricTrouble::Delayed(_) | MetricTrouble::Partial => "A18",
                _ => "A19",
            },
            Self::Quota(_) => "A12",
            Self::Shortage(_) => "A13",
            Self::Crowding(_) => "A14",
            Self::Neighbour(_) => "A1",
            Self::Slow(_) => "A21",
            Self::Kill(_) => "W1",
            Self::Hang(_) => "W2",
            Self::Impair(_) => "W3",
            Self::ZoneDown(_) => "W4",
            Self::BrokenCheck(_) => "W5",
            Self::BadRelease(Fate::Dies(_)) => "W7",
            Self::BadRelease(_) => "W6",
            Self::FailOver => "W8",
            Self::Lag(..) => "W11",
            Self::BrokenReplication(_) => "W12",
            Self::Database("storage-full") => "W13",
            Self::Database(_) => "W14",
            Self::Deleted(_) => "W17",
            Self::Changed(_) => "W18",
            Self::Untagged(_) | Self::TagsCopied => "W19",
            Self::NameTaken(_) => "W20",
            Self::StrayInterface(_) | Self::StrayInstance(_) => "W21",
            Self::War(_) => "W22",
            Self::NatFails(_) | Self::RouteLost(_) => "W24",
            Self::Load(_) => "W27",
            Self::StaleEdit => "O1",
            Self::EditEverySecond | Self::Edit(_) => "O2",
            Self::Recreate => "O3",
            Self::BadSpec(_) => "O4",
            Self::Dangerous => "O5",
            Self::Absurd(_) => "O6",
            Self::Delete => "O7",
            Self::Pause | Self::Observe => "O8",
        }
    }
}
