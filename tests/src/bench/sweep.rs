//! A pass over many settled stacks in which nothing is to be done: calls, CPU and memory.
//!
//! The CPU includes what the simulated region needs to answer, and the memory includes that region: both are more than
//! what the daemon takes itself. Encoding for AWS and TLS are not in them.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lamp_api::v1alpha1::LampStackSpec;
use lamp_cloud::{Clock, LedgerEntry, Owner, Part};
use lamp_plan::{Adoption, Holds, Ledger, Memory, PlanInput};
use lamp_store::Key;
use serde_json::{Value, from_value};

use super::{Figures, STEP, process, replay, shop, unpaced};
use crate::Site;
use crate::site::INSTALL;

/// Numbers of stacks that are measured.
pub const SIZES: [usize; 5] = [1, 5, 20, 100, 1000];

/// From here on stacks are not brought up one by one by the engine: see [`replay`].
const REPLAYED_FROM: usize = 1000;
/// Passes that are looked at.
const PASSES: u32 = 10;
const HOUR: Duration = Duration::from_secs(3600);

/// Measures `count` stacks in a process of its own, so that the memory of one measurement does not count for the next.
///
/// # Errors
/// When it cannot be started, or fails.
pub fn in_a_child(count: usize) -> Result<Figures> {
    let program = std::env::current_exe()?;
    let output = Command::new(program).args(["--sweep", &count.to_string()]).output()?;
    ensure!(
        output.status.success(),
        "a sweep over {count} stacks: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Figures::from_lines(&String::from_utf8(output.stdout)?)
}

/// Measures `count` stacks in this process.
///
/// # Errors
/// When they do not settle, or a pass changes something.
pub fn measure(count: usize) -> Result<Figures> {
    let began = Instant::now();
    let mut site = if count < REPLAYED_FROM { brought_up(count)? } else { replay::site(count)? };
    let unobserved = process::resident_mib()?;
    settle(&mut site)?;
    let mut figures = Figures::default();
    if count >= REPLAYED_FROM {
        figures.note(format!(
            "{count} stacks were made by replaying the requests and records of one that came up; the engine observed \
             and settled them (ready after {:.0} s of ours)",
            began.elapsed().as_secs_f64()
        ));
        // Before the engine observed anything, there were the region and the store.
        figures.add(format!("sweep.engine_mib.{count}"), process::resident_mib()? - unobserved);
    }
    let passes = idle_passes(&mut site)?;
    let calls = passes.iter().map(|pass| pass.calls).max().unwrap_or_default();
    let cpu = passes.iter().map(|pass| pass.cpu).sum::<Duration>() / PASSES;
    #[allow(clippy::cast_precision_loss)]
    figures.add(format!("sweep.calls.{count}"), calls as f64);
    figures.add(format!("sweep.cpu_ms.{count}"), milliseconds(cpu));
    figures.add(format!("sweep.plan_ms.{count}"), milliseconds(planning(&site)?));
    figures.add(format!("sweep.rss_mib.{count}"), process::resident_mib()?);
    Ok(figures)
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn brought_up(count: usize) -> Result<Site> {
    let site = Site::new(unpaced())?;
    for number in 0..count {
        site.apply(&shop(&format!("shop-{number}"))?)?;
    }
    Ok(site)
}

/// Lets all come up, and half an hour pass.
fn settle(site: &mut Site) -> Result<()> {
    site.run_until(STEP, 12 * HOUR, |site| {
        Ok(site.keys()?.iter().all(|key| site.is_ready(key).unwrap_or(false)))
    })??;
    site.run_for(STEP, HOUR / 2)??;
    Ok(())
}

/// What one pass took.
struct Pass {
    calls: u64,
    cpu: Duration,
}

fn idle_passes(site: &mut Site) -> Result<Vec<Pass>> {
    let mutations = site.mutations();
    let mut passes = Vec::new();
    for _ in 0..PASSES {
        site.clock.advance(STEP);
        let (calls, cpu, number) = (calls(site), process::cpu()?, site.engine().passes_started());
        site.pass()??;
        ensure!(site.engine().passes_started() == number + 1, "one pass was not enough");
        passes.push(Pass { calls: self::calls(site) - calls, cpu: process::cpu()?.saturating_sub(cpu) });
    }
    ensure!(site.mutations() == mutations, "something was changed in what should be idle");
    ensure!(site.region.world().violations().is_empty(), "{:?}", site.region.world().violations());
    Ok(passes)
}

fn calls(site: &Site) -> u64 {
    site.region.world().call_counts().values().sum()
}

/// Planning every stack once from what was observed last.
fn planning(site: &Site) -> Result<Duration> {
    let mut total = Duration::ZERO;
    for key in site.keys()? {
        total += plan(site, &key)?;
    }
    Ok(total)
}

fn plan(site: &Site, key: &Key) -> Result<Duration> {
    let object = site.store().get(key)?.context("the stack is gone")?.object;
    let spec: LampStackSpec = from_value(object["spec"].clone())?;
    let owner = owner(key, &object)?;
    let inventory = site.engine().observed().slice(&owner.uid);
    let ledger = ledger(site, &owner.uid)?;
    let input = PlanInput {
        owner: &owner,
        spec: &spec,
        generation: object["metadata"]["generation"].as_i64().unwrap_or_default(),
        deleting: false,
        confirmed: false,
        requested: None,
        order: None,
        adoption: &Adoption::default(),
        holds: &Holds::default(),
        inventory: &inventory,
        ledger: &ledger,
        memory: &Memory::default(),
        settings: &site.engine().settings().plan,
        now: site.clock.now(),
    };
    let began = Instant::now();
    let plan = lamp_plan::plan(&input);
    let took = began.elapsed();
    ensure!(plan.actions.is_empty(), "{}: a settled stack has actions: {:?}", key.name, plan.actions);
    Ok(took)
}

/// Whose resources the stack `object` has.
pub(super) fn owner(key: &Key, object: &Value) -> Result<Owner> {
    Ok(Owner {
        install: INSTALL.to_owned(),
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        uid: object["metadata"]["uid"].as_str().context("no uid")?.to_owned(),
    })
}

fn ledger(site: &Site, uid: &str) -> Result<Ledger> {
    let rows: BTreeMap<String, _> = site.store().ledger(uid)?;
    rows.into_iter()
        .map(|(part, value)| Ok((Part::new(part), from_value::<LedgerEntry>(value.as_ref().clone())?)))
        .collect()
}
