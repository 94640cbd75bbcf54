//! What readings are for.

use lamp_cloud::{Kind, Listing, Read};
use lamp_plan::Priority;

/// What a reading is for. Without those of groups, instances, targets and databases nothing is healed; metrics decide on
/// scaling; a deletion waits for interfaces; what a plan asks of by its
/// id, others took away or changed.
pub(crate) fn of_reading(read: &Read) -> Priority {
    match read {
        Read::List { listing, .. } => of_listing(*listing),
        Read::ZoneInstances { .. }
        | Read::TargetHealth { .. }
        | Read::Tags { kind: Kind::TargetGroup | Kind::DbInstance, .. } => Priority::Heal,
        Read::Metrics { .. } => Priority::Scale,
        Read::NetworkInterfaces { .. } => Priority::Deploy,
        Read::One { .. } | Read::NetworkInstances { .. } => Priority::Drift,
        // A forecast lives for two days without.
        _ => Priority::Inventory,
    }
}

fn of_listing(listing: Listing) -> Priority {
    match listing {
        Listing::Instances
        | Listing::InstanceStatus
        | Listing::Resources(Kind::AutoScalingGroup | Kind::TargetGroup | Kind::DbInstance) => Priority::Heal,
        Listing::Zones | Listing::LaunchTemplateVersions | Listing::Resources(_) => Priority::Inventory,
    }
}

/// Readings that heal which come before one that does not, where one pass makes both: neither waits for the other to end.
const HEALING_FIRST: usize = 4;

/// Puts the readings without which nothing is healed before the others, but not before all of them: when tokens are so
/// short that a pass cannot make them all, each pass makes some of both.
pub(crate) fn most_urgent_first<T>(readings: Vec<(T, Read)>) -> impl Iterator<Item = (T, Read)> {
    let (healing, others): (Vec<_>, Vec<_>) =
        readings.into_iter().partition(|(_, read)| of_reading(read) == Priority::Heal);
    let (mut healing, mut others) = (healing.into_iter(), others.into_iter());
    let mut since_other = 0;
    std::iter::from_fn(move || {
        let next = if since_other < HEALING_FIRST { healing.next() } else { None };
        since_other = if next.is_some() { since_other + 1 } else { 0 };
        next.or_else(|| others.next()).or_else(|| healing.next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_who_is_sick_comes_before_what_tells_how_things_are_set() {
        let list = |kind| of_reading(&Read::List { listing: Listing::Resources(kind), page: None });
        assert_eq!(list(Kind::AutoScalingGroup), Priority::Heal);
        assert_eq!(list(Kind::Vpc), Priority::Inventory);
        assert_eq!(of_reading(&Read::TargetHealth { target_group: String::new() }), Priority::Heal);
        assert_eq!(of_reading(&Read::Metrics { queries: Vec::new(), minutes: 5 }), Priority::Scale);
    }

    #[test]
    fn every_pass_makes_some_of_both() {
        let health = |n: u32| (n, Read::TargetHealth { target_group: String::new() });
        let other = |n: u32| (n, Read::Listeners { load_balancer: String::new() });
        let order = |readings| most_urgent_first(readings).map(|(n, _)| n).collect::<Vec<_>>();
        let mixed: Vec<_> = (100..103).map(other).chain((0..6).map(health)).collect();
        assert_eq!(order(mixed), [0, 1, 2, 3, 100, 4, 5, 101, 102]);
        assert_eq!(order((0..6).map(health).collect()), [0, 1, 2, 3, 4, 5]);
        assert_eq!(order((0..3).map(other).collect()), [0, 1, 2]);
    }
}
