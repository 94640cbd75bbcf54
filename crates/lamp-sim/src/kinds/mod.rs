//! How AWS treats each kind: what its calls refuse, what AWS adds, how long things take, what stands in the way of a
//! deletion. What is the same for all kinds is in the world.

pub(crate) mod auto_scaling_group;
pub(crate) mod db_instance;
pub(crate) mod db_parameter_group;
pub(crate) mod db_subnet_group;
pub(crate) mod elastic_ip;
pub(crate) mod internet_gateway;
pub(crate) mod launch_template;
pub(crate) mod listener;
pub(crate) mod load_balancer;
pub(crate) mod nat_gateway;
pub(crate) mod route_table;
pub(crate) mod secret;
pub(crate) mod security_group;
pub(crate) mod subnet;
pub(crate) mod target_group;
pub(crate) mod vpc;

use std::fmt::Debug;

pub(crate) use lamp_cloud::kinds::launch_template::TemplateData;
use lamp_cloud::kinds::{
    Declared, auto_scaling_group::AutoScalingGroup, db_instance::DbInstance,
    db_parameter_group::DbParameterGroup, db_subnet_group::DbSubnetGroup, elastic_ip::ElasticIp,
    internet_gateway::InternetGateway, launch_template::LaunchTemplate, listener::Listener,
    load_balancer::LoadBalancer, nat_gateway::NatGateway, route_table::RouteTable, secret::Secret,
    security_group::SecurityGroup, subnet::Subnet, target_group::TargetGroup, vpc::Vpc,
};
use lamp_cloud::{Body, Change, DeleteOptions, Kind, ResourceId, State, Tags};

use crate::agenda::Step;
use crate::refusal::Refusal;
use crate::world::World;

/// A creation that is being considered.
#[derive(Clone, Debug)]
pub(crate) struct Creation<'a> {
    pub(crate) name: &'a str,
    pub(crate) tags: &'a Tags,
    /// Labels that the id is made from: the owner, the part, and how often it was made before.
    pub(crate) label: &'a str,
    pub(crate) nth: u64,
}

impl Creation<'_> {
    /// An id as EC2 makes them, for example `vpc-0a1b2c3d4e5f60718`.
    pub(crate) fn ec2_id(&self, world: &World, prefix: &str) -> ResourceId {
        format!("{prefix}-{}", self.hex(world, 17))
    }

    pub(crate) fn hex(&self, world: &World, digits: usize) -> String {
        world.dice.hex(digits, &["id", self.label], self.nth)
    }
}

/// The answer to a creation.
#[derive(Clone, Debug)]
pub(crate) struct Created {
    pub(crate) id: ResourceId,
    /// Whether it was made, and not there from an equal earlier call.
    pub(crate) new: bool,
}

/// How AWS treats one kind. The defaults are those of a resource that is there at once and hangs on nothing.
pub(crate) trait Behaviour: Declared + Into<Body> + Debug {
    /// AWS's code for one that does not exist.
    const MISSING: &'static str;
    /// How many rows one page of its listing holds.
    const PAGE: usize;
    /// Whether it has the name that its creation gives it; others are called by their id.
    const NAMED: bool;
    /// Whether its creation takes a client token.
    const TOKEN: bool = false;
    /// Whether deleting one that does not exist succeeds.
    const DELETE_MISSING: bool = false;

    fn of(body: &Body) -> Option<&Self>;

    fn of_mut(body: &mut Body) -> Option<&mut Self>;

    /// The id that AWS gives it.
    fn id(&self, world: &World, creation: &Creation<'_>) -> ResourceId;

    /// One that an equal earlier call made, where AWS then answers with it.
    fn same(&self, _: &World, _: &Creation<'_>) -> Option<ResourceId> {
        None
    }

    /// What the creation is refused for.
    fn admit(&self, world: &World, creation: &Creation<'_>) -> Result<(), Refusal>;

    /// What the call makes: it takes only what the call takes, and AWS adds its defaults.
    fn made(self, _: &World, _: &ResourceId) -> (Self, State) {
        (self, State::Ready)
    }

    /// What follows from its creation.
    fn begun(_: &mut World, _: &str) {}

    /// The next step of its life.
    fn step(_: &mut World, _: &str, _: Step) {}

    /// What a change is refused for.
    fn admit_change(&self, _: &World, _: &str, _: &Self::Change) -> Result<(), Refusal> {
        Ok(())
    }

    /// Makes a change.
    fn change(world: &mut World, id: &str, change: &Self::Change) {
        world.update(id, |body: &mut Self| body.apply(change));
    }

    /// What the deletion is refused for.
    fn admit_delete(&self, _: &World, _: &str, _: &DeleteOptions) -> Result<(), Refusal> {
        Ok(())
    }

    /// Deletes it.
    fn delete(world: &mut World, id: &str, _: &DeleteOptions) {
        world.end(Self::KIND, id);
    }

    /// What its listing shows of it: without what takes a call of its own.
    fn listed(&self, _: &World) -> Self {
        self.clone()
    }
}

macro_rules! behaviours {
    ($( $variant:ident ),* $(,)?) => {
        /// Dispatch over kinds, for calls.
        impl World {
            pub(crate) fn create(&mut self, body: Body, creation: &Creation<'_>) -> Result<Created, Refusal> {
                match body { $( Body::$variant(body) => self.create_one(body, creation) ),* }
            }

            pub(crate) fn change(&mut self, id: &str, change: &Change) -> Result<(), Refusal> {
                match change { $( Change::$variant(change) => self.change_one::<$variant>(id, change) ),* }
            }

            pub(crate) fn delete(&mut self, kind: Kind, id: &str, options: &DeleteOptions) -> Result<(), Refusal> {
                match kind { $( Kind::$variant => self.delete_one::<$variant>(id, options) ),* }
            }

            pub(crate) fn listed(&self, body: &Body) -> Body {
                match body { $( Body::$variant(body) => body.listed(self).into() ),* }
            }
        }

        pub(crate) fn step(world: &mut World, kind: Kind, id: &str, step: Step) {
            match kind { $( Kind::$variant => <$variant as Behaviour>::step(world, id, step) ),* }
        }

        pub(crate) fn missing(kind: Kind) -> &'static str {
            match kind { $( Kind::$variant => <$variant as Behaviour>::MISSING ),* }
        }

        pub(crate) fn page(kind: Kind) -> usize {
            match kind { $( Kind::$variant => <$variant as Behaviour>::PAGE ),* }
        }

        pub(crate) fn takes_token(kind: Kind) -> bool {
            match kind { $( Kind::$variant => <$variant as Behaviour>::TOKEN ),* }
        }
    };
}

behaviours! {
    Vpc, Subnet, InternetGateway, ElasticIp, NatGateway, RouteTable, SecurityGroup, LoadBalancer, TargetGroup,
    Listener, LaunchTemplate, AutoScalingGroup, DbSubnetGroup, DbParameterGroup, DbInstance, Secret,
}

/// The two halves of [`Behaviour`] that are the same for each kind.
macro_rules! of_body {
    ($variant:ident) => {
        fn of(body: &lamp_cloud::Body) -> Option<&Self> {
            match body {
                lamp_cloud::Body::$variant(body) => Some(body),
                _ => None,
            }
        }

        fn of_mut(body: &mut lamp_cloud::Body) -> Option<&mut Self> {
            match body {
                lamp_cloud::Body::$variant(body) => Some(body),
                _ => None,
            }
        }
    };
}
pub(crate) use of_body;

impl World {
    fn create_one<T: Behaviour>(&mut self, body: T, creation: &Creation<'_>) -> Result<Created, Refusal> {
        if let Some(id) = body.same(self, creation) {
            return Ok(Created { id, new: false });
        }
        body.admit(self, creation)?;
        self.check_quota(T::KIND)?;
        let id = body.id(self, creation);
        let (body, state) = body.made(self, &id);
        self.begin(lamp_cloud::Resource {
            id: id.clone(),
            name: if T::NAMED { creation.name.to_owned() } else { id.clone() },
            tags: creation.tags.clone(),
            state,
            body: body.into(),
            created_at: Some(self.now),
        });
        T::begun(self, &id);
        Ok(Created { id, new: true })
    }

    fn check_quota(&self, kind: Kind) -> Result<(), Refusal> {
        let Some(quota) = self.config.faults.quotas.get(kind.name()) else { return Ok(()) };
        let count = self.resources().filter(|resource| resource.kind() == kind).count();
        if count < *quota {
            return Ok(());
        }
        Err(Refusal::new(quota_code(kind), format!("The maximum number of {} has been reached", kind.name())))
    }

    fn change_one<T: Behaviour>(&mut self, id: &str, change: &T::Change) -> Result<(), Refusal> {
        self.require::<T>(&lamp_cloud::Reference::id(id))?.admit_change(self, id, change)?;
        T::change(self, id, change);
        Ok(())
    }

    fn delete_one<T: Behaviour>(&mut self, id: &str, options: &DeleteOptions) -> Result<(), Refusal> {
        match self.require::<T>(&lamp_cloud::Reference::id(id)) {
            Ok(body) => body.admit_delete(self, id, options)?,
            Err(refusal) if refusal.code == T::MISSING && T::DELETE_MISSING => return Ok(()),
            Err(refusal) => return Err(self.already_deleting::<T>(id).unwrap_or(refusal)),
        }
        T::delete(self, id, options);
        Ok(())
    }

    /// Databases on their way out answer with their state instead of their absence.
    fn already_deleting<T: Behaviour>(&self, id: &str) -> Option<Refusal> {
        (T::KIND == Kind::DbInstance
            && self.resource(T::KIND, id).is_some_and(|found| found.state == State::Deleting))
        .then(|| Refusal::new("InvalidDBInstanceState", format!("{id} is already being deleted")))
    }
}

fn quota_code(kind: Kind) -> &'static str {
    match kind {
        Kind::Vpc => "VpcLimitExceeded",
        Kind::ElasticIp => "AddressLimitExceeded",
        Kind::InternetGateway => "InternetGatewayLimitExceeded",
        Kind::NatGateway => "NatGatewayLimitExceeded",
        Kind::LoadBalancer => "TooManyLoadBalancers",
        Kind::TargetGroup => "TooManyTargetGroups",
        Kind::DbInstance => "InstanceQuotaExceeded",
        _ => "LimitExceeded",
    }
}
