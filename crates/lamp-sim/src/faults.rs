//! What goes wrong with calls: a pure function of the seed and the call, switchable and scriptable.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::Service;
use lamp_cloud::kinds::launch_template::TemplateData;

use crate::dice::Dice;

/// One way in which a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Refused for its rate, whatever the rate was.
    Throttle,
    /// The reply of a mutation is lost after it took effect.
    TimeoutWithEffect,
    /// The request is lost.
    TimeoutWithoutEffect,
    /// The caller hears of a timeout, and the effect comes up to ten minutes later.
    LateEffect,
    /// `InternalError` after it took effect.
    ServerErrorWithEffect,
    /// `InternalError`, and nothing happened.
    ServerErrorWithoutEffect,
    /// Refused as if no policy allowed it, whatever the policy says.
    Denied,
    /// A listing succeeds with no rows.
    EmptySuccess,
    /// The next page of a listing is never offered.
    MissingPage,
    /// An answer that nobody understands; a mutation took effect.
    Unintelligible,
}

/// When a scripted fault strikes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// At the call with this ordinal; all calls are counted from 0.
    Ordinal(u64),
    /// At the nth call of an operation, from 0.
    Nth { operation: String, nth: u64 },
    /// At every call of an operation, within a span of time.
    Every { operation: String, from: Timestamp, to: Timestamp },
}

/// A service, or all, that fails for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct BrownOut {
    /// `None` is every service.
    pub service: Option<Service>,
    pub from: Timestamp,
    pub to: Timestamp,
    /// Share of its calls that fail.
    pub share: f64,
}

/// No room for an instance type in a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// `None` is every zone.
    pub zone: Option<String>,
    /// `None` is every type.
    pub instance_type: Option<String>,
    pub from: Timestamp,
    pub to: Timestamp,
}

/// Instances that do not work, by what they are launched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLaunch {
    /// The image, or what stands in the user data.
    pub launches: String,
    pub fate: Fate,
}

/// What becomes of an instance that does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It runs, and its service never answers.
    NeverServes,
    /// It is terminated so long after it runs: a script that shuts it down, or a crash.
    Dies(Duration),
    /// So long after it runs its service answers no more.
    Hangs(Duration),
}

/// The faults of a region.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    /// Share of calls that a fault strikes by chance, by fault.
    pub rates: BTreeMap<Fault, f64>,
    pub scripts: Vec<(Moment, Fault)>,
    pub brown_outs: Vec<BrownOut>,
    pub shortages: Vec<Shortage>,
    pub bad_launches: Vec<BadLaunch>,
    /// How many of a kind the account may hold, by the kind's name, for example `ElasticIp`.
    pub quotas: BTreeMap<String, usize>,
    /// Zones that are out of service, from when, and until when.
    pub(crate) zones_down: Vec<(String, Timestamp, Timestamp)>,
    /// Share of every rate that somebody else in the account uses up.
    pub noisy_neighbour: f64,
    /// From then on nothing goes wrong by chance any more.
    pub quiet_from: Option<Timestamp>,
}

impl Faults {
    /// Nothing goes wrong.
    pub fn off() -> Self {
        Self::default()
    }

    /// A share of calls that `fault` strikes.
    #[must_use]
    pub fn rate(mut self, fault: Fault, share: f64) -> Self {
        self.rates.insert(fault, share);
        self
    }

    /// `fault` strikes at that moment.
    pub fn script(&mut self, moment: Moment, fault: Fault) {
        self.scripts.push((moment, fault));
    }

    pub(crate) fn is_zone_down(&self, zone: &str, now: Timestamp) -> bool {
        self.zones_down.iter().any(|(name, from, to)| name == zone && *from <= now && now < *to)
    }

    /// What becomes of an instance that is launched from this.
    pub(crate) fn fate(&self, data: &TemplateData) -> Option<Fate> {
        let bad = self
            .bad_launches
            .iter()
            .find(|bad| data.image == bad.launches || data.user_data.contains(&bad.launches));
        bad.map(|bad| bad.fate)
    }

    pub(crate) fn has_room(&self, zone: &str, instance_type: &str, now: Timestamp) -> bool {
        let matches =
            |wanted: &Option<String>, actual: &str| wanted.as_deref().is_none_or(|name| name == actual);
        !self.is_zone_down(zone, now)
            && !self.shortages.iter().any(|shortage| {
                matches(&shortage.zone, zone)
                    && matches(&shortage.instance_type, instance_type)
                    && shortage.from <= now
                    && now < shortage.to
            })
    }

    /// The fault that strikes this call, if one does.
    pub(crate) fn strike(&self, call: &Calling, dice: Dice) -> Option<Fault> {
        let scripted = self.scripts.iter().find(|(moment, fault)| moment.is(call) && fault.fits(call));
        if let Some((_, fault)) = scripted {
            return Some(*fault);
        }
        if self.is_browned_out(call, dice) {
            return Some(Fault::ServerErrorWithoutEffect);
        }
        if self.quiet_from.is_some_and(|quiet| call.at >= quiet) {
            return None;
        }
        self.by_chance(call, dice)
    }

    fn is_browned_out(&self, call: &Calling, dice: Dice) -> bool {
        self.brown_outs.iter().any(|outage| {
            outage.service.is_none_or(|service| service == call.service)
                && outage.from <= call.at
                && call.at < outage.to
                && dice.share(&["brown-out"], call.ordinal) < outage.share
        })
    }

    fn by_chance(&self, call: &Calling, dice: Dice) -> Option<Fault> {
        let mut left = dice.share(&["fault"], call.ordinal);
        for (fault, share) in self.rates.iter().filter(|(fault, _)| fault.fits(call)) {
            if left < *share {
                return Some(*fault);
            }
            left -= share;
        }
        None
    }
}

/// A call that begins.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calling {
    pub(crate) ordinal: u64,
    /// How often the operation was called before.
    pub(crate) nth: u64,
    pub(crate) at: Timestamp,
    pub(crate) service: Service,
    pub(crate) operation: &'static str,
    pub(crate) mutates: bool,
}

impl Moment {
    fn is(&self, call: &Calling) -> bool {
        match self {
            Self::Ordinal(ordinal) => *ordinal == call.ordinal,
            Self::Nth { operation, nth } => operation == call.operation && *nth == call.nth,
            Self::Every { operation, from, to } => {
                operation == call.operation && *from <= call.at && call.at < *to
            }
        }
    }
}

impl Fault {
    /// Faults of listings do not strike mutations, nor the other way round.
    fn fits(self, call: &Calling) -> bool {
        match self {
            Self::TimeoutWithEffect | Self::LateEffect | Self::ServerErrorWithEffect => call.mutates,
            Self::EmptySuccess | Self::MissingPage => !call.mutates,
            _ => true,
        }
    }
}

/// The longest that a late effect takes.
pub(crate) const LATEST_EFFECT: Duration = Duration::from_secs(600);
