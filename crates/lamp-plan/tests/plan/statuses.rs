//! What a person is told.

use std::time::Duration;

use expect_test::{Expect, expect};
use lamp_api::conditions::is_true;
use lamp_api::v1alpha1::{LampStackStatus, Mode};
use lamp_cloud::{CloudError, ErrorClass, Kind, Listing, Part, State};
use lamp_plan::status;

use crate::support::{LAMP, NETWORK, STATELESS, Site};

fn told(site: &Site, previous: Option<&LampStackStatus>) -> LampStackStatus {
    status(&site.input(), &site.plan(), &[], &[], previous)
}

fn show(status: &LampStackStatus) -> String {
    let mut text = format!("{}\n", status.summary);
    for c in &status.conditions {
        text += &format!("{}={} {}: {}\n", c.type_, c.status, c.reason, c.message);
    }
    text
}

#[track_caller]
fn check(site: &Site, expected: Expect) {
    expected.assert_eq(&show(&told(site, None)));
}

#[test]
fn a_site_that_stands() {
    check(
        &Site::standing(LAMP),
        expect![[r#"
        serving: app 2/2, web 2/2, database available with 1/1 replicas
        Ready=True Serving: app 2/2, web 2/2, database available with 1/1 replicas
        Progressing=False Settled: nothing is to be done
        Degraded=False NothingMissing: nothing is missing that the site had
        Stalled=False NotBlocked: nothing needs a person
        Paused=False Enforcing: spec.mode is Enforce
        DriftReported=False NothingReported: nothing differs that spec.ignore leaves alone
        Contended=False NothingContended: nobody else insists on a field of the site
        NetworkReady=True AsSpecified: every part is as the spec says
        TiersReady=True AsSpecified: each tier has the instances that it wants
        DatabaseReady=True AsSpecified: every part is as the spec says
    "#]],
    );
}

#[test]
fn a_site_that_comes_up() {
    let mut site = Site::new(LAMP);
    (0..4).for_each(|_| drop(site.round()));
    check(
        &site,
        expect![[r#"
            waiting for replica/1: it does not exist yet, and 8 more parts
            Ready=False DatabaseCreating: waiting for replica/1: it does not exist yet, and 8 more parts
            Progressing=True Changing: 7 calls to AWS, the first of them AssociateRouteTable
            Degraded=False ComingUp: the site comes up for the first time
            Stalled=False NotBlocked: nothing needs a person
            Paused=False Enforcing: spec.mode is Enforce
            DriftReported=False NothingReported: nothing differs that spec.ignore leaves alone
            Contended=False NothingContended: nobody else insists on a field of the site
            NetworkReady=False RouteTableChanging: route-table/public: differs in subnets (since 2026-01-01T01:01:00Z)
            TiersReady=False LaunchTemplateCreating: launch-template/app: it does not exist yet
            DatabaseReady=False DatabaseCreating: replica/1: it does not exist yet
        "#]],
    );
}

#[test]
fn a_database_that_is_being_made_holds_up_the_rest() {
    let mut site = Site::new(LAMP);
    (0..12).for_each(|_| drop(site.round()));
    site.resource("database").state = State::Pending("creating".to_owned());
    check(
        &site,
        expect![[r#"
            waiting for database: creating (since 2026-01-01T01:03:00Z)
            Ready=False DatabaseCreating: waiting for database: creating (since 2026-01-01T01:03:00Z)
            Progressing=True Waiting: database: creating (since 2026-01-01T01:03:00Z)
            Degraded=False ComingUp: the site comes up for the first time
            Stalled=False NotBlocked: nothing needs a person
            Paused=False Enforcing: spec.mode is Enforce
            DriftReported=False NothingReported: nothing differs that spec.ignore leaves alone
            Contended=False NothingContended: nobody else insists on a field of the site
            NetworkReady=True AsSpecified: every part is as the spec says
            TiersReady=True AsSpecified: each tier has the instances that it wants
            DatabaseReady=False DatabaseCreating: database: creating (since 2026-01-01T01:03:00Z)
        "#]],
    );
}

#[test]
fn a_spec_that_needs_a_person() {
    let mut site = Site::standing(LAMP);
    site.spec.database.as_mut().unwrap().instance_class = "db.r6g.4xlarge".to_owned();
    check(
        &site,
        expect![[r#"
            database: class: db.r6g.large -> db.r6g.4xlarge: this interrupts service (the standby takes over: the database is offline for one to two minutes) and needs consent: annotate the stack with lamplighter.dev/confirm-replace=1, and 1 more part
            Ready=False DatabaseBlocked: database: class: db.r6g.large -> db.r6g.4xlarge: this interrupts service (the standby takes over: the database is offline for one to two minutes) and needs consent: annotate the stack with lamplighter.dev/confirm-replace=1, and 1 more part
            Progressing=False Settled: nothing is to be done
            Degraded=True DatabaseBlocked: database: class: db.r6g.large -> db.r6g.4xlarge: this interrupts service (the standby takes over: the database is offline for one to two minutes) and needs consent: annotate the stack with lamplighter.dev/confirm-replace=1
            Stalled=True NeedsPerson: database: class: db.r6g.large -> db.r6g.4xlarge: this interrupts service (the standby takes over: the database is offline for one to two minutes) and needs consent: annotate the stack with lamplighter.dev/confirm-replace=1
            Paused=False Enforcing: spec.mode is Enforce
            DriftReported=False NothingReported: nothing differs that spec.ignore leaves alone
            Contended=False NothingContended: nobody else insists on a field of the site
            NetworkReady=True AsSpecified: every part is as the spec says
            TiersReady=True AsSpecified: each tier has the instances that it wants
            DatabaseReady=False DatabaseBlocked: database: class: db.r6g.large -> db.r6g.4xlarge: this interrupts service (the standby takes over: the database is offline for one to two minutes) and needs consent: annotate the stack with lamplighter.dev/confirm-replace=1
        "#]],
    );
}

#[test]
fn a_listing_that_is_denied() {
    let mut site = Site::standing(STATELESS);
    site.make_unknown(Listing::Resources(Kind::TargetGroup));
    check(
        &site,
        expect![[r#"
            waiting for target-group/web: TargetGroup could not be listed: AccessDenied
            Ready=Unknown TargetGroupNotObserved: waiting for target-group/web: TargetGroup could not be listed: AccessDenied
            Progressing=False Settled: nothing is to be done
            Degraded=False ComingUp: the site comes up for the first time
            Stalled=False NotBlocked: nothing needs a person
            Paused=False Enforcing: spec.mode is Enforce
            DriftReported=False NothingReported: nothing differs that spec.ignore leaves alone
            Contended=False NothingContended: nobody else insists on a field of the site
            NetworkReady=True AsSpecified: every part is as the spec says
            TiersReady=False TargetGroupNotObserved: target-group/web: TargetGroup could not be listed: AccessDenied
        "#]],
    );
}

#[test]
fn a_stack_that_is_paused_and_one_that_is_deleted() {
    let mut site = Site::standing(NETWORK);
    site.spec.mode = Mode::Paused;
    check(
        &site,
        expect![[r#"
        paused: nothing is changed
        Ready=True Serving: the network stands
        Progressing=False NotEnforced: spec.mode is Paused
        Degraded=False NothingMissing: nothing is missing that the site had
        Stalled=False NotBlocked: nothing needs a person
        Paused=True ModePaused: spec.mode is Paused: nothing is observed or changed
        DriftReported=False NothingReported: nothing differs that spec.ignore leaves alone
        Contended=False NothingContended: nobody else insists on a field of the site
        NetworkReady=True AsSpecified: every part is as the spec says
        TiersReady=True AsSpecified: each tier has the instances that it wants
    "#]],
    );
    site.spec.mode = Mode::Enforce;
    site.deleting = true;
    check(
        &site,
        expect![[r#"
            deleting: route-table/application/1: the stack is being deleted; this comes before its deletion
            Ready=False Deleting: route-table/application/1: the stack is being deleted; this comes before its deletion
            Progressing=True Deleting: 4 calls to AWS, the first of them DisassociateRouteTable
            Degraded=False NothingMissing: nothing is missing that the site had
            Stalled=False NotBlocked: nothing needs a person
            Paused=False Enforcing: spec.mode is Enforce
            DriftReported=False NothingReported: nothing differs that spec.ignore leaves alone
            Contended=False NothingContended: nobody else insists on a field of the site
            NetworkReady=False RouteTableDeleting: route-table/application/1: the stack is being deleted; this comes before its deletion
            TiersReady=True AsSpecified: each tier has the instances that it wants
        "#]],
    );
}

#[test]
fn a_call_that_failed_is_told_with_its_words() {
    let site = Site::standing(STATELESS);
    let error = CloudError::new(ErrorClass::Denied, "CreateVpc", "UnauthorizedOperation", "not you");
    let failures = [(Part::from("vpc"), error)];
    let status = status(&site.input(), &site.plan(), &failures, &[], None);
    assert!(is_true(&status.conditions, "Degraded"));
    assert!(status.waiting[0].reason.contains("not you") && status.waiting[0].blocked);
}

#[test]
fn a_reading_that_is_not_allowed_needs_a_person() {
    let site = Site::standing(STATELESS);
    let denied =
        [CloudError::new(ErrorClass::Denied, "DescribeVpcAttribute", "UnauthorizedOperation", "not you")];
    let status = status(&site.input(), &site.plan(), &[], &denied, None);
    let stalled = status.conditions.iter().find(|one| one.type_ == "Stalled").unwrap();
    assert_eq!((stalled.status.as_str(), stalled.reason.as_str()), ("True", "AccessDenied"));
    assert!(stalled.message.contains("ec2:DescribeVpcAttribute"), "{}", stalled.message);
}

#[test]
fn a_settled_status_is_written_once_in_five_minutes() {
    let mut site = Site::standing(LAMP);
    let mut previous = told(&site, None);
    let mut written = 0;
    for _ in 0..20 {
        site.round();
        let next = told(&site, Some(&previous));
        written += u32::from(next != previous);
        previous = next;
    }
    assert_eq!(written, 4, "twenty minutes");
}

#[test]
fn times_of_transitions_are_kept_and_decisions_are_not_repeated() {
    let mut site = Site::standing(STATELESS);
    let first = told(&site, None);
    site.world.pass_time(site.world.now + Duration::from_secs(3600));
    let second = told(&site, Some(&first));
    assert_eq!(first.conditions, second.conditions);

    site.lose("listener/web/80");
    let mut previous = second;
    for _ in 0..12 {
        let next = told(&site, Some(&previous));
        site.round();
        previous = next;
    }
    let listener: Vec<&str> = previous
        .decisions
        .iter()
        .filter(|decision| decision.part == "listener/web/80")
        .map(|decision| decision.action.as_str())
        .collect();
    assert_eq!(listener, ["Create"], "told once");
    assert!(previous.decisions.len() <= 20);
}

#[test]
fn the_address_is_that_of_the_public_tier() {
    let url = told(&Site::standing(LAMP), None).url.unwrap();
    assert!(url.starts_with("https://(known after apply: address of load-balancer/web)"), "{url}");
    let url = told(&Site::standing(STATELESS), None).url.unwrap();
    assert!(url.starts_with("http://"), "{url}");
    assert_eq!(told(&Site::standing(NETWORK), None).url, None);
}
