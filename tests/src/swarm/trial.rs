//! One seed, lived through: trouble, calm, and the proof that all is well.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use lamp_cloud::{Change, Clock, Kind, ResourceId};
use lamp_store::Key;
use serde_json::Value;

use super::blow::Strike;
use super::coverage::Phase;
use super::lived::Lived;
use super::portrait::Calm;
use super::story::Story;
use super::trouble::{Trouble, calm};
use crate::bugs::Bug;
use crate::{Site, SiteOptions, specs};

const STEP: Duration = Duration::from_secs(15);
/// Once a site is ready again, it is looked at less often.
const LATER_STEP: Duration = Duration::from_secs(60);
/// Seven quiet days: the first hours in small steps, the rest in large ones.
const QUIET: [(Duration, Duration); 2] = [
    (Duration::from_secs(300), Duration::from_secs(2 * 3600)),
    (Duration::from_secs(3600), Duration::from_secs(7 * 86_400)),
];
const HOUR: Duration = Duration::from_secs(3600);
/// A site is ready again, or gone, at most so long after the last fault.
const RECOVERY: Duration = Duration::from_secs(4 * 3600);

/// What ends something that lasts.
pub(super) type Ending = Box<dyn FnOnce(&mut Trial) -> Result<()>>;

/// A site in trouble.
pub(super) struct Trial {
    pub(super) site: Site,
    pub(super) key: Key,
    /// The spec as it is to be in the end, and as it is now.
    pub(super) base: Value,
    pub(super) current: Value,
    pub(super) began: Timestamp,
    /// The object is applied again as soon as it is gone.
    pub(super) again: bool,
    /// The object was deleted for good.
    pub(super) goes: bool,
    /// The daemon stands still.
    pub(super) stalled: bool,
    /// It could not be started.
    down: bool,
    pub(super) crash_every: Option<usize>,
    /// What another tool insists on, by the id of the resource.
    pub(super) wars: Vec<(ResourceId, Change)>,
    /// How often hands took a part away, or broke it so that it must be made again.
    pub(super) taken: BTreeMap<String, usize>,
    /// What others own, as it was.
    pub(super) strangers: Vec<(Kind, ResourceId, String)>,
    pub(super) lived: Lived,
    pub(super) story: Story,
    ends: Vec<(Timestamp, Ending)>,
    was_ready: bool,
    seen: usize,
}

/// Lives through a trouble, with a bug or without: what was not as it must be is an error. The story is told either way.
pub(super) fn run(trouble: &Trouble, calm: &Calm, bug: Option<Bug>, story: Story) -> (Result<Lived>, Story) {
    let mut trial = match Trial::begin(trouble, calm, bug, story) {
        Ok(trial) => trial,
        Err(error) => return (Err(error), Story::silent()),
    };
    let outcome = trial.live_through(trouble, calm);
    let story = std::mem::take(&mut trial.story);
    (outcome.map(|()| trial.lived()), story)
}

/// What a site is if nothing ever goes wrong.
///
/// # Errors
/// When it does not come up.
pub(super) fn calm_site(spec: &str) -> Result<Calm> {
    let mut site = Site::new(calm(0))?;
    let key = site.apply(&specs::load(spec)?)?;
    site.run_until(STEP, RECOVERY, |site| site.is_ready(&key))??;
    site.run_for(LATER_STEP, HOUR)??;
    Calm::of(&site, &key)
}

impl Trial {
    fn begin(trouble: &Trouble, calm: &Calm, bug: Option<Bug>, story: Story) -> Result<Self> {
        let options = SiteOptions { bug, ..trouble.options() };
        let site = Site::new(options)?;
        site.judge.expect(calm.parts());
        let base = specs::load(trouble.spec)?;
        let strangers = super::strangers::settle(&site)?;
        let key = site.apply(&base)?;
        let began = site.clock.now();
        Ok(Self {
            site,
            key,
            current: base.clone(),
            base,
            began,
            again: false,
            goes: false,
            stalled: false,
            down: false,
            crash_every: None,
            wars: Vec::new(),
            taken: BTreeMap::new(),
            strangers,
            lived: Lived::default(),
            story,
            ends: Vec::new(),
            was_ready: false,
            seen: 0,
        })
    }

    fn live_through(&mut self, trouble: &Trouble, calm: &Calm) -> Result<()> {
        self.suffer(trouble).context("in trouble")?;
        self.calm_down().context("when the trouble was over")?;
        if self.goes {
            self.ends_gone().context("after the trouble")?;
        } else {
            self.recover().context("after the trouble")?;
            calm.is_the_same(self)?;
        }
        super::strangers::stand(self)?;
        self.stays_quiet().context("in quiet days")
    }

    pub(super) fn now(&self) -> Timestamp {
        self.site.clock.now()
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.now().duration_since(self.began).unsigned_abs()
    }

    /// Does something when so much time has passed, or the trouble is over.
    pub(super) fn later(&mut self, after: Duration, ending: impl FnOnce(&mut Self) -> Result<()> + 'static) {
        self.ends.push((self.now() + after, Box::new(ending)));
    }

    fn suffer(&mut self, trouble: &Trouble) -> Result<()> {
        let mut strikes = trouble.strikes().into_iter().peekable();
        while self.elapsed() < trouble.span {
            let elapsed = self.elapsed();
            self.end_what_is_over(self.now())?;
            while let Some(strike) = strikes.next_if(|strike| strike.at <= elapsed) {
                self.fall(&strike)?;
            }
            self.step(STEP)?;
        }
        Ok(())
    }

    fn fall(&mut self, strike: &Strike) -> Result<()> {
        let phase = self.phase()?;
        let met = self.strike(strike)?;
        let what = format!("{} {:?}", strike.blow.row(), strike.blow);
        match &met {
            Some(kind) => {
                self.lived.coverage.hit(strike.blow.row(), kind.clone(), phase);
                self.story.tell(self.now(), "blow", format!("{what}: {kind}, for {:?}", strike.lasts));
            }
            None => self.story.tell(self.now(), "blow", format!("{what}: nothing to strike")),
        }
        Ok(())
    }

    fn end_what_is_over(&mut self, now: Timestamp) -> Result<()> {
        let (over, on): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.ends).into_iter().partition(|(at, _)| *at <= now);
        self.ends = on;
        over.into_iter().try_for_each(|(_, end)| end(self))
    }

    /// One pass of the daemon, and the time until the next.
    pub(super) fn step(&mut self, step: Duration) -> Result<()> {
        self.fight();
        if self.again && self.site.status(&self.key)?.is_none() {
            // A full disk takes nothing: the next step tries again.
            self.again = self.site.apply(&self.current).is_err();
        }
        if self.down {
            self.start_again()?;
        }
        if !self.stalled && !self.down && self.site.pass()?.is_err() {
            self.lived.crashes += 1;
            self.story.tell(self.now(), "daemon", "dies".to_owned());
            self.start_again()?;
        }
        self.note()?;
        self.is_lawful()?;
        self.site.clock.advance(step);
        Ok(())
    }

    /// The daemon is started again; on a full disk it may not come up.
    pub(super) fn start_again(&mut self) -> Result<()> {
        let outcome = self.site.restart();
        self.down = outcome.is_err() && self.site.disk.is_full();
        if let (Some(every), Ok(())) = (self.crash_every, &outcome) {
            self.site.gate.crash_at(every);
        }
        if self.down { Ok(()) } else { outcome }
    }

    fn fight(&mut self) {
        let mut world = self.site.region.world();
        for (id, change) in &self.wars {
            // Where it still stands, AWS refuses it a second time.
            drop(world.change_by_hand(id, change));
        }
    }

    pub(super) fn is_deleting(&self) -> Result<bool> {
        let stored = self.site.store().get(&self.key)?;
        Ok(stored.is_some_and(|stored| stored.object["metadata"]["deletionTimestamp"].is_string()))
    }

    fn phase(&self) -> Result<Phase> {
        if self.goes || self.again || self.is_deleting()? {
            return Ok(Phase::Delete);
        }
        let ready = self.site.is_ready(&self.key)?;
        Ok(match (ready, self.was_ready) {
            (true, _) => Phase::Quiet,
            (false, true) => Phase::Update,
            (false, false) => Phase::Create,
        })
    }

    fn note(&mut self) -> Result<()> {
        let phase = self.phase()?;
        self.was_ready |= phase == Phase::Quiet;
        self.lived.steps += 1;
        let world = self.site.region.world();
        let calls = &world.log()[self.seen..];
        for call in calls {
            self.lived.coverage.call(call, phase);
            self.lived.calls_struck += u64::from(call.fault.is_some());
            self.story.call(call);
        }
        self.seen = world.log().len();
        if !world.config().lag.is_none() {
            self.lived.coverage.hit("A6", "Region", phase);
        }
        if world.config().faults.page_rows.is_some() {
            self.lived.coverage.hit("A8", "Region", phase);
        }
        drop(world);
        if self.story.is_told() {
            let status = self.site.status(&self.key)?;
            self.story.status(self.site.clock.now(), status.as_ref());
        }
        Ok(())
    }

    fn is_lawful(&self) -> Result<()> {
        let world = self.site.region.world();
        ensure!(world.violations().is_empty(), "{}", world.violations().join("\n"));
        drop(world);
        if !self.site.judge.is_content() {
            let broken: Vec<String> = self.site.judge.broken().iter().map(ToString::to_string).collect();
            anyhow::bail!("{}", broken.join("\n"));
        }
        Ok(())
    }

    /// From now on nothing goes wrong, and everybody has put back what was theirs to put back.
    fn calm_down(&mut self) -> Result<()> {
        let now = self.now();
        self.site.region.world().faults_mut().quiet_from = Some(now);
        self.crash_every = None;
        self.end_what_is_over(Timestamp::MAX)?;
        if self.site.gate.crashed() || self.down {
            self.start_again()?;
        }
        self.site.gate.revive();
        self.wars.clear();
        self.story.tell(now, "calm", "nothing goes wrong any more".to_owned());
        self.current = self.base.clone();
        if !self.goes && !self.again && !self.is_deleting()? {
            self.site.apply(&self.base)?;
        }
        Ok(())
    }

    /// Time passes until something is so; false if it is not within the limit.
    pub(super) fn until(&mut self, limit: Duration, done: impl Fn(&Self) -> Result<bool>) -> Result<bool> {
        let end = self.now() + limit;
        loop {
            self.step(STEP)?;
            if done(self)? {
                return Ok(true);
            }
            if self.now() >= end {
                return Ok(false);
            }
        }
    }

    fn recover(&mut self) -> Result<()> {
        for _ in 0..3 {
            let done =
                |trial: &Self| Ok(trial.is_ready()? || super::person::is_asked(&trial.site, &trial.key)?);
            self.until(RECOVERY, done)?;
            if self.is_ready()? {
                break;
            }
            self.act_as_a_person()?;
            self.until(HOUR, Self::is_ready)?;
        }
        ensure!(self.is_ready()?, "L1: not ready: {}", self.site.story()?);
        // What was lost may still take effect, and what was scaled in the trouble scales back.
        for (step, steps) in [(STEP, 80), (LATER_STEP, 100)] {
            (0..steps).try_for_each(|_| self.step(step))?;
        }
        ensure!(self.is_ready()?, "L1: not ready any more: {}", self.site.story()?);
        Ok(())
    }

    pub(super) fn is_ready(&self) -> Result<bool> {
        Ok(!self.again && self.site.is_ready(&self.key)?)
    }

    fn ends_gone(&mut self) -> Result<()> {
        let gone = |trial: &Self| Ok(trial.site.status(&trial.key)?.is_none());
        if !self.until(RECOVERY, gone)? {
            self.act_as_a_person()?;
            self.until(RECOVERY, gone)?;
        }
        ensure!(gone(self)?, "L6: not gone: {}", self.site.story()?);
        (0..80).try_for_each(|_| self.step(STEP))
    }

    fn stays_quiet(&mut self) -> Result<()> {
        let mark = self.site.region.world().log().len();
        for (step, span) in QUIET {
            let end = self.now() + span;
            while self.now() < end {
                self.step(step)?;
            }
        }
        let world = self.site.region.world();
        let calls = world.log()[mark..].iter().filter(|call| call.request().is_some());
        let calls: Vec<&str> = calls.map(|call| call.operation).collect();
        drop(world);
        ensure!(calls.is_empty(), "L1: not settled: {calls:?} in quiet days: {}", self.site.story()?);
        ensure!(self.goes || self.is_ready()?, "L1: not ready in quiet days: {}", self.site.story()?);
        Ok(())
    }

    fn lived(&self) -> Lived {
        Lived { simulated: self.elapsed(), ..self.lived.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swarm::coverage::Coverage;

    #[test]
    fn a_site_without_trouble_lives_through_it() {
        let calm = calm_site("whatisthetime").unwrap();
        let trouble = Trouble::draw(1).with_only(&[].into()).within(Duration::from_secs(900));
        let trouble = Trouble { spec: "whatisthetime", ..trouble };
        let (lived, _) = run(&trouble, &calm, None, Story::silent());
        let lived = lived.unwrap();
        assert!(lived.simulated > Duration::from_secs(7 * 86_400));
        assert_eq!(lived.coverage, Coverage::default());
    }
}
