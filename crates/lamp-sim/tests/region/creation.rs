//! Every kind can be made, listed, found by its tags, and removed again.

use lamp_cloud::kinds::{db_instance, internet_gateway, route_table};
use lamp_cloud::{Change, DeleteOptions, Kind, Read, Reading, Request, State, tag};

use crate::site::{Lab, Site};

/// The rows of a kind, listeners included.
fn rows(lab: &Lab, site: &Site, kind: Kind) -> Vec<lamp_cloud::Resource> {
    if kind != Kind::Listener {
        return lab.list(kind);
    }
    match lab.sim.read_now(&Read::Listeners { load_balancer: site.balancer.clone() }).unwrap() {
        Reading::Listeners(rows) => rows,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_kind_is_made_and_listed_with_its_tags() {
    let lab = Lab::calm();
    let site = lab.site();
    for kind in Kind::ALL {
        let rows = rows(&lab, &site, *kind);
        assert!(!rows.is_empty(), "no {} is listed", kind.name());
        for row in rows {
            assert_eq!(row.kind(), *kind);
            let tags = if kind.tags_are_separate() {
                assert!(row.tags.is_empty(), "the listing of {} shows no tags", kind.name());
                match lab.sim.read_now(&Read::Tags { kind: *kind, ids: vec![row.id.clone()] }).unwrap() {
                    Reading::Tags(mut rows) => rows.remove(0).1,
                    other => panic!("{other:?}"),
                }
            } else {
                row.tags
            };
            assert_eq!(tags.get(tag::UID).map(String::as_str), Some("uid-1"), "{}", kind.name());
        }
    }
}

#[test]
fn a_site_comes_up_and_goes_away_without_a_trace() {
    let lab = Lab::calm();
    let site = lab.site();
    lab.pass(1800);
    for resource in lab.sim.world().resources() {
        assert_eq!(resource.state, State::Ready, "{}", resource.id);
    }
    assert_eq!(lab.sim.world().targets(&site.targets).count(), 2);
    remove(&lab, &site);
    let world = lab.sim.world();
    let left: Vec<_> = world.resources().map(|resource| resource.id.clone()).collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(world.instances().all(|row| row.state == lamp_cloud::InstanceState::Terminated));
    assert_eq!(world.snapshots().len(), 1);
    assert_eq!(world.violations(), &[] as &[String]);
}

fn remove(lab: &Lab, site: &Site) {
    let unprotected = db_instance::Modification {
        deletion_protection: Some(false),
        ..db_instance::Modification::default()
    };
    lab.change(&site.primary, Change::DbInstance(db_instance::Change::Modify(Box::new(unprotected))));
    let options = DeleteOptions { final_snapshot: Some("ll-last".into()), ..DeleteOptions::default() };
    let delete = Request::Delete { kind: Kind::DbInstance, id: site.primary.clone(), options };
    lab.sim.apply_now(&delete).unwrap();
    lab.delete(Kind::AutoScalingGroup, &site.web);
    lab.delete(Kind::Listener, &site.listener);
    lab.delete(Kind::LoadBalancer, &site.balancer);
    lab.delete(Kind::TargetGroup, &site.targets);
    lab.delete(Kind::NatGateway, &site.nat);
    lab.delete(Kind::LaunchTemplate, &site.template);
    lab.delete(Kind::Secret, &site.secret);
    lab.pass(900);
    lab.delete(Kind::DbSubnetGroup, &site.db_subnets);
    lab.delete(Kind::DbParameterGroup, &site.parameters);
    lab.delete(Kind::ElasticIp, &site.address);
    lab.delete(Kind::SecurityGroup, &site.group);
    let table = match &lab.get(Kind::RouteTable, &site.routes).unwrap().body {
        lamp_cloud::Body::RouteTable(table) => table.clone(),
        other => panic!("{other:?}"),
    };
    for (subnet, association) in table.associations {
        lab.change(
            &site.routes,
            Change::RouteTable(route_table::Change::Disassociate { subnet, association }),
        );
    }
    lab.delete(Kind::RouteTable, &site.routes);
    lab.change(&site.gateway, Change::InternetGateway(internet_gateway::Change::Detach(site.vpc.clone())));
    lab.delete(Kind::InternetGateway, &site.gateway);
    for subnet in &site.subnets {
        lab.delete(Kind::Subnet, subnet);
    }
    lab.delete(Kind::Vpc, &site.vpc);
    lab.pass(600);
}
