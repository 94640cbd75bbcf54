//! What AWS checks a call for: its own action, on each resource that it makes, changes or is given.
//!
//! Source: the tables of actions and resource types of the Service Authorization Reference. What does not exist is not
//! checked: the call itself says so.

use lamp_cloud::iam::IamAction;
use lamp_cloud::kinds::{db_instance, internet_gateway, route_table};
use lamp_cloud::{Body, Change, DeleteOptions, Kind, Reference, Request, ResourceId, Tags};

use super::Check;
use crate::world::World;

impl World {
    /// Everything that a call needs to be allowed.
    pub(super) fn checks<'a>(&'a self, request: &'a Request) -> Vec<Check<'a>> {
        let action = IamAction::from(request.called());
        match request {
            Request::Create { name, tags, body, .. } => {
                let own = self.creation(action, name, tags, body);
                own.into_iter().chain(self.implied_by_creation(action, name, tags, body)).collect()
            }
            Request::Change { id, change, .. } => {
                let own = self.change_of(action, id, change);
                own.into_iter().chain(self.implied_by_change(change)).collect()
            }
            Request::Tag { kind, id, tags } => {
                self.existing(action, *kind, id).map(|check| check.requesting(tags)).into_iter().collect()
            }
            Request::TagInstance { instance, tags } => {
                self.instance(action, instance).map(|check| check.requesting(tags)).into_iter().collect()
            }
            Request::Delete { kind, id, options } => self.deletion(action, *kind, id, options),
            Request::ReplaceInstance { group, .. } => {
                self.existing(action, Kind::AutoScalingGroup, group).into_iter().collect()
            }
            Request::RegisterTargets { target_group, .. }
            | Request::DeregisterTargets { target_group, .. } => {
                self.existing(action, Kind::TargetGroup, target_group).into_iter().collect()
            }
        }
    }

    fn creation<'a>(
        &'a self,
        action: IamAction,
        name: &str,
        tags: &'a Tags,
        body: &'a Body,
    ) -> Vec<Check<'a>> {
        let new = Check::new(action, self.new_arn(body, name)).requesting(tags);
        let given = |kind, reference: &Reference| self.given(action, kind, reference);
        match body {
            // It is the balancer that is checked, and not the listener.
            Body::Listener(body) => {
                let balancer = given(Kind::LoadBalancer, &body.load_balancer);
                balancer.map(|check| check.requesting(tags)).into_iter().collect()
            }
            Body::Subnet(body) => [Some(new), given(Kind::Vpc, &body.vpc)].into_iter().flatten().collect(),
            Body::RouteTable(body) => {
                [Some(new), given(Kind::Vpc, &body.vpc)].into_iter().flatten().collect()
            }
            Body::SecurityGroup(body) => {
                [Some(new), given(Kind::Vpc, &body.vpc)].into_iter().flatten().collect()
            }
            Body::NatGateway(body) => {
                let (subnet, address) =
                    (given(Kind::Subnet, &body.subnet), given(Kind::ElasticIp, &body.address));
                [Some(new), subnet, address].into_iter().flatten().collect()
            }
            Body::DbInstance(body) => {
                let source = body.source.as_ref().and_then(|source| given(Kind::DbInstance, source));
                let groups = [
                    given(Kind::DbSubnetGroup, &body.subnet_group),
                    given(Kind::DbParameterGroup, &body.parameter_group),
                ];
                let options = self.default_options(action, &body.engine);
                [Some(new), source, Some(options)].into_iter().chain(groups).flatten().collect()
            }
            Body::Vpc(_)
            | Body::InternetGateway(_)
            | Body::ElasticIp(_)
            | Body::LoadBalancer(_)
            | Body::TargetGroup(_)
            | Body::LaunchTemplate(_)
            | Body::AutoScalingGroup(_)
            | Body::DbSubnetGroup(_)
            | Body::DbParameterGroup(_)
            | Body::Secret(_) => vec![new],
        }
    }

    fn change_of<'a>(&'a self, action: IamAction, id: &str, change: &Change) -> Vec<Check<'a>> {
        let subject = self.existing(action, change.kind(), id);
        let existing = |kind, id: &ResourceId| self.existing(action, kind, id);
        let others = match change {
            Change::InternetGateway(
                internet_gateway::Change::Attach(vpc) | internet_gateway::Change::Detach(vpc),
            ) => [existing(Kind::Vpc, vpc), None],
            Change::RouteTable(
                route_table::Change::Associate { subnet } | route_table::Change::Disassociate { subnet, .. },
            ) => [existing(Kind::Subnet, subnet), None],
            // The interface that holds the address.
            Change::ElasticIp(_) => [Some(Check::new(action, self.ec2_arn("network-interface", "*"))), None],
            Change::DbInstance(db_instance::Change::Modify(modification)) => {
                let group = modification.parameter_group.as_ref();
                let engine = self.body::<db_instance::DbInstance>(id).map(|body| body.engine.as_str());
                let options = engine.map(|engine| self.default_options(action, engine));
                [group.and_then(|group| self.given(action, Kind::DbParameterGroup, group)), options]
            }
            _ => [None, None],
        };
        subject.into_iter().chain(others.into_iter().flatten()).collect()
    }

    fn deletion<'a>(
        &'a self,
        action: IamAction,
        kind: Kind,
        id: &str,
        options: &'a DeleteOptions,
    ) -> Vec<Check<'a>> {
        let subject = self.existing(action, kind, id);
        let snapshot = options.final_snapshot.as_deref().filter(|_| subject.is_some());
        let snapshot = snapshot.map(|name| self.implied_by_snapshot(id, name, &options.snapshot_tags));
        subject.into_iter().chain(snapshot.into_iter().flatten()).collect()
    }

    /// The action on a resource that exists.
    pub(super) fn existing<'a>(&'a self, action: IamAction, kind: Kind, id: &str) -> Option<Check<'a>> {
        let resource = self.resource(kind, id)?;
        Some(Check::new(action, self.resource_arn(kind, id)).carrying(&resource.tags))
    }

    /// The action on a resource that the call is given.
    pub(super) fn given<'a>(
        &'a self,
        action: IamAction,
        kind: Kind,
        reference: &Reference,
    ) -> Option<Check<'a>> {
        self.existing(action, kind, reference.as_id()?)
    }

    fn instance<'a>(&'a self, action: IamAction, id: &str) -> Option<Check<'a>> {
        let row = self.machines.get(id)?.row.current()?;
        Some(Check::new(action, self.ec2_arn("instance", id)).carrying(&row.tags))
    }

    /// The option group that RDS gives each database that names none.
    fn default_options<'a>(&self, action: IamAction, engine: &str) -> Check<'a> {
        Check::new(action, self.arn("rds", &format!("og:default:{engine}")))
    }
}
