//! What keeps a deletion waiting: interfaces of ours, which go by themselves, and what others have in the way.

use std::time::Duration;

use lamp_api::v1alpha1::{LampStackStatus, PartState};
use lamp_cloud::{
    CloudError, DeleteOptions, ErrorClass, Finished, Kind, NetworkInterface, Outcome, Part, Request,
};
use lamp_plan::{Ask, Plan, status};

use crate::support::{LAMP, STATELESS, Site};

const SUBNET: &str = "subnet/public/1";
const GROUP: &str = "security-group/web/load-balancer";

fn id(site: &Site, part: &str) -> String {
    site.world.inventory.parts[&Part::from(part)][0].id.clone()
}

/// A site that goes, with these interfaces in its network.
fn going(spec: &str, interfaces: impl FnOnce(&Site) -> Vec<NetworkInterface>) -> Site {
    let mut site = Site::standing(spec);
    site.deleting = true;
    let (vpc, interfaces) = (id(&site, "vpc"), interfaces(&site));
    site.world.inventory.interfaces.insert(vpc, interfaces);
    site
}

fn interface(site: &Site, description: &str) -> NetworkInterface {
    NetworkInterface {
        id: "eni-1".to_owned(),
        subnet: id(site, SUBNET),
        description: description.to_owned(),
        ..NetworkInterface::default()
    }
}

fn of_service(site: &Site, requester: &str, description: &str) -> NetworkInterface {
    let requester = Some(requester.to_owned());
    let security_groups = vec![id(site, GROUP)];
    NetworkInterface { managed: true, requester, security_groups, ..interface(site, description) }
}

fn rounds(site: &mut Site) -> Plan {
    (0..40).for_each(|_| drop(site.round()));
    site.plan()
}

fn there(site: &Site, part: &str) -> bool {
    site.world.inventory.parts.contains_key(&Part::from(part))
}

fn clear(site: &mut Site) {
    site.world.inventory.interfaces.values_mut().for_each(Vec::clear);
}

/// AWS refused to delete a part.
fn refuse(site: &mut Site, part: &str, kind: Kind) {
    let (id, at) = (id(site, part), site.world.now);
    let request = Request::Delete { kind, id, options: DeleteOptions::default() };
    let error = CloudError::new(
        ErrorClass::Dependency,
        request.operation(),
        "DependencyViolation",
        "has dependencies",
    );
    let outcome = Outcome::Failed(error);
    let last = Finished { request, reason: String::new(), at, outcome, failures: 1 };
    site.world.ledger.get_mut(&Part::from(part)).unwrap().last = Some(last);
    site.world.pass_time(at + Duration::from_secs(60));
}

#[test]
fn interfaces_of_ours_are_waited_for() {
    for (requester, description) in
        [("amazon-elb", "ELB app/ll-shop/1"), ("amazon-rds", "RDSNetworkInterface")]
    {
        let mut site = going(STATELESS, |site| vec![of_service(site, requester, description)]);
        let plan = rounds(&mut site);
        for part in [SUBNET, GROUP, "vpc"] {
            assert!(there(&site, part), "{part} was deleted under an interface\n{plan}");
        }
        assert!(!there(&site, "subnet/public/2") && plan.actions.is_empty(), "{plan}");
        let report = &plan.parts[&Part::from(SUBNET)];
        assert_eq!((report.state, report.blocked), (PartState::Waiting, false), "{plan}");
        assert!(plan.blockers.iter().all(|blocker| !blocker.foreign), "{plan}");
        clear(&mut site);
        assert!(rounds(&mut site).finished);
    }
}

#[test]
fn an_address_that_is_mapped_holds_the_way_to_the_internet() {
    let public = |site: &Site| NetworkInterface {
        public_address: Some("203.0.113.7".to_owned()),
        ..of_service(site, "amazon-elb", "ELB app/ll-shop/1")
    };
    let mut site = going(STATELESS, |site| vec![public(site)]);
    let plan = rounds(&mut site);
    assert!(there(&site, "internet-gateway") && plan.actions.is_empty(), "{plan}");
    clear(&mut site);
    assert!(rounds(&mut site).finished);
}

#[test]
fn nothing_goes_before_aws_said_what_stands_in_it() {
    let mut site = Site::standing(STATELESS);
    site.deleting = true;
    let ask = Ask::Interfaces { vpc: id(&site, "vpc") };
    for _ in 0..40 {
        let plan = site.round();
        site.world.inventory.interfaces.clear();
        assert!(plan.asks.contains(&ask), "{plan}");
    }
    for part in [SUBNET, GROUP, "internet-gateway", "vpc"] {
        assert!(there(&site, part), "{part} was deleted");
    }
    assert_eq!(site.plan().parts[&Part::from(SUBNET)].state, PartState::Waiting);
}

#[test]
fn a_stack_that_stays_asks_for_no_interfaces() {
    for spec in [STATELESS, LAMP] {
        assert_eq!(Site::standing(spec).plan().asks, [].into());
    }
}

#[test]
fn what_others_put_there_is_named_from_the_start_and_tried_once() {
    let mut site = going(LAMP, |site| vec![interface(site, "somebody's bastion")]);
    let first = site.plan();
    let message = &first.blockers[0].message;
    let named = format!("{} ({SUBNET}) is held by eni-1: somebody's bastion", id(&site, SUBNET));
    assert!(message.starts_with(&named) && first.blockers[0].foreign, "{message}");
    // It is there still where every call succeeds: what AWS says is not known.
    refuse(&mut site, SUBNET, Kind::Subnet);
    let plan = rounds(&mut site);
    assert!(there(&site, SUBNET) && plan.actions.is_empty(), "{plan}");
    assert!(plan.parts[&Part::from(SUBNET)].blocked, "{plan}");
    clear(&mut site);
    assert!(rounds(&mut site).finished, "it goes on by itself");
}

#[test]
fn an_interface_that_tells_nothing_is_named_once_aws_refuses() {
    let mut site = going(STATELESS, |site| vec![interface(site, "")]);
    assert_eq!(site.plan().blockers, []);
    refuse(&mut site, SUBNET, Kind::Subnet);
    let plan = site.plan();
    assert!(plan.blockers[0].message.contains("eni-1: without a description"), "{plan}");
}

#[test]
fn whose_an_interface_is_shows_in_what_it_serves() {
    let site = Site::standing(LAMP);
    let ours = |change: &dyn Fn(&mut NetworkInterface)| {
        let mut interface = of_service(&site, "amazon-elb", "ELB app/theirs/1");
        change(&mut interface);
        let mut site = going(LAMP, |_| vec![interface]);
        site.resource("nat-gateway/1").id = "nat-ours".to_owned();
        let plan = site.plan();
        !plan.blockers.iter().any(|blocker| blocker.foreign)
    };
    let instance = site.world.inventory.instances.values().flatten().next().unwrap().id.clone();
    assert!(ours(&|_| {}), "a service that we use, and a group of ours");
    assert!(!ours(&|it| it.security_groups.push("sg-theirs".to_owned())));
    assert!(!ours(&|it| it.requester = Some("123456789012:awslambda".to_owned())));
    assert!(!ours(&|it| it.managed = false));
    let nat = |id: &str| format!("Interface for NAT Gateway {id}");
    let named = |it: &mut NetworkInterface, description: String| {
        (it.requester, it.security_groups, it.description) = (None, Vec::new(), description);
    };
    assert!(ours(&|it| named(it, nat("nat-ours"))));
    assert!(!ours(&|it| named(it, nat("nat-theirs"))));
    assert!(ours(&|it| it.instance = Some(instance.clone())));
    assert!(!ours(&|it| it.instance = Some("i-theirs".to_owned())));
}

#[test]
fn a_refusal_that_nothing_explains_is_quoted() {
    let mut site = going(STATELESS, |_| Vec::new());
    refuse(&mut site, "vpc", Kind::Vpc);
    let plan = site.plan();
    let blocker = plan.blockers.iter().find(|blocker| blocker.part.as_str() == "vpc").unwrap();
    assert_eq!(blocker.by, "DependencyViolation");
    assert!(blocker.message.ends_with("AWS refuses DeleteVpc: has dependencies"), "{}", blocker.message);
}

fn told(site: &Site, previous: Option<&LampStackStatus>) -> LampStackStatus {
    let plan = site.plan();
    let mut told = status(&site.input(), &plan, &[], &[], previous);
    // As the controller keeps it: looked at now.
    told.observed_time = Some(lamp_api::Time(site.world.now));
    told
}

fn condition(status: &LampStackStatus, kind: &str) -> String {
    let found = status.conditions.iter().find(|one| one.type_ == kind).unwrap();
    format!("{} {}: {}", found.status, found.reason, found.message)
}

#[test]
fn what_is_in_the_way_is_one_condition_at_once() {
    let mut site = going(STATELESS, |site| vec![interface(site, "somebody's bastion")]);
    let status = told(&site, None);
    let stalled = condition(&status, "Stalled");
    assert!(stalled.starts_with("True DeletionBlocked: ") && stalled.contains("eni-1"), "{stalled}");
    assert!(condition(&status, "Progressing").starts_with("True Deleting: "), "what can go goes");
    assert!(condition(&status, "Degraded").starts_with("False "));
    refuse(&mut site, SUBNET, Kind::Subnet);
    rounds(&mut site);
    let status = told(&site, Some(&status));
    assert_eq!(condition(&status, "Stalled"), stalled);
    assert!(condition(&status, "Progressing").starts_with("False DeletionBlocked: "));
    clear(&mut site);
    assert!(condition(&told(&site, Some(&status)), "Stalled").starts_with("False "));
}

#[test]
fn an_hour_without_progress_is_a_condition() {
    let mut site = going(STATELESS, |site| vec![of_service(site, "amazon-elb", "ELB app/ll-shop/1")]);
    rounds(&mut site);
    let mut status = told(&site, None);
    let began = status.deletion.clone().unwrap();
    let pass = |site: &mut Site, status: &LampStackStatus| {
        site.world.pass_time(site.world.now + Duration::from_secs(300));
        told(site, Some(status))
    };
    for _ in 0..11 {
        status = pass(&mut site, &status);
        assert!(condition(&status, "Stalled").starts_with("False "), "{status:?}");
    }
    status = pass(&mut site, &status);
    let stalled = condition(&status, "Stalled");
    let since = format!("True DeletionStuck: nothing went since {}: ", began.last_progress_time.0);
    assert!(stalled.starts_with(&since) && stalled.contains("eni-1"), "{stalled}");
    assert_eq!(status.deletion.as_ref().unwrap().started_time, began.started_time);
    clear(&mut site);
    site.round();
    assert!(condition(&told(&site, Some(&status)), "Stalled").starts_with("False "), "it goes on");
}

#[test]
fn the_time_in_which_nobody_worked_does_not_count() {
    let mut site = going(STATELESS, |site| vec![of_service(site, "amazon-elb", "ELB app/ll-shop/1")]);
    rounds(&mut site);
    let status = told(&site, None);
    site.world.pass_time(site.world.now + Duration::from_secs(7200));
    assert!(condition(&told(&site, Some(&status)), "Stalled").starts_with("False "));
}
