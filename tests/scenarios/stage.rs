//! A stage for scenarios: a site, and short words for what people do to it, wait for, and look at.

use std::collections::BTreeMap;
use std::sync::MutexGuard;
use std::time::Duration;

use jiff::Timestamp;
use lamp_api::annotations;
use lamp_api::kinds::EVENT;
use lamp_api::v1alpha1::LampStackStatus;
use lamp_cloud::{Body, Clock, Request, Resource};
use lamp_sim::{Call, Load, World};
use lamp_store::Key;
use lamp_tests::site::{Site, SiteOptions};
use lamp_tests::specs;
use serde_json::Value;

/// Time moves by the period of observation.
pub(crate) const STEP: Duration = Duration::from_secs(15);
/// A quiet day is looked at in these steps.
pub(crate) const QUIET_STEP: Duration = Duration::from_secs(300);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// A stack in its region.
pub(crate) struct Stage {
    pub(crate) site: Site,
    pub(crate) key: Key,
    spec: Value,
}

/// A region of its own for each scenario: calm, with the same few visitors at all times, and one call at a time.
pub(crate) fn calm(seed: u64) -> SiteOptions {
    let mut options = SiteOptions::calm(seed);
    options.region.load = Load::steady(40.0);
    options.settings = options.settings.sequential();
    options
}

/// A spec of `specs/`, changed.
pub(crate) fn spec(name: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut spec = specs::load(name).expect("a spec");
    change(&mut spec);
    spec
}

impl Stage {
    /// A stack that was applied a moment ago.
    pub(crate) fn open(options: SiteOptions, spec: Value) -> Self {
        let site = Site::new(options).expect("a site");
        let key = site.apply(&spec).expect("applied");
        Self { site, key, spec }
    }

    /// A stack that was applied a moment ago, in a region that has a past.
    pub(crate) fn at(site: Site, spec: Value) -> Self {
        let key = site.apply(&spec).expect("applied");
        Self { site, key, spec }
    }

    /// A stack that is up and settled.
    pub(crate) fn up(name: &str) -> Self {
        Self::up_with(calm(1), specs::load(name).expect("a spec"))
    }

    pub(crate) fn up_with(options: SiteOptions, spec: Value) -> Self {
        let mut stage = Self::open(options, spec);
        stage.until_ready();
        stage.run(10 * MINUTE);
        stage
    }

    /// Somebody edits the spec and applies it.
    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut Value)) {
        self.try_edit(change).expect("admitted");
    }

    /// Somebody edits the spec; what admission says to it.
    pub(crate) fn try_edit(&mut self, change: impl FnOnce(&mut Value)) -> anyhow::Result<()> {
        let mut spec = self.spec.clone();
        change(&mut spec);
        self.site.apply(&spec)?;
        self.spec = spec;
        Ok(())
    }

    /// Somebody annotates the stack.
    pub(crate) fn annotate(&mut self, name: &str, value: &str) {
        let (name, value) = (name.to_owned(), Value::from(value));
        self.edit(|object| object["metadata"]["annotations"][name] = value);
    }

    /// Somebody consents to what this generation of the spec asks for.
    pub(crate) fn consent(&mut self) {
        let generation = self.object()["metadata"]["generation"].to_string();
        self.annotate(annotations::CONFIRM_REPLACE, &generation);
    }

    pub(crate) fn delete(&mut self) {
        self.site.delete(&self.key).expect("deleted");
    }

    /// Time goes on.
    pub(crate) fn run(&mut self, span: Duration) {
        self.site.run_for(STEP, span).expect("goes on").expect("lives");
    }

    /// Time goes on until something is so; how long that took.
    pub(crate) fn until(&mut self, what: &str, limit: Duration, done: impl Fn(&Self) -> bool) -> Duration {
        let began = self.now();
        self.pass();
        while !done(self) {
            let elapsed = self.now().duration_since(began).unsigned_abs();
            assert!(elapsed < limit, "not {what} after {limit:?}: {}", self.story());
            self.site.clock.advance(STEP);
            self.pass();
        }
        self.now().duration_since(began).unsigned_abs()
    }

    pub(crate) fn pass(&mut self) {
        self.site.pass().expect("a pass").expect("lives");
    }

    pub(crate) fn until_ready(&mut self) -> Duration {
        self.until("Ready", 3 * HOUR, |stage| stage.site.is_ready(&stage.key).expect("read"))
    }

    pub(crate) fn until_gone(&mut self) -> Duration {
        self.until("gone", 3 * HOUR, |stage| stage.status().is_none())
    }

    /// The end of every scenario: Ready, no mutating call for a day, and nothing that should never have happened.
    pub(crate) fn settles(&mut self) {
        self.until_ready();
        self.run(HOUR);
        assert!(self.site.is_ready(&self.key).expect("read"), "not Ready any more: {}", self.story());
        self.stays_quiet();
    }

    /// No mutating call for a day, and nothing that should never have happened.
    pub(crate) fn stays_quiet(&mut self) {
        let mark = self.mark();
        self.site.run_for(QUIET_STEP, DAY).expect("goes on").expect("lives");
        assert_eq!(self.calls_since(mark), Vec::<String>::new(), "not settled: {}", self.story());
        self.nothing_unlawful();
    }

    pub(crate) fn nothing_unlawful(&self) {
        assert_eq!(self.world().violations(), Vec::<String>::new());
    }
}

/// What there is to see.
impl Stage {
    pub(crate) fn now(&self) -> Timestamp {
        self.site.clock.now()
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.site.region.world()
    }

    pub(crate) fn object(&self) -> Value {
        self.site.store().get(&self.key).expect("read").expect("there").object.as_ref().clone()
    }

    pub(crate) fn status(&self) -> Option<LampStackStatus> {
        self.site.status(&self.key).expect("read")
    }

    /// A condition: its status, reason and message.
    pub(crate) fn condition(&self, kind: &str) -> String {
        let conditions = self.status().unwrap_or_default().conditions;
        let found = conditions.iter().find(|one| one.type_ == kind);
        found.map_or_else(
            || "none".to_owned(),
            |one| format!("{} {}: {}", one.status, one.reason, one.message),
        )
    }

    pub(crate) fn story(&self) -> String {
        self.site.story().unwrap_or_default()
    }

    /// The resource that is a part, unless it is on its way out.
    pub(crate) fn find(&self, part: &str) -> Option<Resource> {
        let world = self.world();
        let is = |row: &&std::sync::Arc<Resource>| {
            row.part().is_some_and(|found| found.as_str() == part) && row.state != lamp_cloud::State::Deleting
        };
        world.resources().find(is).map(|row| row.as_ref().clone())
    }

    pub(crate) fn id(&self, part: &str) -> String {
        self.find(part).unwrap_or_else(|| panic!("no {part}")).id
    }

    pub(crate) fn body(&self, part: &str) -> Body {
        self.find(part).unwrap_or_else(|| panic!("no {part}")).body
    }

    pub(crate) fn group(&self, tier: &str) -> lamp_cloud::kinds::auto_scaling_group::AutoScalingGroup {
        match self.body(&format!("auto-scaling-group/{tier}")) {
            Body::AutoScalingGroup(group) => group,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn database(&self, part: &str) -> lamp_cloud::kinds::db_instance::DbInstance {
        match self.body(part) {
            Body::DbInstance(database) => database,
            other => panic!("{other:?}"),
        }
    }

    /// Instances in service of a tier, oldest first by id.
    pub(crate) fn members(&self, tier: &str) -> Vec<String> {
        self.group(tier).members.into_iter().map(|member| member.instance).collect()
    }

    /// Instances of a tier that its load balancer sends to.
    pub(crate) fn healthy(&self, tier: &str) -> usize {
        let id = self.id(&format!("target-group/{tier}"));
        let healthy =
            |row: &&std::sync::Arc<lamp_cloud::TargetHealth>| row.state == lamp_cloud::TargetState::Healthy;
        self.world().targets(&id).filter(healthy).count()
    }
}

/// What was done.
impl Stage {
    /// A point in the log of calls.
    pub(crate) fn mark(&self) -> usize {
        self.world().log().len()
    }

    /// Mutating calls since a point in the log: operation and part, where they took effect or not.
    pub(crate) fn calls_since(&self, mark: usize) -> Vec<String> {
        let world = self.world();
        let parts = parts(world.log());
        world.log().iter().skip(mark).filter_map(|call| Some(line(call.request()?, &parts))).collect()
    }

    /// Calls with equal ones in a row counted.
    pub(crate) fn brief_since(&self, mark: usize) -> String {
        let mut lines: Vec<(String, usize)> = Vec::new();
        for call in self.calls_since(mark) {
            match lines.last_mut().filter(|(last, _)| *last == call) {
                Some((_, count)) => *count += 1,
                None => lines.push((call, 1)),
            }
        }
        let show =
            |(line, count): (String, usize)| if count == 1 { line } else { format!("{line} x{count}") };
        lines.into_iter().map(show).collect::<Vec<_>>().join("\n")
    }

    /// The Events of the stack that a person would see now, oldest first.
    pub(crate) fn events(&self) -> Vec<String> {
        let (mut stored, _) = self.site.store().list(EVENT.plural, None).expect("read");
        stored.retain(|stored| stored.object["involvedObject"]["name"] == self.key.name.as_str());
        stored.sort_by_key(|stored| stored.revision);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        stored
            .iter()
            .map(|stored| {
                let event = &stored.object;
                let (kind, reason) = (text(&event["type"]), text(&event["reason"]));
                format!("{kind} {reason}: {}", text(&event["message"]))
            })
            .collect()
    }
}

/// Parts by the ids that creations gave back.
fn parts(log: &[Call]) -> BTreeMap<String, String> {
    let created = log.iter().filter_map(|call| match (call.request()?, &call.effect) {
        (Request::Create { part, .. }, lamp_sim::Effect::Done(applied)) => {
            Some((applied.id.clone()?, part.to_string()))
        }
        _ => None,
    });
    created.collect()
}

fn line(request: &Request, parts: &BTreeMap<String, String>) -> String {
    let what = match (request, request.target()) {
        (Request::Create { part, .. }, _) => part.to_string(),
        (_, Some(id)) => parts.get(id).cloned().unwrap_or_else(|| id.to_owned()),
        (_, None) => String::new(),
    };
    format!("{} {what}", request.operation())
}
