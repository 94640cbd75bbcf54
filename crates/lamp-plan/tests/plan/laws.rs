//! What holds for every plan, whatever is there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lamp_api::v1alpha1::PartState;
use lamp_cloud::{
    Body, DeleteOptions, FailedVersion, Kind, Listing, Part, Request, State, Tags, TemplateVersion,
    kinds::{auto_scaling_group, db_instance},
};
use lamp_plan::{Action, Effect, Plan, Settlement, check};
use proptest::prelude::*;

use crate::support::{LAMP, SHAPES, Site};

/// What may have happened to a part while nobody looked.
#[derive(Clone, Debug)]
enum Mishap {
    Lost,
    Failed,
    Pending,
    Deleting,
    Unrecorded,
    Duplicated,
    NotListed,
    LostTags,
    Drifted,
}

fn mishap() -> impl Strategy<Value = Mishap> {
    prop_oneof![
        Just(Mishap::Lost),
        Just(Mishap::Failed),
        Just(Mishap::Pending),
        Just(Mishap::Deleting),
        Just(Mishap::Unrecorded),
        Just(Mishap::Duplicated),
        Just(Mishap::NotListed),
        Just(Mishap::LostTags),
        Just(Mishap::Drifted),
    ]
}

fn befall(site: &mut Site, index: prop::sample::Index, mishap: &Mishap) {
    let parts: Vec<Part> = site.world.inventory.parts.keys().cloned().collect();
    if parts.is_empty() {
        return;
    }
    let part = index.get(&parts).clone();
    match mishap {
        Mishap::Lost => {
            site.lose(part.as_str());
        }
        Mishap::Failed => site.resource(part.as_str()).state = State::Failed("AWS says so".to_owned()),
        Mishap::Pending => site.resource(part.as_str()).state = State::Pending("modifying".to_owned()),
        Mishap::Deleting => site.resource(part.as_str()).state = State::Deleting,
        Mishap::Unrecorded => {
            site.world.ledger.remove(&part);
        }
        Mishap::Duplicated => {
            let mut twin = site.resource(part.as_str()).clone();
            twin.id = format!("twin of {part}");
            site.world.inventory.parts.get_mut(&part).unwrap().push(Arc::new(twin));
        }
        Mishap::NotListed => {
            let listing = site.resource(part.as_str()).kind().listing();
            site.make_unknown(listing);
        }
        Mishap::LostTags => {
            site.resource(part.as_str()).tags.remove("Name");
        }
        Mishap::Drifted => drift(&mut site.resource(part.as_str()).body),
    }
}

fn drift(body: &mut Body) {
    match body {
        Body::Vpc(vpc) => vpc.dns_support = Some(false),
        Body::InternetGateway(gateway) => gateway.vpc = None,
        Body::RouteTable(table) => table.routes = BTreeMap::new(),
        Body::SecurityGroup(group) => group.ingress.clear(),
        Body::AutoScalingGroup(group) => (group.min, group.max, group.desired) = (0, 99, 0),
        Body::DbInstance(database) => (database.class, database.storage_gib) = ("db.t3.micro".to_owned(), 20),
        Body::TargetGroup(group) => group.port = 1,
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_plan_breaks_a_law(
        shape in 0..SHAPES.len(),
        built in 0..18_usize,
        mishaps in prop::collection::vec((any::<prop::sample::Index>(), mishap()), 0..6),
        consents in any::<(bool, bool, bool)>(),
        rounds in 1..8_usize,
    ) {
        let mut site = Site::new(SHAPES[shape]);
        (0..built).for_each(|_| drop(site.round()));
        for (index, mishap) in &mishaps {
            befall(&mut site, *index, mishap);
        }
        (site.confirmed, site.adoption.tagged, site.deleting) = consents;
        for _ in 0..rounds {
            // `plan` proves the laws, and that equal inputs make equal plans.
            site.round();
        }
    }
}

#[test]
fn nothing_is_made_or_removed_where_nothing_is_known() {
    for kind in Kind::ALL.iter().copied().filter(|kind| kind.is_listed()) {
        for (deleting, built) in [(false, 0), (false, 20), (true, 20)] {
            let mut site = Site::new(LAMP);
            (0..built).for_each(|_| drop(site.round()));
            site.deleting = deleting;
            let parts = |site: &Site| -> Vec<Part> {
                let rows =
                    site.world.inventory.resources().filter(|row| row.kind().listing() == kind.listing());
                rows.filter_map(|row| row.part()).collect()
            };
            let before = parts(&site);
            site.make_unknown(Listing::Resources(kind));
            (0..30).for_each(|_| drop(site.round()));
            assert_eq!(parts(&site), before, "{}", kind.name());
            assert!(!site.plan().finished || before.is_empty());
        }
    }
}

#[test]
fn what_is_not_known_is_reported_so() {
    let mut site = Site::standing(LAMP);
    site.make_unknown(Listing::Resources(Kind::LoadBalancer));
    let plan = site.plan();
    for part in ["load-balancer/web", "listener/web/443"] {
        let report = &plan.parts[&Part::from(part)];
        assert_eq!(report.state, PartState::Unknown, "{part} {report}");
        assert!(report.reason.as_ref().unwrap().contains("AccessDenied"), "{report}");
    }
    assert_eq!(plan.actions, []);
}

#[test]
fn an_unobserved_region_is_left_alone() {
    let mut site = Site::new(LAMP);
    let region = Arc::make_mut(&mut site.world.inventory.region);
    region.sections.clear();
    let plan = site.plan();
    assert_eq!(plan.actions, []);
    site.deleting = true;
    assert_eq!(site.plan().actions, []);
}

/// A plan with one action, for a site that stands.
fn with(part: &str, request: Request) -> Plan {
    let kind = match &request {
        Request::Create { body, .. } => body.kind(),
        Request::Change { change, .. } => change.kind(),
        Request::Tag { kind, .. } | Request::Delete { kind, .. } => *kind,
        _ => Kind::AutoScalingGroup,
    };
    let action = Action {
        part: Part::from(part),
        kind,
        effect: Effect::Update,
        request,
        reason: String::new(),
        changes: Vec::new(),
        precondition: None,
    };
    Plan { actions: vec![action], ..Plan::default() }
}

#[track_caller]
fn breaks(site: &Site, plan: &Plan, law: &str) {
    let laws: Vec<&str> = check(&site.input(), plan).iter().map(|violation| violation.law).collect();
    assert!(laws.contains(&law), "{laws:?}");
}

fn delete(site: &mut Site, part: &str) -> Request {
    let row = site.resource(part);
    Request::Delete { kind: row.kind(), id: row.id.clone(), options: DeleteOptions::default() }
}

#[test]
fn each_law_is_broken_by_a_plan_that_breaks_it() {
    let mut site = Site::standing(LAMP);
    let primary = with("database", delete(&mut site, "database"));
    breaks(&site, &primary, "data is kept");
    site.deleting = true;
    breaks(&site, &primary, "data is kept");
    let replica = with("replica/1", delete(&mut site, "replica/1"));
    breaks(&site, &replica, "only replicas go as replicas");
    site.deleting = false;

    let subnet = delete(&mut site, "subnet/data/1");
    let entry = site.world.ledger.remove(&Part::from("subnet/data/1")).unwrap();
    breaks(&site, &with("subnet/data/1", subnet.clone()), "two keys");
    site.world.ledger.insert(Part::from("subnet/data/1"), entry);
    assert_eq!(check(&site.input(), &with("subnet/data/1", subnet.clone())), []);
    let mut twice = with("subnet/data/1", subnet.clone());
    twice.actions.push(twice.actions[0].clone());
    breaks(&site, &twice, "one action each");
    site.make_unknown(Listing::Resources(Kind::Subnet));
    breaks(&site, &with("subnet/data/1", subnet), "unknown is not absent");

    let group = site.resource("auto-scaling-group/web").id.clone();
    let change = lamp_cloud::Change::AutoScalingGroup(auto_scaling_group::Change::SetDesired(99));
    let request = Request::Change { id: group, token: String::new(), change };
    breaks(&site, &with("auto-scaling-group/web", request), "capacity within bounds");

    let Body::AutoScalingGroup(body) = &site.resource("auto-scaling-group/web").body else { panic!() };
    let settings = auto_scaling_group::Settings { template_version: 2, ..body.settings() };
    let (id, types) = (site.resource("auto-scaling-group/web").id.clone(), settings.instance_types.clone());
    let change = lamp_cloud::Change::AutoScalingGroup(auto_scaling_group::Change::Settings(settings));
    let request = Request::Change { id, token: String::new(), change };
    let plan = with("auto-scaling-group/web", request);
    assert_eq!(check(&site.input(), &plan), []);
    let version = TemplateVersion { number: 2, launches: String::new(), instance_types: types };
    let failed = FailedVersion { version, at: site.world.now, why: "i-1 died".to_owned(), requested: None };
    let template = site.world.ledger.get_mut(&Part::from("launch-template/web")).unwrap();
    template.versions.failed = Some(failed);
    breaks(&site, &plan, "what failed stays out");
    site.requested = Some("again".to_owned());
    assert_eq!(check(&site.input(), &plan), []);

    let tags = site.world.inventory.instances.values().flatten().next().unwrap().tags.clone();
    let request = Request::TagInstance { instance: "i-of-others".to_owned(), tags };
    breaks(&site, &with("instance/i-of-others/tags", request), "two keys");

    let id = site.resource("database").id.clone();
    let smaller = db_instance::Modification { storage_gib: Some(20), ..Default::default() };
    let change = lamp_cloud::Change::DbInstance(db_instance::Change::Modify(Box::new(smaller)));
    let request = Request::Change { id, token: String::new(), change };
    breaks(&site, &with("database", request), "storage never shrinks");
}

#[test]
fn creations_are_named_after_their_part_and_made_once() {
    let mut site = Site::standing(LAMP);
    let body = site.resource("vpc").body.clone();
    let create = |name: &str| Request::Create {
        part: Part::from("vpc"),
        name: name.to_owned(),
        tags: Tags::new(),
        token: String::new(),
        body: body.clone(),
    };
    breaks(&site, &with("vpc", create("mine")), "derived names");
    breaks(&site, &with("vpc", create("mine")), "no duplicates");
}

#[test]
fn no_more_instances_are_replaced_at_once_than_the_budget_allows() {
    let mut site = Site::standing(LAMP);
    let group = site.resource("auto-scaling-group/web").id.clone();
    let replace = |instance: &str| {
        let request = Request::ReplaceInstance { group: group.clone(), instance: instance.to_owned() };
        with(&format!("instance/{instance}"), request).actions.remove(0)
    };
    let one = Plan { actions: vec![replace("i-1")], ..Plan::default() };
    assert_eq!(check(&site.input(), &one), []);
    let two = Plan { actions: vec![replace("i-1"), replace("i-2")], ..Plan::default() };
    breaks(&site, &two, "disruption budget");
}

fn restart(site: &mut Site, part: &str) -> Plan {
    let change = lamp_cloud::Change::DbInstance(db_instance::Change::Reboot { failover: false });
    let id = site.resource(part).id.clone();
    with(part, Request::Change { id, token: String::new(), change })
}

fn body<'a>(site: &'a mut Site, part: &str) -> &'a mut db_instance::DbInstance {
    match &mut site.resource(part).body {
        lamp_cloud::Body::DbInstance(body) => body,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_database_is_interrupted_by_consent_one_at_a_time_and_the_primary_last() {
    let mut site = Site::standing(LAMP);
    let primary = restart(&mut site, "database");
    breaks(&site, &primary, "interruptions need consent");
    site.confirmed = true;
    assert_eq!(check(&site.input(), &primary), []);
    let mut both = restart(&mut site, "replica/1");
    both.actions.extend(primary.actions.clone());
    breaks(&site, &both, "one database at a time");
    site.resource("replica/1").state = State::Pending("modifying".to_owned());
    breaks(&site, &primary, "one database at a time");
    site.resource("replica/1").state = State::Ready;
    body(&mut site, "replica/1").parameters_in_effect = false;
    breaks(&site, &primary, "the primary goes last");
    body(&mut site, "replica/1").parameters_in_effect = true;
    let modify = |site: &mut Site, modification| {
        let change = lamp_cloud::Change::DbInstance(db_instance::Change::Modify(Box::new(modification)));
        let id = site.resource("database").id.clone();
        with("database", Request::Change { id, token: String::new(), change })
    };
    site.spec.database.as_mut().unwrap().instance_class = "db.r6g.xlarge".to_owned();
    let class = db_instance::Modification { class: Some("db.r6g.xlarge".to_owned()), ..Default::default() };
    let class = modify(&mut site, class);
    breaks(&site, &class, "the primary goes last");
    "db.r6g.xlarge".clone_into(&mut body(&mut site, "replica/1").class);
    assert_eq!(check(&site.input(), &class), []);
    body(&mut site, "replica/1").facts.pending_changes = vec!["DBInstanceClass".to_owned()];
    breaks(&site, &class, "the primary goes last");
    let version = db_instance::Modification { version: Some("8.0.99".to_owned()), ..Default::default() };
    let version = modify(&mut site, version);
    breaks(&site, &version, "the primary goes last");
}

#[test]
fn a_settlement_of_this_plan_counts_as_a_record() {
    let mut site = Site::standing(LAMP);
    let request = delete(&mut site, "subnet/data/1");
    site.world.ledger.remove(&Part::from("subnet/data/1"));
    let mut plan = with("subnet/data/1", request);
    let id = site.resource("subnet/data/1").id.clone();
    plan.settlements.insert(Part::from("subnet/data/1"), Settlement::Adopted(Kind::Subnet, id));
    assert_eq!(check(&site.input(), &plan), []);
}

#[test]
fn after_any_single_loss_the_site_comes_back_and_stays() {
    let parts: Vec<Part> = Site::standing(LAMP).world.inventory.parts.keys().cloned().collect();
    for part in parts {
        let mut site = Site::standing(LAMP);
        let lost = site.resource(part.as_str()).clone();
        let used = site.world.inventory.resources().any(|row| {
            row.body.references().iter().any(|reference| reference.as_id() == Some(lost.id.as_str()))
        });
        // What is in use cannot be deleted; what holds data is not made again.
        if used || lost.kind().holds_data() && part.as_str() != "replica/1" {
            continue;
        }
        site.lose(part.as_str());
        let later = site.world.now + Duration::from_secs(60);
        site.world.pass_time(later);
        site.settle();
        assert!(site.world.inventory.parts.contains_key(&part), "{part}\n{}", site.plan());
        assert!(site.plan().parts.values().all(|report| report.state == PartState::Ready), "{}", site.plan());
    }
}
