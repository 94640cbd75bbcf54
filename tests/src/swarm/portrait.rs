//! A site as it is if nothing ever goes wrong: what a site in trouble must come to, whatever happened to it.
//!
//! The oracles of Sieve and Acto: the end state is that of the run without faults (D1), nothing was made or deleted
//! more often than what happened to it explains (D2), and neither the specs on the way (D3, D4) nor restarts (D5) show.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use lamp_cloud::kinds::auto_scaling_group::ScalingPolicy;
use lamp_cloud::{Body, Request, Resource, State, tag};
use lamp_sim::{Effect, Fault, World};
use lamp_store::Key;
use serde_json::Value;

use super::trial::Trial;
use crate::Site;

/// How many there are of each part; all replicas are one part, as their numbers have no meaning.
type Census = BTreeMap<String, usize>;

/// A site without trouble.
#[derive(Clone, Debug)]
pub struct Calm {
    census: Census,
    /// What each part is, with names instead of ids.
    bodies: BTreeMap<String, Value>,
    /// How often each part was made.
    made: BTreeMap<String, usize>,
}

impl Calm {
    pub(super) fn of(site: &Site, key: &Key) -> Result<Self> {
        let uid = uid(site, key)?;
        let census = census(site);
        let world = site.region.world();
        Ok(Self { census, bodies: bodies(&world, &uid), made: made(&world, &uid) })
    }

    /// Parts that the site consists of.
    pub(super) fn parts(&self) -> BTreeSet<String> {
        self.bodies.keys().cloned().collect()
    }

    /// Whether a site came to the same.
    pub(super) fn is_the_same(&self, trial: &Trial) -> Result<()> {
        self.has_the_same_census(trial)?;
        let uid = uid(&trial.site, &trial.key)?;
        let world = trial.site.region.world();
        let now = bodies(&world, &uid);
        for (part, body) in &self.bodies {
            let found = now.get(part).with_context(|| format!("D1: no {part}"))?;
            ensure!(found == body, "D1: {part} is {found}, and should be {body}");
        }
        self.was_made_as_often(&world, &uid, &trial.taken)
    }

    fn has_the_same_census(&self, trial: &Trial) -> Result<()> {
        let now = census(&trial.site);
        let fixed = |census: &Census| -> Census {
            census
                .iter()
                .filter(|(part, _)| !is_scaled(part))
                .map(|(part, count)| (part.clone(), *count))
                .collect()
        };
        ensure!(
            fixed(&now) == fixed(&self.census),
            "D1: there is {now:#?}, and should be {:#?}",
            self.census
        );
        for (part, count) in now.iter().filter(|(part, _)| is_scaled(part)) {
            let (min, max) =
                bounds(&trial.base, part).with_context(|| format!("D1: {part} is in no spec"))?;
            let within = (min..=max).contains(&(*count as u64));
            ensure!(within, "D1: {part}: {count}, and the spec says {min} to {max}");
        }
        let scaled =
            |census: &Census| census.keys().filter(|part| is_scaled(part)).cloned().collect::<Vec<_>>();
        ensure!(
            scaled(&now) == scaled(&self.census),
            "D1: there is {now:#?}, and should be {:#?}",
            self.census
        );
        Ok(())
    }

    /// Hands, late effects, second deliveries and failures of AWS's own explain more; nothing else does.
    fn was_made_as_often(&self, world: &World, uid: &str, taken: &BTreeMap<String, usize>) -> Result<()> {
        let (now, excused) = (made(world, uid), excused(world, uid));
        for (part, count) in now.iter().filter(|(part, _)| !part.starts_with("replica/")) {
            let of = |counts: &BTreeMap<String, usize>| counts.get(part).copied().unwrap_or_default();
            let balancer = balancer_of(part).and_then(|balancer| excused.get(&balancer).copied());
            let most = of(&self.made).max(1) + of(&excused) + of(taken) + balancer.unwrap_or_default();
            ensure!(*count <= most, "D2: {part} was made {count} times; {most} times is explained");
        }
        Ok(())
    }
}

fn uid(site: &Site, key: &Key) -> Result<String> {
    let stored = site.store().get(key)?.context("the object is gone")?;
    Ok(stored.object["metadata"]["uid"].as_str().unwrap_or_default().to_owned())
}

/// Creations of each part of a stack.
fn creations<'a>(world: &'a World, uid: &'a str) -> impl Iterator<Item = (&'a lamp_sim::Call, String)> {
    world.log().iter().filter_map(move |call| match call.request()? {
        Request::Create { part, tags, .. } if tags.get(tag::UID).is_some_and(|owner| owner == uid) => {
            Some((call, part.to_string()))
        }
        _ => None,
    })
}

/// How many different resources each part was. A repeated creation gives back what the first one made.
fn made(world: &World, uid: &str) -> BTreeMap<String, usize> {
    let mut ids: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (call, part) in creations(world, uid) {
        if let Effect::Done(applied) = &call.effect {
            ids.entry(part).or_default().extend(applied.id.as_deref());
        }
    }
    ids.into_iter().map(|(part, ids)| (part, ids.len())).collect()
}

/// How many creations of each part were struck in a way that explains another one.
fn excused(world: &World, uid: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for (_, part) in creations(world, uid).filter(|(call, _)| excuses(call)) {
        *counts.entry(part).or_default() += 1;
    }
    counts
}

fn excuses(call: &lamp_sim::Call) -> bool {
    matches!(call.fault, Some(Fault::LateEffect | Fault::Duplicate | Fault::FailsLater))
}

/// The load balancer with which AWS deletes a listener.
fn balancer_of(listener: &str) -> Option<String> {
    let (tier, _) = listener.strip_prefix("listener/")?.split_once('/')?;
    Some(format!("load-balancer/{tier}"))
}

/// What each part of a stack is, without what AWS or chance decides.
fn bodies(world: &World, uid: &str) -> BTreeMap<String, Value> {
    let rows: Vec<&Resource> = world
        .resources()
        .map(AsRef::as_ref)
        .filter(|row| {
            row.tags.get(tag::UID).is_some_and(|owner| owner == uid) && row.state != State::Deleting
        })
        .collect();
    let name = |row: &Resource| row.part().map(|part| part.to_string()).unwrap_or_default();
    let mut ids: Vec<(String, String)> = rows.iter().map(|row| (row.id.clone(), name(row))).collect();
    // Addresses are derived from ids, and stand in user data.
    ids.extend(rows.iter().filter_map(|row| Some((address(row)?, format!("address of {}", name(row))))));
    // Scaling policies name what counts requests by the ends of its ARNs.
    ids.extend(rows.iter().filter_map(|row| Some((arn_end(row)?, format!("end of {}", name(row))))));
    ids.push((uid.to_owned(), "uid".to_owned()));
    ids.sort_by_key(|(id, _)| std::cmp::Reverse(id.len()));
    let declared = rows.iter().filter(|row| !name(row).starts_with("replica/"));
    declared.map(|row| (name(row), significant(&row.body, &ids))).collect()
}

fn address(row: &Resource) -> Option<String> {
    match &row.body {
        Body::LoadBalancer(balancer) => balancer.dns_name.clone(),
        Body::DbInstance(database) => database.facts.endpoint.clone(),
        _ => None,
    }
}

/// `app/web/50dc6c495c0c9188` of a load balancer, `targetgroup/web/73e2d6bc24d8a067` of a target group.
fn arn_end(row: &Resource) -> Option<String> {
    let balancer = row.id.split_once(":loadbalancer/").map(|(_, end)| end);
    let targets =
        || row.id.rsplit_once(':').map(|(_, end)| end).filter(|end| end.starts_with("targetgroup/"));
    balancer.or_else(targets).map(str::to_owned)
}

fn significant(body: &Body, ids: &[(String, String)]) -> Value {
    let mut body = body.clone();
    match &mut body {
        Body::LaunchTemplate(template) => {
            (template.latest_version, template.default_version) = (0, 0);
            let data = template.data.iter_mut();
            data.for_each(|data| drop(data.instance_tags.remove(tag::INTENT)));
        }
        Body::AutoScalingGroup(group) => {
            group.members.clear();
            group.target_groups.sort();
            (group.template_version, group.desired) = (0, 0);
            group.policies.iter_mut().flatten().filter(|policy| policy.is_ours()).for_each(without_owner);
        }
        Body::DbInstance(database) => {
            database.facts = Default::default();
            (database.zone, database.maintenance_window) = (None, None);
            // A volume that filled was grown, and RDS makes none smaller.
            database.storage_gib = 0;
        }
        Body::RouteTable(table) => table.associations.clear(),
        Body::ElasticIp(address) => address.association = None,
        Body::LoadBalancer(balancer) => {
            balancer.dns_name = None;
            balancer.subnets.sort();
        }
        Body::DbSubnetGroup(group) => group.subnets.sort(),
        Body::SecurityGroup(group) => {
            group.ingress.sort();
            group.egress.sort();
        }
        _ => {}
    }
    let text = serde_json::to_string(&body).unwrap_or_default();
    let text = ids.iter().fold(text, |text, (id, part)| text.replace(id.as_str(), part));
    sorted(serde_json::from_str(&without_future_readers(&text)).unwrap_or_default())
}

/// The name of a policy of ours ends in what tells its stack from others.
fn without_owner(policy: &mut ScalingPolicy) {
    if let Some((purpose, _)) = policy.name.rsplit_once('-') {
        policy.name = purpose.to_owned();
    }
}

/// Instances are told the names of replicas that are yet to come; those follow from the uid and the account. Which of
/// them there are is what replacement and scaling made of it.
fn without_future_readers(text: &str) -> String {
    let Some((before, rest)) = text.split_once("DATABASE_READER_HOSTS='") else { return text.to_owned() };
    let Some((hosts, after)) = rest.split_once('\'') else { return text.to_owned() };
    let any = if hosts.contains("address of ") { "readers" } else { "" };
    format!("{before}DATABASE_READER_HOSTS='{any}'{after}")
}

/// Lists of names have no order: ids, by which they were sorted, differ from run to run.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(sorted).collect();
            items.sort_by_key(ToString::to_string);
            Value::Array(items)
        }
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, sorted(value))).collect(),
        other => other,
    }
}

const REPLICAS: &str = "replicas";

fn census(site: &Site) -> Census {
    let mut census = Census::new();
    for (part, count) in site.census() {
        if part.contains("somebody") {
            continue;
        }
        let part = if part.starts_with("replica/") { REPLICAS.to_owned() } else { part };
        *census.entry(part).or_default() += count;
    }
    census
}

fn is_scaled(part: &str) -> bool {
    part == REPLICAS || part.starts_with("instances of ")
}

/// How many of a scaled part the spec allows.
fn bounds(spec: &Value, part: &str) -> Option<(u64, u64)> {
    let capacity = match part.strip_prefix("instances of auto-scaling-group/") {
        None => &spec["spec"]["database"]["replicas"],
        Some(name) => {
            let mut tiers = spec["spec"]["tiers"].as_array()?.iter();
            &tiers.find(|tier| tier["name"] == name)?["capacity"]
        }
    };
    Some((capacity["min"].as_u64()?, capacity["max"].as_u64()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::specs;

    #[test]
    fn the_spec_bounds_what_scales() {
        let spec = specs::load("lamp").unwrap();
        assert_eq!(bounds(&spec, "instances of auto-scaling-group/web"), Some((2, 12)));
        assert_eq!(bounds(&spec, REPLICAS), Some((1, 5)));
        assert_eq!(bounds(&spec, "instances of auto-scaling-group/none"), None);
    }

    #[test]
    fn lists_are_compared_without_their_order() {
        let value = |text: &str| sorted(serde_json::from_str(text).unwrap());
        assert_eq!(value(r#"{"a": [2, 1]}"#), value(r#"{"a": [1, 2]}"#));
        assert_ne!(value(r#"{"a": [2, 1]}"#), value(r#"{"a": [1, 1]}"#));
    }
}
