//! A field that somebody else changes again each time that it was put back.

use std::time::Duration;

use lamp_api::v1alpha1::LeftAloneReason;
use lamp_cloud::{Body, CloudError, ErrorClass, Outcome, Part};

use crate::support::{STATELESS, Site};

const PART: &str = "target-group/web";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// Somebody changes the path of the health check.
fn change(site: &mut Site) {
    if let Body::TargetGroup(group) = &mut site.resource(PART).body {
        group.health_check.path = "/other".to_owned();
    }
}

fn is_changed(site: &mut Site) -> bool {
    matches!(&site.resource(PART).body, Body::TargetGroup(group) if group.health_check.path == "/other")
}

/// When the field is put back, in minutes, while somebody changes it every minute of a span.
fn war(site: &mut Site, span: Duration) -> Vec<i64> {
    let began = site.world.now;
    let mut corrections = Vec::new();
    while site.world.now < began + span {
        change(site);
        if !site.round().actions.is_empty() {
            corrections.push((site.world.now.as_second() - began.as_second()) / 60 - 1);
        }
    }
    corrections
}

fn wait(site: &mut Site, span: Duration) {
    let end = site.world.now + span;
    site.world.pass_time(end);
}

#[test]
fn a_war_ends_with_a_word_and_few_calls() {
    let mut site = Site::standing(STATELESS);
    let corrections = war(&mut site, DAY);
    // Three that do not last; then pauses of half an hour, an hour, two, four, eight.
    assert_eq!(corrections.len(), 8, "{corrections:?}");
    let pauses: Vec<i64> = corrections[2..].windows(2).map(|two| two[1] - two[0]).collect();
    assert_eq!(pauses, [30, 60, 120, 240, 480], "{corrections:?}");
    let plan = site.plan();
    let left = &plan.left_alone[0];
    assert_eq!(
        (left.reason, left.part.as_str(), left.field.as_str()),
        (LeftAloneReason::Contended, PART, "healthCheck")
    );
    assert!(left.found.contains("/other") && left.wanted.contains("\"/\""), "{left:?}");
    assert_eq!(left.corrections, Some(8));
    assert_eq!(left.next_attempt_time.as_ref().map(|time| time.0), plan.next_look);
}

#[test]
fn what_is_left_alone_is_put_back_once_nobody_changes_it_and_then_forgotten() {
    let mut site = Site::standing(STATELESS);
    war(&mut site, HOUR);
    assert!(is_changed(&mut site));
    let until = site.plan().next_look.unwrap();
    site.world.pass_time(until);
    site.round();
    assert!(!is_changed(&mut site));
    wait(&mut site, HOUR);
    site.round();
    assert!(site.world.ledger[&Part::from(PART)].corrections.is_empty(), "it has lasted");
    change(&mut site);
    assert_eq!(site.plan().actions.len(), 1, "a new change is put back at once");
}

#[test]
fn changes_now_and_then_are_put_back_for_ever() {
    let mut site = Site::standing(STATELESS);
    for _ in 0..20 {
        change(&mut site);
        assert_eq!(site.round().actions.len(), 1);
        wait(&mut site, 31 * MINUTE);
    }
}

#[test]
fn a_new_spec_begins_anew() {
    let mut site = Site::standing(STATELESS);
    war(&mut site, HOUR);
    change(&mut site);
    assert_eq!(site.plan().actions.len(), 0);
    site.spec.tiers[0].load_balancer.as_mut().unwrap().health_check.path = "/new".to_owned();
    assert_eq!(site.plan().actions.len(), 1);
}

#[test]
fn what_fails_is_no_quarrel() {
    let mut site = Site::standing(STATELESS);
    change(&mut site);
    site.round();
    change(&mut site);
    let error = CloudError::new(ErrorClass::Denied, "ModifyTargetGroup", "AccessDenied", "not allowed");
    for _ in 0..10 {
        let entry = site.world.ledger.get_mut(&Part::from(PART)).unwrap();
        entry.last.as_mut().unwrap().outcome = Outcome::Failed(error.clone());
        let before = entry.corrections.clone();
        wait(&mut site, 11 * MINUTE);
        let plan = site.plan();
        assert_eq!((plan.actions.len(), plan.left_alone.len()), (1, 0), "{plan}");
        assert!(plan.corrections.values().all(|after| *after == before), "{plan}");
    }
}
