//! A small site, made call by call, for the other tests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::kinds::auto_scaling_group::{AutoScalingGroup, EC2};
use lamp_cloud::kinds::db_instance::{DbFacts, DbInstance};
use lamp_cloud::kinds::db_parameter_group::DbParameterGroup;
use lamp_cloud::kinds::db_subnet_group::DbSubnetGroup;
use lamp_cloud::kinds::elastic_ip::ElasticIp;
use lamp_cloud::kinds::internet_gateway::{self, InternetGateway};
use lamp_cloud::kinds::launch_template::{LaunchTemplate, OUR_VERSION, TemplateData};
use lamp_cloud::kinds::listener::{Listener, ListenerAction};
use lamp_cloud::kinds::load_balancer::LoadBalancer;
use lamp_cloud::kinds::nat_gateway::NatGateway;
use lamp_cloud::kinds::route_table::{self, RouteTable};
use lamp_cloud::kinds::secret::Secret;
use lamp_cloud::kinds::security_group::SecurityGroup;
use lamp_cloud::kinds::subnet::Subnet;
use lamp_cloud::kinds::target_group::{HealthCheck, TargetGroup};
use lamp_cloud::kinds::vpc::Vpc;
use lamp_cloud::{
    Applied, Body, Change, CloudError, DeleteOptions, Kind, Listing, NAME_PREFIX, Owner, Part, Read, Reading,
    Reference, Request, Resource, ResourceId, State, Tags, token,
};
use lamp_sim::{Config, Simulator, VirtualClock};

pub(crate) const START: i64 = 1_700_000_000;

/// A region with a clock, and a stack that owns what is made.
pub(crate) struct Lab {
    pub(crate) sim: Simulator,
    pub(crate) clock: VirtualClock,
    pub(crate) owner: Owner,
}

/// Ids of what [`Lab::site`] makes.
pub(crate) struct Site {
    pub(crate) vpc: ResourceId,
    pub(crate) gateway: ResourceId,
    pub(crate) subnets: Vec<ResourceId>,
    pub(crate) address: ResourceId,
    pub(crate) nat: ResourceId,
    pub(crate) routes: ResourceId,
    pub(crate) group: ResourceId,
    pub(crate) balancer: ResourceId,
    pub(crate) targets: ResourceId,
    pub(crate) listener: ResourceId,
    pub(crate) template: ResourceId,
    pub(crate) web: ResourceId,
    pub(crate) db_subnets: ResourceId,
    pub(crate) parameters: ResourceId,
    pub(crate) secret: ResourceId,
    pub(crate) primary: ResourceId,
}

impl Lab {
    pub(crate) fn new(config: Config) -> Self {
        let clock = VirtualClock::new(Timestamp::from_second(START).unwrap());
        let owner = Owner {
            install: config.install.clone(),
            namespace: "default".to_owned(),
            name: "shop".to_owned(),
            uid: "uid-1".to_owned(),
        };
        Self { sim: Simulator::new(config, Arc::new(clock.clone())), clock, owner }
    }

    pub(crate) fn calm() -> Self {
        Self::new(Config::default())
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) fn request(&self, part: &str, body: impl Into<Body>) -> Request {
        self.attempt(part, 0, body)
    }

    /// The creation of a part with the token of one attempt.
    pub(crate) fn attempt(&self, part: &str, attempt: u32, body: impl Into<Body>) -> Request {
        let part = Part::new(part);
        let token = token(&self.owner, &part, "create", attempt);
        let name = format!("{NAME_PREFIX}{}", part.as_str().replace('/', "-"));
        Request::Create { tags: self.owner.tags(&part, &token), part, name, token, body: body.into() }
    }

    pub(crate) fn try_create(&self, part: &str, body: impl Into<Body>) -> Result<Applied, CloudError> {
        self.sim.apply_now(&self.request(part, body))
    }

    pub(crate) fn create(&self, part: &str, body: impl Into<Body>) -> ResourceId {
        self.try_create(part, body).unwrap().id.unwrap()
    }

    pub(crate) fn try_change(&self, id: &str, change: Change) -> Result<Applied, CloudError> {
        // Another intent each time: with the same token it would be the same request again.
        let token = format!("change-{}", self.sim.world().log().len());
        self.sim.apply_now(&Request::Change { id: id.to_owned(), token, change })
    }

    pub(crate) fn change(&self, id: &str, change: Change) {
        self.try_change(id, change).unwrap();
    }

    pub(crate) fn try_delete(&self, kind: Kind, id: &str) -> Result<Applied, CloudError> {
        let options = DeleteOptions { without_recovery: true, ..DeleteOptions::default() };
        self.sim.apply_now(&Request::Delete { kind, id: id.to_owned(), options })
    }

    pub(crate) fn delete(&self, kind: Kind, id: &str) {
        self.try_delete(kind, id).unwrap();
    }

    /// The truth, if it exists.
    pub(crate) fn get(&self, kind: Kind, id: &str) -> Option<Arc<Resource>> {
        self.sim.world().resource(kind, id).cloned()
    }

    pub(crate) fn state(&self, kind: Kind, id: &str) -> Option<State> {
        self.get(kind, id).map(|resource| resource.state.clone())
    }

    pub(crate) fn database(&self, id: &str) -> DbInstance {
        match &self.get(Kind::DbInstance, id).unwrap().body {
            Body::DbInstance(body) => body.clone(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn group(&self, id: &str) -> AutoScalingGroup {
        match &self.get(Kind::AutoScalingGroup, id).unwrap().body {
            Body::AutoScalingGroup(body) => body.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// Every row of a listing, page by page.
    pub(crate) fn list(&self, kind: Kind) -> Vec<Resource> {
        let mut rows = Vec::new();
        let mut page = None;
        loop {
            let read = Read::List { listing: Listing::Resources(kind), page };
            match self.sim.read_now(&read).unwrap() {
                Reading::Resources(answer) => {
                    rows.extend(answer.items);
                    page = answer.next;
                }
                other => panic!("{other:?}"),
            }
            if page.is_none() {
                return rows;
            }
        }
    }

    pub(crate) fn network(&self) -> (ResourceId, Vec<ResourceId>) {
        let vpc = self.create("vpc", vpc("10.0.0.0/16"));
        let subnet = |index: u8, zone: &str| {
            let body = subnet(&vpc, &format!("10.0.{index}.0/24"), zone);
            self.create(&format!("subnet/{index}"), body)
        };
        let subnets =
            vec![subnet(0, "eu-central-1a"), subnet(1, "eu-central-1b"), subnet(2, "eu-central-1c")];
        (vpc, subnets)
    }

    /// A network with a group of instances behind a load balancer, and what a database needs.
    pub(crate) fn site(&self) -> Site {
        let (vpc, subnets) = self.network();
        let gateway = self.create("internet-gateway", InternetGateway { vpc: None });
        self.change(&gateway, Change::InternetGateway(internet_gateway::Change::Attach(vpc.clone())));
        let address = self.create("address", ElasticIp::default());
        let nat = self.create("nat", nat(&subnets[0], &address));
        let routes = self.create("routes", table(&vpc));
        let to_internet =
            route_table::Change::CreateRoute { destination: "0.0.0.0/0".into(), target: gateway.clone() };
        self.change(&routes, Change::RouteTable(to_internet));
        let associate = route_table::Change::Associate { subnet: subnets[0].clone() };
        self.change(&routes, Change::RouteTable(associate));
        let group = self.create("security-group", security_group(&vpc));
        let balancer = self.create("balancer", balancer(&subnets[..2], &group));
        let targets = self.create("targets", target_group(&vpc));
        let listener = self.create("listener", listener(&balancer, &targets));
        let template = self.create("template", template(&group, &self.owner));
        let web = self.create("web", asg(&template, &subnets, &[&targets], 2));
        let db_subnets = self.create("db-subnets", DbSubnetGroup { subnets: references(&subnets[..2]) });
        let parameters = self.create(
            "parameters",
            DbParameterGroup { family: "mysql8.0".into(), parameters: Some(BTreeMap::new()) },
        );
        let secret = self
            .create("secret", Secret { description: "master user of shop".into(), username: "admin".into() });
        let primary = self.create("primary", database(&db_subnets, &parameters, &group, &secret));
        Site {
            vpc,
            gateway,
            subnets,
            address,
            nat,
            routes,
            group,
            balancer,
            targets,
            listener,
            template,
            web,
            db_subnets,
            parameters,
            secret,
            primary,
        }
    }
}

pub(crate) fn references(ids: &[ResourceId]) -> Vec<Reference> {
    ids.iter().map(Reference::id).collect()
}

pub(crate) fn vpc(cidr: &str) -> Vpc {
    Vpc { cidr: cidr.to_owned(), dns_support: Some(true), dns_hostnames: Some(true) }
}

pub(crate) fn subnet(vpc: &str, cidr: &str, zone: &str) -> Subnet {
    Subnet { vpc: Reference::id(vpc), cidr: cidr.into(), zone: zone.into(), public_addresses: false }
}

pub(crate) fn nat(subnet: &str, address: &str) -> NatGateway {
    NatGateway { subnet: Reference::id(subnet), address: Reference::id(address) }
}

pub(crate) fn table(vpc: &str) -> RouteTable {
    RouteTable {
        vpc: Reference::id(vpc),
        routes: BTreeMap::new(),
        subnets: Vec::new(),
        associations: BTreeMap::new(),
    }
}

pub(crate) fn security_group(vpc: &str) -> SecurityGroup {
    SecurityGroup {
        vpc: Reference::id(vpc),
        description: "web tier".into(),
        ingress: Vec::new(),
        egress: Vec::new(),
    }
}

pub(crate) fn balancer(subnets: &[ResourceId], group: &str) -> LoadBalancer {
    LoadBalancer {
        internet_facing: true,
        subnets: references(subnets),
        security_groups: vec![Reference::id(group)],
        attributes: None,
        dns_name: None,
    }
}

pub(crate) fn target_group(vpc: &str) -> TargetGroup {
    TargetGroup {
        vpc: Reference::id(vpc),
        port: 80,
        health_check: HealthCheck {
            path: "/healthz".into(),
            interval_seconds: 10,
            timeout_seconds: 5,
            healthy_threshold: 2,
            unhealthy_threshold: 3,
        },
        attributes: None,
        load_balancers: Vec::new(),
    }
}

pub(crate) fn listener(balancer: &str, targets: &str) -> Listener {
    Listener {
        load_balancer: Reference::id(balancer),
        port: 80,
        certificate: None,
        action: ListenerAction::Forward(Reference::id(targets)),
    }
}

pub(crate) fn template_data(group: &str, tags: Tags) -> TemplateData {
    TemplateData {
        image: "ami-0123456789abcdef0".into(),
        instance_type: "t3.small".into(),
        instance_profile: None,
        security_groups: vec![Reference::id(group)],
        user_data: "#!/bin/sh".into(),
        root_volume_gib: 20,
        instance_tags: tags,
        imds_v2_required: true,
        root_volume_encrypted: true,
        detailed_monitoring: true,
        description: Some(OUR_VERSION.into()),
    }
}

pub(crate) fn template(group: &str, owner: &Owner) -> LaunchTemplate {
    let tags = owner.identity(&Part::new("instance/web"));
    LaunchTemplate { data: Some(template_data(group, tags)), latest_version: 0, default_version: 0 }
}

pub(crate) fn asg(
    template: &str,
    subnets: &[ResourceId],
    targets: &[&ResourceId],
    desired: u32,
) -> AutoScalingGroup {
    AutoScalingGroup {
        template: Reference::id(template),
        template_version: 1,
        subnets: references(subnets),
        target_groups: targets.iter().map(|id| Reference::id(id.as_str())).collect(),
        min: 0,
        max: 12,
        desired,
        instance_types: vec!["t3.small".into(), "t3a.small".into()],
        grace_seconds: 120,
        health_check_type: EC2.to_owned(),
        members: Vec::new(),
        suspended: Vec::new(),
        policies: Some(Vec::new()),
        foreign_policies: Vec::new(),
    }
}

pub(crate) fn database(subnets: &str, parameters: &str, group: &str, secret: &str) -> DbInstance {
    DbInstance {
        engine: "mysql".into(),
        version: "8.0".into(),
        class: "db.r6g.large".into(),
        storage_gib: 100,
        max_storage_gib: Some(1000),
        storage_type: "gp3".into(),
        encrypted: true,
        multi_zone: true,
        username: "admin".into(),
        subnet_group: Reference::id(subnets),
        parameter_group: Reference::id(parameters),
        security_groups: vec![Reference::id(group)],
        backup_retention_days: 7,
        deletion_protection: true,
        secret: Some(Reference::id(secret)),
        source: None,
        zone: None,
        maintenance_window: None,
        parameters_in_effect: true,
        facts: DbFacts::default(),
    }
}

/// A replica of a database made by [`database`].
pub(crate) fn replica(source: &str, primary: &DbInstance) -> DbInstance {
    DbInstance {
        source: Some(Reference::id(source)),
        secret: None,
        multi_zone: false,
        deletion_protection: false,
        facts: DbFacts::default(),
        zone: None,
        maintenance_window: None,
        parameters_in_effect: true,
        ..primary.clone()
    }
}
