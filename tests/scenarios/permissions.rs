//! IAM does not allow what the daemon needs: the missing action is named, nothing is changed on guesswork, and all is
//! well once it is allowed, without a restart.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use lamp_cloud::Operation;
use lamp_cloud::iam::{self, IamAction, Policy, When};
use lamp_tests::specs;

use crate::stage::{HOUR, Stage, calm};

fn coming_up() -> Stage {
    Stage::open(calm(1), specs::load("lamp").unwrap())
}

/// Takes actions away, and gives back what there was before.
fn take(stage: &Stage, actions: &[&str]) -> Policy {
    let whole = stage.world().policy().clone();
    let less = actions.iter().fold(whole.clone(), |policy, action| policy.without(action));
    assert_eq!(whole.actions().len() - less.actions().len(), actions.len(), "{actions:?}");
    stage.world().set_policy(less);
    whole
}

#[test]
fn denied_access_is_named_and_recovers_without_a_restart() {
    let mut stage = coming_up();
    let whole = take(&stage, &["elasticloadbalancing:CreateLoadBalancer", "rds:CreateDBInstance"]);
    stage.run(HOUR);
    assert!(stage.condition("Stalled").starts_with("True AccessDenied"), "{}", stage.story());
    assert!(stage.condition("Degraded").starts_with("True AccessDenied"), "{}", stage.story());
    stage.world().set_policy(whole);
    stage.settles();
}

#[test]
fn denied_reading_is_named_and_changes_nothing() {
    let mut stage = Stage::up("lamp");
    let mark = stage.mark();
    let whole = stage.world().policy().clone();
    stage.world().set_policy(Policy::nothing());
    stage.run(HOUR);
    assert_eq!(stage.brief_since(mark), "");
    assert!(stage.condition("Ready").starts_with("Unknown"), "{}", stage.story());
    assert!(stage.condition("Stalled").starts_with("True AccessDenied"), "{}", stage.story());
    stage.world().set_policy(whole);
    stage.settles();
    assert_eq!(stage.brief_since(mark), "");
}

/// Actions that a site needs to come up: those of the calls that are made, and what AWS checks for them besides.
fn needed() -> BTreeSet<String> {
    let mut stage = coming_up();
    stage.run(HOUR);
    let world = stage.world();
    let called = world.call_counts().keys().map(|(service, name)| Operation::new(*service, name));
    called
        .flat_map(|operation| checked(operation).chain([operation.into()]))
        .map(|action| action.to_string())
        .collect()
}

/// The tiers of the site name their image by a parameter, and no instance profile; its database is not deleted.
fn checked(operation: Operation) -> impl Iterator<Item = IamAction> {
    let implied = iam::implied(operation).into_iter();
    let applies = |when| match when {
        When::Always | When::FirstOfService | When::ImageParameter => true,
        When::InstanceProfile | When::FinalSnapshot => false,
    };
    implied.filter(move |implied| applies(implied.when)).map(|implied| implied.action)
}

/// One action is not allowed for an hour, in which a site comes up as far as it can.
fn deny(action: &str, is_needed: bool) -> Result<(), String> {
    let mut stage = coming_up();
    let whole = take(&stage, &[action]);
    stage.run(HOUR);
    let stalled = stage.condition("Stalled");
    let is_named = stalled.starts_with("True AccessDenied") && stalled.contains(action);
    stage.world().set_policy(whole);
    stage.until_ready();
    stage.nothing_unlawful();
    let calls = stage.calls_since(0);
    let undone = calls.iter().find(|call| call.starts_with("Delete") || call.starts_with("Release"));
    match (is_named == is_needed, undone) {
        (true, None) => Ok(()),
        _ => Err(format!("{action}, needed: {is_needed}, named: {is_named}, undone: {undone:?}: {stalled}")),
    }
}

#[test]
fn each_denied_action_is_named_while_a_site_comes_up_and_is_done_once_it_is_allowed() {
    let needed = needed();
    let actions: Vec<String> = coming_up().world().policy().actions().into_iter().collect();
    let next = AtomicUsize::new(0);
    let problems = Mutex::new(Vec::new());
    let work = || {
        while let Some(action) = actions.get(next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = deny(action, needed.contains(action));
            problems.lock().unwrap().extend(outcome.err());
        }
    };
    std::thread::scope(|scope| {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        (0..workers).for_each(|_| drop(scope.spawn(work)));
    });
    let problems = problems.into_inner().unwrap();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
