//! A site that exists, made by whatever means, as a spec: what each resource would be, and what the spec cannot say.
//!
//! Nothing is invented: what the spec has a field for is read from AWS, and whatever still differs once everything is
//! taken over is told, field by field, and left alone by a rule of `spec.ignore`.

mod database;
mod leftover;
mod network;
mod policies;
mod rest;
mod rules;
mod survey;
mod tiers;

use std::collections::BTreeMap;

use lamp_api::v1alpha1::{Breakers, DeletionPolicy, LampStackSpec, Mode, validate};
use lamp_cloud::{Kind, Part, Resource, ResourceId};

pub use rest::Unexpressed;
pub use survey::Survey;

/// A site as a spec.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// Observes, and keeps the data should the stack be deleted.
    pub spec: LampStackSpec,
    /// What each part would be.
    pub adopt: BTreeMap<Part, ResourceId>,
    /// What the spec cannot say, and a rule leaves alone.
    pub unexpressed: Vec<Unexpressed>,
    /// What would be made, as the site has nothing of the kind.
    pub made: Vec<Part>,
    /// What stands in the network, or serves it, and is no part of the stack.
    pub left_out: Vec<LeftOut>,
    /// What a person must put right in the spec before it is accepted.
    pub problems: Vec<String>,
}

/// A resource that would stay foreign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    pub kind: String,
    pub id: ResourceId,
    pub why: String,
}

/// What was found to be which part.
type Found<'a> = BTreeMap<Part, &'a Resource>;

/// Reads a spec from a survey.
///
/// # Errors
/// There is no such network.
pub fn import(survey: &Survey<'_>) -> Result<Import, String> {
    let vpc = survey
        .row(Kind::Vpc, survey.vpc)
        .ok_or_else(|| format!("there is no network {} in {}", survey.vpc, survey.region))?;
    let mut found = Found::new();
    let database = database::find(survey);
    let groups = tiers::groups(survey);
    let network = network::read(survey, vpc, &groups, database.as_ref(), &mut found);
    let tiers = tiers::read(survey, &groups, database.as_ref(), &mut found);
    let database = database.map(|primary| database::read(survey, &primary, &mut found));
    let mut spec = LampStackSpec {
        region: survey.region.to_owned(),
        mode: Mode::Observe,
        deletion_policy: DeletionPolicy::Retain,
        network,
        tiers,
        database,
        breakers: Breakers::default(),
        ignore: Vec::new(),
    };
    let rest = rest::compare(survey, &spec, &found);
    spec.ignore = rules::rules(&rest.unexpressed, &found, &spec.tiers);
    let problems = validate(&spec).iter().map(ToString::to_string).collect();
    let left_out = leftover::list(survey, &found);
    let adopt = found.into_iter().map(|(part, row)| (part, row.id.clone())).collect();
    Ok(Import { spec, adopt, unexpressed: rest.unexpressed, made: rest.made, left_out, problems })
}
