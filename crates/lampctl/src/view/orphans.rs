//! What belongs to no stack, as a person reads it.

use jiff::Timestamp;
use lamp_api::v1alpha1::{OrphanDeletionStatus, OrphanedResource};

use crate::age::{age, present};
use crate::printer::table::Columns;

/// One line for each, under a head.
pub(crate) fn table(rows: &[OrphanedResource], now: Timestamp) -> String {
    let now = present(now, rows.iter().map(|row| row.seen_since.0));
    let mut columns = Columns::default();
    let head = ["STACK", "UID", "PART", "KIND", "ID", "REGION", "SEEN", "DELETABLE"];
    columns.row(head.map(str::to_owned).to_vec());
    for row in rows {
        columns.row(vec![
            if row.stack.is_empty() { "<unknown>".to_owned() } else { row.stack.clone() },
            row.uid.clone(),
            row.part.clone(),
            row.kind.clone(),
            row.id.clone(),
            row.region.clone(),
            age(row.seen_since.0, now),
            if row.deletable { "yes" } else { "not yet" }.to_owned(),
        ]);
    }
    columns.text()
}

/// Why an order is not carried out.
pub(crate) fn refusals(status: &OrphanDeletionStatus) -> String {
    let message = status.message.clone().unwrap_or_else(|| "the order was refused".to_owned());
    let lines = status.refused.iter().map(|one| format!("\n  {} {}: {}", one.kind, one.id, one.why));
    message + &lines.collect::<String>()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;

    #[test]
    fn each_orphan_is_a_line() {
        let row = |part: &str, kind: &str, id: &str, deletable: bool| {
            serde_json::from_value(json!({
                "uid": "u-1", "stack": "default/shop", "part": part, "kind": kind, "id": id,
                "region": "eu-central-1", "seenSince": "2026-11-20T10:00:00Z", "deletable": deletable}))
            .unwrap()
        };
        let rows =
            [row("vpc", "Vpc", "vpc-1", true), row("database", "DbInstance", "ll-shop-database", false)];
        expect![[r#"
            STACK          UID   PART       KIND         ID                 REGION         SEEN   DELETABLE
            default/shop   u-1   vpc        Vpc          vpc-1              eu-central-1   5m     yes
            default/shop   u-1   database   DbInstance   ll-shop-database   eu-central-1   5m     not yet
        "#]]
        .assert_eq(&table(&rows, "2026-11-20T10:05:00Z".parse().unwrap()));
    }
}
