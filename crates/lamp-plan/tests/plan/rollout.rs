//! A version that did not work: the group goes back, and stays there.

use expect_test::expect;
use lamp_cloud::{Body, FailedVersion, LedgerEntry, Part, TemplateVersion};
use lamp_plan::{preview, status};

use crate::support::{STATELESS, Site};

fn template(site: &mut Site) -> &mut LedgerEntry {
    site.world.ledger.get_mut(&Part::from("launch-template/web")).unwrap()
}

fn launched(site: &mut Site) -> u64 {
    match &site.resource("auto-scaling-group/web").body {
        Body::AutoScalingGroup(group) => group.template_version,
        other => panic!("{other:?}"),
    }
}

/// The group of a site launches version 2, of another instance type, and it was found out that this does not work.
fn failed() -> Site {
    let mut site = Site::standing(STATELESS);
    site.spec.tiers[0].instance_types = vec!["t3.medium".to_owned()];
    while launched(&mut site) == 1 {
        site.round();
    }
    let version = TemplateVersion { number: 2, launches: "anything".to_owned(), instance_types: Vec::new() };
    let why = "i-1: its target is unhealthy".to_owned();
    let failed = FailedVersion { version, at: site.world.now, why, requested: None };
    template(&mut site).versions.failed = Some(failed);
    site
}

#[test]
fn a_site_that_stands_knows_what_was_good() {
    let mut site = Site::standing(STATELESS);
    let versions = template(&mut site).versions.clone();
    assert_eq!((versions.good.map(|good| good.number), versions.failed), (Some(1), None));
}

#[test]
fn the_group_goes_back_to_the_good_version_and_that_is_no_drift() {
    let mut site = failed();
    expect![[r#"
        ~ update AutoScalingGroup auto-scaling-group/web (UpdateAutoScalingGroup) because differs in templateVersion, desired
            templateVersion: 2 -> 1
            desired: 2 -> 3
    "#]].assert_eq(&site.plan().to_string());
    let said: Vec<_> =
        site.plan().decisions.into_iter().filter(|(_, action, _)| action == "Return").collect();
    assert_eq!(said.len(), 1, "{said:?}");
    for _ in 0..20 {
        site.round();
    }
    assert_eq!(launched(&mut site), 1);
    for _ in 0..20 {
        let plan = site.round();
        assert!(plan.actions.is_empty() && plan.corrections.is_empty() && plan.versions.is_empty(), "{plan}");
    }
    expect![[r#"
        auto-scaling-group/web Failed (blocked): rollout halted: version 2 does not work (i-1: its target is unhealthy, at 2026-01-02T01:12:00Z); every instance is of version 1 again, the last good one; change what the spec launches, or try version 2 again with lampctl sync shop
    "#]].assert_eq(site.plan().to_string().trim_start());
    let told = status(&site.input(), &site.plan(), &[], &[], None);
    let bad: Vec<_> = told.conditions.iter().filter(|one| one.reason == "RolloutHalted").collect();
    let bad: Vec<_> = bad.iter().map(|one| format!("{}={}", one.type_, one.status)).collect();
    assert_eq!(bad, ["Ready=False", "Degraded=True", "Stalled=True", "TiersReady=False"]);
    let shown = preview(&site.input());
    assert!(shown.steps.is_empty(), "{:?}", shown.steps);
    assert!(
        shown.blocked.iter().any(|one| one.blocked && one.reason.contains("rollout halted")),
        "{shown:?}"
    );
}

#[test]
fn another_body_is_rolled_out_and_the_same_is_not() {
    let mut site = failed();
    for _ in 0..20 {
        site.round();
    }
    site.spec.tiers[0].healing.grace_period_seconds = 600;
    for _ in 0..20 {
        site.round();
    }
    assert_eq!(launched(&mut site), 1, "what is launched did not change");
    site.spec.tiers[0].instance_types = vec!["t3.large".to_owned()];
    for _ in 0..40 {
        site.round();
    }
    assert_eq!(launched(&mut site), 3);
    let versions = template(&mut site).versions.clone();
    assert_eq!((versions.good.map(|good| good.number), versions.failed), (Some(3), None));
}

/// The way to the end of a rollout is planned forward, bakes included.
#[test]
fn a_preview_sees_every_instance_replaced() {
    let mut site = Site::standing(STATELESS);
    site.spec.tiers[0].instance_types = vec!["t3.medium".to_owned()];
    let shown = preview(&site.input());
    let calls: Vec<&str> = shown.steps.iter().map(|step| step.call.as_str()).collect();
    let replaced = calls.iter().filter(|call| **call == "TerminateInstanceInAutoScalingGroup").count();
    assert_eq!(replaced, 2, "{calls:?}");
    assert!(calls.contains(&"ModifyLaunchTemplate"), "the new version becomes the default one: {calls:?}");
    assert!(shown.blocked.is_empty(), "{:?}", shown.blocked);
}
