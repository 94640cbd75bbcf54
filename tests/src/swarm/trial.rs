//! One seed, lived through: trouble, calm, and the proof that all is well.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use lamp_api::annotations;
use lamp_cloud::{Clock, InstanceState};
use lamp_store::Key;
use serde_json::Value;

use super::trouble::{Blow, Trouble, calm};
use crate::{Site, specs};

const STEP: Duration = Duration::from_secs(15);
/// A quiet day is looked at in these steps.
const QUIET_STEP: Duration = Duration::from_secs(300);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
/// A site is Ready again at most so long after the last fault.
const RECOVERY: Duration = Duration::from_secs(4 * 3600);

/// How many there are of each part; all replicas are one part, as their numbers have no meaning.
pub type Census = BTreeMap<String, usize>;

/// What was lived through.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lived {
    pub simulated: Duration,
    pub crashes: u64,
    pub instances_hurt: u64,
    pub calls_struck: u64,
}

impl AddAssign for Lived {
    fn add_assign(&mut self, other: Self) {
        self.simulated += other.simulated;
        self.crashes += other.crashes;
        self.instances_hurt += other.instances_hurt;
        self.calls_struck += other.calls_struck;
    }
}

/// What a site consists of if nothing ever goes wrong.
///
/// # Errors
/// When it does not come up.
pub fn calm_census(spec: &str) -> Result<Census> {
    let mut site = Site::new(calm(0))?;
    let key = site.apply(&specs::load(spec)?)?;
    site.run_until(STEP, RECOVERY, |site| site.is_ready(&key))??;
    site.run_for(STEP, HOUR)??;
    Ok(census(&site))
}

/// Lives through a trouble.
///
/// # Errors
/// What was not as it must be.
pub fn run(trouble: &Trouble, calm: &BTreeMap<String, Census>) -> Result<Lived> {
    let spec = specs::load(trouble.spec)?;
    let mut trial = Trial::begin(trouble, &spec)?;
    trial.suffer(trouble).context("in trouble")?;
    trial.recover(&spec).context("after the trouble")?;
    let wanted = calm.get(trouble.spec).context("no census")?;
    trial.is_whole(wanted, &spec)?;
    trial.stays_quiet()?;
    Ok(trial.lived())
}

struct Trial {
    site: Site,
    key: Key,
    began: Timestamp,
    lived: Lived,
}

impl Trial {
    fn begin(trouble: &Trouble, spec: &Value) -> Result<Self> {
        let site = Site::new(trouble.options.clone())?;
        let key = site.apply(spec)?;
        let began = site.clock.now();
        Ok(Self { site, key, began, lived: Lived::default() })
    }

    fn elapsed(&self) -> Duration {
        self.site.clock.now().duration_since(self.began).unsigned_abs()
    }

    fn suffer(&mut self, trouble: &Trouble) -> Result<()> {
        let mut blows = trouble.blows.iter().peekable();
        while self.elapsed() < trouble.span {
            while let Some((_, blow)) = blows.next_if(|(at, _)| *at <= self.elapsed()) {
                self.strike(*blow);
            }
            if self.site.pass()?.is_err() {
                self.lived.crashes += 1;
                self.site.restart()?;
            }
            self.site.clock.advance(STEP);
        }
        self.calm_down();
        Ok(())
    }

    fn strike(&mut self, blow: Blow) {
        let (Blow::Kill(number) | Blow::Hang(number)) = blow else {
            if let Blow::Crash(boundary) = blow {
                self.site.gate.crash_at(boundary);
            }
            return;
        };
        let mut world = self.site.region.world();
        let running = world.instances().filter(|instance| instance.state == InstanceState::Running);
        let ids: Vec<String> = running.map(|instance| instance.id.clone()).collect();
        let Some(id) = ids.get(number % ids.len().max(1)) else { return };
        let hurt =
            if matches!(blow, Blow::Kill(_)) { world.kill_instance(id) } else { world.hang_instance(id) };
        self.lived.instances_hurt += u64::from(hurt);
    }

    /// From now on nothing goes wrong by chance, and a crash that did not happen yet never does.
    fn calm_down(&self) {
        let now = self.site.clock.now();
        self.site.region.world().faults_mut().quiet_from = Some(now);
        self.site.gate.revive();
    }

    fn recover(&mut self, spec: &Value) -> Result<()> {
        let key = self.key.clone();
        self.site
            .run_until(STEP, RECOVERY, |site| Ok(site.is_ready(&key)? || asks_a_person(site, &key)?))??;
        if !self.site.is_ready(&key)? {
            self.restart_instances();
            self.sync(spec)?;
            self.site.run_until(STEP, RECOVERY, |site| site.is_ready(&key))??;
        }
        // What was lost may still take effect, and what was scaled in the trouble scales back.
        self.site.run_for(STEP, 2 * HOUR)??;
        ensure!(self.site.is_ready(&key)?, "not Ready any more: {}", self.site.story()?);
        self.is_lawful()
    }

    /// What a person does who is told that too many instances look sick.
    fn restart_instances(&self) {
        let mut world = self.site.region.world();
        let ids: Vec<String> = world.instances().map(|instance| instance.id.clone()).collect();
        for id in ids {
            world.revive_instance(&id);
        }
    }

    /// What a person does who is told that a rollout was halted, and that the version is not to blame.
    fn sync(&self, spec: &Value) -> Result<()> {
        let mut spec = spec.clone();
        let requested = self.site.clock.now().to_string();
        spec["metadata"]["annotations"][annotations::RECONCILE_REQUESTED_AT] = requested.into();
        self.site.apply(&spec).map(drop)
    }

    fn is_lawful(&self) -> Result<()> {
        let world = self.site.region.world();
        ensure!(world.violations().is_empty(), "unlawful: {:#?}", world.violations());
        Ok(())
    }

    fn is_whole(&self, calm: &Census, spec: &Value) -> Result<()> {
        let now = census(&self.site);
        let fixed = |census: &Census| -> Census {
            census
                .iter()
                .filter(|(part, _)| !is_scaled(part))
                .map(|(part, count)| (part.clone(), *count))
                .collect()
        };
        ensure!(fixed(&now) == fixed(calm), "there is {:#?}, and should be {calm:#?}", now);
        for (part, count) in now.iter().filter(|(part, _)| is_scaled(part)) {
            let (min, max) = bounds(spec, part).with_context(|| format!("{part} is in no spec"))?;
            ensure!(
                (min..=max).contains(&(*count as u64)),
                "{part}: {count}, and the spec says {min} to {max}"
            );
        }
        let scaled =
            |census: &Census| census.keys().filter(|part| is_scaled(part)).cloned().collect::<Vec<_>>();
        ensure!(scaled(&now) == scaled(calm), "there is {:#?}, and should be {calm:#?}", now);
        Ok(())
    }

    fn stays_quiet(&mut self) -> Result<()> {
        let before = self.site.mutations();
        self.site.run_for(QUIET_STEP, DAY)??;
        let after = self.site.mutations();
        let more: Vec<_> =
            after.iter().filter(|(operation, count)| before.get(*operation) != Some(count)).collect();
        ensure!(more.is_empty(), "not settled: {more:?} in a quiet day: {}", self.site.story()?);
        ensure!(self.site.is_ready(&self.key)?, "not Ready after a quiet day: {}", self.site.story()?);
        self.is_lawful()
    }

    fn lived(&self) -> Lived {
        let struck = self.site.region.world().log().iter().filter(|call| call.fault.is_some()).count();
        Lived { simulated: self.elapsed(), calls_struck: struck as u64, ..self.lived }
    }
}

/// Whether healing or a rollout holds, and says that somebody must look.
fn asks_a_person(site: &Site, key: &Key) -> Result<bool> {
    let conditions = site.status(key)?.unwrap_or_default().conditions;
    let asks = |reason: &str| ["HealingHeld", "RolloutHalted"].contains(&reason);
    Ok(conditions.iter().any(|condition| asks(&condition.reason) && condition.status == "True"))
}

const REPLICAS: &str = "replicas";

fn census(site: &Site) -> Census {
    let mut census = Census::new();
    for (part, count) in site.census() {
        let part = if part.starts_with("replica/") { REPLICAS.to_owned() } else { part };
        *census.entry(part).or_default() += count;
    }
    census
}

fn is_scaled(part: &str) -> bool {
    part == REPLICAS || part.starts_with("instances of ")
}

/// How many of a scaled part the spec allows.
fn bounds(spec: &Value, part: &str) -> Option<(u64, u64)> {
    let capacity = match part.strip_prefix("instances of auto-scaling-group/") {
        None => &spec["spec"]["database"]["replicas"],
        Some(name) => {
            let mut tiers = spec["spec"]["tiers"].as_array()?.iter();
            &tiers.find(|tier| tier["name"] == name)?["capacity"]
        }
    };
    Some((capacity["min"].as_u64()?, capacity["max"].as_u64()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spec_bounds_what_scales() {
        let spec = specs::load("lamp").unwrap();
        assert_eq!(bounds(&spec, "instances of auto-scaling-group/web"), Some((2, 12)));
        assert_eq!(bounds(&spec, REPLICAS), Some((1, 5)));
        assert_eq!(bounds(&spec, "instances of auto-scaling-group/none"), None);
    }
}
