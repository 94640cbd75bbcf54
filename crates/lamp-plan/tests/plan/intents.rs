//! Calls whose outcome nobody saw.

use std::sync::Arc;
use std::time::Duration;

use lamp_api::v1alpha1::PartState;
use lamp_cloud::{CloudError, ErrorClass, Finished, Intent, LedgerEntry, Outcome, Part, Request};
use lamp_plan::{Plan, Settlement};

use crate::support::{NETWORK, STATELESS, Site};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Sends the one action for `part` that the next plan holds, and loses the reply.
fn lose_reply(site: &mut Site, part: &str) -> Request {
    let plan = site.plan();
    let action = plan.actions.iter().find(|action| action.part.as_str() == part).unwrap();
    let request = action.request.clone();
    let intent = Intent {
        request: request.clone(),
        reason: action.reason.clone(),
        started_at: site.world.now,
        sent: 1,
        error: None,
    };
    let entry = site.world.ledger.entry(Part::from(part)).or_default();
    *entry = LedgerEntry { open: Some(intent), ..entry.clone() };
    request
}

fn requests(plan: &Plan, part: &str) -> Vec<Request> {
    let of_part = plan.actions.iter().filter(|action| action.part.as_str() == part);
    of_part.map(|action| action.request.clone()).collect()
}

#[test]
fn what_takes_no_token_is_repeated_only_after_the_quarantine() {
    let mut site = Site::new(NETWORK);
    let first = lose_reply(&mut site, "vpc");
    let sent_at = site.world.now;
    let mut attempts = Vec::new();
    while attempts.is_empty() {
        site.world.pass_time(site.world.now + seconds(1));
        let plan = site.plan();
        attempts = requests(&plan, "vpc");
        if attempts.is_empty() {
            site.world.apply(&plan);
        }
    }
    let waited = site.world.now.duration_since(sent_at).unsigned_abs();
    assert!(waited >= site.settings.consistency_window, "{waited:?}");
    assert_ne!(attempts[0], first, "another token and name");
}

#[test]
fn what_takes_a_token_is_sent_again_unchanged_but_not_at_once() {
    let mut site = Site::new(NETWORK);
    while requests(&site.plan(), "subnet/public/1").is_empty() {
        site.round();
    }
    let first = lose_reply(&mut site, "subnet/public/1");
    assert_eq!(requests(&site.plan(), "subnet/public/1"), []);
    site.world.pass_time(site.world.now);
    assert_eq!(requests(&site.plan(), "subnet/public/1"), [first]);
}

#[test]
fn a_creation_that_took_effect_is_recognised_by_its_intent() {
    let mut site = Site::new(NETWORK);
    lose_reply(&mut site, "vpc");
    let open = site.world.ledger[&Part::from("vpc")].clone();
    let plan = site.plan();
    site.world.ledger.clear();
    drop(plan);
    let plan = site.plan();
    site.world.apply(&plan);
    site.world.ledger.insert(Part::from("vpc"), open);
    site.world.pass_time(site.world.now);
    let id = site.resource("vpc").id.clone();
    let plan = site.plan();
    assert_eq!(plan.settlements[&Part::from("vpc")], Settlement::Created(id));
    site.settle();
}

#[test]
fn a_duplicate_is_removed_once_it_is_certainly_ours_and_unused() {
    let mut site = Site::new(NETWORK);
    site.round();
    let mut twin = site.resource("internet-gateway").clone();
    twin.id = "twin".to_owned();
    let rows = site.world.inventory.parts.get_mut(&Part::from("internet-gateway")).unwrap();
    rows.push(Arc::new(twin));
    let deletions = |plan: &Plan| {
        plan.actions.iter().filter(|a| a.request.operation() == "DeleteInternetGateway").count()
    };
    let young = site.round();
    assert_eq!(deletions(&young), 0, "{young}");
    let later: usize = (0..10).map(|_| deletions(&site.round())).sum();
    assert_eq!(later, 1);
    assert_ne!(site.resource("internet-gateway").id, "twin");
}

#[test]
fn an_open_change_is_planned_afresh_once_a_later_reading_began() {
    let mut site = Site::new(NETWORK);
    while requests(&site.plan(), "internet-gateway").is_empty()
        || !site.world.inventory.parts.contains_key(&Part::from("internet-gateway"))
    {
        site.round();
    }
    let first = lose_reply(&mut site, "internet-gateway");
    let plan = site.plan();
    assert_eq!(requests(&plan, "internet-gateway"), []);
    assert_eq!(plan.parts[&Part::from("internet-gateway")].state, PartState::Progressing);
    site.world.pass_time(site.world.now);
    let plan = site.plan();
    assert_eq!(plan.settlements[&Part::from("internet-gateway")], Settlement::Void);
    assert_eq!(requests(&plan, "internet-gateway"), [first]);
}

#[test]
fn a_refusal_is_told_with_its_words_and_not_repeated_at_once() {
    let mut site = Site::new(NETWORK);
    let plan = site.plan();
    let action = plan.actions.iter().find(|action| action.part.as_str() == "vpc").unwrap();
    let error = CloudError::new(ErrorClass::Quota, "CreateVpc", "VpcLimitExceeded", "the maximum is 5");
    let failed_at = site.world.now;
    let last = Finished {
        request: action.request.clone(),
        reason: String::new(),
        at: failed_at,
        outcome: Outcome::Failed(error),
        failures: 1,
    };
    site.world.ledger.insert(Part::from("vpc"), LedgerEntry { last: Some(last), ..LedgerEntry::default() });
    let plan = site.plan();
    let report = &plan.parts[&Part::from("vpc")];
    assert!(report.blocked && report.reason.as_ref().unwrap().contains("the maximum is 5"), "{report}");
    assert_eq!(plan.next_look, Some(failed_at + seconds(600)));
    site.world.pass_time(failed_at + seconds(600));
    assert_eq!(requests(&site.plan(), "vpc").len(), 1);
}

#[test]
fn a_change_that_no_reading_shows_yet_is_not_sent_twice() {
    let mut site = Site::standing(NETWORK);
    if let lamp_cloud::Body::Vpc(vpc) = &mut site.resource("vpc").body {
        vpc.dns_hostnames = Some(false);
    }
    let stale = site.world.inventory.parts.clone();
    let plan = site.plan();
    assert_eq!(requests(&plan, "vpc").len(), 1);
    site.world.apply(&plan);
    site.world.inventory.parts = stale;
    let done_at = site.world.now;
    site.settings.change_patience = seconds(90);
    site.world.pass_time(done_at);
    let plan = site.plan();
    assert_eq!(requests(&plan, "vpc"), []);
    assert_eq!(plan.next_look, Some(done_at + seconds(90)));
    site.world.pass_time(done_at + seconds(90));
    assert_eq!(requests(&site.plan(), "vpc").len(), 1);
}

#[test]
fn waits_grow_with_failures_up_to_a_limit() {
    let at = crate::support::time("2026-01-01T00:00:00Z");
    let cases = [
        (ErrorClass::Throttled, 1, 5),
        (ErrorClass::Throttled, 3, 20),
        (ErrorClass::Transient, 40, 300),
        (ErrorClass::Capacity, 1, 180),
        (ErrorClass::Capacity, 9, 3600),
        (ErrorClass::Quota, 5, 600),
        (ErrorClass::Denied, 2, 120),
        (ErrorClass::Invalid, 1, 600),
        (ErrorClass::Dependency, 2, 20),
        (ErrorClass::State, 9, 300),
        (ErrorClass::NotFound, 1, 30),
    ];
    for (class, failures, wait) in cases {
        let error = CloudError::new(class, "X", "Y", "z");
        let until = lamp_plan::backoff::retry_at(&error, failures, at);
        assert_eq!(until, at + seconds(wait), "{class:?} {failures}");
    }
    let mut asked = CloudError::new(ErrorClass::Throttled, "X", "Y", "z");
    asked.retry_after = Some(seconds(77));
    assert_eq!(lamp_plan::backoff::retry_at(&asked, 1, at), at + seconds(77));
}

#[test]
fn a_replacement_whose_reply_was_lost_stays_on_record_for_the_hour_that_budgets_count() {
    let mut site = Site::standing(STATELESS);
    let group = site.resource("auto-scaling-group/web").id.clone();
    let sent_at = site.world.now;
    let replacement = Request::ReplaceInstance { group: group.clone(), instance: "i-old".to_owned() };
    let registration = Request::RegisterTargets { target_group: group, targets: Vec::new() };
    for (part, request) in [("instance/i-old", replacement), ("targets/web/register", registration)] {
        let intent = Intent { request, reason: String::new(), started_at: sent_at, sent: 1, error: None };
        let entry = LedgerEntry { open: Some(intent), ..LedgerEntry::default() };
        site.world.ledger.insert(Part::from(part), entry);
    }
    let settled = |site: &Site, part: &str| site.plan().settlements.get(&Part::from(part)).cloned();
    site.world.pass_time(sent_at + seconds(60));
    assert_eq!(settled(&site, "targets/web/register"), Some(Settlement::Void), "it is planned afresh");
    for waited in [60, 3500] {
        site.world.pass_time(sent_at + seconds(waited));
        assert_eq!(settled(&site, "instance/i-old"), None, "after {waited} s");
    }
    assert!(site.plan().next_look.is_some_and(|next| next <= sent_at + seconds(3600)));
    site.world.pass_time(sent_at + seconds(3600));
    assert_eq!(settled(&site, "instance/i-old"), Some(Settlement::Void));
}
