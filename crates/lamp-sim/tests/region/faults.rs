//! Each fault does what it says, to the caller and to the region.

use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::{ErrorClass, Kind, Listing, Read, Reading};
use lamp_sim::{BrownOut, Config, Crowding, Effect, Fault, Moment, Spell};

use crate::site::{self, Lab, START};

fn with(fault: Fault, operation: &str) -> Lab {
    let lab = Lab::calm();
    let moment = Moment::Nth { operation: operation.to_owned(), nth: 0 };
    lab.sim.world().faults_mut().script(moment, fault);
    lab
}

#[test]
fn a_struck_mutation_has_the_effect_that_its_fault_names() {
    let rows = [
        (Fault::Throttle, ErrorClass::Throttled, 0),
        (Fault::Denied, ErrorClass::Denied, 0),
        (Fault::TimeoutWithoutEffect, ErrorClass::Transient, 0),
        (Fault::ServerErrorWithoutEffect, ErrorClass::Transient, 0),
        (Fault::TimeoutWithEffect, ErrorClass::Transient, 1),
        (Fault::ServerErrorWithEffect, ErrorClass::Transient, 1),
        (Fault::Unintelligible, ErrorClass::Unintelligible, 1),
    ];
    for (fault, class, made) in rows {
        let lab = with(fault, "CreateVpc");
        let error = lab.try_create("vpc", site::vpc("10.0.0.0/16")).unwrap_err();
        assert_eq!(error.class, class, "{fault:?}");
        assert_eq!(lab.list(Kind::Vpc).len(), made, "{fault:?}");
        let world = lab.sim.world();
        let call = &world.log()[0];
        assert_eq!((call.took_effect(), call.fault), (made == 1, Some(fault)));
        assert!(error.outcome_unknown() || made == 0);
    }
}

#[test]
fn a_late_effect_lands_within_ten_minutes() {
    let lab = with(Fault::LateEffect, "CreateVpc");
    let error = lab.try_create("vpc", site::vpc("10.0.0.0/16")).unwrap_err();
    assert!(error.outcome_unknown());
    assert!(lab.list(Kind::Vpc).is_empty());
    lab.pass(600);
    assert_eq!(lab.list(Kind::Vpc).len(), 1);
    assert!(matches!(lab.sim.world().log()[0].effect, Effect::Done(_)));
}

#[test]
fn a_twin_that_comes_late_is_unlawful_only_if_nobody_sweeps_it() {
    for swept in [true, false] {
        let lab = with(Fault::LateEffect, "CreateVpc");
        lab.try_create("vpc", site::vpc("10.0.0.0/16")).unwrap_err();
        let second = lab.sim.apply_now(&lab.attempt("vpc", 1, site::vpc("10.0.0.0/16"))).unwrap();
        lab.pass(600);
        assert_eq!(lab.list(Kind::Vpc).len(), 2);
        assert!(lab.sim.world().violations().is_empty(), "nobody could know of it");
        if swept {
            lab.delete(Kind::Vpc, &second.id.unwrap());
        }
        lab.pass(900);
        let violations = lab.sim.world().violations().to_vec();
        assert_eq!(violations.is_empty(), swept, "{violations:?}");
    }
}

#[test]
fn a_listing_may_be_empty_or_broken_off() {
    let lab = Lab::calm();
    for index in 0..150 {
        let cidr = format!("10.{index}.0.0/16");
        let vpc = lab.create(&format!("vpc/{index}"), site::vpc(&cidr));
        lab.create(&format!("table/{index}"), site::table(&vpc));
    }
    let page = |lab: &Lab| {
        let read = Read::List { listing: Listing::Resources(Kind::RouteTable), page: None };
        match lab.sim.read_now(&read).unwrap() {
            Reading::Resources(page) => (page.items.len(), page.next.is_some()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(page(&lab), (100, true));
    let nth = |nth| Moment::Nth { operation: "DescribeRouteTables".into(), nth };
    lab.sim.world().faults_mut().script(nth(1), Fault::EmptySuccess);
    lab.sim.world().faults_mut().script(nth(2), Fault::MissingPage);
    assert_eq!(page(&lab), (0, false));
    assert_eq!(page(&lab), (100, false));
    assert_eq!(page(&lab), (100, true));
}

#[test]
fn a_brown_out_strikes_one_service_for_its_time() {
    let from = Timestamp::from_second(START).unwrap();
    let mut config = Config::default();
    config.faults.brown_outs.push(BrownOut {
        service: Some(lamp_cloud::Service::Ec2),
        from,
        to: from + Duration::from_secs(600),
        share: 1.0,
    });
    let lab = Lab::new(config);
    let error = lab.try_create("vpc", site::vpc("10.0.0.0/16")).unwrap_err();
    assert_eq!(error.class, ErrorClass::Transient);
    assert!(lab.list(Kind::DbInstance).is_empty(), "other services answer");
    lab.pass(600);
    lab.create("vpc", site::vpc("10.0.0.0/16"));
}

#[test]
fn faults_by_chance_come_at_their_rate_and_stop_when_it_is_quiet() {
    let mut config = Config { seed: 11, ..Config::default() };
    config.faults = lamp_sim::Faults::off().rate(Fault::TimeoutWithoutEffect, 0.3);
    config.faults.quiet_from = Some(Timestamp::from_second(START + 100).unwrap());
    let lab = Lab::new(config);
    let failures = |lab: &Lab| {
        let read = Read::List { listing: Listing::Zones, page: None };
        (0..1000).filter(|_| lab.sim.read_now(&read).is_err()).count()
    };
    let count = failures(&lab);
    assert!((250..350).contains(&count), "{count}");
    lab.pass(100);
    assert_eq!(failures(&lab), 0);
}

#[test]
fn a_quota_holds() {
    let mut config = Config::default();
    config.faults.quotas.insert("ElasticIp".into(), 1);
    let lab = Lab::new(config);
    lab.create("address/1", lamp_cloud::kinds::elastic_ip::ElasticIp::default());
    let error = lab.try_create("address/2", lamp_cloud::kinds::elastic_ip::ElasticIp::default()).unwrap_err();
    assert_eq!((error.code.as_str(), error.class), ("AddressLimitExceeded", ErrorClass::Quota));
}

#[test]
fn calls_beyond_the_published_rate_are_throttled() {
    let burst = |neighbour| {
        let lab = Lab::new(Config { throttle: true, ..Config::default() });
        lab.sim.world().set_noisy_neighbour(neighbour);
        let read = Read::List { listing: Listing::Zones, page: None };
        let many = |lab: &Lab| (0..300).filter(|_| lab.sim.read_now(&read).is_ok()).count();
        let first = many(&lab);
        lab.pass(1);
        (first, many(&lab))
    };
    assert_eq!(burst(0.0), (100, 20), "EC2 allows 100 at once and 20 a second");
    assert_eq!(burst(0.5), (50, 10));
    let lab = Lab::new(Config { throttle: true, ..Config::default() });
    let (vpc, _) = lab.network();
    for _ in 0..46 {
        lab.create("table", site::table(&vpc));
    }
    assert_eq!(lab.list(Kind::RouteTable).len(), 1, "each action has its own bucket, and a token makes one");
}

#[test]
fn instances_cannot_be_listed_while_a_zone_is_down() {
    let lab = Lab::calm();
    lab.sim.world().fail_zone("eu-central-1a", Duration::from_secs(600));
    let read = Read::List { listing: Listing::Instances, page: None };
    assert_eq!(lab.sim.read_now(&read).unwrap_err().class, ErrorClass::Transient);
    lab.pass(600);
    assert!(lab.sim.read_now(&read).is_ok());
}

#[test]
fn faults_that_refuse_say_so_in_the_words_of_the_service() {
    let rows = [
        (Fault::ExpiredCredentials, "RequestExpired", ErrorClass::Denied),
        (Fault::SkewedClock, "RequestExpired", ErrorClass::Denied),
        (Fault::UnknownCode, "UnheardOfException", ErrorClass::Invalid),
    ];
    for (fault, code, class) in rows {
        let lab = with(fault, "CreateVpc");
        let error = lab.try_create("vpc", site::vpc("10.0.0.0/16")).unwrap_err();
        assert_eq!((error.code.as_str(), error.class), (code, class), "{fault:?}");
        assert!(lab.list(Kind::Vpc).is_empty());
    }
}

#[test]
fn a_request_that_arrives_twice_makes_two_of_what_takes_no_token() {
    let lab = with(Fault::Duplicate, "CreateVpc");
    lab.create("vpc", site::vpc("10.0.0.0/16"));
    assert_eq!(lab.list(Kind::Vpc).len(), 2);
    assert!(lab.sim.world().violations().is_empty(), "nobody could know of it");
    lab.pass(900);
    assert!(!lab.sim.world().violations().is_empty(), "nobody swept it");
}

#[test]
fn what_was_just_made_may_not_be_known_to_the_next_call() {
    let lab = with(Fault::NotYetVisible, "CreateSubnet");
    let vpc = lab.create("vpc", site::vpc("10.0.0.0/16"));
    let subnet = site::subnet(&vpc, "10.0.0.0/24", "eu-central-1a");
    let error = lab.try_create("subnet", subnet.clone()).unwrap_err();
    assert_eq!((error.code.as_str(), error.class), ("InvalidVpcID.NotFound", ErrorClass::NotFound));
    lab.create("subnet", subnet);
}

#[test]
fn pages_are_short_empty_and_repeated_and_every_row_is_seen_in_the_end() {
    let lab = Lab::calm();
    for index in 0..6 {
        lab.create(&format!("vpc/{index}"), site::vpc(&format!("10.{index}.0.0/16")));
    }
    lab.sim.world().faults_mut().page_rows = Some(2);
    let nth = |nth| Moment::Nth { operation: "DescribeVpcs".into(), nth };
    for (number, fault) in [(0, Fault::EmptyPage), (1, Fault::ShortPage), (2, Fault::RepeatedRow)] {
        lab.sim.world().faults_mut().script(nth(number), fault);
    }
    let (mut rows, mut page, mut calls) = (Vec::new(), None, 0);
    loop {
        let read = Read::List { listing: Listing::Resources(Kind::Vpc), page };
        let Reading::Resources(found) = lab.sim.read_now(&read).unwrap() else { panic!() };
        rows.extend(found.items.into_iter().map(|row| row.id));
        (page, calls) = (found.next, calls + 1);
        if page.is_none() {
            break;
        }
    }
    assert_eq!(rows.len(), 7, "one row came twice");
    rows.sort();
    rows.dedup();
    assert_eq!((rows.len(), calls > 4), (6, true));
}

#[test]
fn a_spell_strikes_what_it_fits_for_its_time() {
    let from = Timestamp::from_second(START).unwrap();
    let mut config = Config::default();
    let to = from + Duration::from_secs(600);
    config.faults.spells.push(Spell { fault: Fault::Denied, service: None, from, to, share: 1.0 });
    let lab = Lab::new(config);
    assert_eq!(lab.try_create("vpc", site::vpc("10.0.0.0/16")).unwrap_err().class, ErrorClass::Denied);
    lab.pass(600);
    lab.create("vpc", site::vpc("10.0.0.0/16"));
}

#[test]
fn a_full_subnet_takes_no_gateway() {
    let lab = Lab::calm();
    let vpc = lab.create("vpc", site::vpc("10.0.0.0/16"));
    let subnet = lab.create("subnet", site::subnet(&vpc, "10.0.0.0/24", "eu-central-1a"));
    let address = lab.create("address", lamp_cloud::kinds::elastic_ip::ElasticIp::default());
    let from = lab.sim.world().now();
    let crowding = Crowding { zone: None, from, to: from + Duration::from_secs(60) };
    lab.sim.world().faults_mut().crowdings.push(crowding);
    let body = lamp_cloud::kinds::nat_gateway::NatGateway {
        subnet: lamp_cloud::Reference::id(subnet),
        address: lamp_cloud::Reference::id(address),
    };
    let error = lab.try_create("nat", body.clone()).unwrap_err();
    assert_eq!(error.class, ErrorClass::Capacity);
    lab.pass(60);
    lab.create("nat", body);
}
