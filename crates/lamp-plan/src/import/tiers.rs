//! The tiers of a site: one for each Auto Scaling group in the network, with its load balancer.

use lamp_api::v1alpha1::{
    Capacity, Healing, HealthCheck, Image, LoadBalancer, Rollout, RootVolume, SafetyPolicy, Scheme,
    Stickiness, Tier,
};
use lamp_cloud::kinds::auto_scaling_group::AutoScalingGroup;
use lamp_cloud::kinds::launch_template::TemplateData;
use lamp_cloud::kinds::listener::{Listener, ListenerAction};
use lamp_cloud::kinds::load_balancer::LoadBalancer as AwsLoadBalancer;
use lamp_cloud::kinds::security_group::{Peer, SecurityGroup};
use lamp_cloud::kinds::target_group::TargetGroup;
use lamp_cloud::{Body, Kind, Resource};

use super::database::Primary;
use super::{Found, Survey, policies};
use crate::parts;
use crate::site::DATABASE;

/// A group of instances, with the name that its tier gets.
#[derive(Clone, Debug)]
pub(super) struct Group<'a> {
    pub(super) tier: String,
    pub(super) row: &'a Resource,
    pub(super) body: &'a AutoScalingGroup,
}

/// The Auto Scaling groups of the network.
pub(super) fn groups<'a>(survey: &Survey<'a>) -> Vec<Group<'a>> {
    let standing: Vec<_> = survey.groups().filter(|(_, group)| survey.holds(&group.subnets)).collect();
    let names: Vec<&str> = standing.iter().map(|(row, _)| row.name.as_str()).collect();
    let tiers = names.iter().map(|name| tier_name(name, &names));
    let mut groups: Vec<Group<'a>> = Vec::new();
    for (tier, (row, body)) in tiers.zip(&standing) {
        let taken = groups.iter().filter(|other| other.tier.starts_with(&tier)).count();
        let tier = if taken > 0 { format!("{tier}-{}", taken + 1) } else { tier };
        groups.push(Group { tier, row, body });
    }
    groups
}

/// A DNS label of at most 18 characters, so that a number fits behind it: the name without what all have in common.
fn tier_name(name: &str, all: &[&str]) -> String {
    let common = common_beginning(all);
    let own = name.strip_prefix(common).unwrap_or(name);
    let clean: String = own
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .skip_while(|c| !c.is_ascii_lowercase())
        .take(18)
        .collect();
    match clean.trim_matches('-') {
        "" | DATABASE => "tier".to_owned(),
        name => name.to_owned(),
    }
}

/// What all names begin with, up to a `-`. A single name has its first words in common with the stack.
fn common_beginning<'n>(all: &[&'n str]) -> &'n str {
    let Some((first, rest)) = all.split_first() else { return "" };
    let begins = |length: &usize| rest.iter().all(|name| name.starts_with(&first[..*length]));
    let ends = first.match_indices('-').map(|(at, _)| at + 1);
    ends.rev().find(begins).map_or("", |length| &first[..length])
}

/// Reads the tiers, and finds their parts.
pub(super) fn read<'a>(
    survey: &Survey<'a>,
    groups: &[Group<'a>],
    database: Option<&Primary<'a>>,
    found: &mut Found<'a>,
) -> Vec<Tier> {
    let mut tiers: Vec<Tier> = groups.iter().map(|group| tier(survey, group, found)).collect();
    let edges: Vec<Vec<String>> = tiers.iter().map(|tier| uses(&tiers, tier, database, found)).collect();
    for (tier, uses) in tiers.iter_mut().zip(edges) {
        tier.uses = uses;
    }
    tiers
}

fn tier<'a>(survey: &Survey<'a>, group: &Group<'a>, found: &mut Found<'a>) -> Tier {
    let name = group.tier.clone();
    found.insert(parts::auto_scaling_group(&name), group.row);
    let template = group.body.template.as_id().and_then(|id| survey.row(Kind::LaunchTemplate, id));
    found.extend(template.map(|row| (parts::launch_template(&name), row)));
    let data = template.and_then(data);
    let firewall = data.and_then(|data| survey.first(Kind::SecurityGroup, &data.security_groups));
    found.extend(firewall.map(|row| (parts::tier_security_group(&name), row)));
    let (port, load_balancer) = balancer(survey, group, found);
    let mut types = group.body.instance_types.clone();
    if types.is_empty() {
        types.extend(data.map(|data| data.instance_type.clone()));
    }
    Tier {
        name,
        uses: Vec::new(),
        image: data.map(image).unwrap_or_default(),
        instance_types: types,
        instance_profile: data.and_then(|data| data.instance_profile.clone()),
        port,
        capacity: Capacity {
            min: group.body.min,
            max: group.body.max,
            desired: Some(group.body.desired).filter(|desired| *desired != group.body.min),
        },
        load_balancer,
        scaling: policies::read(group.body),
        safety_policy: SafetyPolicy::default(),
        database_connections: None,
        healing: Healing { grace_period_seconds: group.body.grace_seconds, ..Healing::default() },
        rollout: Rollout::default(),
        root_volume: data
            .filter(|data| data.root_volume_gib > 0)
            .map_or_else(RootVolume::default, |data| RootVolume { gib: data.root_volume_gib }),
        user_data: data.map(|data| data.user_data.clone()).filter(|text| !text.trim().is_empty()),
    }
}

fn data(template: &Resource) -> Option<&TemplateData> {
    match &template.body {
        Body::LaunchTemplate(template) => template.data.as_ref(),
        _ => None,
    }
}

fn image(data: &TemplateData) -> Image {
    match data.image.strip_prefix("resolve:ssm:") {
        Some(parameter) => Image { ssm_parameter: Some(parameter.to_owned()), id: None },
        None => Image { ssm_parameter: None, id: Some(data.image.clone()) },
    }
}

/// The port of the instances, and the load balancer in front of them.
fn balancer<'a>(
    survey: &Survey<'a>,
    group: &Group<'a>,
    found: &mut Found<'a>,
) -> (u16, Option<LoadBalancer>) {
    const HTTP: u16 = 80;
    let Some(row) = survey.first(Kind::TargetGroup, &group.body.target_groups) else { return (HTTP, None) };
    let Body::TargetGroup(targets) = &row.body else { return (HTTP, None) };
    let front = front_of(survey, &row.id);
    let Some((front, balancer)) = front.and_then(|front| match &front.body {
        Body::LoadBalancer(balancer) => Some((front, balancer)),
        _ => None,
    }) else {
        return (targets.port, None);
    };
    let tier = &group.tier;
    found.insert(parts::target_group(tier), row);
    found.insert(parts::load_balancer(tier), front);
    let firewall = survey.first(Kind::SecurityGroup, &balancer.security_groups);
    found.extend(firewall.map(|row| (parts::load_balancer_security_group(tier), row)));
    let listeners: Vec<_> = listeners(survey, &front.id).collect();
    let certificate_arn = listeners.iter().find_map(|(_, listener)| listener.certificate.clone());
    let ports: &[u16] = if certificate_arn.is_some() { &[443, 80] } else { &[80] };
    let served = listeners.iter().filter(|(_, listener)| ports.contains(&listener.port));
    found.extend(served.map(|(row, listener)| (parts::listener(tier, listener.port), *row)));
    (targets.port, Some(front_end(balancer, targets, certificate_arn)))
}

/// What a load balancer and its target group say; where AWS names an attribute not at all, it has AWS's default.
fn front_end(
    balancer: &AwsLoadBalancer,
    targets: &TargetGroup,
    certificate_arn: Option<String>,
) -> LoadBalancer {
    let check = &targets.health_check;
    let (attributes, delays) = (balancer.attributes.as_ref(), targets.attributes.as_ref());
    let stickiness = delays.and_then(|it| it.stickiness_seconds);
    LoadBalancer {
        scheme: if balancer.internet_facing { Scheme::Internet } else { Scheme::Internal },
        certificate_arn,
        health_check: HealthCheck {
            path: check.path.clone(),
            interval_seconds: check.interval_seconds,
            timeout_seconds: check.timeout_seconds,
            healthy_threshold: check.healthy_threshold,
            unhealthy_threshold: check.unhealthy_threshold,
        },
        stickiness: stickiness.map(|cookie_seconds| Stickiness { cookie_seconds }),
        deregistration_delay_seconds: delays.map_or(300, |it| it.deregistration_delay_seconds),
        idle_timeout_seconds: attributes.map_or(60, |it| it.idle_timeout_seconds),
        deletion_protection: attributes.is_some_and(|it| it.deletion_protection),
    }
}

/// The load balancer that sends to a target group.
fn front_of<'a>(survey: &Survey<'a>, target_group: &str) -> Option<&'a Resource> {
    survey.of(Kind::Listener).find_map(|row| match &row.body {
        Body::Listener(Listener { load_balancer, action: ListenerAction::Forward(to), .. })
            if to.as_id() == Some(target_group) =>
        {
            survey.row(Kind::LoadBalancer, load_balancer.as_id()?)
        }
        _ => None,
    })
}

fn listeners<'a>(
    survey: &Survey<'a>,
    balancer: &'a str,
) -> impl Iterator<Item = (&'a Resource, &'a Listener)> {
    survey.of(Kind::Listener).filter_map(move |row| match &row.body {
        Body::Listener(listener) if listener.load_balancer.as_id() == Some(balancer) => Some((row, listener)),
        _ => None,
    })
}

/// What a tier calls: the load balancers and the database that let its security group in.
fn uses(tiers: &[Tier], tier: &Tier, database: Option<&Primary<'_>>, found: &Found<'_>) -> Vec<String> {
    let Some(caller) = found.get(&parts::tier_security_group(&tier.name)) else { return Vec::new() };
    let internal = |other: &&Tier| {
        other.name != tier.name
            && other.load_balancer.as_ref().is_some_and(|front| front.scheme == Scheme::Internal)
    };
    let admits = |other: &&Tier| {
        let firewall = found.get(&parts::load_balancer_security_group(&other.name));
        firewall.is_some_and(|firewall| lets_in(firewall, &caller.id))
    };
    let called = tiers.iter().filter(internal).filter(admits).map(|other| other.name.clone());
    let data = database.and_then(|primary| primary.firewall).filter(|group| lets_in(group, &caller.id));
    called.chain(data.map(|_| DATABASE.to_owned())).collect()
}

fn lets_in(firewall: &Resource, caller: &str) -> bool {
    let Body::SecurityGroup(SecurityGroup { ingress, .. }) = &firewall.body else { return false };
    ingress.iter().any(|rule| matches!(&rule.peer, Peer::Group(group) if group.as_id() == Some(caller)))
}
