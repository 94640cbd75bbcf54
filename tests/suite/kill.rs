//! `kill -9` of the real daemon, again and again, while sites come up and clients write: every acknowledged write is
//! there afterwards, every site ends Ready, and nothing was made twice.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use kube::ResourceExt;
use kube::api::{Api, Patch, PatchParams, PostParams};
use lamp_api::v1alpha1::LampStack;
use lamp_tests::account::Account;
use lamp_tests::daemon::{HURRIED, Home};
use lamp_tests::specs;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use crate::daemon::{self, is_ready, until_ready};

const INSTALL: &str = "kill";
const KILLS: usize = 100;
/// How long a process lives after it answers.
const LIFE: std::ops::Range<Duration> = Duration::from_millis(50)..Duration::from_millis(1500);
const PATIENCE: Duration = Duration::from_secs(240);
/// The annotation that clients count up.
const WRITTEN: &str = "example.com/written";

/// What the API has acknowledged of one stack.
struct Acknowledged {
    name: String,
    written: u64,
    revision: u64,
}

impl Acknowledged {
    /// Creates the stack; it is acknowledged when this returns.
    async fn create(api: &Api<LampStack>, spec: &Value) -> Result<Self> {
        let stack: LampStack = serde_json::from_value(spec.clone())?;
        let created = api.create(&PostParams::default(), &stack).await?;
        Ok(Self { name: created.name_any(), written: 0, revision: revision(&created)? })
    }

    /// Counts up until `end`, as fast as the API answers.
    async fn write_until(&mut self, api: &Api<LampStack>, end: Instant) -> Result<()> {
        while Instant::now() < end {
            let next = (self.written + 1).to_string();
            let patch = json!({"metadata": {"annotations": {WRITTEN: next}}});
            let patched = api.patch(&self.name, &PatchParams::default(), &Patch::Merge(patch)).await?;
            self.written += 1;
            self.revision = revision(&patched)?;
        }
        Ok(())
    }

    /// What was acknowledged is there. More may be: the last write of a killed process was not answered.
    async fn is_there(&mut self, api: &Api<LampStack>) -> Result<()> {
        let found = api.get(&self.name).await.with_context(|| format!("{} is lost", self.name))?;
        let written = found.annotations().get(WRITTEN).and_then(|text| text.parse().ok()).unwrap_or(0);
        ensure!(written >= self.written, "{}: {written} of {} writes", self.name, self.written);
        ensure!(revision(&found)? >= self.revision, "{}: an older version than acknowledged", self.name);
        self.written = written;
        Ok(())
    }
}

fn revision(stack: &LampStack) -> Result<u64> {
    Ok(stack.resource_version().context("no resourceVersion")?.parse()?)
}

/// The three sites of `specs/`, with a certificate that the account has.
fn sites(account: &Account) -> Result<Vec<Value>> {
    ["lamp", "whatisthetime", "myclothes"]
        .map(|name| account.with_certificate(specs::load(name)?))
        .into_iter()
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_kills_lose_no_acknowledged_write_and_every_site_ends_ready() -> Result<()> {
    let account = Account::new()?;
    let home = Home::on_endpoint(account.url(), INSTALL, &HURRIED)?;
    let api = daemon::stacks(&home)?;
    let mut chance = ChaCha8Rng::seed_from_u64(1);
    let mut stacks: Vec<Acknowledged> = Vec::new();
    let mut sites = sites(&account)?.into_iter();
    let mut hits = 0;
    for kill in 0..KILLS {
        let daemon = home.start().await?;
        for stack in &mut stacks {
            stack.is_there(&api).await.with_context(|| format!("after {kill} kills"))?;
        }
        // A third of the kills falls into the creation of each site.
        if kill * 3 >= KILLS * stacks.len()
            && let Some(site) = sites.next()
        {
            stacks.push(Acknowledged::create(&api, &site).await?);
        }
        let end = Instant::now() + chance.random_range(LIFE);
        let stack = stacks.last_mut().context("no stack")?;
        stack.write_until(&api, end).await?;
        hits += usize::from(!is_ready(&api.get(&stack.name).await?));
        daemon.kill()?;
    }
    let daemon = home.start().await?;
    for stack in &mut stacks {
        stack.is_there(&api).await?;
        until_ready(&api, &stack.name, PATIENCE).await.with_context(|| daemon.log())?;
    }
    let writes: u64 = stacks.iter().map(|stack| stack.written).sum();
    println!("{KILLS} kills, {hits} of them during a creation, {writes} acknowledged writes");
    ensure!(hits >= KILLS / 2, "only {hits} kills hit a creation");
    ensure!(writes > KILLS as u64, "only {writes} writes: no kill hit one");
    nothing_twice_and_nothing_else(&account, &api).await
}

/// Each part of each stack exists exactly once on AWS, and nothing else carries our tags.
async fn nothing_twice_and_nothing_else(account: &Account, api: &Api<LampStack>) -> Result<()> {
    let mut expected = BTreeSet::new();
    for stack in api.list(&kube::api::ListParams::default()).await? {
        let name = format!("default/{}", stack.name_any());
        let parts = stack.status.unwrap_or_default().parts;
        expected.extend(parts.into_iter().map(|part| format!("{name} {}", part.part)));
    }
    let found = account.hand(&["parts", INSTALL])?;
    let found: Vec<String> = serde_json::from_value(found)?;
    let distinct: BTreeSet<String> = found.iter().cloned().collect();
    ensure!(distinct.len() == found.len(), "made twice: {found:#?}");
    let leaked: Vec<_> = distinct.difference(&expected).collect();
    ensure!(leaked.is_empty(), "left over: {leaked:?}");
    Ok(())
}
