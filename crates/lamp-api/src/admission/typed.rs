//! The part of admission that knows the Rust types: defaults are filled in by decoding and encoding again.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Rejected;
use crate::kinds::KindInfo;
use crate::names::is_dns_label;
use crate::v1alpha1::{
    AccessTokenSpec, DatabaseOperationSpec, DatabaseOperationStatus, ImportSpec, ImportStatus, LampStackSpec,
    LampStackStatus, OperationKind, OrphanDeletionSpec, OrphanDeletionStatus, OrphanReportSpec,
    OrphanReportStatus, PlanSpec, PlanStatus, ScalingHistorySpec, ScalingHistoryStatus, validate,
    validate_update,
};
use crate::{FieldError, access_token, rbac};

/// Fills in defaults and applies the rules of the kind; kinds of the core group have none.
pub(super) fn complete(
    kind: &KindInfo,
    object: &mut Value,
    old: Option<&Value>,
    errors: &mut Vec<FieldError>,
) -> Result<(), Rejected> {
    match kind.kind {
        "LampStack" => {
            status::<LampStackStatus>(object, errors);
            lampstack(object, old, errors)
        }
        "Plan" => {
            status::<PlanStatus>(object, errors);
            plan(object, old, errors)
        }
        "Import" => {
            status::<ImportStatus>(object, errors);
            import(object, old, errors)
        }
        "OrphanReport" => {
            status::<OrphanReportStatus>(object, errors);
            section::<OrphanReportSpec>(object, "spec", errors);
            let detail = "is immutable: an OrphanReport is one question; create another OrphanReport";
            immutable::<OrphanReportSpec>(object, old, detail, errors)
        }
        "OrphanDeletion" => {
            status::<OrphanDeletionStatus>(object, errors);
            orphan_deletion(object, old, errors)
        }
        "DatabaseOperation" => {
            status::<DatabaseOperationStatus>(object, errors);
            database_operation(object, old, errors)
        }
        "ScalingHistory" => {
            status::<ScalingHistoryStatus>(object, errors);
            scaling_history(object, old, errors)
        }
        "AccessToken" => {
            let Some(spec) = section::<AccessTokenSpec>(object, "spec", errors) else { return Ok(()) };
            let old = old.map(stored::<AccessTokenSpec>).transpose()?;
            errors.extend(access_token::validate(&spec, old.as_ref()));
            Ok(())
        }
        _ if kind.group == rbac::GROUP => {
            rbac::complete(object);
            errors.extend(rbac::validate(kind, object, old));
            Ok(())
        }
        _ => Ok(()),
    }
}

fn lampstack(object: &mut Value, old: Option<&Value>, errors: &mut Vec<FieldError>) -> Result<(), Rejected> {
    let Some(spec) = section::<LampStackSpec>(object, "spec", errors) else { return Ok(()) };
    let old = old.map(stored::<LampStackSpec>).transpose()?;
    // What was stored under older rules can still be labelled and deleted.
    if old.as_ref() != Some(&spec) {
        errors.extend(validate(&spec));
    }
    if let Some(old) = old {
        errors.extend(validate_update(&old, &spec));
    }
    Ok(())
}

fn plan(object: &mut Value, old: Option<&Value>, errors: &mut Vec<FieldError>) -> Result<(), Rejected> {
    let Some(spec) = section::<PlanSpec>(object, "spec", errors) else { return Ok(()) };
    if let Some(old) = old {
        if stored::<PlanSpec>(old)? != spec {
            errors.push(FieldError::forbidden(
                "spec",
                "is immutable: a Plan is one question; create another Plan",
            ));
        }
        return Ok(());
    }
    if !is_dns_label(&spec.stack) {
        errors.push(FieldError::invalid("spec.stack", &spec.stack, "must be the name of a LampStack"));
    }
    if let Some(candidate) = &spec.candidate {
        if spec.delete {
            errors.push(FieldError::forbidden(
                "spec.candidate",
                "a deletion needs no candidate; set one of the two",
            ));
        }
        errors.extend(validate(candidate).into_iter().map(within_candidate));
    }
    Ok(())
}

fn import(object: &mut Value, old: Option<&Value>, errors: &mut Vec<FieldError>) -> Result<(), Rejected> {
    let Some(spec) = section::<ImportSpec>(object, "spec", errors) else { return Ok(()) };
    if old.map(stored::<ImportSpec>).transpose()?.is_some_and(|old| old != spec) {
        let detail = "is immutable: an Import is one question; create another Import";
        errors.push(FieldError::forbidden("spec", detail));
    }
    if !spec.vpc.starts_with("vpc-") {
        errors.push(FieldError::invalid("spec.vpc", &spec.vpc, "must be the id of a VPC, vpc-…"));
    }
    Ok(())
}

fn orphan_deletion(
    object: &mut Value,
    old: Option<&Value>,
    errors: &mut Vec<FieldError>,
) -> Result<(), Rejected> {
    let Some(spec) = section::<OrphanDeletionSpec>(object, "spec", errors) else { return Ok(()) };
    if spec.uid.is_empty() {
        errors
            .push(FieldError::required("spec.uid", "the uid of the lost stack, as an OrphanReport lists it"));
    }
    if spec.resources.is_empty() {
        errors.push(FieldError::required("spec.resources", "each resource is named, by kind and id"));
    }
    let detail = "is immutable: what is deleted is what was ordered; create another OrphanDeletion";
    immutable::<OrphanDeletionSpec>(object, old, detail, errors)
}

fn database_operation(
    object: &mut Value,
    old: Option<&Value>,
    errors: &mut Vec<FieldError>,
) -> Result<(), Rejected> {
    let Some(spec) = section::<DatabaseOperationSpec>(object, "spec", errors) else { return Ok(()) };
    if !is_dns_label(&spec.stack) {
        errors.push(FieldError::invalid("spec.stack", &spec.stack, "must be the name of a LampStack"));
    }
    if spec.operation == OperationKind::Failover && (spec.replica.is_some() || spec.force) {
        let detail = "a failover goes to the standby, and is never forced: leave out replica and force";
        errors.push(FieldError::forbidden("spec.operation", detail));
    }
    if spec.force && spec.replica.is_none() {
        let detail = "what is promoted by force is named: replica/1, for example";
        errors.push(FieldError::required("spec.replica", detail));
    }
    let detail = "is immutable: what is done is what was ordered; create another DatabaseOperation";
    immutable::<DatabaseOperationSpec>(object, old, detail, errors)
}

fn scaling_history(
    object: &mut Value,
    old: Option<&Value>,
    errors: &mut Vec<FieldError>,
) -> Result<(), Rejected> {
    let Some(spec) = section::<ScalingHistorySpec>(object, "spec", errors) else { return Ok(()) };
    if !is_dns_label(&spec.stack) {
        errors.push(FieldError::invalid("spec.stack", &spec.stack, "must be the name of a LampStack"));
    }
    if spec.tier.is_some() == spec.replicas {
        let detail = "set either the name of a tier, or replicas: true";
        errors.push(FieldError::required("spec.tier", detail));
    }
    if !(1..=ScalingHistorySpec::MAX_HOURS).contains(&spec.hours) {
        let detail = format!("must be from 1 to {}", ScalingHistorySpec::MAX_HOURS);
        errors.push(FieldError::invalid("spec.hours", spec.hours, detail));
    }
    let detail = "is immutable: a ScalingHistory is one question; create another ScalingHistory";
    immutable::<ScalingHistorySpec>(object, old, detail, errors)
}

/// Refuses a spec that is not what it was.
fn immutable<T: DeserializeOwned + PartialEq>(
    object: &Value,
    old: Option<&Value>,
    detail: &str,
    errors: &mut Vec<FieldError>,
) -> Result<(), Rejected> {
    if let Some(old) = old
        && stored::<T>(old)? != stored::<T>(object)?
    {
        errors.push(FieldError::forbidden("spec", detail));
    }
    Ok(())
}

fn within_candidate(mut error: FieldError) -> FieldError {
    if let Some(rest) = error.field.strip_prefix("spec") {
        error.field = format!("spec.candidate{rest}");
    }
    error
}

fn status<T: DeserializeOwned + Serialize>(object: &mut Value, errors: &mut Vec<FieldError>) {
    if object.get("status").is_some_and(|status| !status.is_null()) {
        let _: Option<T> = section(object, "status", errors);
    }
}

/// Decodes a section of the object and writes it back with its defaults.
fn section<T: DeserializeOwned + Serialize>(
    object: &mut Value,
    name: &str,
    errors: &mut Vec<FieldError>,
) -> Option<T> {
    let typed: Result<T, _> = serde_json::from_value(object[name].clone());
    let encoded = typed.and_then(|typed| Ok((serde_json::to_value(&typed)?, typed)));
    match encoded {
        Ok((value, typed)) => {
            object[name] = value;
            Some(typed)
        }
        Err(error) => {
            errors.push(FieldError::invalid(name, "…", error));
            None
        }
    }
}

fn stored<T: DeserializeOwned>(old: &Value) -> Result<T, Rejected> {
    serde_json::from_value(old["spec"].clone()).map_err(|error| Rejected::Unreadable(error.to_string()))
}
