//! What calls say of a resource that is gone.

use anyhow::Result;
use lamp_cloud::kinds::route_table;
use lamp_cloud::{Change, Cloud, DeleteOptions, Kind, Read, Request, Tags};

use super::verbs::{DONE, word};
use super::{Contract, Outside, deeds};

impl<C: Cloud, O: Outside> Contract<C, O> {
    /// Deletes, tags, changes and reads a resource that is gone.
    pub(super) async fn is_missed(&mut self, kind: Kind, id: &str) -> Result<()> {
        let name = kind.name();
        let again = Request::Delete { kind, id: id.to_owned(), options: DeleteOptions::default() };
        let ends = if deletes_nothing(kind) { DONE } else { "NotFound" };
        self.demand_end(&format!("{name} deleted though it is gone"), &again, ends).await;
        let tags = Tags::from([("note".to_owned(), "gone".to_owned())]);
        let tag = Request::Tag { kind, id: id.to_owned(), tags };
        let ends = if leaves_a_grave(kind) { DONE } else { "NotFound" };
        // moto takes the tags of a released address in one run and refuses them in the next.
        if kind != Kind::ElasticIp {
            self.demand_end(&format!("{name} tagged though it is gone"), &tag, ends).await;
        }
        for change in self.caller.changes_of(kind).into_iter().filter(is_answered_alike) {
            let what = format!("{name} changed by {} though it is gone", change.operation());
            // A token of its own: the answer to another one may be repeated.
            let request = Request::Change { id: id.to_owned(), token: format!("gone-{id}"), change };
            self.demand_end(&what, &request, "NotFound").await;
        }
        for read in details(kind, id) {
            let answer = self.caller.read(&read).await;
            self.judge.demand(
                &format!("{} of a {name} that is gone", read.operation()),
                "NotFound",
                &word(&answer),
            );
        }
        self.is_not_shown_alone(kind, id).await?;
        self.caller.promise(deeds::of_absence(kind));
        Ok(())
    }
}

/// What moto says of an association with a table that is gone depends on whether the subnet has another one.
fn is_answered_alike(change: &Change) -> bool {
    !matches!(change, Change::RouteTable(route_table::Change::Associate { .. }))
}

/// "If the load balancer does not exist or has already been deleted, the call succeeds", and so for target groups.
fn deletes_nothing(kind: Kind) -> bool {
    matches!(kind, Kind::LoadBalancer | Kind::TargetGroup)
}

/// "A deleted NAT gateway is visible for about an hour", with its tags.
fn leaves_a_grave(kind: Kind) -> bool {
    kind == Kind::NatGateway
}

/// Readings of one resource that are refused once it is gone.
fn details(kind: Kind, id: &str) -> Vec<Read> {
    let id = || id.to_owned();
    match kind {
        Kind::Vpc => vec![Read::VpcDnsSupport { vpc: id() }, Read::VpcDnsHostnames { vpc: id() }],
        Kind::LoadBalancer => vec![
            Read::LoadBalancerAttributes { load_balancer: id() },
            Read::Listeners { load_balancer: id() },
            Read::Tags { kind, ids: vec![id()] },
        ],
        Kind::TargetGroup => vec![
            Read::TargetGroupAttributes { target_group: id() },
            Read::TargetHealth { target_group: id() },
            Read::Tags { kind, ids: vec![id()] },
        ],
        Kind::DbParameterGroup => {
            vec![Read::DbParameters { group: id() }, Read::Tags { kind, ids: vec![id()] }]
        }
        Kind::Listener | Kind::DbSubnetGroup => vec![Read::Tags { kind, ids: vec![id()] }],
        Kind::Subnet
        | Kind::InternetGateway
        | Kind::ElasticIp
        | Kind::NatGateway
        | Kind::RouteTable
        | Kind::SecurityGroup
        | Kind::LaunchTemplate
        | Kind::AutoScalingGroup
        | Kind::DbInstance
        | Kind::Secret => Vec::new(),
    }
}
