//! Whatever is wanted of a resource that exists, its kind's changes bring it there, through the region's own refusals.

use std::collections::BTreeMap;

use lamp_cloud::kinds::launch_template::LaunchTemplate;
use lamp_cloud::kinds::load_balancer::LoadBalancerAttributes;
use lamp_cloud::kinds::security_group::{Peer, Rule};
use lamp_cloud::kinds::target_group::TargetGroupAttributes;
use lamp_cloud::{Body, FieldOwner, Kind, Mutability, Reference};
use proptest::prelude::*;

use crate::site::{Lab, Site};

/// Applies changes until there are none; gives the number of calls.
fn converge(lab: &Lab, kind: Kind, id: &str, desired: &Body) -> usize {
    for round in 0..20 {
        let observed = lab.get(kind, id).unwrap().body.clone();
        let changes = desired.changes(&observed);
        if changes.is_empty() {
            return round;
        }
        for change in changes {
            lab.change(id, change);
        }
        lab.pass(7 * 3600);
    }
    panic!("{} {id} does not come to rest", kind.name());
}

fn left(lab: &Lab, kind: Kind, id: &str, desired: &Body) -> Vec<String> {
    let observed = lab.get(kind, id).unwrap().body.clone();
    let differences = desired.differences(&observed).into_iter();
    let fixable = differences.filter(|difference| {
        difference.mutability == Mutability::InPlace && difference.owner != FieldOwner::Aws
    });
    fixable.map(|difference| difference.to_string()).collect()
}

#[derive(Clone, Debug)]
struct Wish {
    numbers: [u32; 4],
    flags: [bool; 4],
    subnets: Vec<usize>,
    ports: Vec<u16>,
    parameters: BTreeMap<String, String>,
}

fn wish() -> impl Strategy<Value = Wish> {
    (
        prop::array::uniform4(1_u32..10),
        prop::array::uniform4(any::<bool>()),
        prop::sample::subsequence(vec![0_usize, 1, 2], 2..=3),
        prop::collection::vec(1_u16..6, 0..5),
        prop::collection::btree_map("[a-d]{1,2}", "[0-9]", 0..30),
    )
        .prop_map(|(numbers, flags, subnets, mut ports, parameters)| {
            ports.sort_unstable();
            ports.dedup();
            Wish { numbers, flags, subnets, ports, parameters }
        })
}

/// What is wanted of each kind that can be changed in place.
fn wanted(lab: &Lab, site: &Site, wish: &Wish) -> Vec<(Kind, String, Body)> {
    let ids = [
        (Kind::Vpc, &site.vpc),
        (Kind::Subnet, &site.subnets[2]),
        (Kind::RouteTable, &site.routes),
        (Kind::SecurityGroup, &site.group),
        (Kind::LoadBalancer, &site.balancer),
        (Kind::TargetGroup, &site.targets),
        (Kind::LaunchTemplate, &site.template),
        (Kind::AutoScalingGroup, &site.web),
        (Kind::DbSubnetGroup, &site.db_subnets),
        (Kind::DbParameterGroup, &site.parameters),
        (Kind::DbInstance, &site.primary),
    ];
    let one = |(kind, id): (Kind, &String)| {
        let mut body = lab.get(kind, id).unwrap().body.clone();
        wish_for_network(&mut body, site, wish);
        wish_for_machines(&mut body, site, wish);
        (kind, id.clone(), body)
    };
    ids.into_iter().map(one).collect()
}

fn wished_subnets(site: &Site, wish: &Wish) -> Vec<Reference> {
    wish.subnets.iter().map(|index| Reference::id(site.subnets[*index].as_str())).collect()
}

fn wish_for_network(body: &mut Body, site: &Site, wish: &Wish) {
    let subnets = wished_subnets(site, wish);
    let rules =
        |peer: &Peer| wish.ports.iter().map(|port| Rule::tcp(*port, peer.clone())).collect::<Vec<_>>();
    match body {
        Body::Vpc(vpc) => (vpc.dns_support, vpc.dns_hostnames) = (Some(wish.flags[0]), Some(wish.flags[1])),
        Body::Subnet(subnet) => subnet.public_addresses = wish.flags[0],
        Body::RouteTable(table) => {
            table.subnets.clone_from(&subnets);
            table.subnets.sort();
            table.routes.clear();
            if wish.flags[0] {
                table.routes.insert("0.0.0.0/0".into(), Reference::id(site.nat.as_str()));
            }
        }
        Body::SecurityGroup(group) => {
            group.ingress = rules(&Peer::Group(Reference::id(site.group.as_str())));
            group.egress = rules(&Peer::Range("0.0.0.0/0".into()));
        }
        Body::LoadBalancer(balancer) => {
            balancer.subnets.clone_from(&subnets);
            balancer.attributes = Some(LoadBalancerAttributes {
                deletion_protection: wish.flags[0],
                idle_timeout_seconds: wish.numbers[0] * 10,
                http2: wish.flags[1],
                drop_invalid_headers: wish.flags[2],
            });
        }
        _ => {}
    }
}

fn wish_for_machines(body: &mut Body, site: &Site, wish: &Wish) {
    let subnets = wished_subnets(site, wish);
    match body {
        Body::TargetGroup(group) => {
            group.health_check.healthy_threshold = wish.numbers[0] + 1;
            group.attributes = Some(TargetGroupAttributes {
                deregistration_delay_seconds: wish.numbers[1] * 30,
                stickiness_seconds: wish.flags[0].then_some(wish.numbers[2] * 60),
                least_outstanding_requests: wish.flags[1],
            });
        }
        Body::LaunchTemplate(LaunchTemplate { data: Some(data), .. }) => {
            data.root_volume_gib = 20 + wish.numbers[0];
            data.user_data = format!("#!/bin/sh\n# {}", wish.numbers[1]);
        }
        Body::AutoScalingGroup(group) => {
            group.subnets.clone_from(&subnets);
            group.min = wish.numbers[0].min(wish.numbers[1]);
            group.max = wish.numbers[0].max(wish.numbers[1]);
            group.desired = wish.numbers[2].clamp(group.min, group.max);
            group.grace_seconds = wish.numbers[3] * 30;
            if wish.flags[0] {
                group.target_groups.clear();
            }
        }
        Body::DbSubnetGroup(group) => group.subnets.clone_from(&subnets),
        Body::DbParameterGroup(group) => group.parameters = Some(wish.parameters.clone()),
        Body::DbInstance(database) => {
            database.storage_gib = 100 + wish.numbers[0] * 20;
            database.multi_zone = wish.flags[0];
            database.deletion_protection = wish.flags[1];
            database.backup_retention_days = wish.numbers[1];
            database.max_storage_gib = Some(500 + wish.numbers[2]);
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn changes_bring_every_kind_to_what_is_wanted(wishes in prop::collection::vec(wish(), 1..4), seed in any::<u64>()) {
        let lab = Lab::new(lamp_sim::Config { seed, ..lamp_sim::Config::default() });
        let site = lab.site();
        lab.pass(1800);
        for wish in &wishes {
            for (kind, id, desired) in wanted(&lab, &site, wish) {
                converge(&lab, kind, &id, &desired);
                let left = left(&lab, kind, &id, &desired);
                prop_assert!(left.is_empty(), "{} {:?}", kind.name(), left);
            }
        }
        let world = lab.sim.world();
        prop_assert_eq!(world.violations(), &[] as &[String]);
    }
}
