//! Everything about a stack on one page.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use lamp_api::v1alpha1::{DatabaseStatus, DeletionStatus, LampStack, LampStackStatus, PartState};

use super::{blocker_lines, event, is_good, times, waiting_lines, why};
use crate::age::{age, present};
use crate::printer::style;
use crate::printer::table::Columns;

/// The page.
pub(crate) fn text(stack: &LampStack, events: &[Event], now: Timestamp) -> String {
    let now = present(now, times(stack).chain(events.iter().filter_map(event::last_seen)));
    let mut out = head(stack, now);
    if let Some(status) = &stack.status {
        block(&mut out, "Conditions", &conditions(status, now));
        block(&mut out, "Tiers", &tiers(stack, status));
        if let Some(database) = &status.database {
            block(&mut out, "Database", &database_rows(database));
        }
        block(&mut out, "Parts", &parts(status));
        let waiting: String =
            waiting_lines(&status.waiting).iter().map(|line| format!("  {line}\n")).collect();
        block(&mut out, "Waiting", &waiting);
        if let Some(deletion) = &status.deletion {
            block(&mut out, "Deletion", &deletion_rows(deletion, now));
        }
        if !status.strangers.is_empty() {
            block(&mut out, "Strangers", &strangers(status));
        }
        block(&mut out, "Last decisions", &why::decisions(&status.decisions, now));
    }
    block(&mut out, "Events", &event_rows(events, now));
    out
}

fn block(out: &mut String, name: &str, text: &str) {
    let body = if text.is_empty() { format!("  {}\n", style::faint("<none>")) } else { text.to_owned() };
    out.push_str(&format!("{}\n{body}", style::heading(&format!("{name}:"))));
}

fn head(stack: &LampStack, now: Timestamp) -> String {
    let metadata = &stack.metadata;
    let mut columns = Columns::default();
    let mut row = |name: &str, value: String| columns.row(vec![format!("{name}:"), value]);
    row("Name", metadata.name.clone().unwrap_or_default());
    row("Namespace", metadata.namespace.clone().unwrap_or_default());
    if let Some(time) = &metadata.creation_timestamp {
        row("Created", format!("{} ({} ago)", time.0, age(time.0, now)));
    }
    if let Some(time) = &metadata.deletion_timestamp {
        row("Deleting since", style::attention(&age(time.0, now)));
    }
    row("Region", stack.spec.region.clone());
    row("Mode", format!("{:?}", stack.spec.mode));
    row("Deletion policy", format!("{:?}", stack.spec.deletion_policy));
    let Some(status) = &stack.status else {
        row("Status", style::faint("not looked at yet"));
        return columns.text();
    };
    row("URL", status.url.clone().unwrap_or_else(|| "<none>".to_owned()));
    row("Summary", status.summary.clone());
    let observed = status.observed_time.as_ref().map(|time| format!("{} ago", age(time.0, now)));
    row("AWS observed", observed.unwrap_or_else(|| "never".to_owned()));
    let (seen, wanted) = (status.observed_generation, metadata.generation);
    let lag = if seen < wanted {
        style::attention(" (the newest spec is not looked at yet)")
    } else {
        String::new()
    };
    row("Generation", format!("{}{lag}", wanted.unwrap_or_default()));
    columns.text()
}

fn conditions(status: &LampStackStatus, now: Timestamp) -> String {
    let mut columns = Columns::indented(2);
    for condition in &status.conditions {
        let sign = if is_good(condition) { style::good("✔") } else { style::attention("✖") };
        let since = age(condition.last_transition_time.0, now);
        columns.row(vec![
            format!("{sign} {}", condition.type_),
            condition.status.clone(),
            condition.reason.clone(),
            since,
            condition.message.clone(),
        ]);
    }
    columns.text()
}

fn tiers(stack: &LampStack, status: &LampStackStatus) -> String {
    let mut columns = Columns::indented(2);
    for tier in &status.tiers {
        let spec = stack.spec.tiers.iter().find(|spec| spec.name == tier.name);
        let bounds = spec.map_or_else(
            || style::attention("not in the spec"),
            |spec| format!("{} to {}", spec.capacity.min, spec.capacity.max),
        );
        columns.row(vec![
            tier.name.clone(),
            format!("{} wanted ({bounds})", tier.desired),
            format!("{} there", tier.instances),
            format!("{} serve", tier.ready),
            tier.endpoint.clone().unwrap_or_default(),
        ]);
    }
    columns.text()
}

fn database_rows(database: &DatabaseStatus) -> String {
    let mut columns = Columns::indented(2);
    let mut row = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            columns.row(vec![format!("{name}:"), value]);
        }
    };
    row("State", Some(database.state.clone()));
    row("Engine version", database.engine_version.clone());
    row("Endpoint", database.endpoint.clone());
    row("Replicas", Some(format!("{} of {} ready", database.replicas_ready, database.replicas_desired)));
    let waits = database.next_maintenance_time.as_ref();
    row("Next maintenance", waits.map(|time| time.0.to_string()));
    row("Secret", database.secret_arn.clone());
    row("Final snapshot", database.final_snapshot.clone());
    row("Operation", database.operation.clone());
    for former in &database.former_primaries {
        let kept = format!("{} ({}), to be kept until {}", former.id, former.state, former.keep_until_time.0);
        row("Former primary", Some(kept));
    }
    columns.text()
}

fn strangers(status: &LampStackStatus) -> String {
    let mut columns = Columns::indented(2);
    for stranger in &status.strangers {
        let name = stranger.name.clone().unwrap_or_default();
        columns.row(vec![
            stranger.instance.clone(),
            name,
            "in its network, and none of its instances".to_owned(),
        ]);
    }
    columns.text()
}

fn parts(status: &LampStackStatus) -> String {
    let mut columns = Columns::indented(2);
    let ready = status.parts.iter().filter(|part| part.state == PartState::Ready).count();
    for part in status.parts.iter().filter(|part| part.state != PartState::Ready) {
        columns.row(vec![
            format!("{} {}", style::state_symbol(part.state), part.part),
            style::state_word(part.state),
            part.reason.clone().unwrap_or_default(),
        ]);
    }
    if ready > 0 {
        columns.row(vec![format!("{} {ready} of {} are ready", style::good("✔"), status.parts.len())]);
    }
    columns.text()
}

fn deletion_rows(deletion: &DeletionStatus, now: Timestamp) -> String {
    let mut columns = Columns::indented(2);
    let ago = |time: Timestamp| format!("{} ago", age(time, now));
    columns.row(vec!["Started:".to_owned(), ago(deletion.started_time.0)]);
    columns.row(vec!["Last progress:".to_owned(), ago(deletion.last_progress_time.0)]);
    let blockers = blocker_lines(&deletion.blockers);
    columns.text() + &blockers.iter().map(|line| format!("  {line}\n")).collect::<String>()
}

fn event_rows(events: &[Event], now: Timestamp) -> String {
    let mut columns = Columns::indented(2);
    for one in events {
        let mut cells = event::cells(one, now);
        cells.remove(3);
        columns.row(cells);
    }
    columns.text()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use lamp_api::v1alpha1::Stranger;
    use serde_json::json;

    use super::*;
    use crate::view::fixture;

    #[test]
    fn a_deletion_names_what_is_in_its_way() {
        let mut stack = fixture::stack();
        stack.status.as_mut().unwrap().deletion = Some(fixture::deletion());
        let page = fixture::plain(&text(&stack, &[], fixture::now()));
        expect![[r#"
            Deletion:
              Started:         4m ago
              Last progress:   60s ago
              ! subnet-1 (subnet/public/1) is held by eni-1: a bastion's; remove it
              ○ sg-1 (security-group/web) is held by eni-2: ELB app/web/1; it goes by itself
        "#]]
        .assert_eq(&page[page.find("Deletion:").unwrap()..page.find("Last decisions").unwrap()]);
    }

    #[test]
    fn strangers_are_named_where_there_are_any() {
        let mut stack = fixture::stack();
        let page = |stack: &LampStack| fixture::plain(&text(stack, &[], fixture::now()));
        assert!(!page(&stack).contains("Strangers"));
        let stranger = Stranger { instance: "i-7".to_owned(), name: Some("bastion".to_owned()) };
        stack.status.as_mut().unwrap().strangers.push(stranger);
        let line = "Strangers:\n  i-7   bastion   in its network, and none of its instances\n";
        assert!(page(&stack).contains(line), "{}", page(&stack));
    }

    #[test]
    fn a_stack_on_one_page() {
        let event: Event = serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": "shop.1"}, "type": "Warning",
            "reason": "QuotaExceeded", "message": "no more NAT gateways", "count": 4,
            "lastTimestamp": "2026-11-20T10:04:00Z", "involvedObject": {"kind": "LampStack", "name": "shop"}
        }))
        .unwrap();
        expect![[r#"
            Name:              shop
            Namespace:         default
            Created:           2026-11-20T10:00:00Z (5m ago)
            Region:            eu-central-1
            Mode:              Enforce
            Deletion policy:   Snapshot
            URL:               http://shop.example.com
            Summary:           the database is being made
            AWS observed:      10s ago
            Generation:        2
            Conditions:
              ✖ Ready           False   Creating      2m   the database is being made
              ✖ Progressing     True    Creating      2m   3 parts are being made
              ✔ NetworkReady    True    AsSpecified   2m   the network is as specified
              ✖ DatabaseReady   False   Creating      2m   RDS says creating since 2m
            Tiers:
              web   3 wanted (2 to 12)   2 there   1 serve   shop-1.elb.amazonaws.com
              app   2 wanted (2 to 12)   2 there   2 serve
            Database:
              State:            creating
              Engine version:   8.0.36
              Replicas:         0 of 1 ready
            Parts:
              ✖ nat-gateway/1            Failed        AWS refuses: NatGatewayLimitExceeded
              ≠ security-group/web       Drifted       port 22 was opened by hand
              ◐ auto-scaling-group/web   Progressing   2 of 3 instances
              ◐ db-instance/primary      Progressing   RDS says creating
              ○ db-instance/replica/1    Waiting       for db-instance/primary
              ✔ 4 of 9 are ready
            Waiting:
              ! nat-gateway/1: the quota of NAT gateways (5) is used up: raise it (a person must act)
              ○ db-instance/replica/1: a replica needs an available primary
            Last decisions:
              20s ago   ScaleUp   auto-scaling-group/web   CPUUtilization 83 over target 60: 2 -> 3
              2m ago    Create    db-instance/primary      it is missing
            Events:
              60s (x4)   Warning   QuotaExceeded   no more NAT gateways
        "#]]
        .assert_eq(&fixture::plain(&text(&fixture::stack(), &[event], fixture::now())));
    }
}
