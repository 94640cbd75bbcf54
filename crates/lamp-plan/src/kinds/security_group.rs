//! Who may talk to whom: group to group, from the edges of the site.

use lamp_api::v1alpha1::{LoadBalancer, Scheme, Tier};
use lamp_cloud::Part;
use lamp_cloud::kinds::security_group::{Peer, Rule, SecurityGroup};

use super::to;
use crate::site::{self, DATABASE, DATABASE_PORT};
use crate::{PlanInput, Wanted, parts, promotion};

/// The description of the groups of the database.
const DATABASE_GROUP: &str = "Database";

const HTTP: u16 = 80;
const HTTPS: u16 = 443;

pub(crate) fn wanted(input: &PlanInput<'_>) -> Vec<Wanted> {
    let mut wanted: Vec<Wanted> = input.spec.tiers.iter().map(|tier| tier_group(input, tier)).collect();
    for tier in &input.spec.tiers {
        wanted.extend(tier.load_balancer.as_ref().map(|balancer| balancer_group(input, tier, balancer)));
    }
    if input.spec.database.is_some() {
        wanted.extend(promotion::open_groups(input).into_iter().map(|part| database_group(input, part)));
        wanted.extend(promotion::fenced_groups(input).into_iter().map(shut_group));
    }
    wanted
}

fn tier_group(input: &PlanInput<'_>, tier: &Tier) -> Wanted {
    let ingress = tier
        .load_balancer
        .iter()
        .map(|_| Rule::tcp(tier.port, group(&parts::load_balancer_security_group(&tier.name))));
    // Packages and the interfaces of AWS.
    let mut egress = vec![Rule::tcp(HTTP, anywhere()), Rule::tcp(HTTPS, anywhere())];
    egress.extend(site::used_tiers(input.spec, tier).filter_map(|used| {
        let balancer = used.load_balancer.as_ref()?;
        let peer = group(&parts::load_balancer_security_group(&used.name));
        Some(Rule::tcp(site::inner_port(balancer), peer))
    }));
    if site::uses_database(input.spec, tier) {
        let groups = promotion::open_groups(input);
        egress.extend(groups.iter().map(|part| Rule::tcp(DATABASE_PORT, group(part))));
    }
    let description = format!("Instances of tier {}", tier.name);
    body(parts::tier_security_group(&tier.name), description, ingress.collect(), egress)
}

fn balancer_group(input: &PlanInput<'_>, tier: &Tier, balancer: &LoadBalancer) -> Wanted {
    let ingress = match balancer.scheme {
        Scheme::Internet => vec![Rule::tcp(HTTP, anywhere()), Rule::tcp(HTTPS, anywhere())],
        Scheme::Internal => {
            let port = site::inner_port(balancer);
            let users = site::users(input.spec, &tier.name);
            users.map(|user| Rule::tcp(port, group(&parts::tier_security_group(&user.name)))).collect()
        }
    };
    let egress = vec![Rule::tcp(tier.port, group(&parts::tier_security_group(&tier.name)))];
    let description = format!("Load balancer of tier {}", tier.name);
    body(parts::load_balancer_security_group(&tier.name), description, ingress, egress)
}

/// The group of a primary in whose place another one is: nobody is let in.
fn shut_group(part: Part) -> Wanted {
    body(part, DATABASE_GROUP.to_owned(), Vec::new(), Vec::new())
}

fn database_group(input: &PlanInput<'_>, part: Part) -> Wanted {
    let users = site::users(input.spec, DATABASE);
    let ingress =
        users.map(|user| Rule::tcp(DATABASE_PORT, group(&parts::tier_security_group(&user.name)))).collect();
    body(part, DATABASE_GROUP.to_owned(), ingress, Vec::new())
}

fn body(part: Part, description: String, ingress: Vec<Rule>, egress: Vec<Rule>) -> Wanted {
    Wanted::new(part, SecurityGroup { vpc: to(&parts::vpc()), description, ingress, egress })
}

fn anywhere() -> Peer {
    Peer::Range("0.0.0.0/0".to_owned())
}

fn group(part: &Part) -> Peer {
    Peer::Group(to(part))
}
