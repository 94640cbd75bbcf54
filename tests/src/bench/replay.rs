//! Many stacks without waiting for AWS's rates: one stack comes up by the engine, and every request that it made is made
//! again for each other stack, at the same times, with that stack's identity in it.
//!
//! A thousand stacks take the engine many hours of simulated time, as AWS allows two or three mutations a second; what
//! is measured afterwards is how it keeps them. Nothing about keeping is skipped: the region made each resource itself,
//! and the records in the store are those that the engine wrote for the first stack, with the other stack's names and ids.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use lamp_cloud::{Applied, Clock, CloudError, ErrorClass, Kind, Owner, Part, Request, token, unique_name};
use lamp_sim::{Call, Effect};
use lamp_store::Key;
use serde_json::{Value, from_value, to_value};

use super::critical_path::address;
use super::sweep::owner;
use super::{STEP, shop, unpaced};
use crate::Site;

const HOUR: Duration = Duration::from_secs(3600);
/// More replicas than the spec allows.
const SLOTS: u32 = 9;

/// What one stack did until it was up.
struct Story {
    owner: Owner,
    began: Timestamp,
    steps: Vec<Step>,
    records: Vec<(String, Value)>,
    /// Addresses that AWS gave, by the id of what they lead to.
    addresses: Vec<(Kind, String, String)>,
}

/// One request, and the id that it was answered with.
struct Step {
    at: Timestamp,
    request: Request,
    made: Option<String>,
}

/// A site with `count` stacks whose resources all exist.
///
/// # Errors
/// When the first stack does not come up, or the region refuses for another what it did for the first.
pub(super) fn site(count: usize) -> Result<Site> {
    let story = record()?;
    let site = Site::new(unpaced())?;
    let mut stacks = Vec::new();
    for number in 0..count {
        let key = site.apply(&shop(&format!("shop-{number}"))?)?;
        stacks.push(Replay::new(&story, owner_of(&site, &key)?));
    }
    let began = site.clock.now();
    for step in &story.steps {
        let at = began + step.at.duration_since(story.began);
        site.clock.set(at.max(site.clock.now()));
        let request = to_value(&step.request)?;
        for stack in &mut stacks {
            stack.learn_addresses(&site, &story);
            stack.repeat(&site, &request, step.made.as_deref())?;
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for stack in &stacks {
        let records =
            story.records.iter().map(|(part, record)| (part.clone(), Some(stack.translated(record))));
        runtime.block_on(site.store().put_ledger_batch(&stack.owner.uid, records.collect()))?;
    }
    Ok(site)
}

fn owner_of(site: &Site, key: &Key) -> Result<Owner> {
    owner(key, &site.store().get(key)?.context("the stack is gone")?.object)
}

/// Brings one stack up in a region of its own.
fn record() -> Result<Story> {
    let mut site = Site::new(unpaced())?;
    let key = site.apply(&shop("recorded")?)?;
    let (owner, began) = (owner_of(&site, &key)?, site.clock.now());
    site.run_until(STEP, 2 * HOUR, |site| site.is_ready(&key))??;
    site.run_for(STEP, HOUR / 2)??;
    let records = site.store().ledger(&owner.uid)?;
    let records = records.into_iter().map(|(part, value)| (part, value.as_ref().clone())).collect();
    let world = site.region.world();
    let steps = world.log().iter().filter_map(step).collect();
    let addresses = world
        .resources()
        .filter_map(|row| Some((row.kind(), row.id.clone(), address(&row.body)?.to_owned())));
    Ok(Story { owner, began, steps, records, addresses: addresses.collect() })
}

/// A call that changed the region.
fn step(call: &Call) -> Option<Step> {
    let Effect::Done(applied) = &call.effect else { return None };
    Some(Step { at: call.at, request: call.request()?.clone(), made: applied.id.clone() })
}

/// Makes a request as soon as the region takes it: what it needs may take longer than it took in the story.
fn accepted(site: &Site, request: &Request) -> Result<Applied, CloudError> {
    let until = site.clock.now() + 2 * HOUR;
    loop {
        match site.region.apply_now(request) {
            Err(error) if error.class == ErrorClass::State && site.clock.now() < until => {
                site.clock.advance(STEP);
            }
            outcome => return outcome,
        }
    }
}

/// One stack that does as the recorded one did.
struct Replay {
    owner: Owner,
    /// What stands in the story, and what stands there for this stack; longer ones first, as they hold shorter ones.
    words: Vec<(String, String)>,
}

impl Replay {
    fn new(story: &Story, owner: Owner) -> Self {
        let mut replay = Self { words: Vec::new(), owner };
        replay.learn(&story.owner.uid, replay.owner.uid.clone());
        replay.learn(&story.owner.stack(), replay.owner.stack());
        replay.learn(&format!("{} ", story.owner.name), format!("{} ", replay.owner.name));
        // Names of replicas that may come stand in user data.
        let replicas = (1..=SLOTS).map(|slot| Part::new(format!("replica/{slot}")));
        let made = story.steps.iter().filter_map(|step| match &step.request {
            Request::Create { part, .. } => Some(part.clone()),
            _ => None,
        });
        for part in replicas.chain(made).collect::<BTreeSet<_>>() {
            replay.learn(&unique_name(&story.owner, &part, 0), unique_name(&replay.owner, &part, 0));
        }
        for step in &story.steps {
            if let Request::Create { token: old, .. } | Request::Change { token: old, .. } = &step.request {
                replay.learn(old, token(&replay.owner, &Part::new("replay"), old, 0));
            }
        }
        replay
    }

    fn learn(&mut self, old: &str, new: String) {
        if !old.is_empty() && self.translation(old).is_none() {
            let at = self.words.partition_point(|(word, _)| word.len() > old.len());
            self.words.insert(at, (old.to_owned(), new));
        }
    }

    fn translation(&self, old: &str) -> Option<&str> {
        self.words.iter().find(|(word, _)| word == old).map(|(_, new)| new.as_str())
    }

    /// AWS gives some addresses only some time after the creation.
    fn learn_addresses(&mut self, site: &Site, story: &Story) {
        for (kind, id, old) in &story.addresses {
            let Some(mine) = self.translation(id).filter(|_| self.translation(old).is_none()) else {
                continue;
            };
            let row = site.region.world().resource(*kind, mine).cloned();
            if let Some(new) = row.and_then(|row| address(&row.body).map(str::to_owned)) {
                self.learn(old, new);
            }
        }
    }

    /// Makes a recorded request for this stack; `made` is the id that the recorded one was answered with.
    fn repeat(&mut self, site: &Site, recorded: &Value, made: Option<&str>) -> Result<()> {
        let request: Request = from_value(self.translated(recorded))?;
        let applied = accepted(site, &request).with_context(|| format!("{request:?}"))?;
        if let (Some(old), Some(new)) = (made, applied.id) {
            self.learn(old, new);
        }
        Ok(())
    }

    fn translated(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.words.iter().fold(text.clone(), |text, (old, new)| {
                if text.contains(old.as_str()) { text.replace(old.as_str(), new) } else { text }
            })),
            Value::Array(items) => items.iter().map(|item| self.translated(item)).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(name, field)| (name.clone(), self.translated(field))).collect()
            }
            other => other.clone(),
        }
    }
}
