//! What is not done without a person.

use std::sync::Arc;

use lamp_api::v1alpha1::PartState;
use lamp_cloud::{Body, Kind, Part, Reference, Request, Resource, State};
use lamp_plan::{Adoption, Ask, Effect, PartReport, Plan, Settlement};

use crate::support::{LAMP, NETWORK, STATELESS, Site};

fn report<'a>(plan: &'a Plan, part: &str) -> &'a PartReport {
    &plan.parts[&Part::from(part)]
}

#[track_caller]
fn blocked(plan: &Plan, part: &str, sentence: &str) {
    let report = report(plan, part);
    assert!(report.blocked && report.state == PartState::Failed, "{report}");
    let reason = report.reason.as_deref().unwrap();
    assert!(reason.contains(sentence), "{reason}");
    assert!(plan.actions.iter().all(|action| action.part.as_str() != part), "{plan}");
}

#[test]
fn a_larger_class_waits_for_consent_and_storage_does_not() {
    let mut site = Site::standing(LAMP);
    let database = site.spec.database.as_mut().unwrap();
    database.instance_class = "db.r6g.xlarge".to_owned();
    database.storage.gib = 120;
    database.replicas.instance_class = Some("db.r6g.large".to_owned());
    site.generation = 7;
    let plan = site.round();
    let changes: Vec<_> = plan.actions.iter().filter(|action| action.part.as_str() == "database").collect();
    let Request::Change { change, .. } = &changes[0].request else { panic!("{plan}") };
    let text = serde_json::to_string(change).unwrap();
    assert!(text.contains(r#""storage_gib":120"#) && text.contains(r#""class":null"#), "{text}");
    blocked(&site.plan(), "database", "lamplighter.dev/confirm-replace=7");
    site.confirmed = true;
    let plan = site.plan();
    assert!(plan.to_string().contains("class: db.r6g.large -> db.r6g.xlarge"), "{plan}");
}

#[test]
fn another_engine_is_never_made_from_this_one() {
    let mut site = Site::standing(LAMP);
    if let Body::DbInstance(database) = &mut site.resource("database").body {
        database.encrypted = false;
    }
    site.confirmed = true;
    blocked(&site.plan(), "database", "encrypted: false -> true");
}

#[test]
fn what_carries_our_tags_without_a_record_is_not_touched() {
    let mut site = Site::standing(STATELESS);
    site.world.ledger.remove(&Part::from("target-group/web"));
    if let Body::TargetGroup(group) = &mut site.resource("target-group/web").body {
        group.health_check.path = "/other".to_owned();
    }
    let id = site.resource("target-group/web").id.clone();
    blocked(&site.plan(), "target-group/web", "lamplighter.dev/adopt");
    site.adoption = Adoption::of_tagged();
    let plan = site.plan();
    let adopted = &plan.settlements[&Part::from("target-group/web")];
    assert_eq!(*adopted, Settlement::Adopted(Kind::TargetGroup, id));
    assert!(plan.to_string().contains("healthCheck"), "{plan}");
}

#[test]
fn a_lost_database_is_not_made_again_empty() {
    let mut site = Site::standing(LAMP);
    site.lose("database");
    let mut plan = site.round();
    for _ in 0..20 {
        assert!(!plan.actions.iter().any(|action| action.effect == Effect::Create), "{plan}");
        plan = site.round();
    }
    blocked(&plan, "database", "its data with it");
    site.confirmed = true;
    site.round();
    let plan = site.round();
    let create = plan.actions.iter().find(|action| action.part.as_str() == "database").unwrap();
    assert!(matches!(&create.request, Request::Create { name, .. } if name.starts_with("ll-shop-database-")));
}

/// Takes a part out of the listings, and lets AWS show this of it when asked by its id.
fn lose_from_listings(site: &mut Site, part: &str, change: impl FnOnce(&mut Resource)) -> Arc<Resource> {
    let row = site.lose(part);
    let mut shown = Resource::clone(&row);
    change(&mut shown);
    site.world.inventory.unlisted.insert((row.kind(), row.id.clone()), Some(Arc::new(shown)));
    row
}

#[test]
fn a_subnet_without_its_tags_gets_them_back() {
    let mut site = Site::standing(NETWORK);
    let subnet = lose_from_listings(&mut site, "subnet/public/1", |row| row.tags.clear());
    site.round();
    let plan = site.plan();
    assert!(matches!(&plan.actions[0].request, Request::Tag { id, .. } if *id == subnet.id), "{plan}");
    assert_eq!(plan.actions.len(), 1, "{plan}");
    site.round();
    site.world.inventory.parts.insert(Part::from("subnet/public/1"), vec![subnet]);
    site.settle();
    assert_eq!(site.world.ledger[&Part::from("subnet/public/1")].attempt, 0);
}

#[test]
fn a_listing_that_lacks_what_aws_shows_by_its_id_is_not_believed() {
    let mut site = Site::standing(NETWORK);
    lose_from_listings(&mut site, "subnet/public/1", |_| ());
    for _ in 0..20 {
        let plan = site.round();
        assert!(plan.actions.is_empty(), "{plan}");
    }
    let report = &site.plan().parts[&Part::from("subnet/public/1")];
    assert_eq!(report.state, PartState::Unknown);
    assert!(report.reason.as_deref().unwrap().contains("is not believed"), "{report:?}");
}

#[test]
fn nothing_is_decided_before_aws_was_asked_by_the_id() {
    let mut site = Site::standing(NETWORK);
    let subnet = site.lose("subnet/public/1");
    let plan = site.round();
    assert!(plan.asks.contains(&Ask::Resource(Kind::Subnet, subnet.id.clone())), "{plan}");
    site.world.inventory.unlisted.clear();
    let plan = site.plan();
    assert!(plan.actions.is_empty() && plan.settlements.is_empty(), "{plan}");
}

#[test]
fn another_database_of_the_same_name_is_not_touched() {
    let mut site = Site::standing(LAMP);
    let now = site.world.now;
    lose_from_listings(&mut site, "replica/1", |row| {
        row.tags.clear();
        row.created_at = Some(now);
    });
    for _ in 0..20 {
        let plan = site.round();
        let touched = plan.actions.iter().any(|action| action.part.as_str() == "replica/1");
        assert!(!touched, "{plan}");
    }
    blocked(&site.plan(), "replica/1", "another DbInstance of this name was made since");
}

#[test]
fn a_lost_listener_is_made_again() {
    let mut site = Site::standing(STATELESS);
    site.lose("listener/web/80");
    site.settle();
    assert_eq!(site.world.ledger[&Part::from("listener/web/80")].attempt, 1);
    assert!(site.world.inventory.parts.contains_key(&Part::from("listener/web/80")));
}

#[test]
fn what_vanishes_again_and_again_is_not_made_for_ever() {
    let mut site = Site::standing(STATELESS);
    site.spec.breakers.max_remakes_per_hour = 1;
    let part = Part::from("listener/web/80");
    for _ in 0..2 {
        site.lose("listener/web/80");
        site.settle();
    }
    assert_eq!(site.world.ledger[&part].attempt, 1);
    blocked(&site.plan(), "listener/web/80", "made again too often within an hour");
    let later = site.world.now + std::time::Duration::from_secs(3600);
    site.world.pass_time(later);
    site.settle();
    assert_eq!(site.world.ledger[&part].attempt, 2);
}

#[test]
fn a_replacement_needs_consent_and_nobody_who_uses_it() {
    let mut site = Site::standing(STATELESS);
    site.spec.tiers[0].port = 8080;
    site.round();
    blocked(&site.plan(), "target-group/web", "port: 80 -> 8080");
    site.confirmed = true;
    blocked(&site.plan(), "target-group/web", "in use by auto-scaling-group/web, listener/web/80");
}

#[test]
fn a_failed_nat_gateway_is_made_again_under_another_token() {
    let mut site = Site::standing(NETWORK);
    let before = site.resource("nat-gateway/1").id.clone();
    site.resource("nat-gateway/1").state = State::Failed("Gateway.NotAttached".to_owned());
    let plan = site.round();
    let delete = plan.actions.iter().find(|action| action.part.as_str() == "nat-gateway/1").unwrap();
    assert_eq!((delete.effect, delete.request.operation()), (Effect::Replace, "DeleteNatGateway"));
    site.settle();
    assert_eq!(site.world.ledger[&Part::from("nat-gateway/1")].attempt, 1);
    let after = site.resource("nat-gateway/1").clone();
    assert!(after.is_ready() && after.id != before);
    let Body::RouteTable(table) = &site.resource("route-table/application/1").body else { panic!() };
    assert_eq!(table.routes["0.0.0.0/0"], Reference::id(after.id.as_str()), "routes follow");
}

#[test]
fn what_is_named_already_may_be_busy_or_unlisted() {
    for state in [State::Pending("modifying".to_owned()), State::Failed("storage-full".to_owned())] {
        let mut site = Site::standing(LAMP);
        site.resource("database").state = state;
        let plan = site.plan();
        assert_eq!(report(&plan, "replica/1").state, PartState::Ready, "{plan}");
        assert_eq!(report(&plan, "auto-scaling-group/app").state, PartState::Ready, "{plan}");
        assert_eq!(plan.actions, []);
    }
    let mut site = Site::standing(LAMP);
    site.make_unknown(lamp_cloud::Listing::Resources(lamp_cloud::Kind::SecurityGroup));
    let plan = site.plan();
    assert_eq!(report(&plan, "load-balancer/web").state, PartState::Ready, "{plan}");
    assert_eq!(report(&plan, "database").state, PartState::Ready, "{plan}");
}

#[test]
fn redirection_waits_until_https_answers() {
    let mut site = Site::standing(STATELESS);
    let balancer = site.spec.tiers[0].load_balancer.as_mut().unwrap();
    balancer.certificate_arn = Some("arn:aws:acm:eu-central-1:1:certificate/x".to_owned());
    let calls = |plan: &Plan| -> Vec<String> {
        let listeners = plan.actions.iter().filter(|action| action.part.as_str().starts_with("listener/"));
        listeners.map(|action| format!("{} {}", action.request.operation(), action.part)).collect()
    };
    assert_eq!(calls(&site.round()), ["CreateListener listener/web/443"]);
    assert_eq!(calls(&site.round()), ["ModifyListener listener/web/80"]);
}
