//! A fifth of all calls is hurt between the adapter and AWS, and every site comes up and goes away all the same, with
//! nothing made twice and nothing left over.
//!
//! `LAMPLIGHTER_WIRE_ROUNDS=100 cargo xtask test bad_wire` does it a hundred times; without it, it is done once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::stream::{self, StreamExt};
use lamp_cloud::Clock;
use lamp_controller::Settings;
use lamp_store::Key;
use lamp_tests::account::Account;
use lamp_tests::proxy::{Call, Dice, Hurt, Proxy, Verdict};
use lamp_tests::{drift, specs};
use serde_json::json;

use crate::site::{INSTALL, Site, UNTHROTTLED};
use crate::support::connect;

/// Of all calls.
const SHARE: f64 = 0.2;
/// Sites at once, each in an account of its own: mostly they wait for the SDK to repeat a reading.
const AT_ONCE: usize = 40;
/// Time that passes when nothing is to be done at once.
const STEP: Duration = Duration::from_secs(60);
/// Within so much a site comes up, or goes; about an hour is usual, most of it in what is waited for after a lost reply.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// How many calls were hurt, and how.
type Hurts = Arc<Mutex<BTreeMap<Hurt, u64>>>;

/// A site behind a bad wire.
struct Stage {
    site: Site,
    proxy: Proxy,
    hurts: Hurts,
}

impl Stage {
    async fn new(seed: u64) -> Result<Self> {
        let account = Account::new()?;
        let hurts = Hurts::default();
        let (dice, count) = (Dice::new(seed, SHARE), Arc::clone(&hurts));
        let judge = move |call: &Call| match dice.draw() {
            None => Verdict::Pass,
            Some(hurt) => {
                *count.lock().unwrap_or_else(PoisonError::into_inner).entry(hurt).or_default() += 1;
                hurt.verdict(call)
            }
        };
        let proxy = Proxy::judging(account.url(), judge).await?;
        let cloud = connect(proxy.url(), INSTALL).await?;
        let settings = Settings { rate_percent: UNTHROTTLED, ..Settings::default() };
        Ok(Self { site: Site::of(account, cloud, settings)?, proxy, hurts })
    }

    async fn until(&self, what: &str, done: impl Fn(&Site) -> Result<bool>) -> Result<()> {
        let began = self.site.clock.now();
        loop {
            let again = self.site.pass().await?;
            if done(&self.site)? {
                return Ok(());
            }
            let patience = self.site.clock.now().duration_since(began).unsigned_abs() < PATIENCE;
            ensure!(patience, "not {what} after {PATIENCE:?}: {}", self.site.story()?);
            if !again {
                self.site.clock.advance(STEP);
            }
        }
    }

    /// Each part is there once, and nothing else carries our tags.
    fn nothing_twice(&self, key: &Key) -> Result<()> {
        let status = serde_json::to_value(self.site.status(key)?.context("no status")?)?;
        let rows = status["parts"].as_array().into_iter().flatten();
        let parts = rows.filter_map(|row| row["part"].as_str());
        let mut expected: Vec<_> = parts.map(|part| format!("default/{} {part}", key.name)).collect();
        expected.sort();
        ensure!(drift::parts_of(&status)?.len() == expected.len(), "a part without an id: {status:#}");
        let found = self.site.emulator.hand(&["parts", INSTALL])?;
        ensure!(found == json!(expected), "there is {found:#}, and should be {expected:#?}");
        Ok(())
    }

    /// Nothing carries our tags, and of all networks only the account's own is left.
    fn nothing_left(&self) -> Result<()> {
        let left = self.site.emulator.hand(&["tagged", INSTALL])?;
        ensure!(left == json!([]), "left over: {left:#}");
        let networks = self.site.emulator.hand(&["networks"])?;
        ensure!(networks == json!([]), "left over: {networks:#}");
        Ok(())
    }

    fn figures(&self) -> String {
        let hurts = self.hurts.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, hurt) = (self.proxy.peek().total(), hurts.values().sum::<u64>());
        format!("{all} calls, {hurt} of them hurt: {hurts:?}")
    }
}

async fn comes_up_and_goes(name: &str, seed: u64) -> Result<()> {
    let stage = Stage::new(seed).await?;
    let key = stage.site.apply(&stage.site.spec(name)?).await?;
    stage.until("Ready", |site| site.is_ready(&key)).await?;
    stage.until("settled", |site| is_settled(site, &key)).await?;
    stage.nothing_twice(&key)?;
    stage.site.delete(&key).await?;
    stage.until("gone", |site| site.is_gone(&key)).await?;
    stage.nothing_left()?;
    println!("{name}, seed {seed}: {}", stage.figures());
    Ok(())
}

/// Nothing is under way any more.
fn is_settled(site: &Site, key: &Key) -> Result<bool> {
    let status = site.status(key)?.context("no status")?;
    let progressing = status.conditions.iter().find(|condition| condition.type_ == "Progressing");
    Ok(site.is_ready(key)? && progressing.is_some_and(|condition| condition.status == "False"))
}

fn rounds() -> Result<u64> {
    match std::env::var("LAMPLIGHTER_WIRE_ROUNDS") {
        Ok(rounds) => rounds.parse().context("LAMPLIGHTER_WIRE_ROUNDS is no number"),
        Err(_) => Ok(1),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sites_come_up_and_go_over_a_bad_wire() -> Result<()> {
    let seeds = 1..=rounds()?;
    let all = seeds.flat_map(|seed| specs::ALL.iter().map(move |(name, _)| (*name, seed)));
    let live = |(name, seed)| async move {
        let ended = tokio::spawn(comes_up_and_goes(name, seed)).await.context("it panicked");
        let failure = ended.and_then(|ended| ended).err()?;
        Some(format!("{name}, seed {seed}: {failure:#}"))
    };
    let failures: Vec<_> = stream::iter(all)
        .map(live)
        .buffer_unordered(AT_ONCE)
        .filter_map(async |failed| failed)
        .collect()
        .await;
    ensure!(failures.is_empty(), "{}", failures.join("\n\n"));
    Ok(())
}
