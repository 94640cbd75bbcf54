//! The listeners of each load balancer: HTTP, or HTTPS with HTTP redirected to it.

use lamp_api::v1alpha1::{LoadBalancer, Tier};
use lamp_cloud::Kind;
use lamp_cloud::kinds::listener::{Listener, ListenerAction};

use super::to;
use crate::observed::held;
use crate::{PlanInput, Wanted, parts};

pub(crate) fn wanted(input: &PlanInput<'_>) -> Vec<Wanted> {
    let balanced = input.spec.tiers.iter().filter_map(|tier| Some((tier, tier.load_balancer.as_ref()?)));
    balanced.flat_map(|(tier, balancer)| of(input, tier, balancer)).collect()
}

fn of(input: &PlanInput<'_>, tier: &Tier, balancer: &LoadBalancer) -> Vec<Wanted> {
    let forward = ListenerAction::Forward(to(&parts::target_group(&tier.name)));
    match &balancer.certificate_arn {
        None => vec![one(tier, 80, None, forward)],
        Some(certificate) => vec![one(tier, 443, Some(certificate.clone()), forward), redirect(input, tier)],
    }
}

/// HTTP is redirected only once HTTPS answers: a listener that serves goes on until then.
fn redirect(input: &PlanInput<'_>, tier: &Tier) -> Wanted {
    let is_there = |port| held(input, &parts::listener(&tier.name, port), Kind::Listener).is_some();
    if is_there(80) && !is_there(443) {
        let why = format!("waiting for {}", parts::listener(&tier.name, 443));
        return Wanted { part: parts::listener(&tier.name, 80), kind: Kind::Listener, body: Err(why) };
    }
    one(tier, 80, None, ListenerAction::RedirectToHttps)
}

fn one(tier: &Tier, port: u16, certificate: Option<String>, action: ListenerAction) -> Wanted {
    let load_balancer = to(&parts::load_balancer(&tier.name));
    Wanted::new(parts::listener(&tier.name, port), Listener { load_balancer, port, certificate, action })
}
