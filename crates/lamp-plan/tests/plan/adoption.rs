//! Taking over what a person named: after everything was looked at, by tags alone, and all or nothing.

use std::sync::Arc;

use lamp_api::v1alpha1::PartState;
use lamp_cloud::{Body, Kind, Part, Reference, Request, Resource, State, tag};
use lamp_plan::{Ask, Plan, Settlement, preview};

use crate::support::{LAMP, Site};

/// A site as its spec says that somebody else made: nothing of it carries our tags or stands in our records. The
/// password of its database is known to nobody here.
pub(crate) fn foreign() -> Site {
    let mut site = Site::standing(LAMP);
    let parts = std::mem::take(&mut site.world.inventory.parts);
    let rows: Vec<_> = parts.into_iter().map(|(part, mut rows)| (part, rows.remove(0))).collect();
    let ids: Vec<_> = rows.iter().map(|(part, row)| (row.id.clone(), aws_id(part, row))).collect();
    for (part, row) in rows.iter().filter(|(_, row)| row.kind() != Kind::Secret) {
        let row = strange(part, row, &ids);
        site.adoption.parts.insert(part.clone(), row.id.clone());
        site.world.inventory.unlisted.insert((row.kind(), row.id.clone()), Some(Arc::new(row)));
    }
    let mut targets = std::mem::take(&mut site.world.inventory.targets);
    for health in targets.values_mut().flat_map(|(_, rows)| rows) {
        health.target.instance = renamed(&health.target.instance, &ids);
    }
    site.world.inventory.targets = targets.into_iter().map(|(id, rows)| (renamed(&id, &ids), rows)).collect();
    let instances = std::mem::take(&mut site.world.inventory.instances);
    for (group, mut rows) in instances {
        let group = renamed(&group, &ids);
        rows.iter_mut().for_each(|row| row.group = Some(group.clone()));
        rows.iter_mut().for_each(|row| row.id = renamed(&row.id, &ids));
        site.world.inventory.instances.insert(group, rows);
    }
    site.world.ledger.clear();
    site
}

/// An id as AWS makes them; where AWS knows a kind by its name, the name.
fn aws_id(part: &Part, row: &Resource) -> String {
    let label = part.as_str().replace('/', "");
    let arn = |what: &str| format!("arn:aws:elasticloadbalancing:r:1:{what}/{label}/1");
    match row.kind() {
        Kind::Vpc => "vpc-1".to_owned(),
        Kind::Subnet => format!("subnet-{label}"),
        Kind::InternetGateway => "igw-1".to_owned(),
        Kind::ElasticIp => format!("eipalloc-{label}"),
        Kind::NatGateway => format!("nat-{label}"),
        Kind::RouteTable => format!("rtb-{label}"),
        Kind::SecurityGroup => format!("sg-{label}"),
        Kind::LaunchTemplate => format!("lt-{label}"),
        Kind::LoadBalancer => arn("loadbalancer/app"),
        Kind::TargetGroup => arn("targetgroup"),
        Kind::Listener => arn("listener/app"),
        Kind::AutoScalingGroup => part.as_str().replace("auto-scaling-group/", "shop-"),
        _ => row.id.clone(),
    }
}

fn renamed(text: &str, ids: &[(String, String)]) -> String {
    ids.iter().fold(text.to_owned(), |text, (old, new)| text.replace(old.as_str(), new))
}

/// A resource as somebody else made it, under ids of AWS.
fn strange(part: &Part, row: &Resource, ids: &[(String, String)]) -> Resource {
    let text = renamed(&serde_json::to_string(row).unwrap(), ids);
    let mut row: Resource = serde_json::from_str(&text).unwrap();
    row.name.clone_from(&row.id);
    row.tags = [(tag::NAME.to_owned(), format!("their {part}"))].into();
    if let Body::LaunchTemplate(template) = &mut row.body {
        let data = template.data.as_mut().unwrap();
        let lines = data.user_data.lines().filter(|line| !line.contains("SECRET"));
        data.user_data = lines.map(|line| line.to_owned() + "\n").collect();
    }
    row
}

/// What AWS says of the resource that is to be a part.
fn described<'a>(site: &'a mut Site, part: &str) -> &'a mut Resource {
    let id = site.adoption.parts[&Part::from(part)].clone();
    let kind = lamp_plan::parts::kind(&Part::from(part)).unwrap();
    let row = site.world.inventory.unlisted.get_mut(&(kind, id)).unwrap();
    Arc::make_mut(row.as_mut().unwrap())
}

fn only_tags(plan: &Plan) -> bool {
    plan.actions.iter().all(|action| matches!(action.request, Request::Tag { .. }))
}

#[test]
fn what_is_named_is_taken_over_and_nothing_is_made_or_changed() {
    let mut site = foreign();
    let named = site.adoption.parts.clone();
    let plan = site.round();
    assert!(only_tags(&plan) && plan.actions.len() == named.len(), "{plan}");
    let plan = site.round();
    assert!(plan.actions.is_empty(), "{plan}");
    for (part, id) in &named {
        let kind = lamp_plan::parts::kind(part).unwrap();
        assert_eq!(plan.settlements[part], Settlement::Adopted(kind, id.clone()));
    }
    for _ in 0..20 {
        let plan = site.round();
        let instances = |request: &Request| matches!(request, Request::TagInstance { .. });
        assert!(plan.actions.iter().all(|action| instances(&action.request)), "{plan}");
    }
    let plan = site.plan();
    assert!(plan.parts.values().all(|report| report.state == PartState::Ready), "{plan}");
    let name = |part: &str| site.world.inventory.parts[&Part::from(part)][0].tags[tag::NAME].clone();
    assert_eq!(name("database"), "their database");
}

#[test]
fn nothing_is_planned_before_everything_is_known() {
    let mut site = foreign();
    let all = std::mem::take(&mut site.world.inventory.unlisted);
    let plan = site.plan();
    assert!(plan.actions.is_empty() && plan.settlements.is_empty(), "{plan}");
    assert!(all.keys().all(|(kind, id)| plan.asks.contains(&Ask::Resource(*kind, id.clone()))), "{plan}");
    let last = all.keys().next_back().unwrap().clone();
    site.world.inventory.unlisted = all;
    site.world.inventory.unlisted.remove(&last);
    assert!(site.plan().actions.is_empty(), "one is not known, so none is taken");
}

#[test]
fn the_dry_run_lists_each_tag_and_each_difference() {
    let mut site = foreign();
    let Body::TargetGroup(group) = &mut described(&mut site, "target-group/web").body else { panic!() };
    group.health_check.path = "/theirs".to_owned();
    let plan = site.plan();
    let of = |part: &str| plan.actions.iter().find(|action| action.part.as_str() == part).unwrap();
    let tags: Vec<&str> = of("vpc").changes.iter().map(|change| change.desired.as_str()).collect();
    assert_eq!(
        tags,
        [
            "lamplighter:install=prod",
            "lamplighter:part=vpc",
            "lamplighter:stack=default/shop",
            "lamplighter:uid=u1"
        ]
    );
    assert!(of("vpc").reason.ends_with("as the spec says"), "{}", of("vpc").reason);
    assert!(of("target-group/web").reason.contains("/theirs"), "{}", of("target-group/web").reason);
    let preview = preview(&site.input());
    let calls: Vec<_> = preview.steps.iter().filter(|step| !step.call.contains("Tag")).collect();
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!((calls[0].part.as_str(), calls[0].call.as_str()), ("target-group/web", "ModifyTargetGroup"));
    assert!(preview.blocked.is_empty(), "{:?}", preview.blocked);
}

/// Changes a foreign site, and sees that all of it is left alone, for a reason that says `why` of `part`.
fn refused(part: &str, why: &str, change: impl FnOnce(&mut Site)) {
    let mut site = foreign();
    change(&mut site);
    for _ in 0..3 {
        let plan = site.round();
        assert!(plan.actions.is_empty() && plan.settlements.is_empty(), "{part}: {plan}");
    }
    let plan = site.plan();
    let report = &plan.parts[&Part::from(part)];
    let reason = report.reason.as_deref().unwrap_or_default();
    assert!(report.blocked && reason.contains(why), "{part}: {reason}");
}

fn name(site: &mut Site, part: &str, id: &str) {
    site.adoption.parts.insert(Part::from(part), id.to_owned());
}

#[test]
fn what_is_anothers_is_refused_and_everything_with_it() {
    let tagged = |key: &'static str, value: &'static str| {
        move |site: &mut Site| {
            described(site, "load-balancer/web").tags.insert(key.to_owned(), value.to_owned());
        }
    };
    refused("load-balancer/web", "lamplighter:install=other", tagged(tag::INSTALL, "other"));
    refused("load-balancer/web", "lamplighter:uid=u2", tagged(tag::UID, "u2"));
    refused(
        "load-balancer/web",
        "lamplighter:part=load-balancer/app",
        tagged(tag::PART, "load-balancer/app"),
    );
}

#[test]
fn what_the_annotation_says_wrongly_is_refused() {
    refused("vpc", "has no such ids", |site| name(site, "vpc", "subnet-1"));
    refused("subnet/public/3", "the spec has no part", |site| name(site, "subnet/public/3", "subnet-1"));
    refused("lampshade", "the spec has no part", |site| name(site, "lampshade", "vpc-1"));
    refused("subnet/public/1", "is named as", |site| {
        let other = site.adoption.parts[&Part::from("subnet/public/2")].clone();
        name(site, "subnet/public/1", &other);
    });
}

#[test]
fn what_is_gone_going_or_elsewhere_is_refused() {
    refused("database", "AWS knows nothing of it", |site| {
        let id = site.adoption.parts[&Part::from("database")].clone();
        site.world.inventory.unlisted.insert((Kind::DbInstance, id), None);
    });
    refused("nat-gateway/1", "is being deleted", |site| {
        described(site, "nat-gateway/1").state = State::Deleting;
    });
    refused("subnet/data/1", "stands in vpc-9", |site| {
        let Body::Subnet(subnet) = &mut described(site, "subnet/data/1").body else { panic!() };
        subnet.vpc = Reference::id("vpc-9");
    });
}

#[test]
fn what_only_a_replacement_would_put_right_is_refused() {
    refused("subnet/data/1", "cidr: 10.99.0.0/24 -> ", |site| {
        let Body::Subnet(subnet) = &mut described(site, "subnet/data/1").body else { panic!() };
        subnet.cidr = "10.99.0.0/24".to_owned();
    });
    refused("database", "encrypted: false -> true", |site| {
        let Body::DbInstance(database) = &mut described(site, "database").body else { panic!() };
        database.encrypted = false;
    });
}

#[test]
fn a_part_that_was_taken_over_is_made_again_though_the_annotation_stays() {
    let mut site = foreign();
    site.settle();
    let lost = site.lose("nat-gateway/1");
    site.settle();
    let again = &site.world.inventory.parts[&Part::from("nat-gateway/1")][0];
    assert_ne!(again.id, lost.id);
    assert!(site.adoption.parts.values().any(|id| *id == lost.id));
}

#[test]
fn a_replica_that_the_spec_gave_up_does_not_come_back_into_question() {
    let mut site = foreign();
    site.settle();
    site.spec.database.as_mut().unwrap().replicas.min = 0;
    site.spec.database.as_mut().unwrap().replicas.max = Some(0);
    site.settle();
    let id = site.adoption.parts[&Part::from("replica/1")].clone();
    site.world.inventory.unlisted.insert((Kind::DbInstance, id), None);
    let plan = site.plan();
    assert!(plan.parts.values().all(|report| report.state == PartState::Ready), "{plan}");
}
