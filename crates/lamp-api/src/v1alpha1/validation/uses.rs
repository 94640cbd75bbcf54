//! The edges of the site: what each tier calls.

use std::collections::BTreeMap;

use petgraph::algo::{astar, tarjan_scc};
use petgraph::graph::{DiGraph, NodeIndex};

use super::bounds::unique;
use super::tiers::DATABASE;
use crate::FieldError;
use crate::v1alpha1::{LampStackSpec, Tier};

pub(super) fn check(spec: &LampStackSpec, errors: &mut Vec<FieldError>) {
    // Of two tiers with one name the first counts; the second is refused as a duplicate.
    let mut tiers: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, tier) in spec.tiers.iter().enumerate() {
        tiers.entry(&tier.name).or_insert(index);
    }
    for (index, tier) in spec.tiers.iter().enumerate() {
        let path = |entry: usize| format!("spec.tiers[{index}].uses[{entry}]");
        for (entry, used) in tier.uses.iter().enumerate() {
            target(spec, &tiers, tier, used, path(entry), errors);
        }
        unique(errors, tier.uses.iter().map(String::as_str), path);
    }
    callable(spec, &tiers, errors);
    circles(spec, &tiers, errors);
}

fn target(
    spec: &LampStackSpec,
    tiers: &BTreeMap<&str, usize>,
    tier: &Tier,
    used: &str,
    field: String,
    errors: &mut Vec<FieldError>,
) {
    if used == tier.name {
        errors.push(FieldError::invalid(field, used, "a tier cannot use itself"));
    } else if used == DATABASE {
        if spec.database.is_none() {
            errors.push(FieldError::invalid(field, used, "the site has no spec.database"));
        }
    } else if !tiers.contains_key(used) {
        let known: Vec<&str> = tiers.keys().copied().filter(|name| *name != tier.name).collect();
        let detail = match known.as_slice() {
            [] => "there is no other tier".to_owned(),
            names => format!("there is no tier of this name; the others are {}", names.join(", ")),
        };
        errors.push(FieldError::invalid(field, used, detail));
    }
}

/// Instances come and go: a tier that is used needs an address that stays.
fn callable(spec: &LampStackSpec, tiers: &BTreeMap<&str, usize>, errors: &mut Vec<FieldError>) {
    for (index, used) in spec.tiers.iter().enumerate() {
        let first = tiers.get(used.name.as_str()) == Some(&index) && used.name != DATABASE;
        let user = spec.tiers.iter().find(|tier| tier.name != used.name && tier.uses.contains(&used.name));
        if let (true, None, Some(user)) = (first, &used.load_balancer, user) {
            let detail = format!(
                "tier {:?} uses this tier, and only a load balancer gives it an address to call",
                user.name
            );
            errors.push(FieldError::required(format!("spec.tiers[{index}].loadBalancer"), detail));
        }
    }
}

fn circles(spec: &LampStackSpec, tiers: &BTreeMap<&str, usize>, errors: &mut Vec<FieldError>) {
    let graph = graph(spec, tiers);
    let mut circles: Vec<Vec<NodeIndex>> = tarjan_scc(&graph).into_iter().filter(|c| c.len() > 1).collect();
    circles.iter_mut().for_each(|circle| circle.sort());
    circles.sort();
    for circle in circles {
        let Some(start) = circle.first().copied() else { continue };
        let names: Vec<&str> =
            shortest(&graph, start).iter().filter_map(|node| graph.node_weight(*node).copied()).collect();
        let detail = format!("the tiers use each other in a circle: {}", names.join(" -> "));
        let field = format!("spec.tiers[{}].uses", start.index());
        errors.push(FieldError::invalid(field, names.first().copied().unwrap_or_default(), detail));
    }
}

fn graph<'a>(spec: &'a LampStackSpec, tiers: &BTreeMap<&str, usize>) -> DiGraph<&'a str, ()> {
    let mut graph = DiGraph::new();
    let nodes: Vec<NodeIndex> = spec.tiers.iter().map(|tier| graph.add_node(tier.name.as_str())).collect();
    for (index, tier) in spec.tiers.iter().enumerate() {
        for used in
            tier.uses.iter().filter_map(|name| tiers.get(name.as_str())).filter(|used| **used != index)
        {
            graph.update_edge(nodes[index], nodes[*used], ());
        }
    }
    graph
}

/// The shortest way from `start` back to it, both ends included.
fn shortest(graph: &DiGraph<&str, ()>, start: NodeIndex) -> Vec<NodeIndex> {
    let ways =
        graph.neighbors(start).filter_map(|next| astar(graph, next, |node| node == start, |_| 1, |_| 0));
    let back = ways.min_by_key(|(length, _)| *length).map(|(_, way)| way).unwrap_or_default();
    std::iter::once(start).chain(back).collect()
}
