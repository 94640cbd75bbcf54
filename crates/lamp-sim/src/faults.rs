//! What goes wrong with calls: a pure function of the seed and the call, switchable and scriptable.
//!
//! `fault.rs` says what can go wrong with one call, `spells.rs` what is wrong for a while.

mod fault;
mod spells;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::kinds::launch_template::TemplateData;
use lamp_cloud::{Kind, Read, Request, Service};

pub use fault::Fault;
pub(crate) use fault::{server_error, timeout};
pub use spells::{BrownOut, Crowding, MetricSpell, MetricTrouble, Shortage, Spell};

use crate::dice::Dice;

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
    pub spells: Vec<Spell>,
    pub shortages: Vec<Shortage>,
    pub crowdings: Vec<Crowding>,
    pub metrics: Vec<MetricSpell>,
    pub bad_launches: Vec<BadLaunch>,
    /// How many of a kind the account may hold, by the kind's name, for example `ElasticIp`.
    pub quotas: BTreeMap<String, usize>,
    /// Zones that are out of service, from when, and until when.
    pub(crate) zones_down: Vec<(String, Timestamp, Timestamp)>,
    /// The most rows that a page of a listing holds; `None` is as many as AWS's do.
    pub page_rows: Option<usize>,
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

    /// Whether the subnets of a zone have no address left.
    pub(crate) fn is_crowded(&self, zone: &str, now: Timestamp) -> bool {
        self.crowdings.iter().any(|crowding| crowding.fills(zone, now))
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
        if let Some(fault) = self.spelled(call, dice) {
            return Some(fault);
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

    fn spelled(&self, call: &Calling, dice: Dice) -> Option<Fault> {
        let strikes = |spell: &&Spell| {
            spell.service.is_none_or(|service| service == call.service)
                && spell.from <= call.at
                && call.at < spell.to
                && spell.fault.fits(call)
                && dice.share(&["spell"], call.ordinal) < spell.share
        };
        self.spells.iter().find(strikes).map(|spell| spell.fault)
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
    pub(crate) shape: Shape,
}

/// What of a call decides which faults can strike it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Creation(Kind),
    /// One page; `continues`: not the first.
    Listing {
        continues: bool,
    },
    Metrics,
    Other,
}

impl Shape {
    pub(crate) fn of_request(request: &Request) -> Self {
        match request {
            Request::Create { body, .. } => Self::Creation(body.kind()),
            _ => Self::Other,
        }
    }

    pub(crate) fn of_read(read: &Read) -> Self {
        match read {
            Read::List { page, .. }
            | Read::Everyones { page, .. }
            | Read::ZoneInstances { page, .. }
            | Read::ScalingPolicies { page }
            | Read::NetworkInterfaces { page, .. } => Self::Listing { continues: page.is_some() },
            Read::Metrics { .. } | Read::History { .. } => Self::Metrics,
            _ => Self::Other,
        }
    }
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

/// The longest that a late effect takes.
pub(crate) const LATEST_EFFECT: Duration = Duration::from_secs(600);
