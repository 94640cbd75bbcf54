use std::collections::BTreeSet;
use std::future::Future;

use lamp_cloud::kinds::auto_scaling_group::{AutoScalingGroup, Change as GroupChange};
use lamp_cloud::kinds::db_instance::Change as DatabaseChange;
use lamp_cloud::kinds::elastic_ip::ElasticIp;
use lamp_cloud::kinds::nat_gateway::NatGateway;
use lamp_cloud::kinds::route_table::Change as RouteChange;
use lamp_cloud::kinds::subnet::Change as SubnetChange;
use lamp_cloud::{Body, Change, DeleteOptions, Kind, Part, Reference, Resource, Service, Tags, tag};
use lamp_sim::{BrownOut, MetricSpell, MetricTrouble};
use serde_json::json;

use super::*;
use crate::swarm::calm_options;
use crate::{Site, SiteOptions, specs};

const STEP: std::time::Duration = std::time::Duration::from_secs(15);
const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);

/// A site that has stood for a while, before a judge.
struct Court {
    site: Site,
    key: Key,
    fired: BTreeSet<&'static str>,
}

impl Court {
    fn of(spec: &str) -> Self {
        let site = Site::new(SiteOptions { judged: true, ..calm_options(1) }).unwrap();
        let key = site.apply(&specs::load(spec).unwrap()).unwrap();
        let mut court = Self { site, key, fired: BTreeSet::new() };
        court.site.run_until(STEP, 60 * MINUTE, |site| site.is_ready(&court.key)).unwrap().unwrap();
        court.run(20);
        assert_eq!(court.site.judge.broken(), Vec::new(), "nobody broke anything yet");
        court
    }

    fn run(&mut self, minutes: u32) {
        self.site.run_for(STEP, MINUTE * minutes).unwrap().unwrap();
    }

    fn files(&self) -> Files {
        Files::new(self.site.store().clone(), self.site.disk.clone())
    }

    /// The laws that a call breaks, without its being made.
    fn breaks(&mut self, law: &'static str, request: &Request) {
        let files = self.files();
        let world = self.site.region.world();
        let court = self.site.judge.court().unwrap();
        let case = Case::new(Scene { world: &world, files: &files, history: &court.history }, request);
        let broken: Vec<_> = OF_CALLS.iter().filter(|(_, holds)| holds(&case).is_some()).collect();
        assert!(broken.iter().any(|(name, _)| *name == law), "{law}: {request:?} breaks {broken:?}");
        self.fired.insert(law);
    }

    /// The law that this moment breaks.
    fn breaks_now(&mut self, law: &'static str) {
        let files = self.files();
        let world = self.site.region.world();
        let court = self.site.judge.court().unwrap();
        let scene = Scene { world: &world, files: &files, history: &court.history };
        let broken: Vec<_> = OF_MOMENTS.iter().filter(|(_, holds)| holds(&scene).is_some()).collect();
        assert!(broken.iter().any(|(name, _)| *name == law), "{law}: this moment breaks {broken:?}");
        self.fired.insert(law);
    }

    fn row(&self, part: &str) -> Resource {
        let world = self.site.region.world();
        let found = world.resources().find(|row| row.part().is_some_and(|found| found.as_str() == part));
        found.unwrap_or_else(|| panic!("no {part}")).as_ref().clone()
    }

    fn group(&self, tier: &str) -> (String, AutoScalingGroup) {
        let row = self.row(&format!("auto-scaling-group/{tier}"));
        match row.body {
            Body::AutoScalingGroup(group) => (row.id, group),
            other => panic!("{other:?}"),
        }
    }

    fn make(&self, request: &Request) {
        self.site.region.apply_now(request).unwrap_or_else(|error| panic!("{request:?}: {error}"));
    }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn delete(row: &Resource) -> Request {
    Request::Delete { kind: row.kind(), id: row.id.clone(), options: DeleteOptions::default() }
}

fn create(row: &Resource) -> Request {
    let part = row.part().unwrap();
    let (name, tags, token) = (row.name.clone(), row.tags.clone(), row.tags[tag::INTENT].clone());
    Request::Create { part, name, tags, token, body: row.body.clone() }
}

fn set_desired(id: &str, desired: u32) -> Request {
    let change = Change::AutoScalingGroup(GroupChange::SetDesired(desired));
    Request::Change { id: id.to_owned(), token: String::new(), change }
}

fn replace(group: &str, instance: &str) -> Request {
    Request::ReplaceInstance { group: group.to_owned(), instance: instance.to_owned() }
}

fn break_ownership(court: &mut Court) {
    let vpc = court.row("vpc");
    let touch = Request::Tag { kind: Kind::Vpc, id: vpc.id.clone(), tags: Tags::new() };
    court.breaks("S-U3", &touch);
    let uid = vpc.tags[tag::UID].clone();
    let entry = json!({"attempt": 0, "open": {"request": touch, "reason": "", "startedAt": 0, "sent": 1}});
    wait(court.site.store().put_ledger(&uid, "test", Some(entry))).unwrap();
    court.breaks("S-A1", &touch);
    wait(court.site.store().put_ledger(&uid, "test", None)).unwrap();
    let theirs = court.site.region.world().create_by_hand("theirs", &Tags::new(), vpc.body.clone()).unwrap();
    let options = DeleteOptions::default();
    court.breaks("S-D1", &Request::Delete { kind: Kind::Vpc, id: theirs, options });
}

fn break_data(court: &mut Court) {
    let (database, replica) = (court.row("database"), court.row("replica/1"));
    court.breaks("S-D2", &delete(&database));
    court.breaks("S-D5", &create(&database));
    court.breaks("S-C2", &delete(&replica));
    let change = Change::DbInstance(DatabaseChange::Reboot { failover: false });
    let restart = Request::Change { id: replica.id.clone(), token: String::new(), change };
    court.make(&restart);
    court.breaks("S-U4", &restart);
}

fn break_existence(court: &mut Court) {
    let vpc = court.row("vpc");
    court.breaks("S-D4", &create(&vpc));
    court.site.judge.expect(["vpc".to_owned()].into());
    court.breaks("S-D4", &delete(&vpc));
    let subnet = court.row("subnet/public/1");
    let change = Change::Subnet(SubnetChange::PublicAddresses(true));
    let again = Request::Change { id: subnet.id.clone(), token: String::new(), change };
    (0..8).for_each(|_| court.make(&again));
    court.breaks("S-E2", &again);
    let address = Resource { body: ElasticIp::default().into(), ..vpc.clone() };
    let address = Resource { tags: with_part(&vpc.tags, "elastic-ip/9"), ..address };
    (0..8).for_each(|_| court.make(&create(&address)));
    court.breaks("S-U5", &create(&address));
    let mut world = court.site.region.world();
    let free = world.create_by_hand("free", &Tags::new(), ElasticIp::default().into()).unwrap();
    let gateway = NatGateway { subnet: Reference::id(&subnet.id), address: Reference::id(free) };
    let target = world.create_by_hand("new", &Tags::new(), gateway.into()).unwrap();
    drop(world);
    let change = Change::RouteTable(RouteChange::CreateRoute { destination: "0.0.0.0/0".to_owned(), target });
    let id = court.row("route-table/application/1").id;
    court.breaks("S-N2", &Request::Change { id, token: String::new(), change });
}

fn with_part(tags: &Tags, part: &str) -> Tags {
    let mut tags = tags.clone();
    tags.insert(tag::PART.to_owned(), part.to_owned());
    tags
}

fn break_scaling(court: &mut Court) {
    let (id, group) = court.group("web");
    court.breaks("S-C1", &set_desired(&id, 0));
    court.breaks("S-S2", &set_desired(&id, 99));
    let mut settings = group.settings();
    (settings.min, settings.max) = (4, 5);
    let change = Change::AutoScalingGroup(GroupChange::Settings(settings));
    court.breaks("S-S3", &Request::Change { id: id.clone(), token: String::new(), change });
    let now = court.site.region.world().now();
    let spell = MetricSpell { trouble: MetricTrouble::Missing, from: now - 15 * MINUTE, to: now + MINUTE };
    court.site.region.world().faults_mut().metrics.push(spell);
    court.breaks("S-S1", &set_desired(&id, group.desired - 1));
}

fn break_healing(court: &mut Court) {
    let (id, group) = court.group("web");
    let members: Vec<String> = group.members.iter().map(|member| member.instance.clone()).collect();
    // It serves, and is one of as many as there must be.
    court.breaks("S-C1", &replace(&id, &members[0]));
    court.breaks("S-H1", &replace(&id, &members[0]));
    court.site.region.world().hang_instance(&members[0]);
    court.run(0);
    court.breaks("S-H2", &replace(&id, &members[0]));
    let now = court.site.region.world().now();
    let (service, share) = (Some(Service::LoadBalancing), 1.0);
    let outage = BrownOut { service, from: now - 5 * MINUTE, to: now + MINUTE, share };
    court.site.region.world().faults_mut().brown_outs.push(outage);
    court.breaks("S-H3", &replace(&id, &members[0]));
    court.site.region.world().faults_mut().brown_outs.clear();
    court.make(&replace(&id, &members[0]));
    court.breaks("S-B1", &replace(&id, &members[1]));
}

/// Three were replaced in this hour, and a fourth is to be.
fn break_the_budget(court: &mut Court) {
    for _ in 0..3 {
        let (id, group) = court.group("web");
        let instance = group.members[0].instance.clone();
        court.make(&replace(&id, &instance));
        court.site.judge.court().unwrap().history.healed.insert(instance);
        court.run(6);
    }
    let (id, group) = court.group("web");
    court.breaks("S-H4", &replace(&id, &group.members[0].instance));
    let members: Vec<String> = group.members.iter().map(|member| member.instance.clone()).collect();
    for id in &members {
        court.site.region.world().hang_instance(id);
    }
    court.run(6);
    court.breaks("S-H1", &replace(&id, &members[0]));
}

fn break_moments(court: &mut Court) {
    let vpc = court.row("vpc");
    let uid = vpc.tags[tag::UID].clone();
    court.site.judge.acknowledge(&court.key.clone(), Some(99));
    court.breaks_now("S-W1");
    court.site.judge.acknowledge(&court.key.clone(), None);
    wait(court.site.store().put_ledger(&uid, "vpc", None)).unwrap();
    court.site.clock.advance(45 * MINUTE);
    court.breaks_now("S-U2");
    let subnet = court.row("subnet/public/1").id;
    let tags: Tags = [(tag::UID.to_owned(), uid)].into();
    (0..200).for_each(|_| drop(court.site.region.world().run_instance(&subnet, tags.clone())));
    court.breaks_now("S-$1");
    let replica = court.row("replica/1").id;
    court.site.region.world().promote_replica(&replica);
    court.breaks_now("S-P1");
    let gone = Part::new("replica/1");
    let row = court.site.region.world().resources().find(|row| row.part() == Some(gone.clone())).cloned();
    court.breaks("S-D3", &delete(&row.unwrap()));
    court.site.lose_store().unwrap();
    court.breaks_now("S-D6");
}

#[test]
fn each_law_fires_when_it_is_broken() {
    let mut shop = Court::of("lamp");
    break_ownership(&mut shop);
    break_data(&mut shop);
    break_scaling(&mut shop);
    break_existence(&mut shop);
    shop.site.clock.advance(45 * MINUTE);
    shop.breaks_now("S-U1");
    break_moments(&mut shop);
    let mut clock = Court::of("whatisthetime");
    break_healing(&mut clock);
    clock.run(30);
    break_the_budget(&mut clock);
    clock.site.edit(&clock.key.clone(), |object| object["spec"]["mode"] = json!("Paused")).unwrap();
    let vpc = clock.row("vpc");
    clock.breaks("S-E3", &delete(&vpc));
    let fired: BTreeSet<&str> = shop.fired.union(&clock.fired).copied().collect();
    let laws: BTreeSet<&str> =
        OF_CALLS.iter().map(|(law, _)| *law).chain(OF_MOMENTS.iter().map(|(law, _)| *law)).collect();
    assert_eq!(fired, laws, "each law is broken once, and nothing else is called a law");
}

#[test]
fn a_judge_who_does_not_sit_says_nothing() {
    let judge = Judge::default();
    judge.expect(["vpc".to_owned()].into());
    assert!(judge.is_content() && judge.broken().is_empty());
}
