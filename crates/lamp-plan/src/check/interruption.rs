//! Laws of what interrupts the database: by consent, one instance at a time, and the primary last.

use std::time::Duration;

use lamp_api::v1alpha1::{
    Database, DisruptiveChanges, LeftAlone, OperationKind, WeeklyWindow, ignore_policy,
};
use lamp_cloud::kinds::db_instance::{Change as DatabaseChange, DbInstance};
use lamp_cloud::{Body, Change, Part, Request, Resource, State};

use super::{Violation, resource, violation};
use crate::{Action, Plan, PlanInput, parts};

/// Every law of interruptions that the plan breaks.
pub(super) fn check(input: &PlanInput<'_>, plan: &Plan) -> Vec<Violation> {
    let Some(database) = &input.spec.database else { return Vec::new() };
    let interrupting: Vec<(&Action, &DatabaseChange)> =
        plan.actions.iter().filter_map(|action| Some((action, interruption(action)?))).collect();
    let mut violations = Vec::new();
    for (action, change) in &interrupting {
        violations.extend(consent(input, database, action, change));
        violations.extend(alone(input, action, interrupting.len()));
        violations.extend(primary_last(input, plan, database, action, change));
    }
    violations
}

fn interruption(action: &Action) -> Option<&DatabaseChange> {
    match &action.request {
        Request::Change { change: Change::DbInstance(change), .. } => match change {
            DatabaseChange::Modify(it) if it.class.is_none() && it.version.is_none() => None,
            // It has laws of its own.
            DatabaseChange::Promote { .. } => None,
            interrupts => Some(interrupts),
        },
        _ => None,
    }
}

fn consent(
    input: &PlanInput<'_>,
    database: &Database,
    action: &Action,
    change: &DatabaseChange,
) -> Option<Violation> {
    let primary = input.inventory.present(&parts::database()).and_then(|row| body(row));
    let window = database.maintenance.window.as_deref();
    let window = window.or_else(|| primary.and_then(|primary| primary.maintenance_window.as_deref()));
    let open = || {
        let window = window.and_then(WeeklyWindow::parse);
        window.is_some_and(|window| window.is_open(input.now, Duration::ZERO))
    };
    let unused = matches!(change, DatabaseChange::Reboot { .. })
        && input.ledger.get(&action.part).is_some_and(|entry| entry.completed_at.is_none());
    let given = match database.maintenance.disruptive_changes {
        DisruptiveChanges::Immediately => true,
        DisruptiveChanges::InWindow => open(),
        DisruptiveChanges::Confirm => false,
    };
    let ordered = matches!(change, DatabaseChange::Reboot { failover: true })
        && input.order.is_some_and(|order| order.operation == OperationKind::Failover);
    if input.confirmed || given || unused || ordered {
        return None;
    }
    violation(action, "interruptions need consent", action.request.operation())
}

/// While one is interrupted, the others serve.
fn alone(input: &PlanInput<'_>, action: &Action, interrupting: usize) -> Option<Violation> {
    const LAW: &str = "one database at a time";
    if interrupting > 1 {
        return violation(action, LAW, format!("{interrupting} are interrupted at once"));
    }
    let busy =
        ours(input).find(|(part, row)| **part != action.part && matches!(row.state, State::Pending(_)));
    busy.and_then(|(part, row)| violation(action, LAW, format!("{part} is {:?}", row.state)))
}

/// The primary gets nothing that a replica has still to get.
fn primary_last(
    input: &PlanInput<'_>,
    plan: &Plan,
    database: &Database,
    action: &Action,
    change: &DatabaseChange,
) -> Option<Violation> {
    const LAW: &str = "the primary goes last";
    let primary = body(resource(input, action.request.target()?)?)?;
    if primary.source.is_some() {
        return None;
    }
    let class = database.replicas.instance_class.as_ref().unwrap_or(&database.instance_class);
    let lacks = |part: &Part, replica: &DbInstance| match change {
        DatabaseChange::Modify(it) if it.class.is_some() => {
            let waits = replica.facts.pending_changes.iter().any(|name| name == "DBInstanceClass");
            waits || (replica.class != *class && !is_left(input, plan, part, "class"))
        }
        DatabaseChange::Modify(it) => it.version.as_ref().is_some_and(|version| {
            let waits = replica.facts.pending_changes.iter().any(|name| name == "EngineVersion");
            waits || (numbers(&replica.version) < numbers(version) && !is_left(input, plan, part, "version"))
        }),
        DatabaseChange::Promote { .. } => false,
        DatabaseChange::Reboot { .. } => {
            !replica.parameters_in_effect && !is_left(input, plan, part, "parametersInEffect")
        }
    };
    let behind = ours(input).find(|(part, row)| {
        body(row).is_some_and(|replica| replica.source.is_some() && lacks(part, replica))
    });
    behind.and_then(|(part, _)| violation(action, LAW, format!("{part} has not got it yet")))
}

fn is_left(input: &PlanInput<'_>, plan: &Plan, part: &Part, field: &str) -> bool {
    let contended = |left: &LeftAlone| left.part == part.as_str() && left.field == field;
    ignore_policy(&input.spec.ignore, part.as_str(), field).is_some() || plan.left_alone.iter().any(contended)
}

/// Databases in our records that are not on their way out.
fn ours<'a>(input: &PlanInput<'a>) -> impl Iterator<Item = (&'a Part, &'a Resource)> {
    let recorded = |part: &Part, row: &Resource| {
        let id = input.ledger.get(part).and_then(|entry| entry.id.as_ref());
        body(row).is_some() && id == Some(&row.id) && row.state != State::Deleting
    };
    let rows = input
        .inventory
        .parts
        .iter()
        .flat_map(|(part, rows)| rows.iter().map(move |row| (part, row.as_ref())));
    rows.filter(move |(part, row)| recorded(part, row)).collect::<Vec<_>>().into_iter()
}

fn body(row: &Resource) -> Option<&DbInstance> {
    match &row.body {
        Body::DbInstance(body) => Some(body),
        _ => None,
    }
}

fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map_while(|number| number.parse().ok()).collect()
}
