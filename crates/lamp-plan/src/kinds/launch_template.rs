//! What the instances of each tier are started from, with the addresses of what the tier uses.

use lamp_api::v1alpha1::{Database, Image, Tier};
use lamp_cloud::kinds::launch_template::{LaunchTemplate, OUR_VERSION, TemplateData};
use lamp_cloud::{Kind, ResourceId, Tags, tag, unique_name};

use super::{db_instance, secret, to};
use crate::observed::{dns_name, held};
use crate::replicas::taken_slots;
use crate::site::{self, DATABASE_PORT};
use crate::user_data::user_data;
use crate::{PlanInput, Wanted, parts};

pub(crate) fn wanted(input: &PlanInput<'_>) -> Vec<Wanted> {
    input.spec.tiers.iter().map(|tier| of(input, tier)).collect()
}

/// The template of one tier. It waits for the addresses that it holds.
pub(crate) fn of(input: &PlanInput<'_>, tier: &Tier) -> Wanted {
    Wanted::or_waiting(parts::launch_template(&tier.name), Kind::LaunchTemplate, body(input, tier))
}

fn body(input: &PlanInput<'_>, tier: &Tier) -> Result<LaunchTemplate, String> {
    let environment = environment(input, tier)?;
    let data = TemplateData {
        image: image(&tier.image),
        instance_type: tier.instance_types.first().cloned().unwrap_or_default(),
        instance_profile: tier.instance_profile.clone(),
        security_groups: vec![to(&parts::tier_security_group(&tier.name))],
        user_data: user_data(&environment, tier.user_data.as_deref()),
        root_volume_gib: tier.root_volume.gib,
        instance_tags: instance_tags(input, tier),
        imds_v2_required: true,
        root_volume_encrypted: true,
        detailed_monitoring: true,
        description: Some(OUR_VERSION.to_owned()),
    };
    let proved = input.ledger.get(&parts::launch_template(&tier.name)).map(|entry| &entry.versions);
    // EC2 deletes no version that is the default one: the good one stays, whatever hands do.
    let good = proved.and_then(|versions| versions.good.as_ref());
    let default_version = good.map_or(0, |good| good.number);
    Ok(LaunchTemplate { data: Some(data), latest_version: 0, default_version })
}

fn image(image: &Image) -> String {
    match (&image.id, &image.ssm_parameter) {
        (Some(id), _) => id.clone(),
        (None, parameter) => format!("resolve:ssm:{}", parameter.as_deref().unwrap_or_default()),
    }
}

/// The tags of a tier's instances.
pub(crate) fn instance_tags(input: &PlanInput<'_>, tier: &Tier) -> Tags {
    let mut tags = input.owner.identity(&parts::auto_scaling_group(&tier.name));
    tags.insert(tag::NAME.to_owned(), format!("{} {}", input.owner.name, tier.name));
    tags
}

/// A template that we did not make goes on tagging instances as it does: ours come to them from their group. To tag
/// them otherwise would be a new version, and replace them all.
pub(super) fn yield_to_maker(desired: LaunchTemplate, observed: &LaunchTemplate) -> LaunchTemplate {
    let tags = observed.data.as_ref().map(|data| data.instance_tags.clone());
    let data = desired.data.map(|data| TemplateData {
        instance_tags: tags.unwrap_or_else(|| data.instance_tags.clone()),
        ..data
    });
    LaunchTemplate { data, ..desired }
}

/// The template of a stack that was lost, and whose site was taken over, names its uid. On an instance the tag of the
/// group wins over it, so it is not worth a version, which would replace them all.
pub(super) fn keep_uid(mut desired: LaunchTemplate, observed: &LaunchTemplate) -> LaunchTemplate {
    let uid = observed.data.as_ref().and_then(|data| data.instance_tags.get(tag::UID));
    if let (Some(data), Some(uid)) = (&mut desired.data, uid) {
        data.instance_tags.insert(tag::UID.to_owned(), uid.clone());
    }
    desired
}

type Environment = Vec<(String, String)>;

fn environment(input: &PlanInput<'_>, tier: &Tier) -> Result<Environment, String> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut environment = vec![pair("LAMP_STACK", &input.owner.stack()), pair("LAMP_TIER", &tier.name)];
    for used in site::used_tiers(input.spec, tier) {
        let Some(balancer) = &used.load_balancer else { continue };
        let part = parts::load_balancer(&used.name);
        let dns = dns_name(input, &used.name).ok_or_else(|| format!("waiting for the address of {part}"))?;
        let name = format!("{}_URL", used.name.to_ascii_uppercase().replace('-', "_"));
        environment.push((name, format!("{}://{dns}", site::url_scheme(balancer))));
    }
    if let Some(database) = input.spec.database.as_ref().filter(|_| site::uses_database(input.spec, tier)) {
        environment.extend(database_environment(input, database)?);
    }
    Ok(environment)
}

fn database_environment(input: &PlanInput<'_>, database: &Database) -> Result<Environment, String> {
    let primary = db_instance::observed_primary(input);
    let host = primary
        .and_then(|primary| primary.facts.endpoint.clone())
        .ok_or_else(|| "waiting for the address of database".to_owned())?;
    let secret = secret(input)?;
    let readers = reader_hosts(input, database, &host);
    let mut environment =
        vec![("DATABASE_HOST".to_owned(), host), ("DATABASE_PORT".to_owned(), DATABASE_PORT.to_string())];
    environment.extend(secret.map(|arn| ("DATABASE_SECRET_ARN".to_owned(), arn)));
    environment.push(("DATABASE_READER_HOSTS".to_owned(), readers));
    Ok(environment)
}

/// The secret with the master password, if there is to be one.
fn secret(input: &PlanInput<'_>) -> Result<Option<ResourceId>, String> {
    if !secret::is_wanted(input) {
        return Ok(None);
    }
    let held = held(input, &parts::database_secret(), Kind::Secret);
    held.map(|row| Some(row.id.clone())).ok_or_else(|| "waiting for secret/database".to_owned())
}

/// The addresses of every replica that there may ever be at once, so that instances need not be replaced when
/// replicas come and go: an address is the replica's name and what follows the primary's. One slot more than the
/// maximum, as a broken replica is replaced by a new one before it goes.
fn reader_hosts(input: &PlanInput<'_>, database: &Database, primary: &str) -> String {
    let max = database.replicas.max();
    let Some((_, suffix)) = primary.split_once('.').filter(|_| max > 0) else { return String::new() };
    let taken = taken_slots(input);
    let slots =
        (1..).filter(|slot| !taken.contains(slot)).take(usize::try_from(max).map_or(0, |max| max + 1));
    let hosts = slots.map(|slot| {
        let part = parts::replica(slot);
        // One that was taken over has the name that its maker gave it.
        let held = input.ledger.get(&part).and_then(|entry| entry.id.clone());
        let name = held.unwrap_or_else(|| unique_name(input.owner, &part, 0));
        format!("{name}.{suffix}")
    });
    hosts.collect::<Vec<_>>().join(",")
}
