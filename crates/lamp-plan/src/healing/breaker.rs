//! Breakers: what forbids replacements however sick a single instance is. Many that look sick at once have a cause that
//! no replacement cures; where everything looks sick, the one who looks is.
//!
//! A breaker opens with the first observation and closes slowly, so that nothing is replaced while the numbers swing. It
//! outlives the process.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::Tier;
use lamp_cloud::{HealingRecord, OpenBreaker};

use super::diagnosis::Patient;
use super::{Hold, cause, record};
use crate::live::tier_view::{TierView, count};
use crate::{Draft, PlanInput};

const GROUP: &str = "group";
const STACK: &str = "stack";
/// Breakers of zones are named by them.
const ZONE: &str = "zone/";
const GROUP_CALM: SignedDuration = SignedDuration::from_secs(300);
const ZONE_CALM: SignedDuration = SignedDuration::from_secs(900);
const STACK_CALM: SignedDuration = SignedDuration::from_secs(900);

/// What stops replacements in a tier now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Breakers {
    /// In the whole tier.
    pub(super) tier: Option<Hold>,
    /// In one zone.
    pub(super) zones: BTreeMap<String, Hold>,
}

/// What an observation says of a breaker.
enum Look {
    /// It must be open; and what that is called in its record.
    Trips(Hold, String),
    /// It stays as it is.
    Between,
    /// It closes if this lasts.
    Calm,
}

/// Opens and closes the breakers of a tier by what this observation shows.
pub(crate) fn turn(
    draft: &mut Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    patients: &[Patient],
) -> Breakers {
    let mut record = record::of(draft, tier);
    let mut breakers = Breakers::default();
    let look = of_group(draft, tier, view, patients);
    breakers.tier = set(draft, &mut record, (GROUP, GROUP_CALM), look);
    for zone in zones(view, &record) {
        let look = of_zone(draft, tier, view, patients, &zone);
        let hold = set(draft, &mut record, (&format!("{ZONE}{zone}"), ZONE_CALM), look);
        breakers.zones.extend(hold.map(|hold| (zone, hold)));
    }
    record::keep(draft, tier, record.clone());
    let look = of_stack(draft);
    if let Some(hold) = set(draft, &mut record, (STACK, STACK_CALM), look) {
        breakers.tier = Some(hold);
    }
    record::keep(draft, tier, record);
    breakers
}

/// Whether replacements are stopped in a tier, as the last plan left it.
pub(crate) fn is_open(input: &PlanInput<'_>, tier: &Tier) -> bool {
    let breakers = record::written(input, tier).breakers;
    breakers.contains_key(GROUP) || breakers.contains_key(STACK)
}

/// Opens, keeps or closes one breaker; what it holds back, if it is open.
fn set(
    draft: &mut Draft<'_>,
    record: &mut HealingRecord,
    (name, calm): (&str, SignedDuration),
    look: Look,
) -> Option<Hold> {
    let asked = |open: &OpenBreaker| record::is_asked_again(&draft.input, open.requested.as_deref());
    if record.breakers.get(name).is_some_and(asked) {
        record.breakers.remove(name);
    }
    match look {
        Look::Trips(hold, why) => {
            let open = record.breakers.entry(name.to_owned()).or_insert_with(|| opened(&draft.input, why));
            open.calm_since = None;
            Some(hold)
        }
        Look::Between => {
            let open = record.breakers.get_mut(name)?;
            open.calm_since = None;
            Some(still_open(open, calm))
        }
        Look::Calm => {
            let open = record.breakers.get_mut(name)?;
            let closes = open.calm_since.get_or_insert(draft.input.now).checked_add(calm).ok()?;
            if draft.input.now < closes {
                draft.look_at(closes);
                return Some(still_open(open, calm));
            }
            record.breakers.remove(name);
            None
        }
    }
}

fn opened(input: &PlanInput<'_>, why: String) -> OpenBreaker {
    let requested = input.requested.map(str::to_owned);
    OpenBreaker { since: input.now, why, calm_since: None, requested }
}

fn still_open(open: &OpenBreaker, calm: SignedDuration) -> Hold {
    let since = crate::status::seconds(open.since).0;
    let minutes = calm.as_mins();
    Hold::for_a_while(format!("{} at {since}: nothing is replaced before {minutes} calm minutes", open.why))
}

/// So many of `total` open a breaker: the share, rounded up, and at least two.
fn limit(total: u32, percent: u32) -> u32 {
    let share = (u64::from(total) * u64::from(percent)).div_ceil(100);
    u32::try_from(share).unwrap_or(u32::MAX).max(2)
}

fn of_group(draft: &Draft<'_>, tier: &Tier, view: &TierView<'_>, patients: &[Patient]) -> Look {
    let (total, sick) = (count(view.staying()), count(patients.iter()));
    let percent = tier.healing.max_unhealthy_percent;
    if sick >= limit(total, percent) {
        let numbers = format!("{sick} of {total} look sick at once");
        let cause = cause::of_many(draft, tier, view, first_fell(draft, patients));
        let cause = cause.unwrap_or_else(|| "the cause lies elsewhere, nothing is replaced".to_owned());
        let brief = format!("{sick} of {total} looked sick at once");
        return Look::Trips(Hold::for_a_person(format!("{numbers}: {cause}")), brief);
    }
    let is_calm = u64::from(sick) * 200 < u64::from(total) * u64::from(percent);
    if sick == 0 || is_calm { Look::Calm } else { Look::Between }
}

/// Since when the first of them has looked sick.
fn first_fell(draft: &Draft<'_>, patients: &[Patient]) -> Option<Timestamp> {
    let since = |patient: &Patient| Some(draft.plan.memory.sick.get(&patient.instance)?.since);
    patients.iter().filter_map(since).min()
}

/// Zones with members, and those whose breaker is open.
fn zones(view: &TierView<'_>, record: &HealingRecord) -> BTreeSet<String> {
    let open = record.breakers.keys().filter_map(|name| name.strip_prefix(ZONE)).map(str::to_owned);
    view.staying().map(|member| member.member.zone.clone()).chain(open).collect()
}

fn of_zone(draft: &Draft<'_>, tier: &Tier, view: &TierView<'_>, patients: &[Patient], zone: &str) -> Look {
    let total = count(view.staying().filter(|member| member.member.zone == zone));
    let sick = count(patients.iter().filter(|patient| patient.zone == zone));
    if sick > 0 && cause::closed_zone(draft, zone).is_some() {
        let why = format!("AWS says that {zone} is not available");
        return Look::Trips(Hold::for_a_while(format!("{why}: nothing is replaced there")), why);
    }
    if sick < limit(total, tier.healing.max_unhealthy_in_zone_percent) {
        return Look::Calm;
    }
    let why = format!("{sick} of {total} in {zone} look sick at once");
    let hold = Hold::for_a_person(format!("{why}: the cause is the zone, nothing is replaced there"));
    Look::Trips(hold, format!("{sick} of {total} in {zone} looked sick at once"))
}

/// Several tiers that are stopped, or a site of which everything looks sick.
fn of_stack(draft: &Draft<'_>) -> Look {
    let tiers = &draft.input.spec.tiers;
    let stopped = tiers.iter().filter(|tier| record::of(draft, tier).breakers.contains_key(GROUP));
    let stopped: Vec<&str> = stopped.map(|tier| tier.name.as_str()).collect();
    let views = || tiers.iter().filter_map(|tier| TierView::of(draft.input.inventory, tier));
    let total: u32 = views().map(|view| count(view.staying())).sum();
    let looks_sick =
        |view: TierView<'_>| count(view.staying().filter(|member| is_sick(draft, &member.member.instance)));
    let sick: u32 = views().map(looks_sick).sum();
    if total >= 2 && sick == total && tiers.len() > 1 {
        let brief = "every instance of the site looked sick".to_owned();
        let why = "every instance of the site looks sick: then it is the view of it that is, and nothing is replaced";
        return Look::Trips(Hold::for_a_person(why.to_owned()), brief);
    }
    if count(stopped.iter()) < draft.input.spec.breakers.sick_tiers {
        return Look::Calm;
    }
    let tiers = stopped.join(" and ");
    let brief = format!("many instances of {tiers} looked sick at once");
    let why = format!(
        "many instances of {tiers} look sick at once: the cause is common to them, nothing is replaced"
    );
    Look::Trips(Hold::for_a_person(why), brief)
}

fn is_sick(draft: &Draft<'_>, instance: &str) -> bool {
    draft.plan.memory.sick.contains_key(instance)
}
