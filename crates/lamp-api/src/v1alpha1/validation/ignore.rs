//! Rules about what is left alone: each must be able to have an effect, and none may touch whose something is.

use std::collections::BTreeSet;

use super::tiers::DATABASE;
use crate::FieldError;
use crate::v1alpha1::{ALL_FIELDS, IgnoreRule, LampStackSpec, PartFamily, PartNames, matches, part_families};

/// As many rules as one may still survey.
const MAX_RULES: usize = 64;

/// What says whose a resource is, in the words that people may try.
const IDENTITY: [&str; 7] = ["tags", "instanceTags", "id", "arn", "name", "source", "Name"];

pub(super) fn check(spec: &LampStackSpec, errors: &mut Vec<FieldError>) {
    if spec.ignore.len() > MAX_RULES {
        let detail = format!("at most {MAX_RULES} rules; a rule may cover many parts with *");
        errors.push(FieldError::invalid("spec.ignore", spec.ignore.len(), detail));
    }
    let mut seen = BTreeSet::new();
    for (index, rule) in spec.ignore.iter().enumerate() {
        let path = format!("spec.ignore[{index}]");
        let families = families(&rule.part);
        match part(spec, &rule.part, &families) {
            Ok(()) => fields(spec, rule, &families, &path, errors),
            Err(error) => errors.push(error(format!("{path}.part"))),
        }
        for (entry, field) in rule.fields.iter().enumerate() {
            if !seen.insert((rule.part.as_str(), field.as_str())) {
                errors.push(FieldError::duplicate(format!("{path}.fields[{entry}]"), field));
            }
        }
    }
}

/// The families that a pattern may be about.
fn families(pattern: &str) -> Vec<&'static PartFamily> {
    let word = pattern.split('/').next().unwrap_or_default();
    part_families().iter().filter(|family| matches(word, family.word)).collect()
}

type ErrorAt = Box<dyn FnOnce(String) -> FieldError>;

/// Refuses a name that no part can have.
fn part(spec: &LampStackSpec, pattern: &str, families: &[&PartFamily]) -> Result<(), ErrorAt> {
    let given = pattern.to_owned();
    let invalid = |detail: String| -> Result<(), ErrorAt> {
        Err(Box::new(move |path| FieldError::invalid(path, given, detail)))
    };
    let Some(family) = families.first() else {
        let words: Vec<&str> = part_families().iter().map(|family| family.word).collect();
        return invalid(format!("there are no such parts; their names begin with {}", words.join(", ")));
    };
    let (word, rest) = pattern.split_once('/').map_or((pattern, None), |(word, rest)| (word, Some(rest)));
    if word.contains('*') {
        return Ok(());
    }
    match (family.names, rest) {
        (PartNames::One, None) => Ok(()),
        (PartNames::One, Some(_)) => invalid(format!("there is one {word}, and its name is {word}")),
        (_, None) => invalid(format!("is the beginning of names; write {word}/* for all of them")),
        (PartNames::Other, Some(_)) => Ok(()),
        (names, Some(rest)) => match unknown_tier(spec, names, rest) {
            None => Ok(()),
            Some(name) => invalid(format!("the site has no tier {name:?}")),
        },
    }
}

/// The tier that a name names, if there is none of that name.
fn unknown_tier<'a>(spec: &LampStackSpec, names: PartNames, rest: &'a str) -> Option<&'a str> {
    let name = rest.split('/').next().unwrap_or_default();
    let is_tier = spec.tiers.iter().any(|tier| matches(name, &tier.name));
    let is_database =
        names == PartNames::TierOrDatabase && spec.database.is_some() && matches(name, DATABASE);
    (!is_tier && !is_database && name != ALL_FIELDS).then_some(name)
}

fn fields(
    spec: &LampStackSpec,
    rule: &IgnoreRule,
    families: &[&PartFamily],
    path: &str,
    errors: &mut Vec<FieldError>,
) {
    if rule.fields.is_empty() {
        let detail = "name the fields, or write [\"*\"] for all of them";
        errors.push(FieldError::required(format!("{path}.fields"), detail));
    }
    let known: BTreeSet<&str> = families.iter().flat_map(|family| family.fields).copied().collect();
    for (entry, field) in rule.fields.iter().enumerate() {
        errors.extend(one(rule, field, &known, format!("{path}.fields[{entry}]")));
    }
    errors.extend(version_without_template(rule, path));
    errors.extend(scaled(spec, rule, path));
}

fn one(rule: &IgnoreRule, field: &str, known: &BTreeSet<&str>, path: String) -> Option<FieldError> {
    let all: Vec<&str> = known.iter().copied().collect();
    match field {
        _ if known.is_empty() => Some(FieldError::invalid(
            path,
            field,
            format!("nothing of {} is compared, so that nothing can be left alone", rule.part),
        )),
        ALL_FIELDS if rule.fields.len() > 1 => {
            Some(FieldError::invalid(path, field, "covers every field: write it alone"))
        }
        ALL_FIELDS => None,
        _ if known.contains(field) => None,
        _ if IDENTITY.contains(&field) => Some(FieldError::forbidden(
            path,
            format!(
                "{field} says whose a resource is, and is always kept; {} can be left alone",
                all.join(", ")
            ),
        )),
        _ => Some(FieldError::not_supported(path, field, &all)),
    }
}

/// The version is a number of one template: to keep ours for the template of somebody else would make no sense.
fn version_without_template(rule: &IgnoreRule, path: &str) -> Option<FieldError> {
    let names = |field: &str| rule.fields.iter().any(|named| named == field);
    (names("template") && !names("templateVersion")).then(|| {
        let detail = "templateVersion belongs to template: name both";
        FieldError::required(format!("{path}.fields"), detail)
    })
}

/// Where policies scale a tier, its capacity is not the spec's, and no difference from it.
fn scaled(spec: &LampStackSpec, rule: &IgnoreRule, path: &str) -> Option<FieldError> {
    let entry = rule.fields.iter().position(|field| field == "desired")?;
    let is_named = |name: &str| rule.part == format!("auto-scaling-group/{name}");
    let tier = spec.tiers.iter().find(|tier| is_named(&tier.name) && !tier.scaling.policies.is_empty())?;
    let detail =
        format!("the scaling policies of tier {:?} decide it; remove them, or this field", tier.name);
    Some(FieldError::invalid(format!("{path}.fields[{entry}]"), "desired", detail))
}
