//! Which version of its launch template the instances of a tier are to be of.
//!
//! What is launched counts, not its number: a version that somebody added and nobody uses is followed by another one of
//! ours, and as that launches what the good one launches, no instance is replaced for it.

use lamp_api::v1alpha1::Tier;
use lamp_cloud::kinds::launch_template::LaunchTemplate;
use lamp_cloud::{Body, FailedVersion, Kind, Part, TemplateVersion, Versions, token};

use crate::kinds::{auto_scaling_group, launch_template, yield_to_owners};
use crate::left_alone::{self, Split};
use crate::observed::{held, list, resolve};
use crate::{Draft, PlanInput, parts};

/// What the group of a tier is to launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The version that the spec asks for.
    pub(crate) asked: TemplateVersion,
    pub(crate) standing: Standing,
}

/// How the version that the spec asks for stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has proved itself.
    Good,
    /// It has to prove itself.
    New,
    /// It did not work: the group launches the last good one.
    Returned { good: TemplateVersion, failed: FailedVersion },
}

impl Target {
    /// The version that the group is to launch, with the instance types that it chooses from.
    pub(crate) fn launched(&self) -> &TemplateVersion {
        match &self.standing {
            Standing::Returned { good, .. } => good,
            Standing::Good | Standing::New => &self.asked,
        }
    }
}

/// The target of a tier, as this plan found it already.
///
/// # Errors
/// What must be known first: until then the group is left at the version that it has.
pub(crate) fn of(draft: &Draft<'_>, tier: &Tier) -> Result<Target, String> {
    draft.targets.get(&tier.name).cloned().unwrap_or_else(|| find(&draft.input, tier))
}

/// Finds the target of a tier.
///
/// # Errors
/// What must be known first.
pub(crate) fn find(input: &PlanInput<'_>, tier: &Tier) -> Result<Target, String> {
    let part = parts::launch_template(&tier.name);
    let asked = Asked::of(input, tier, &part)?;
    let versions = versions(input, &part);
    let good = versions.good.as_ref();
    if let Some(good) = good.filter(|good| good.launches == asked.launches) {
        return Ok(asked.numbered(good.number, Standing::Good));
    }
    let failed = versions.failed.as_ref().filter(|failed| !is_asked_for_again(input, failed));
    if let Some((good, failed)) = good.zip(failed.filter(|failed| failed.version.launches == asked.launches))
    {
        return Ok(asked.returned(good, failed));
    }
    let number = asked.number.clone()?;
    match (good, failed) {
        (Some(good), _) if good.number == number => Ok(asked.numbered(number, Standing::Good)),
        (Some(good), Some(failed)) if asked.is_version(number, failed) => Ok(asked.returned(good, failed)),
        _ => Ok(asked.numbered(number, Standing::New)),
    }
}

/// What the versions of a template proved to be.
pub(crate) fn versions(input: &PlanInput<'_>, part: &Part) -> Versions {
    input.ledger.get(part).map(|entry| entry.versions.clone()).unwrap_or_default()
}

/// Whether a person asked for another look since a version failed.
fn is_asked_for_again(input: &PlanInput<'_>, failed: &FailedVersion) -> bool {
    input.requested.is_some() && input.requested != failed.requested.as_deref()
}

/// The instance types that a group chooses from. The template names the only one; overrides are for a choice.
pub(crate) fn choice(tier: &Tier) -> Vec<String> {
    if tier.instance_types.len() > 1 { tier.instance_types.clone() } else { Vec::new() }
}

/// What the spec asks for.
struct Asked {
    launches: String,
    instance_types: Vec<String>,
    /// Its number, once a version of the template launches it.
    number: Result<u64, String>,
}

impl Asked {
    fn of(input: &PlanInput<'_>, tier: &Tier, part: &Part) -> Result<Self, String> {
        let specified = launch_template::of(input, tier).body?;
        let row = held(input, part, Kind::LaunchTemplate).ok_or_else(|| format!("waiting for {part}"))?;
        let specified = yield_to_owners(specified, row);
        let Split { mut desired, left } = left_alone::split(input, part, specified, &row.body);
        let unresolved = resolve(input, &mut desired, Some(&row.body));
        if !unresolved.is_empty() {
            return Err(format!("waiting for {}", list(&unresolved)));
        }
        let instance_types = choice(tier);
        let launched = launched(&desired);
        let what = format!("{launched} {instance_types:?}");
        let is_left = !left.is_empty() && auto_scaling_group::observed(input, tier).is_some();
        let number = number(part, &desired, &row.body, is_left);
        Ok(Self { launches: token(input.owner, part, &what, 0), instance_types, number })
    }

    /// Whether a version that failed is the one that is asked for, though its fingerprint was another one then.
    fn is_version(&self, number: u64, failed: &FailedVersion) -> bool {
        failed.version.number == number && failed.version.instance_types == self.instance_types
    }

    fn numbered(self, number: u64, standing: Standing) -> Target {
        let Self { launches, instance_types, .. } = self;
        Target { asked: TemplateVersion { number, launches, instance_types }, standing }
    }

    fn returned(self, good: &TemplateVersion, failed: &FailedVersion) -> Target {
        let standing = Standing::Returned { good: good.clone(), failed: failed.clone() };
        self.numbered(failed.version.number, standing)
    }
}

fn launched(body: &Body) -> String {
    match body {
        Body::LaunchTemplate(LaunchTemplate { data: Some(data), .. }) => data.launched(),
        _ => String::new(),
    }
}

/// The newest version, if it is as the spec says.
fn number(part: &Part, desired: &Body, observed: &Body, is_left: bool) -> Result<u64, String> {
    match observed {
        Body::LaunchTemplate(template) if template.data.is_none() || template.latest_version == 0 => {
            Err(format!("waiting for the versions of {part} to be read"))
        }
        // What somebody else made, and what is left alone, is not rolled out.
        Body::LaunchTemplate(template) if is_left && template.is_anothers() => {
            Err(format!("version {} of {part} is left alone", template.latest_version))
        }
        Body::LaunchTemplate(template) if desired.differences(observed).is_empty() => {
            Ok(template.latest_version)
        }
        _ => Err(format!("waiting for a new version of {part}")),
    }
}
