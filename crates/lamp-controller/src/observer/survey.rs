//! A look at one network and what serves it, whoever made it. It is no part of a pass: somebody asked.

use jiff::Timestamp;
use lamp_cloud::{Body, Cloud, Instance, Kind, Listing, Read, Reading, Reference, Resource, ResourceId};
use lamp_plan::Priority;

use super::listing::{self, Rows};
use super::policies;
use super::whole::whole;
use crate::calls::Calls;

/// What there is to see.
#[derive(Debug)]
pub(crate) struct Sight {
    /// With tags and details.
    pub(crate) rows: Vec<Resource>,
    /// Whatever runs in the network.
    pub(crate) instances: Vec<Instance>,
}

/// Reads everything that may belong to the network.
///
/// # Errors
/// What could not be read, in words: half a survey is none.
pub(crate) async fn survey<C: Cloud>(
    calls: &Calls<C>,
    vpc: &ResourceId,
    pages: usize,
) -> Result<Sight, String> {
    let mut rows = Vec::new();
    for kind in Kind::ALL.iter().copied().filter(|kind| kind.is_listed() && *kind != Kind::Secret) {
        rows.extend(everyones(calls, kind, pages).await?);
    }
    rows.extend(listeners(calls, &rows, vpc).await?);
    add_policies(calls, &mut rows, pages).await?;
    let versions = listing::list(calls, Listing::LaunchTemplateVersions, pages).await;
    let templates = match versions.map_err(|error| error.to_string())? {
        Rows::Templates(templates) => templates,
        _ => return Err("the answer is of another kind".to_owned()),
    };
    let near = near(&rows, vpc);
    let mut complete = Vec::new();
    for row in rows.into_iter().zip(near).filter_map(|(row, near)| near.then_some(row)) {
        complete.push(
            whole(calls, row, &templates, Priority::Inventory).await.map_err(|error| error.to_string())?,
        );
    }
    Ok(Sight { rows: complete, instances: instances(calls, vpc).await? })
}

async fn everyones<C: Cloud>(calls: &Calls<C>, kind: Kind, pages: usize) -> Result<Vec<Resource>, String> {
    let read = |page| Read::Everyones { kind, page };
    let rows = listing::every_page(calls, pages, read, |reading| match reading {
        Reading::Resources(page) => Some(page),
        _ => None,
    });
    rows.await.map_err(|failure| format!("{}: {failure}", kind.name()))
}

async fn add_policies<C: Cloud>(calls: &Calls<C>, rows: &mut [Resource], pages: usize) -> Result<(), String> {
    let listed = policies::list(calls, pages, Timestamp::MAX).await.map_err(|error| error.to_string())?;
    for row in rows {
        if let Body::AutoScalingGroup(group) = &mut row.body {
            let own = listed.iter().filter(|(id, _)| *id == row.id).map(|(_, policy)| policy.clone());
            group.set_policies(own.collect());
        }
    }
    Ok(())
}

async fn listeners<C: Cloud>(
    calls: &Calls<C>,
    rows: &[Resource],
    vpc: &str,
) -> Result<Vec<Resource>, String> {
    let near = near(rows, vpc);
    let balancers = rows.iter().zip(near).filter(|(row, near)| *near && row.kind() == Kind::LoadBalancer);
    let mut listeners = Vec::new();
    for (row, _) in balancers {
        let read = Read::Listeners { load_balancer: row.id.clone() };
        match calls.read_as(&read, Priority::Inventory).await.map_err(|error| error.to_string())? {
            Reading::Listeners(found) => listeners.extend(found),
            _ => return Err("the answer is of another kind".to_owned()),
        }
    }
    Ok(listeners)
}

async fn instances<C: Cloud>(calls: &Calls<C>, vpc: &ResourceId) -> Result<Vec<Instance>, String> {
    let read = Read::NetworkInstances { vpcs: vec![vpc.clone()] };
    match calls.read_as(&read, Priority::Inventory).await.map_err(|error| error.to_string())? {
        Reading::NetworkInstances(rows) => Ok(rows.into_iter().map(|(_, instance)| instance).collect()),
        _ => Err("the answer is of another kind".to_owned()),
    }
}

/// Which rows may belong to the network: those that stand in it, and those that stand nowhere. Only of these the tags
/// and details are read.
fn near(rows: &[Resource], vpc: &str) -> Vec<bool> {
    let here = |reference: &Reference| reference.as_id() == Some(vpc);
    let subnets: Vec<&str> = rows
        .iter()
        .filter(|row| matches!(&row.body, Body::Subnet(subnet) if here(&subnet.vpc)))
        .map(|row| row.id.as_str())
        .collect();
    let inside = |reference: &Reference| reference.as_id().is_some_and(|id| subnets.contains(&id));
    let named = |row: &Resource| {
        rows.iter().any(|user| {
            matches!(&user.body, Body::DbInstance(_))
                && user.body.references().iter().any(|used| used.as_id() == Some(row.id.as_str()))
        })
    };
    rows.iter()
        .map(|row| match &row.body {
            Body::Vpc(_) => row.id == vpc,
            Body::Subnet(subnet) => here(&subnet.vpc),
            Body::RouteTable(table) => here(&table.vpc),
            Body::SecurityGroup(group) => here(&group.vpc),
            Body::TargetGroup(group) => here(&group.vpc),
            Body::LoadBalancer(balancer) => balancer.subnets.iter().any(inside),
            Body::DbSubnetGroup(group) => group.subnets.iter().any(inside),
            Body::DbParameterGroup(_) => named(row),
            _ => true,
        })
        .collect()
}
