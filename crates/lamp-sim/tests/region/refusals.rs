//! What AWS refuses, by code and class.

use lamp_cloud::kinds::security_group::{Change as Rules, Peer, Rule};
use lamp_cloud::kinds::{auto_scaling_group, load_balancer, security_group};
use lamp_cloud::{Change, ErrorClass, Kind, NAME_PREFIX, Reference, Request};

use crate::site::{self, Lab};

#[test]
fn what_something_else_needs_cannot_be_deleted() {
    let lab = Lab::calm();
    let site = lab.site();
    lab.pass(700);
    let rows = [
        (Kind::Vpc, &site.vpc, "DependencyViolation"),
        (Kind::Subnet, &site.subnets[0], "DependencyViolation"),
        (Kind::InternetGateway, &site.gateway, "DependencyViolation"),
        (Kind::ElasticIp, &site.address, "InvalidIPAddress.InUse"),
        (Kind::RouteTable, &site.routes, "DependencyViolation"),
        (Kind::SecurityGroup, &site.group, "DependencyViolation"),
        (Kind::TargetGroup, &site.targets, "ResourceInUse"),
        (Kind::DbSubnetGroup, &site.db_subnets, "InvalidDBSubnetGroupStateFault"),
        (Kind::DbParameterGroup, &site.parameters, "InvalidDBParameterGroupState"),
    ];
    for (kind, id, code) in rows {
        let error = lab.try_delete(kind, id).unwrap_err();
        assert_eq!((error.code.as_str(), error.class), (code, ErrorClass::Dependency), "{}", kind.name());
        assert!(lab.get(kind, id).is_some());
    }
}

#[test]
fn what_is_protected_cannot_be_deleted() {
    let lab = Lab::calm();
    let site = lab.site();
    lab.pass(700);
    let attributes = load_balancer::LoadBalancerAttributes {
        deletion_protection: true,
        idle_timeout_seconds: 60,
        http2: true,
        drop_invalid_headers: true,
    };
    lab.change(&site.balancer, Change::LoadBalancer(load_balancer::Change::Attributes(attributes)));
    let balancer = lab.try_delete(Kind::LoadBalancer, &site.balancer).unwrap_err();
    assert_eq!((balancer.code.as_str(), balancer.class), ("OperationNotPermitted", ErrorClass::State));
    let database = lab.try_delete(Kind::DbInstance, &site.primary).unwrap_err();
    assert_eq!((database.code.as_str(), database.class), ("InvalidParameterCombination", ErrorClass::State));
}

#[test]
fn the_same_name_or_relation_is_refused_twice() {
    let lab = Lab::calm();
    let site = lab.site();
    lab.pass(700);
    let rename = |request: Request, name: &str| match request {
        Request::Create { part, tags, token, body, .. } => Request::Create {
            part,
            tags,
            token: format!("{token}-2"),
            body,
            name: format!("{NAME_PREFIX}{name}"),
        },
        other => other,
    };
    let primary = site::database(&site.db_subnets, &site.parameters, &site.group, &site.secret);
    let other_check = |mut group: lamp_cloud::kinds::target_group::TargetGroup| {
        group.port = 8080;
        group
    };
    let subnet = site::subnet(&site.vpc, "10.0.0.0/25", "eu-central-1a");
    let rows = [
        (lab.request("subnet/9", subnet), "InvalidSubnet.Conflict"),
        (
            rename(lab.request("sg/2", site::security_group(&site.vpc)), "security-group"),
            "InvalidGroup.Duplicate",
        ),
        (
            rename(lab.request("tg/2", other_check(site::target_group(&site.vpc))), "targets"),
            "DuplicateTargetGroupName",
        ),
        (lab.request("listener/2", site::listener(&site.balancer, &site.targets)), "DuplicateListener"),
        (
            rename(lab.request("lt/2", site::template(&site.group, &lab.owner)), "template"),
            "InvalidLaunchTemplateName.AlreadyExistsException",
        ),
        (
            rename(lab.request("asg/2", site::asg(&site.template, &site.subnets, &[], 0)), "web"),
            "AlreadyExists",
        ),
        (rename(lab.request("db/2", primary), "primary"), "DBInstanceAlreadyExists"),
        (
            rename(
                lab.request(
                    "secret/2",
                    lamp_cloud::kinds::secret::Secret {
                        description: String::new(),
                        username: "admin".into(),
                    },
                ),
                "secret",
            ),
            "ResourceExistsException",
        ),
    ];
    for (request, code) in rows {
        let error = lab.sim.apply_now(&request).unwrap_err();
        assert_eq!((error.code.as_str(), error.class), (code, ErrorClass::AlreadyExists));
    }
}

#[test]
fn an_equal_creation_of_load_balancing_answers_with_the_first() {
    let lab = Lab::calm();
    let site = lab.site();
    assert_eq!(lab.create("targets", site::target_group(&site.vpc)), site.targets);
    assert_eq!(lab.create("balancer", site::balancer(&site.subnets[..2], &site.group)), site.balancer);
    assert_eq!(lab.create("listener", site::listener(&site.balancer, &site.targets)), site.listener);
    assert_eq!(lab.sim.world().violations(), &[] as &[String]);
}

#[test]
fn a_client_token_makes_one_resource() {
    let lab = Lab::calm();
    let site = lab.site();
    assert_eq!(lab.create("nat", site::nat(&site.subnets[0], &site.address)), site.nat);
    assert_eq!(lab.create("routes", site::table(&site.vpc)), site.routes);
    let error = lab.try_create("nat", site::nat(&site.subnets[1], &site.address)).unwrap_err();
    assert_eq!((error.code.as_str(), error.class), ("IdempotentParameterMismatch", ErrorClass::Conflict));
}

#[test]
fn what_takes_neither_token_nor_name_is_made_again_each_time() {
    let lab = Lab::calm();
    let first = lab.create("vpc", site::vpc("10.0.0.0/16"));
    let second = lab.create("vpc", site::vpc("10.0.0.0/16"));
    assert_ne!(first, second);
    let world = lab.sim.world();
    assert_eq!(world.violations().len(), 1, "{:?}", world.violations());
    assert!(world.violations()[0].contains("exists twice"));
}

#[test]
fn a_rule_is_there_once() {
    let lab = Lab::calm();
    let (vpc, _) = lab.network();
    let group = lab.create("group", site::security_group(&vpc));
    let rule = Rule::tcp(80, Peer::Group(Reference::id(group.as_str())));
    let change = |rules| Change::SecurityGroup(rules);
    lab.change(&group, change(Rules::AuthorizeIngress(vec![rule.clone()])));
    let twice = lab.try_change(&group, change(Rules::AuthorizeIngress(vec![rule.clone()]))).unwrap_err();
    assert_eq!(twice.class, ErrorClass::AlreadyExists);
    lab.change(&group, change(Rules::RevokeIngress(vec![rule.clone()])));
    let gone = lab.try_change(&group, change(Rules::RevokeIngress(vec![rule]))).unwrap_err();
    assert_eq!(gone.class, ErrorClass::NotFound);
}

#[test]
fn a_group_named_in_a_rule_cannot_be_deleted() {
    let lab = Lab::calm();
    let (vpc, _) = lab.network();
    let one = lab.create("one", site::security_group(&vpc));
    let other = lab.create("other", site::security_group(&vpc));
    let rule = Rule::tcp(80, Peer::Group(Reference::id(one.as_str())));
    let authorize = security_group::Change::AuthorizeIngress(vec![rule]);
    lab.change(&other, Change::SecurityGroup(authorize));
    assert_eq!(lab.try_delete(Kind::SecurityGroup, &one).unwrap_err().class, ErrorClass::Dependency);
    lab.delete(Kind::SecurityGroup, &other);
    lab.delete(Kind::SecurityGroup, &one);
}

#[test]
fn a_desired_capacity_outside_its_bounds_is_refused() {
    let lab = Lab::calm();
    let site = lab.site();
    let set = Change::AutoScalingGroup(auto_scaling_group::Change::SetDesired(13));
    assert_eq!(lab.try_change(&site.web, set).unwrap_err().class, ErrorClass::Invalid);
}

#[test]
fn what_does_not_exist_is_not_found() {
    let lab = Lab::calm();
    for kind in Kind::ALL {
        let answer = lab.try_delete(*kind, "nothing");
        match kind {
            Kind::LoadBalancer | Kind::TargetGroup => assert!(answer.is_ok(), "AWS says that it is gone"),
            _ => assert_eq!(answer.unwrap_err().class, ErrorClass::NotFound, "{}", kind.name()),
        }
    }
}

#[test]
fn a_secret_kept_restorable_keeps_its_name() {
    let lab = Lab::calm();
    let site = lab.site();
    let options = lamp_cloud::DeleteOptions::default();
    lab.sim.apply_now(&Request::Delete { kind: Kind::Secret, id: site.secret.clone(), options }).unwrap();
    let secret = lamp_cloud::kinds::secret::Secret { description: String::new(), username: "admin".into() };
    assert_eq!(lab.try_create("secret", secret).unwrap_err().code, "InvalidRequestException");
}

#[test]
fn somebody_elses_resource_is_not_ours_to_delete() {
    let lab = Lab::calm();
    let foreign = lab
        .sim
        .world()
        .create_by_hand("theirs", &lamp_cloud::Tags::new(), site::vpc("10.9.0.0/16").into())
        .unwrap();
    assert!(lab.list(Kind::Vpc).is_empty(), "the filter leaves it out");
    let denied = lab.try_delete(Kind::Vpc, &foreign).unwrap_err();
    assert_eq!(denied.class, ErrorClass::Denied, "the daemon's role may not: {denied}");
    assert!(lab.sim.world().resources().any(|row| row.id == foreign));
}
