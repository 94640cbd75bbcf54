//! Who may do what to which resources: the table, for what the port needs, with as few statements as say it.

use std::collections::{BTreeMap, BTreeSet};

use super::guard::Guard;
use super::table;
use crate::iam;
use crate::{Operation, Read};

/// A guard, and the patterns of the ARNs that it holds for.
pub(super) type Grant = (Guard, BTreeSet<String>);

/// Actions by what is granted.
type Grants = BTreeMap<Grant, BTreeSet<String>>;

/// The grants of everything that the port needs.
pub(super) fn all() -> Grants {
    joined(listed())
}

/// Those of the table, and reading without one.
fn listed() -> Grants {
    let needed: BTreeSet<String> = iam::actions().iter().map(ToString::to_string).collect();
    let reads = Read::operations().iter().map(Operation::to_string).collect();
    let mut grants = Grants::from([((Guard::Anything, [table::EVERYTHING.to_owned()].into()), reads)]);
    for (actions, row) in table::ROWS {
        let actions = actions.iter().copied().filter(|action| needed.contains(*action));
        let actions: BTreeSet<String> = actions.map(str::to_owned).collect();
        for (guard, patterns) in *row {
            let grant = (*guard, patterns.iter().copied().map(str::to_owned).collect());
            grants.entry(grant).or_default().extend(actions.iter().cloned());
        }
    }
    grants.retain(|_, actions| !actions.is_empty());
    grants
}

/// A role has no room for a statement per action: grants whose condition says all there is to say share one, for
/// everything of their services.
fn joined(grants: Grants) -> Grants {
    let mut joined = Grants::new();
    let mut enough: BTreeMap<Guard, (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    for ((guard, patterns), actions) in grants {
        if guard.is_enough() {
            let (all_patterns, all_actions) = enough.entry(guard).or_default();
            all_patterns.extend(patterns.iter().map(|pattern| whole_service(pattern)));
            all_actions.extend(actions);
        } else {
            joined.insert((guard, patterns), actions);
        }
    }
    joined.extend(enough.into_iter().map(|(guard, (patterns, actions))| ((guard, patterns), actions)));
    joined
}

/// For example `ec2:{region}:{account}:*` of `ec2:{region}:{account}:vpc/*`.
fn whole_service(pattern: &str) -> String {
    let scope: Vec<&str> = pattern.splitn(4, ':').take(3).collect();
    format!("{}:*", scope.join(":"))
}
