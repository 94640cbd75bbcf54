//! The list of tiers, and each tier by itself.

use super::bounds::{lower_or_digit, only, unique, within};
use super::scaling::SubjectKind;
use super::{load_balancer, scaling};
use crate::FieldError;
use crate::names::is_dns_label;
use crate::v1alpha1::{Healing, Image, LampStackSpec, Tier};

/// A site with more tiers than this is several sites.
const MAX_TIERS: usize = 10;

/// Part of the names of AWS resources, of which the shortest allow 32 characters.
const MAX_NAME: usize = 20;

/// What `uses` calls the database, and so no tier.
pub(super) const DATABASE: &str = "database";

/// AWS allows 16 KiB; the rest is for the endpoints that are put in front.
const MAX_USER_DATA: usize = 12 * 1024;

/// Auto Scaling's limit of overrides in one group.
const MAX_INSTANCE_TYPES: usize = 40;

/// More instances of one tier are a slip of the finger.
const MAX_CAPACITY: u32 = 1000;

pub(super) fn check(spec: &LampStackSpec, errors: &mut Vec<FieldError>) {
    if spec.tiers.len() > MAX_TIERS {
        let detail = format!("at most {MAX_TIERS} tiers; a larger site is several stacks");
        errors.push(FieldError::invalid("spec.tiers", spec.tiers.len(), detail));
    }
    let names = spec.tiers.iter().map(|tier| tier.name.as_str());
    unique(errors, names, |index| format!("spec.tiers[{index}].name"));
    for (index, tier) in spec.tiers.iter().enumerate() {
        one(tier, &format!("spec.tiers[{index}]"), spec, errors);
    }
}

fn one(tier: &Tier, path: &str, spec: &LampStackSpec, errors: &mut Vec<FieldError>) {
    name(&tier.name, path, errors);
    image(&tier.image, path, errors);
    instance_types(&tier.instance_types, path, errors);
    instance_profile(tier, path, errors);
    if tier.port == 0 {
        errors.push(FieldError::invalid(format!("{path}.port"), 0, "must be from 1 to 65535"));
    }
    capacity(tier, path, errors);
    if let Some(balancer) = &tier.load_balancer {
        load_balancer::check(balancer, path, &spec.region, errors);
    }
    let (balanced, database) = (tier.load_balancer.is_some(), spec.database.is_some());
    let kind = SubjectKind::Tier { balanced, database };
    let subject = scaling::Subject { kind, min: tier.capacity.min, max: tier.capacity.max };
    scaling::check(&tier.scaling, subject, &format!("{path}.scaling"), errors);
    healing(&tier.healing, path, errors);
    within(errors, format!("{path}.rollout.bakeSeconds"), tier.rollout.bake_seconds, 0..=3600);
    within(errors, format!("{path}.rootVolume.gib"), tier.root_volume.gib, 8..=1024);
    user_data(tier, path, errors);
}

fn name(name: &str, path: &str, errors: &mut Vec<FieldError>) {
    let field = format!("{path}.name");
    if name == DATABASE {
        errors.push(FieldError::invalid(field, name, "is what `uses` calls the database of the site"));
    } else if !is_dns_label(name) || name.len() > MAX_NAME {
        let detail = format!(
            "must be 1 to {MAX_NAME} lower-case letters, digits or '-', beginning and ending with a letter or digit"
        );
        errors.push(FieldError::invalid(field, name, detail));
    }
}

fn image(image: &Image, path: &str, errors: &mut Vec<FieldError>) {
    match (&image.ssm_parameter, &image.id) {
        (Some(_), Some(_)) => errors.push(FieldError::forbidden(
            format!("{path}.image"),
            "set either ssmParameter or id, not both; ssmParameter: null takes a default away",
        )),
        (None, None) => {
            errors.push(FieldError::required(format!("{path}.image"), "set either ssmParameter or id"))
        }
        (Some(parameter), None) if !is_parameter(parameter) => {
            let detail = "must be the name of an SSM parameter, such as /aws/service/…";
            errors.push(FieldError::invalid(format!("{path}.image.ssmParameter"), parameter, detail));
        }
        (None, Some(id)) if !is_image_id(id) => {
            let detail = "must be an image id: ami- and 8 or 17 hexadecimal digits";
            errors.push(FieldError::invalid(format!("{path}.image.id"), id, detail));
        }
        _ => {}
    }
}

fn is_parameter(name: &str) -> bool {
    name.len() <= 1024 && only(name, |c| c.is_ascii_alphanumeric() || "/_.-:".contains(c))
}

fn is_image_id(id: &str) -> bool {
    id.strip_prefix("ami-").is_some_and(|digits| {
        matches!(digits.len(), 8 | 17) && only(digits, |c| c.is_ascii_digit() || ('a'..='f').contains(&c))
    })
}

fn instance_types(types: &[String], path: &str, errors: &mut Vec<FieldError>) {
    let field = format!("{path}.instanceTypes");
    if types.is_empty() {
        errors.push(FieldError::required(&field, "at least one instance type, such as t3.small"));
    }
    if types.len() > MAX_INSTANCE_TYPES {
        let detail = format!("an Auto Scaling group takes at most {MAX_INSTANCE_TYPES}");
        errors.push(FieldError::invalid(&field, types.len(), detail));
    }
    for (index, kind) in types.iter().enumerate().filter(|(_, kind)| !is_instance_type(kind)) {
        let detail = "must be an instance type such as t3.small";
        errors.push(FieldError::invalid(format!("{field}[{index}]"), kind, detail));
    }
    unique(errors, types.iter().map(String::as_str), |index| format!("{field}[{index}]"));
}

/// `t3.small`, `u-6tb1.112xlarge`: a family and a size.
pub(super) fn is_instance_type(text: &str) -> bool {
    let word = |part: &str| only(part, |c| lower_or_digit(c) || c == '-');
    text.split_once('.').is_some_and(|(family, size)| word(family) && word(size))
        && text.starts_with(|c: char| c.is_ascii_lowercase())
}

fn instance_profile(tier: &Tier, path: &str, errors: &mut Vec<FieldError>) {
    let Some(profile) = &tier.instance_profile else { return };
    let is_arn = profile.starts_with("arn:") && profile.contains(":instance-profile/");
    let is_name =
        profile.len() <= 128 && only(profile, |c| c.is_ascii_alphanumeric() || "+=,.@-_".contains(c));
    if !is_arn && !is_name {
        let detail = "must be the name or the ARN of an IAM instance profile";
        errors.push(FieldError::invalid(format!("{path}.instanceProfile"), profile, detail));
    }
}

fn capacity(tier: &Tier, path: &str, errors: &mut Vec<FieldError>) {
    let (min, max) = (tier.capacity.min, tier.capacity.max);
    within(errors, format!("{path}.capacity.max"), max, 0..=MAX_CAPACITY);
    if min > max {
        let detail = format!("must not be more than max, which is {max}");
        errors.push(FieldError::invalid(format!("{path}.capacity.min"), min, detail));
    }
    let Some(desired) = tier.capacity.desired else { return };
    let field = format!("{path}.capacity.desired");
    if !tier.scaling.policies.is_empty() {
        let detail =
            "the scaling policies decide the number of instances; remove either desired or the policies";
        errors.push(FieldError::forbidden(field, detail));
    } else if min <= max && !(min..=max).contains(&desired) {
        let detail = format!("must be from min to max, {min} to {max}");
        errors.push(FieldError::invalid(field, desired, detail));
    }
}

fn healing(healing: &Healing, path: &str, errors: &mut Vec<FieldError>) {
    let path = format!("{path}.healing");
    within(errors, format!("{path}.gracePeriodSeconds"), healing.grace_period_seconds, 0..=7200);
    within(errors, format!("{path}.startupTimeoutSeconds"), healing.startup_timeout_seconds, 60..=7200);
    within(errors, format!("{path}.unhealthyForSeconds"), healing.unhealthy_for_seconds, 90..=3600);
    let in_zone = healing.max_unhealthy_in_zone_percent;
    within(errors, format!("{path}.maxUnhealthyPercent"), healing.max_unhealthy_percent, 1..=100);
    within(errors, format!("{path}.maxUnhealthyInZonePercent"), in_zone, 1..=100);
    within(errors, format!("{path}.maxInFlightPercent"), healing.max_in_flight_percent, 1..=100);
    healing_pace(healing, &path, errors);
}

/// How many replacements, and what is no limit at all beside another one.
fn healing_pace(healing: &Healing, path: &str, errors: &mut Vec<FieldError>) {
    let share = healing.max_replacements_per_hour_percent;
    within(errors, format!("{path}.maxReplacementsPerHour"), healing.max_replacements_per_hour, 1..=100);
    within(errors, format!("{path}.maxReplacementsPerHourPercent"), share, 1..=100);
    within(errors, format!("{path}.maxReplacementsInARow"), healing.max_replacements_in_a_row, 1..=10);
    let (at_once, unhealthy) = (healing.max_in_flight_percent, healing.max_unhealthy_percent);
    if at_once > unhealthy && unhealthy > 0 {
        let detail = format!(
            "must not be more than maxUnhealthyPercent, which is {unhealthy}: so many are not replaced"
        );
        errors.push(FieldError::invalid(format!("{path}.maxInFlightPercent"), at_once, detail));
    }
}

fn user_data(tier: &Tier, path: &str, errors: &mut Vec<FieldError>) {
    let length = tier.user_data.as_ref().map_or(0, String::len);
    if length > MAX_USER_DATA {
        let detail = format!(
            "{length} bytes: at most {MAX_USER_DATA}; let a short script fetch what is larger, from S3 for example"
        );
        errors.push(FieldError::invalid(format!("{path}.userData"), "…", detail));
    }
}
