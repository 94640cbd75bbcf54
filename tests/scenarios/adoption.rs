//! A site that somebody else made is read, taken over, and kept: nothing of it is made anew.

use std::collections::BTreeMap;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anyhow::{Result, bail};
use lamp_api::v1alpha1::{ImportStatus, PlanPhase};
use lamp_api::{adoption, annotations};
use lamp_cloud::iam::{Policy, Scope};
use lamp_cloud::{Body, Change, Kind, ResourceId, Tags, tag};
use lamp_tests::foreign::{self, Hands};
use lamp_tests::site::{INSTALL, Site};
use serde_json::{Value, json};

use crate::stage::{HOUR, MINUTE, STEP, Stage, calm};

/// A person with access to the simulated region.
struct Person<'a>(&'a mut Site);

impl Hands for Person<'_> {
    async fn make(&mut self, name: &str, tags: Tags, body: Body) -> Result<ResourceId> {
        Ok(self.0.region.world().create_by_hand(name, &tags, body)?)
    }

    async fn change(&mut self, id: &str, change: Change) -> Result<()> {
        Ok(self.0.region.world().change_by_hand(id, &change)?)
    }

    async fn wait(&mut self) -> Result<()> {
        if self.0.run_for(STEP, HOUR)?.is_err() {
            bail!("the process died");
        }
        Ok(())
    }
}

/// Nothing that a person does by hand waits for anything but time.
fn at_once<T>(future: impl Future<Output = Result<T>>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value.expect("made by hand"),
        Poll::Pending => panic!("it waits"),
    }
}

/// A region with a foreign site, and what the import of its network says.
fn imported() -> (Site, ImportStatus) {
    let mut site = Site::new(calm(1)).expect("a site");
    allow_takeover(&site);
    let vpc = at_once(foreign::make(&mut Person(&mut site), "ap-northeast-2"));
    let status = site.ask_import(&vpc).expect("an answer");
    assert_eq!(status.phase, PlanPhase::Answered, "{:?}", status.message);
    (site, status)
}

/// What `deploy/iam/adoption.json` adds to the daemon's role.
fn allow_takeover(site: &Site) {
    let scope = Scope { install: INSTALL.to_owned(), regions: Vec::new(), account: None };
    let mut world = site.region.world();
    let policy = world.policy().clone().and(Policy::takeover(&scope));
    world.set_policy(policy);
}

fn manifest(status: &ImportStatus, mode: &str) -> Value {
    let mut spec = serde_json::to_value(&status.spec).expect("a spec");
    spec["mode"] = json!(mode);
    json!({
        "apiVersion": "lamplighter.dev/v1alpha1",
        "kind": "LampStack",
        "metadata": {
            "name": "shop",
            "annotations": {annotations::ADOPT: adoption::format(&status.adopt)},
        },
        "spec": spec,
    })
}

/// Id and creation of everything there is, instances included.
fn inventory(site: &Site) -> BTreeMap<(String, ResourceId), String> {
    let world = site.region.world();
    let resources = world
        .resources()
        .map(|row| ((row.kind().name().to_owned(), row.id.clone()), format!("{:?}", row.created_at)));
    let instances = world
        .instances()
        .map(|row| (("Instance".to_owned(), row.id.clone()), format!("{:?}", row.launched_at)));
    resources.chain(instances).collect()
}

#[test]
fn the_import_finds_every_part_and_says_what_it_leaves() {
    let (_, status) = imported();
    assert_eq!(status.problems, Vec::<String>::new());
    assert_eq!(status.made, Vec::<String>::new(), "the site has everything");
    let spec = status.spec.as_ref().expect("a spec");
    let tiers: Vec<_> = spec.tiers.iter().map(|tier| (tier.name.as_str(), tier.uses.clone())).collect();
    assert_eq!(
        tiers,
        [("app", vec!["database".to_owned()]), ("web", vec!["app".to_owned()])],
        "the edges come from the rules"
    );
    let left_out: Vec<_> = status.left_out.iter().map(|out| out.kind.as_str()).collect();
    assert_eq!(left_out, ["SecurityGroup"], "the cache's: {:?}", status.left_out);
    let fields: Vec<String> =
        status.unexpressed.iter().map(|rest| format!("{} {}", rest.part, rest.field)).collect();
    assert!(fields.contains(&"subnet/public/1 cidr".to_owned()), "{fields:?}");
    assert!(fields.contains(&"launch-template/web userData".to_owned()), "{fields:?}");
}

#[test]
fn a_foreign_site_is_taken_over_and_kept_with_nothing_replaced() {
    let (site, status) = imported();
    let before = inventory(&site);
    let mut stage = Stage::at(site, manifest(&status, "Observe"));
    let mark = stage.mark();
    stage.run(10 * MINUTE);
    assert_eq!(stage.calls_since(mark), Vec::<String>::new(), "the dry run changes nothing");
    let parts = stage.status().expect("a status").parts;
    assert!(parts.iter().all(|part| part.reason.as_deref().is_some_and(|why| why.contains("names it"))));
    stage.edit(|object| object["spec"]["mode"] = json!("Enforce"));
    stage.until_ready();
    let calls = stage.calls_since(mark);
    let only_tags = |call: &String| call.contains("Tags");
    assert!(calls.iter().all(only_tags), "{}", stage.brief_since(mark));
    assert_eq!(inventory(&stage.site), before, "nothing is made, and nothing is gone");
    for id in status.adopt.values() {
        let world = stage.world();
        let row = world.resources().find(|row| row.id == *id).expect("there");
        assert!(row.tags.contains_key(tag::UID), "{id} carries no tags of ours");
        assert!(row.tags[tag::NAME].starts_with(foreign::NAME), "{id} lost its name");
    }
    stage.settles();
    assert_eq!(inventory(&stage.site), before, "a day later");
}

#[test]
fn what_was_taken_over_is_healed_though_a_restart_forgot_its_names() {
    let (site, status) = imported();
    let mut stage = Stage::at(site, manifest(&status, "Enforce"));
    stage.until_ready();
    stage.run(20 * MINUTE);
    stage.site.restart().expect("restarted");
    let mark = stage.mark();
    stage.run(20 * MINUTE);
    assert_eq!(stage.calls_since(mark), Vec::<String>::new(), "a restart changes nothing");
    let listener = status.adopt["listener/app/80"].clone();
    stage.world().delete_by_hand(Kind::Listener, &listener).expect("deleted");
    stage.until("made again", HOUR, |stage| {
        stage.find("listener/app/80").is_some_and(|row| row.id != listener)
    });
    stage.settles();
}

#[test]
fn what_another_installation_owns_is_not_taken_nor_anything_with_it() {
    let (site, status) = imported();
    let database = status.adopt["database"].clone();
    let others = |tags: &mut Tags| drop(tags.insert(tag::INSTALL.to_owned(), "other".to_owned()));
    site.region.world().tag_by_hand(Kind::DbInstance, &database, others);
    let mut stage = Stage::at(site, manifest(&status, "Enforce"));
    let mark = stage.mark();
    stage.run(HOUR);
    assert_eq!(stage.calls_since(mark), Vec::<String>::new());
    let ready = stage.condition("Ready");
    assert!(ready.contains("lamplighter:install=other"), "{ready}");
}

#[test]
fn a_stack_that_took_a_site_over_leaves_the_data_when_it_is_deleted() {
    let (site, status) = imported();
    let mut stage = Stage::at(site, manifest(&status, "Enforce"));
    stage.until_ready();
    stage.run(20 * MINUTE);
    stage.delete();
    stage.run(HOUR);
    let cache = format!("{}-sg-cache", foreign::NAME);
    let cache = stage.world().resources().find(|row| row.name == cache).map(|row| row.id.clone());
    let cache = cache.expect("what was never named is never touched");
    assert!(stage.story().contains(&cache), "what names a group of ours keeps it: {}", stage.story());
    stage.world().delete_by_hand(Kind::SecurityGroup, &cache).expect("deleted");
    stage.until_gone();
    let world = stage.world();
    assert!(
        world.resource(Kind::DbInstance, &status.adopt["database"]).is_some(),
        "spec.deletionPolicy is Retain"
    );
    assert!(world.resource(Kind::LoadBalancer, &status.adopt["load-balancer/web"]).is_none());
}
