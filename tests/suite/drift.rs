//! What hands break is noticed and repaired, or reported, over the real SDK: one stage for each drift, in periods of
//! observation as the daemon has them by default.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lamp_api::annotations;
use lamp_controller::Settings;
use lamp_store::Key;
use lamp_tests::drift::{self, Drift, Owed, Parts};
use serde_json::Value;

use crate::site::{Site, UNTHROTTLED};

/// Within so many periods everything is noticed.
const PROMPT: usize = 2;
/// Within so many it is put back, unless AWS does that itself: a loss is believed when a second reading agrees.
const SOON: usize = 4;
/// Five minutes in which AWS repairs by itself, and two periods more.
const LATE: usize = 22;
/// Periods after a repair in which nothing more may be changed.
const QUIET: usize = 3;
/// More passes than one moment may need.
const PASSES: usize = 30;

/// A site that is up, and what is looked at.
struct Stage {
    site: Site,
    spec: Value,
    key: Key,
    parts: Parts,
}

impl Stage {
    async fn up() -> Result<Self> {
        let settings = Settings { rate_percent: UNTHROTTLED, ..Settings::default() };
        let site = Site::with(settings).await?;
        let spec = site.spec("lamp")?;
        let key = site.apply(&spec).await?;
        let mut stage = Self { site, spec, key, parts: Parts::new() };
        while !stage.site.is_ready(&stage.key)? {
            stage.period().await?;
        }
        // What was made just now is treated with care for five minutes.
        stage.site.clock.advance(Duration::from_secs(900));
        stage.settles().await?;
        stage.parts = drift::parts_of(&stage.status()?)?;
        Ok(stage)
    }

    fn status(&self) -> Result<Value> {
        Ok(serde_json::to_value(self.site.status(&self.key)?.context("no status")?)?)
    }

    /// One period of observation, as the daemon works through it: whatever was changed is observed at once.
    async fn period(&self) -> Result<()> {
        self.site.clock.advance(Settings::default().observe_period);
        for _ in 0..PASSES {
            if !self.site.pass().await? {
                return Ok(());
            }
        }
        anyhow::bail!("no end of changes in one moment: {}", self.site.story()?)
    }

    async fn settles(&self) -> Result<()> {
        let mut quiet = 0;
        for _ in 0..PASSES {
            self.period().await?;
            quiet = if self.site.cloud.take().total_mutations() == 0 { quiet + 1 } else { 0 };
            if quiet == QUIET {
                return Ok(());
            }
        }
        anyhow::bail!("it does not settle: {}", self.site.story()?)
    }
}

/// What there is to see of a break, and what was done about it.
impl Stage {
    /// What the status says, without when.
    fn says(&self) -> Result<Value> {
        Ok(drift::signs(&self.status()?))
    }

    fn is_whole(&self, drift: &Drift, whole: &Value) -> Result<bool> {
        Ok(drift.look(&self.site.emulator, &self.parts)? == *whole)
    }

    /// Periods until something is so.
    async fn within(&self, periods: usize, what: &str, so: impl Fn(&Self) -> Result<bool>) -> Result<usize> {
        for period in 1..=periods {
            self.period().await?;
            if so(self)? {
                return Ok(period);
            }
        }
        anyhow::bail!("not {what} after {periods} periods: {}", self.site.story()?)
    }

    /// Spoils the site, and sees what is owed done. Afterwards it is whole.
    async fn play(&mut self, drift: &Drift) -> Result<()> {
        let before = self.says()?;
        self.site.cloud.take();
        let whole = drift.spoil(&self.site.emulator, &self.parts)?;
        match drift.owed {
            Owed::Repair => {
                self.is_noticed(&before).await?;
                self.is_repaired(drift, &whole, SOON).await?;
            }
            Owed::LateRepair => {
                self.is_noticed(&before).await?;
                self.is_repaired(drift, &whole, LATE).await?;
            }
            Owed::Consent => {
                self.is_noticed(&before).await?;
                ensure!(
                    self.says()?.to_string().contains("confirm-replace"),
                    "nobody is asked: {}",
                    self.says()?
                );
                ensure!(!self.is_whole(drift, &whole)?, "it was put back without consent");
                self.consent().await?;
                self.is_repaired(drift, &whole, SOON).await?;
            }
            Owed::Report => {
                self.is_noticed(&before).await?;
                let culprit = drift.look(&self.site.emulator, &self.parts)?[0].clone();
                let culprit = culprit.as_str().context("nobody is there")?;
                ensure!(
                    self.says()?.to_string().contains(culprit),
                    "{culprit} is not named: {}",
                    self.says()?
                );
                self.is_left_alone(drift, &whole).await?;
            }
            Owed::Nothing => self.is_left_alone(drift, &whole).await?,
        }
        self.settles().await?;
        self.parts = drift::parts_of(&self.status()?)?;
        Ok(())
    }

    async fn is_noticed(&self, before: &Value) -> Result<()> {
        let acts = |stage: &Self| stage.site.cloud.peek().total_mutations() > 0;
        self.within(PROMPT, "noticed", |stage| Ok(acts(stage) || stage.says()? != *before)).await.map(drop)
    }

    async fn is_repaired(&self, drift: &Drift, whole: &Value, periods: usize) -> Result<()> {
        if self.is_whole(drift, whole)? {
            return Ok(());
        }
        let repaired = self.within(periods, "repaired", |stage| stage.is_whole(drift, whole)).await;
        repaired.map(drop).with_context(|| format!("changed so far: {:?}", self.site.cloud.peek().mutations))
    }

    /// Nothing is changed; then it is put back by hand.
    async fn is_left_alone(&self, drift: &Drift, whole: &Value) -> Result<()> {
        for _ in 0..QUIET {
            self.period().await?;
        }
        let calls = self.site.cloud.take();
        ensure!(calls.total_mutations() == 0, "it is not ours to change: {:?}", calls.mutations);
        ensure!(!self.is_whole(drift, whole)?, "it went by itself");
        drift.mend(&self.site.emulator, &self.parts)
    }

    async fn consent(&self) -> Result<()> {
        let mut spec = self.spec.clone();
        let generation = self.site.generation(&self.key)?;
        spec["metadata"]["annotations"] =
            serde_json::json!({ annotations::CONFIRM_REPLACE: generation.to_string() });
        self.site.apply(&spec).await.map(drop)
    }
}

/// Plays these drifts one after the other, and says of all of them what is not as it is owed.
async fn play(names: &[&str]) -> Result<()> {
    let mut stage = Stage::up().await?;
    let mut failures = Vec::new();
    for drift in drift::ALL.iter().filter(|drift| names.contains(&drift.name)) {
        if let Err(error) = stage.play(drift).await {
            failures.push(format!("{}: {error:#}", drift.name));
        }
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n\n"));
    Ok(())
}

const OF_INSTANCES: [&str; 8] = [
    "instance-terminated",
    "target-deregistered",
    "instance-untagged",
    "stray-instance",
    "instance-stopped",
    "instance-unhealthy",
    "template-version",
    "group-desired",
];
const OF_SERVICES: [&str; 10] = [
    "group-bounds",
    "group-suspended",
    "group-deleted",
    "listener-deleted",
    "health-check",
    "http2-off",
    "multi-zone-off",
    "database-class",
    "replica-deleted",
    "parameter-changed",
];
const OF_NETWORKS: [&str; 6] =
    ["rule-revoked", "rogue-rule", "nat-deleted", "route-deleted", "subnet-untagged", "dns-names-off"];

#[tokio::test]
async fn what_hands_do_to_instances_is_noticed_and_repaired_as_far_as_it_is_owed() -> Result<()> {
    play(&OF_INSTANCES).await
}

#[tokio::test]
async fn what_hands_do_to_groups_balancers_and_databases_is_noticed_and_repaired() -> Result<()> {
    play(&OF_SERVICES).await
}

#[tokio::test]
async fn what_hands_do_to_a_network_is_noticed_and_repaired() -> Result<()> {
    play(&OF_NETWORKS).await
}

#[test]
fn no_drift_is_forgotten() {
    let played: BTreeSet<_> = [&OF_INSTANCES[..], &OF_SERVICES, &OF_NETWORKS].concat().into_iter().collect();
    let all: BTreeSet<_> = drift::ALL.iter().map(|drift| drift.name).collect();
    assert_eq!(played, all);
}
