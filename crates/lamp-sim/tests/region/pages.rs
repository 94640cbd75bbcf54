//! Pages are as large as AWS's largest, and stay right while rows come and go.

use std::collections::BTreeSet;

use lamp_cloud::{Kind, Listing, Read, Reading, Service};

use crate::site::{self, Lab};

fn page(lab: &Lab, kind: Kind, page: Option<String>) -> (Vec<String>, Option<String>) {
    let read = Read::List { listing: Listing::Resources(kind), page };
    match lab.sim.read_now(&read).unwrap() {
        Reading::Resources(page) => (page.items.into_iter().map(|row| row.id).collect(), page.next),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_full_page_offers_the_next_one_only_if_there_is_one() {
    let lab = Lab::calm();
    let (vpc, _) = lab.network();
    for index in 0..100 {
        lab.create(&format!("table/{index}"), site::table(&vpc));
    }
    let (rows, next) = page(&lab, Kind::RouteTable, None);
    assert_eq!((rows.len(), next), (100, None));
    lab.create("table/100", site::table(&vpc));
    let (rows, next) = page(&lab, Kind::RouteTable, None);
    assert_eq!(rows.len(), 100);
    assert_eq!(page(&lab, Kind::RouteTable, next).0.len(), 1);
}

#[test]
fn rows_that_stay_are_listed_once_while_others_go() {
    let lab = Lab::calm();
    let (vpc, _) = lab.network();
    let all: Vec<String> =
        (0..250).map(|index| lab.create(&format!("table/{index}"), site::table(&vpc))).collect();
    let (first, next) = page(&lab, Kind::RouteTable, None);
    for id in &first[..50] {
        lab.delete(Kind::RouteTable, id);
    }
    let (second, next) = page(&lab, Kind::RouteTable, next);
    let (third, next) = page(&lab, Kind::RouteTable, next);
    assert_eq!(next, None);
    let listed: Vec<String> = [first, second, third].concat();
    let distinct: BTreeSet<_> = listed.iter().collect();
    assert_eq!((listed.len(), distinct.len(), all.len()), (250, 250, 250));
}

#[test]
fn each_page_counts_as_a_call() {
    let lab = Lab::calm();
    let (vpc, _) = lab.network();
    for index in 0..201 {
        lab.create(&format!("table/{index}"), site::table(&vpc));
    }
    assert_eq!(lab.list(Kind::RouteTable).len(), 201);
    let world = lab.sim.world();
    assert_eq!(world.call_counts()[&(Service::Ec2, "DescribeRouteTables")], 3);
    assert_eq!(world.call_counts()[&(Service::Ec2, "CreateRouteTable")], 201);
}

#[test]
fn a_token_that_nobody_gave_is_refused() {
    let lab = Lab::calm();
    let read = Read::List { listing: Listing::Instances, page: Some("guess".into()) };
    assert_eq!(lab.sim.read_now(&read).unwrap_err().code, "InvalidNextToken");
}
