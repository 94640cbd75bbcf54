//! A site that somebody else made, as Terraform would: names, ranges, tags and habits that are not ours.

use std::collections::BTreeMap;
use std::future::Future;

use anyhow::Result;
use lamp_cloud::kinds::auto_scaling_group::{self, AutoScalingGroup, EC2};
use lamp_cloud::kinds::db_instance::{DbFacts, DbInstance};
use lamp_cloud::kinds::db_parameter_group::{self, DbParameterGroup};
use lamp_cloud::kinds::db_subnet_group::DbSubnetGroup;
use lamp_cloud::kinds::elastic_ip::ElasticIp;
use lamp_cloud::kinds::internet_gateway::{self, InternetGateway};
use lamp_cloud::kinds::launch_template::{LaunchTemplate, TemplateData};
use lamp_cloud::kinds::listener::{Listener, ListenerAction};
use lamp_cloud::kinds::load_balancer::LoadBalancer;
use lamp_cloud::kinds::nat_gateway::NatGateway;
use lamp_cloud::kinds::route_table::{self, RouteTable};
use lamp_cloud::kinds::secret::Secret;
use lamp_cloud::kinds::security_group::{self, Peer, Rule, SecurityGroup};
use lamp_cloud::kinds::subnet::{self, Subnet};
use lamp_cloud::kinds::target_group::{HealthCheck, TargetGroup};
use lamp_cloud::kinds::vpc::{self, Vpc};
use lamp_cloud::{Body, Change, Reference, ResourceId, Tags};

/// Somebody with access to the region.
pub trait Hands {
    /// Makes a resource.
    fn make(&mut self, name: &str, tags: Tags, body: Body) -> impl Future<Output = Result<ResourceId>>;

    /// Changes a resource.
    fn change(&mut self, id: &str, change: Change) -> impl Future<Output = Result<()>>;

    /// Waits until everything that was made is ready.
    fn wait(&mut self) -> impl Future<Output = Result<()>>;
}

/// What the site is called, wherever its makers name something.
pub const NAME: &str = "lamp00";

const ANYWHERE: &str = "0.0.0.0/0";
const ZONES: [&str; 2] = ["a", "c"];

/// Makes the site in a region; gives the id of its network.
///
/// # Errors
/// What the region refuses.
pub async fn make(hands: &mut impl Hands, region: &str) -> Result<ResourceId> {
    let mut builder = Builder { hands, region, ids: BTreeMap::new() };
    builder.network().await?;
    builder.firewalls().await?;
    builder.tier("web", true, 80).await?;
    builder.tier("app", false, 8080).await?;
    builder.database().await?;
    builder.hands.wait().await?;
    builder.replica().await?;
    builder.hands.wait().await?;
    Ok(builder.ids["vpc"].clone())
}

struct Builder<'a, H> {
    hands: &'a mut H,
    region: &'a str,
    /// By the name without the site's.
    ids: BTreeMap<String, ResourceId>,
}

impl<H: Hands> Builder<'_, H> {
    async fn make(&mut self, name: &str, body: impl Into<Body>) -> Result<ResourceId> {
        let full = format!("{NAME}-{name}");
        let tags =
            [("Name".to_owned(), full.clone()), ("managed-by".to_owned(), "terraform".to_owned())].into();
        let id = self.hands.make(&full, tags, body.into()).await?;
        self.ids.insert(name.to_owned(), id.clone());
        Ok(id)
    }

    fn to(&self, name: &str) -> Reference {
        Reference::id(&self.ids[name])
    }

    fn layer(&self, layer: &str) -> Vec<Reference> {
        ZONES.iter().map(|zone| self.to(&format!("{layer}-{zone}"))).collect()
    }

    async fn network(&mut self) -> Result<()> {
        let body = Vpc { cidr: "10.30.0.0/16".to_owned(), dns_support: None, dns_hostnames: None };
        let vpc = self.make("vpc", body).await?;
        self.hands.change(&vpc, Change::Vpc(vpc::Change::DnsHostnames(true))).await?;
        let gateway = self.make("igw", InternetGateway { vpc: None }).await?;
        let attach = internet_gateway::Change::Attach(vpc.clone());
        self.hands.change(&gateway, Change::InternetGateway(attach)).await?;
        for (layer, first) in [("public", 0), ("app", 10), ("db", 20)] {
            for (number, zone) in (first..).zip(ZONES) {
                self.subnet(layer, zone, number).await?;
            }
        }
        self.table("rt-public", &gateway, &["public-a", "public-c"]).await?;
        self.table("rt-db", "", &["db-a", "db-c"]).await?;
        for zone in ZONES {
            let address = self.make(&format!("eip-{zone}"), ElasticIp::default()).await?;
            let (subnet, address) = (self.to(&format!("public-{zone}")), Reference::id(address));
            let nat = self.make(&format!("nat-{zone}"), NatGateway { subnet, address }).await?;
            self.hands.wait().await?;
            self.table(&format!("rt-app-{zone}"), &nat, &[&format!("app-{zone}")]).await?;
        }
        Ok(())
    }

    async fn subnet(&mut self, layer: &str, zone: &str, number: u8) -> Result<()> {
        let body = Subnet {
            vpc: self.to("vpc"),
            cidr: format!("10.30.{number}.0/24"),
            zone: format!("{}{zone}", self.region),
            public_addresses: false,
        };
        let id = self.make(&format!("{layer}-{zone}"), body).await?;
        if layer == "public" {
            let on = subnet::Change::PublicAddresses(true);
            self.hands.change(&id, Change::Subnet(on)).await?;
        }
        Ok(())
    }

    async fn table(&mut self, name: &str, way_out: &str, subnets: &[&str]) -> Result<()> {
        let vpc = self.to("vpc");
        let (routes, associations) = Default::default();
        let id = self.make(name, RouteTable { vpc, routes, subnets: Vec::new(), associations }).await?;
        let route = (!way_out.is_empty()).then(|| route_table::Change::CreateRoute {
            destination: ANYWHERE.to_owned(),
            target: way_out.to_owned(),
        });
        let associate =
            subnets.iter().map(|name| route_table::Change::Associate { subnet: self.ids[*name].clone() });
        for change in route.into_iter().chain(associate).collect::<Vec<_>>() {
            self.hands.change(&id, Change::RouteTable(change)).await?;
        }
        Ok(())
    }

    async fn firewalls(&mut self) -> Result<()> {
        for name in ["alb-web", "web", "alb-app", "app", "db", "cache"] {
            let description = format!("{NAME} {name} tier");
            let (ingress, egress) = (Vec::new(), vec![Rule::everything_out()]);
            let body = SecurityGroup { vpc: self.to("vpc"), description, ingress, egress };
            self.make(&format!("sg-{name}"), body).await?;
        }
        let world = Peer::Range(ANYWHERE.to_owned());
        self.let_in("alb-web", vec![Rule::tcp(80, world.clone()), Rule::tcp(443, world)]).await?;
        for (to, from, port) in [
            ("web", "alb-web", 80),
            ("alb-app", "web", 80),
            ("app", "alb-app", 8080),
            ("db", "app", 3306),
            ("cache", "app", 6379),
        ] {
            let peer = Peer::Group(self.to(&format!("sg-{from}")));
            self.let_in(to, vec![Rule::tcp(port, peer)]).await?;
        }
        Ok(())
    }

    async fn let_in(&mut self, group: &str, rules: Vec<Rule>) -> Result<()> {
        let id = self.ids[&format!("sg-{group}")].clone();
        let change = security_group::Change::AuthorizeIngress(rules);
        self.hands.change(&id, Change::SecurityGroup(change)).await
    }

    async fn tier(&mut self, tier: &str, public: bool, port: u16) -> Result<()> {
        let balancer = LoadBalancer {
            internet_facing: public,
            subnets: self.layer(if public { "public" } else { "app" }),
            security_groups: vec![self.to(&format!("sg-alb-{tier}"))],
            attributes: None,
            dns_name: None,
        };
        let balancer = self.make(&format!("alb-{tier}"), balancer).await?;
        let targets = self.targets(tier, port).await?;
        let listener = Listener {
            load_balancer: Reference::id(balancer),
            port: 80,
            certificate: None,
            action: ListenerAction::Forward(Reference::id(&targets)),
        };
        self.make(&format!("listener-{tier}"), listener).await?;
        self.group(tier, &targets).await
    }

    async fn targets(&mut self, tier: &str, port: u16) -> Result<ResourceId> {
        let health_check = HealthCheck {
            path: "/healthz".to_owned(),
            interval_seconds: 10,
            timeout_seconds: 5,
            healthy_threshold: 2,
            unhealthy_threshold: 3,
        };
        let vpc = self.to("vpc");
        let body = TargetGroup { vpc, port, health_check, attributes: None, load_balancers: Vec::new() };
        self.make(&format!("tg-{tier}"), body).await
    }

    async fn group(&mut self, tier: &str, targets: &str) -> Result<()> {
        let data = TemplateData {
            image: "ami-0abcdef1234567890".to_owned(),
            instance_type: "t3.small".to_owned(),
            instance_profile: None,
            security_groups: vec![self.to(&format!("sg-{tier}"))],
            user_data: format!("#!/bin/sh\nsystemctl enable --now {tier}\n"),
            root_volume_gib: 30,
            instance_tags: [("Name".to_owned(), format!("{NAME}-{tier}"))].into(),
            imds_v2_required: true,
            root_volume_encrypted: true,
            detailed_monitoring: false,
            description: None,
        };
        let template = LaunchTemplate { data: Some(data), latest_version: 0, default_version: 0 };
        let template = self.make(&format!("lt-{tier}"), template).await?;
        let body = AutoScalingGroup {
            template: Reference::id(template),
            template_version: 1,
            subnets: self.layer("app"),
            target_groups: vec![Reference::id(targets)],
            min: 2,
            max: 6,
            desired: 3,
            instance_types: Vec::new(),
            grace_seconds: 120,
            health_check_type: EC2.to_owned(),
            members: Vec::new(),
            suspended: Vec::new(),
            policies: Some(Vec::new()),
            foreign_policies: Vec::new(),
        };
        let id = self.make(tier, body).await?;
        self.hands.change(&id, Change::AutoScalingGroup(auto_scaling_group::Change::SetDesired(3))).await
    }

    async fn database(&mut self) -> Result<()> {
        self.make("db", DbSubnetGroup { subnets: self.layer("db") }).await?;
        let family = "mysql8.0".to_owned();
        let group = self.make("mysql", DbParameterGroup { family, parameters: None }).await?;
        let parameters: BTreeMap<_, _> = [("require_secure_transport", "1"), ("max_connections", "500")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let set = db_parameter_group::Change::Set(parameters);
        self.hands.change(&group, Change::DbParameterGroup(set)).await?;
        let secret = Secret { description: "theirs".to_owned(), username: "admin".to_owned() };
        self.make("secret", secret).await?;
        let body = DbInstance { secret: Some(self.to("secret")), ..self.instance() };
        self.make("master", body).await?;
        Ok(())
    }

    fn instance(&self) -> DbInstance {
        DbInstance {
            engine: "mysql".to_owned(),
            version: "8.0.40".to_owned(),
            class: "db.m6g.large".to_owned(),
            storage_gib: 100,
            max_storage_gib: None,
            storage_type: "gp3".to_owned(),
            encrypted: true,
            multi_zone: true,
            username: "admin".to_owned(),
            subnet_group: self.to("db"),
            parameter_group: self.to("mysql"),
            security_groups: vec![self.to("sg-db")],
            backup_retention_days: 7,
            deletion_protection: false,
            secret: None,
            source: None,
            zone: None,
            maintenance_window: None,
            parameters_in_effect: true,
            facts: DbFacts::default(),
        }
    }

    async fn replica(&mut self) -> Result<()> {
        let source = Some(self.to("master"));
        let zone = Some(format!("{}c", self.region));
        let body =
            DbInstance { source, zone, multi_zone: false, backup_retention_days: 0, ..self.instance() };
        self.make("replica-0", body).await?;
        Ok(())
    }
}
