//! The real daemon, as its defaults have it, behind the counting proxy.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lamp_api::annotations;
use lamp_api::conditions::types;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{Faced, Pass, Raised, is_whole, share, usage};
use crate::account::Account;
use crate::daemon::{Daemon, Home};
use crate::drift::{self, Drift, Owed, Parts};
use crate::proxy::Proxy;
use crate::specs;

/// Quiet passes that are looked at: a multiple of those in which all details of one site are read.
const PASSES: u64 = 8;
/// Passes without a change after which nothing more is to be done.
const QUIET: u64 = 4;
const LOOK: Duration = Duration::from_millis(250);
/// While its CPU time is measured the daemon is left alone: each look at its metrics is work for it too.
const SELDOM: Duration = Duration::from_secs(5);
/// Twenty stacks at AWS's rates.
const RAISE: Duration = Duration::from_secs(3600);
/// How long a drift may take that is repaired at once, or reported.
const PROMPT: Duration = Duration::from_secs(90);
/// Two periods of observation, in which everything is noticed, and a moment.
const NOTICE: Duration = Duration::from_secs(35);
/// Five minutes in which AWS repairs by itself, and what comes after.
const LATE: Duration = Duration::from_secs(480);

/// A daemon, and the sites that it keeps.
pub(super) struct Lamplighter {
    home: Home,
    daemon: Daemon,
    proxy: Proxy,
    client: Client,
}

impl Lamplighter {
    pub(super) async fn start(account: &Account) -> Result<Self> {
        let proxy = Proxy::start(account.url()).await?;
        let home = Home::on_endpoint(proxy.url(), "peers", &[])?;
        let daemon = home.start().await?;
        Ok(Self { home, daemon, proxy, client: Client::new() })
    }

    /// Applies so many sites, and waits until nothing more is done.
    pub(super) async fn raise(&mut self, account: &Account, count: usize) -> Result<Raised> {
        let bodies: Vec<_> = (0..count).map(|number| body(account, number)).collect::<Result<_>>()?;
        self.proxy.take();
        let began = Instant::now();
        for body in bodies {
            self.send(self.client.post(self.stacks()).json(&body)).await?;
        }
        let ready = loop {
            if self.are_ready().await? {
                break Instant::now();
            }
            ensure!(began.elapsed() < RAISE, "not Ready: {}", self.story().await?);
            sleep(LOOK).await;
        };
        self.settles().await?;
        let tally = self.proxy.take();
        let done = tally.last_change().map_or(ready, |change| change.max(ready));
        let stacks = self.list().await?;
        let resources = stacks.iter().map(|stack| parts(stack).map(|parts| parts.len()));
        Ok(Raised {
            calls: tally.total(),
            changes: tally.changes(),
            seconds: done.duration_since(began).as_secs_f64(),
            resources: resources.sum::<Result<usize>>()?,
        })
    }

    /// The mean of some quiet passes.
    pub(super) async fn pass(&self) -> Result<Pass> {
        let from = self.next_pass(1, LOOK).await?;
        self.proxy.take();
        let cpu = usage::cpu(self.daemon.id())?;
        let to = self.next_pass(PASSES, SELDOM).await?;
        let (tally, cpu) = (self.proxy.take(), usage::cpu(self.daemon.id())? - cpu);
        ensure!(tally.changes() == 0, "a quiet site was changed:\n{tally}");
        let passes = to.count - from.count;
        Ok(Pass {
            calls: share(tally.total(), passes),
            changes: 0.0,
            cpu_seconds: cpu * share(1, passes),
            peak_mib: usage::peak_mib(self.daemon.id())?,
            seconds: (to.seconds - from.seconds) * share(1, passes),
        })
    }

    /// Breaks one thing, and sees what the daemon does. Afterwards the site is whole.
    pub(super) async fn face(&mut self, account: &Account, drift: &Drift) -> Result<Faced> {
        let parts = parts(&self.only().await?)?;
        let before = self.signs().await?;
        self.proxy.take();
        let whole = drift.spoil(account, &parts)?;
        let mut watch = Watch { began: Instant::now(), noticed: None, repaired: None };
        self.watch(&mut watch, &before, || is_whole(account, drift, &parts, &whole), drift).await?;
        let tally = self.proxy.take();
        // An Event follows what it speaks of.
        sleep(LOOK).await;
        let said = self.signs().await?.news(&before);
        if watch.repaired.is_none() {
            drift.mend(account, &parts)?;
        }
        self.settles().await?;
        Ok(Faced::new(watch.noticed, watch.repaired, &tally, said))
    }

    async fn watch(
        &self,
        watch: &mut Watch,
        before: &Signs,
        is_whole: impl Fn() -> bool,
        drift: &Drift,
    ) -> Result<()> {
        let mut consented = false;
        while watch.goes_on(drift, consented) {
            sleep(LOOK).await;
            let now = self.signs().await?;
            let is_sign = now != *before || self.proxy.peek().changes() > 0;
            if is_sign && watch.noticed.is_none() {
                watch.noticed = Some(watch.elapsed());
            }
            if is_whole() {
                watch.repaired = Some(watch.elapsed());
            }
            if drift.owed == Owed::Consent && watch.elapsed() >= NOTICE.as_secs_f64() && !consented {
                self.consent().await?;
                consented = true;
            }
        }
        Ok(())
    }

    async fn consent(&self) -> Result<()> {
        let stack = self.only().await?;
        let generation = stack["metadata"]["generation"].to_string();
        let patch = json!({"metadata": {"annotations": {annotations::CONFIRM_REPLACE: generation}}});
        let url = format!("{}/{}", self.stacks(), stack["metadata"]["name"].as_str().context("no name")?);
        let request = self.client.patch(url).header("content-type", "application/merge-patch+json");
        self.send(request.body(patch.to_string())).await.map(drop)
    }
}

/// What is seen of one drift.
struct Watch {
    began: Instant,
    noticed: Option<f64>,
    repaired: Option<f64>,
}

impl Watch {
    fn elapsed(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    fn goes_on(&self, drift: &Drift, consented: bool) -> bool {
        let limit = match drift.owed {
            Owed::Repair => PROMPT,
            Owed::LateRepair => LATE,
            Owed::Consent if consented => NOTICE + PROMPT,
            Owed::Consent | Owed::Report | Owed::Nothing => NOTICE + LOOK,
        };
        self.repaired.is_none() && self.began.elapsed() < limit
    }
}

/// What the daemon says of its site: status, and Events with how often they happened.
#[derive(Clone, Debug, PartialEq)]
struct Signs {
    status: Value,
    events: Vec<(String, u64)>,
}

impl Signs {
    /// What is said now and was not said before: what was done, or else what is not as it should be.
    fn news(&self, before: &Self) -> String {
        let new = self.events.iter().filter(|event| !before.events.contains(event));
        let (turned, done): (Vec<_>, Vec<_>) =
            new.map(|(text, _)| text.clone()).partition(|event| is_of_condition(event));
        let reasons = |signs: &Self| -> Vec<String> {
            let waiting = signs.status["waiting"].as_array().into_iter().flatten();
            waiting.map(|row| format!("{}: {}", text(&row[0]), text(&row[1]))).collect()
        };
        let known = reasons(before);
        let waits = || reasons(self).into_iter().find(|reason| !known.contains(reason));
        done.into_iter().next().or_else(waits).or_else(|| turned.into_iter().next()).unwrap_or_default()
    }
}

/// Whether an Event says that a condition turned.
fn is_of_condition(event: &str) -> bool {
    let (reason, _) = event.split_once(':').unwrap_or_default();
    ["Ready", "Progressing", "Degraded", "Stalled"].iter().any(|condition| reason.ends_with(condition))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// How many passes there were, and how long they took together.
#[derive(Clone, Copy, Debug, Default)]
struct Passes {
    count: u64,
    seconds: f64,
}

/// What the daemon's API says.
impl Lamplighter {
    fn stacks(&self) -> String {
        format!("{}/apis/lamplighter.dev/v1alpha1/namespaces/default/lampstacks", self.home.url())
    }

    async fn send(&self, request: RequestBuilder) -> Result<String> {
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        ensure!(status.is_success(), "the API says {status}: {text}");
        Ok(text)
    }

    async fn items(&self, url: String) -> Result<Vec<Value>> {
        let mut list: Value = serde_json::from_str(&self.send(self.client.get(url)).await?)?;
        Ok(serde_json::from_value(list["items"].take())?)
    }

    async fn list(&self) -> Result<Vec<Value>> {
        self.items(self.stacks()).await
    }

    async fn only(&self) -> Result<Value> {
        self.list().await?.into_iter().next().context("there is no stack")
    }

    async fn story(&self) -> Result<String> {
        let summaries = self.list().await?.into_iter().map(|stack| stack["status"]["summary"].to_string());
        Ok(format!("{}\n{}", summaries.collect::<Vec<_>>().join("\n"), self.daemon.log()))
    }

    async fn are_ready(&self) -> Result<bool> {
        Ok(self.list().await?.iter().all(is_ready))
    }

    async fn signs(&self) -> Result<Signs> {
        let status = drift::signs(&self.only().await?["status"]);
        let events = self.items(format!("{}/api/v1/namespaces/default/events", self.home.url())).await?;
        let mut events: Vec<_> = events
            .iter()
            .map(|event| {
                let words = format!("{}: {}", text(&event["reason"]), text(&event["message"]));
                (words, event["count"].as_u64().unwrap_or_default())
            })
            .collect();
        events.sort();
        Ok(Signs { status, events })
    }

    async fn passes(&self) -> Result<Passes> {
        let metrics = self.send(self.client.get(format!("{}/metrics", self.home.url()))).await?;
        let value = |name: &str| -> Result<&str> {
            let name = format!("lamplighter_observe_duration_seconds_{name}{{");
            let line = metrics.lines().find(|line| line.starts_with(&name));
            line.and_then(|line| line.split(' ').nth(1)).with_context(|| format!("no {name}"))
        };
        Ok(Passes { count: value("count")?.parse()?, seconds: value("sum")?.parse()? })
    }

    /// Waits until so many more passes have ended.
    async fn next_pass(&self, more: u64, look: Duration) -> Result<Passes> {
        let from = self.passes().await?;
        loop {
            let now = self.passes().await?;
            if now.count >= from.count + more {
                return Ok(now);
            }
            sleep(look).await;
        }
    }

    /// Waits until the sites are Ready and some passes change nothing.
    async fn settles(&self) -> Result<()> {
        let began = Instant::now();
        loop {
            let changes = self.proxy.peek().changes();
            self.next_pass(QUIET, LOOK).await?;
            if self.proxy.peek().changes() == changes && self.are_ready().await? {
                return Ok(());
            }
            ensure!(began.elapsed() < LATE, "it does not settle: {}", self.story().await?);
        }
    }
}

/// `specs/lamp.yaml` with the two replicas of the peer, under a name of its own.
fn body(account: &Account, number: usize) -> Result<Value> {
    let mut spec = account.with_certificate(specs::load("lamp")?)?;
    spec["metadata"]["name"] = json!(format!("shop-{number:02}"));
    spec["spec"]["database"]["replicas"]["min"] = json!(2);
    Ok(spec)
}

/// Whether a stack is Ready at its newest generation.
fn is_ready(stack: &Value) -> bool {
    let mut conditions = stack["status"]["conditions"].as_array().into_iter().flatten();
    let ready = conditions.any(|one| one["type"] == types::READY && one["status"] == "True");
    ready && stack["status"]["observedGeneration"] == stack["metadata"]["generation"]
}

fn parts(stack: &Value) -> Result<Parts> {
    drift::parts_of(&stack["status"])
}
