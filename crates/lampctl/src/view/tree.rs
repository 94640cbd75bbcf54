//! The site part by part, grouped as people think of it: network, tiers, database.

use std::collections::BTreeSet;

use lamp_api::v1alpha1::{LampStack, LampStackStatus, PartState, PartStatus};

use super::{blocker_lines, health, title};
use crate::printer::style;

/// A heading with what hangs below it.
struct Branch {
    label: String,
    branches: Vec<Branch>,
}

impl Branch {
    fn leaf(label: String) -> Self {
        Self { label, branches: Vec::new() }
    }
}

/// The whole tree.
pub(crate) fn text(stack: &LampStack) -> String {
    let Some(status) = &stack.status else {
        return format!("{}\n{}\n", title(stack), style::faint("not looked at yet"));
    };
    let mut out = format!("{}  {}\n", title(stack), health(status));
    if let Some(url) = &status.url {
        out.push_str(&format!("{}\n", style::faint(url)));
    }
    let mut branches = groups(stack, status);
    branches.extend(in_the_way(status));
    if branches.is_empty() {
        out.push_str(&style::faint("no part of it exists or is planned\n"));
    }
    grow(&branches, "", &mut out);
    out
}

fn grow(branches: &[Branch], indent: &str, out: &mut String) {
    for (at, branch) in branches.iter().enumerate() {
        let last = at + 1 == branches.len();
        let (fork, below) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        out.push_str(&format!("{}{}\n", style::faint(&format!("{indent}{fork}")), branch.label));
        grow(&branch.branches, &format!("{indent}{below}"), out);
    }
}

fn groups(stack: &LampStack, status: &LampStackStatus) -> Vec<Branch> {
    let names = tier_names(stack, status);
    let home = |part: &&PartStatus| home(part, &names);
    let network: Vec<&PartStatus> = status.parts.iter().filter(|p| home(p) == Home::Network).collect();
    let database: Vec<&PartStatus> = status.parts.iter().filter(|p| home(p) == Home::Database).collect();
    let tiers = names.iter().map(|name| {
        let parts: Vec<&PartStatus> = status.parts.iter().filter(|p| home(p) == Home::Tier(name)).collect();
        Branch { label: tier_label(name, status, &parts), branches: leaves(&parts) }
    });
    let tiers: Vec<Branch> = tiers.filter(|tier| !tier.label.is_empty()).collect();
    let mut found = Vec::new();
    if !network.is_empty() {
        found.push(Branch { label: counted("Network", &network), branches: leaves(&network) });
    }
    if !tiers.is_empty() {
        found.push(Branch { label: style::heading("Tiers"), branches: tiers });
    }
    if !database.is_empty() || status.database.is_some() {
        let label = format!("{}{}", counted("Database", &database), database_state(status));
        found.push(Branch { label, branches: leaves(&database) });
    }
    found
}

/// What keeps the site from being deleted.
fn in_the_way(status: &LampStackStatus) -> Option<Branch> {
    let lines = blocker_lines(&status.deletion.as_ref()?.blockers);
    let branches: Vec<Branch> = lines.into_iter().map(Branch::leaf).collect();
    (!branches.is_empty()).then(|| Branch { label: style::heading("In the way of the deletion"), branches })
}

/// Tiers of the spec, and those that are still there although the spec has them no more.
fn tier_names(stack: &LampStack, status: &LampStackStatus) -> Vec<String> {
    let spec = stack.spec.tiers.iter().map(|tier| tier.name.clone());
    let all = spec.chain(status.tiers.iter().map(|tier| tier.name.clone()));
    let mut seen = BTreeSet::new();
    all.filter(|name| seen.insert(name.clone())).collect()
}

#[derive(PartialEq)]
enum Home<'a> {
    Network,
    Tier(&'a str),
    Database,
}

/// Parts are named kind first: `security-group/web`, `db-subnet-group`, `subnet/public/1`; but `database`, `replica/1`.
fn home<'a>(part: &PartStatus, tiers: &'a [String]) -> Home<'a> {
    let mut words = part.part.split('/');
    let first = words.next().unwrap_or_default();
    let mut rest = words.clone();
    let of_database = first.starts_with("db-") || matches!(first, "db" | "database" | "replica" | "secret");
    if of_database || rest.next() == Some("database") {
        return Home::Database;
    }
    let tier = tiers.iter().find(|tier| words.clone().next() == Some(tier));
    tier.map_or(Home::Network, |tier| Home::Tier(tier))
}

fn leaves(parts: &[&PartStatus]) -> Vec<Branch> {
    parts.iter().map(|part| Branch::leaf(leaf(part))).collect()
}

fn leaf(part: &PartStatus) -> String {
    let mut text = format!("{} {}", style::state_symbol(part.state), part.part);
    if let Some(id) = &part.id {
        text.push_str(&format!(" {}", style::faint(id)));
    }
    if part.state != PartState::Ready {
        text.push_str(&format!("  {}", style::state_word(part.state)));
    }
    if let Some(reason) = &part.reason {
        text.push_str(&format!(": {reason}"));
    }
    text
}

fn counted(name: &str, parts: &[&PartStatus]) -> String {
    let ready = parts.iter().filter(|part| part.state == PartState::Ready).count();
    let count = format!("{ready}/{} ready", parts.len());
    let count = if ready == parts.len() { style::good(&count) } else { style::attention(&count) };
    format!("{}  {count}", style::heading(name))
}

fn tier_label(name: &str, status: &LampStackStatus, parts: &[&PartStatus]) -> String {
    let Some(tier) = status.tiers.iter().find(|tier| tier.name == name) else {
        return if parts.is_empty() { String::new() } else { style::heading(name) };
    };
    let serve = format!("{}/{} instances serve", tier.ready, tier.desired);
    let serve = if tier.ready >= tier.desired { style::good(&serve) } else { style::attention(&serve) };
    let endpoint = tier.endpoint.as_ref().map(|e| format!("  {}", style::faint(e))).unwrap_or_default();
    format!("{}  {serve}{endpoint}", style::heading(name))
}

fn database_state(status: &LampStackStatus) -> String {
    let Some(database) = &status.database else { return String::new() };
    let replicas = if database.replicas_desired == 0 && database.replicas_ready == 0 {
        String::new()
    } else {
        format!(", {}/{} replicas ready", database.replicas_ready, database.replicas_desired)
    };
    format!("  RDS: {}{replicas}", database.state)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::view::fixture;

    #[test]
    fn what_holds_data_stands_under_the_database() {
        let tiers = ["web".to_owned()];
        for name in
            ["database", "replica/2", "secret/database", "security-group/database", "db-parameter-group"]
        {
            let part = serde_json::json!({"part": name, "kind": "DbInstance", "state": "Ready"});
            assert!(home(&serde_json::from_value(part).unwrap(), &tiers) == Home::Database, "{name}");
        }
    }

    #[test]
    fn a_site_is_a_tree() {
        expect![[r#"
            shop (default, eu-central-1)  Progressing: the database is being made
            http://shop.example.com
            ├─ Network  2/3 ready
            │  ├─ ✔ vpc vpc-1
            │  ├─ ✔ subnet/public/1 subnet-1
            │  └─ ✖ nat-gateway/1  Failed: AWS refuses: NatGatewayLimitExceeded
            ├─ Tiers
            │  ├─ web  1/3 instances serve  shop-1.elb.amazonaws.com
            │  │  ├─ ≠ security-group/web sg-1  Drifted: port 22 was opened by hand
            │  │  └─ ◐ auto-scaling-group/web asg-1  Progressing: 2 of 3 instances
            │  └─ app  2/2 instances serve
            │     └─ ✔ launch-template/app lt-2
            └─ Database  1/3 ready  RDS: creating, 0/1 replicas ready
               ├─ ◐ db-instance/primary db-1  Progressing: RDS says creating
               ├─ ○ db-instance/replica/1  Waiting: for db-instance/primary
               └─ ✔ db-subnet-group dsg-1
        "#]]
        .assert_eq(&fixture::plain(&text(&fixture::stack())));
    }

    #[test]
    fn a_site_that_goes_shows_what_is_in_the_way() {
        let mut stack = fixture::stack();
        stack.status.as_mut().unwrap().deletion = Some(fixture::deletion());
        let tree = fixture::plain(&text(&stack));
        expect![[r#"
            └─ In the way of the deletion
               ├─ ! subnet-1 (subnet/public/1) is held by eni-1: a bastion's; remove it
               └─ ○ sg-1 (security-group/web) is held by eni-2: ELB app/web/1; it goes by itself
        "#]]
        .assert_eq(&tree[tree.find("└─ In the way").unwrap()..]);
    }

    #[test]
    fn a_stack_that_nobody_looked_at_says_so() {
        let mut stack = fixture::stack();
        stack.status = None;
        assert_eq!(fixture::plain(&text(&stack)), "shop (default, eu-central-1)\nnot looked at yet\n");
    }

    #[test]
    fn states_are_told_apart_by_colour_as_well() {
        let text = text(&fixture::stack());
        assert!(text.contains("\u{1b}[31m✖"), "{text:?}");
        assert!(text.contains("\u{1b}[32m✔"), "{text:?}");
    }
}
