//! Load balancers and target groups.

use anyhow::{Context, Result, bail, ensure};
use lamp_cloud::kinds::load_balancer::{LoadBalancer, LoadBalancerAttributes};
use lamp_cloud::kinds::target_group::{HealthCheck, TargetGroup, TargetGroupAttributes};
use lamp_cloud::{Body, Cloud, ErrorClass, Kind, Read, Reading, Reference};

use super::security::PORT;
use super::{Contract, Outside};

fn attributes(deletion_protection: bool, others: bool) -> LoadBalancerAttributes {
    LoadBalancerAttributes {
        deletion_protection,
        idle_timeout_seconds: if others { 45 } else { 90 },
        http2: !others,
        drop_invalid_headers: others,
    }
}

fn balancer(
    internet_facing: bool,
    subnets: [&str; 2],
    groups: &[&str],
    attributes: LoadBalancerAttributes,
) -> LoadBalancer {
    LoadBalancer {
        internet_facing,
        subnets: subnets.map(Reference::part).into(),
        security_groups: groups.iter().map(|group| Reference::part(*group)).collect(),
        attributes: Some(attributes),
        dns_name: None,
    }
}

fn public(subnets: [&str; 2], groups: &[&str], attributes: LoadBalancerAttributes) -> LoadBalancer {
    balancer(true, subnets, groups, attributes)
}

fn internal(attributes: LoadBalancerAttributes) -> LoadBalancer {
    let subnets = ["subnet/application/1", "subnet/application/2"];
    balancer(false, subnets, &["security-group/front"], attributes)
}

fn target_group(port: u16) -> TargetGroup {
    TargetGroup {
        vpc: Reference::part("vpc"),
        port,
        health_check: HealthCheck {
            path: "/healthz".to_owned(),
            interval_seconds: 10,
            timeout_seconds: 5,
            healthy_threshold: 2,
            unhealthy_threshold: 3,
        },
        attributes: Some(TargetGroupAttributes {
            deregistration_delay_seconds: 30,
            stickiness_seconds: Some(600),
            least_outstanding_requests: true,
        }),
        load_balancers: Vec::new(),
    }
}

fn other_check(port: u16) -> TargetGroup {
    TargetGroup {
        health_check: HealthCheck {
            path: "/alive".to_owned(),
            interval_seconds: 15,
            timeout_seconds: 6,
            healthy_threshold: 3,
            unhealthy_threshold: 4,
        },
        attributes: Some(TargetGroupAttributes {
            deregistration_delay_seconds: 60,
            stickiness_seconds: None,
            least_outstanding_requests: false,
        }),
        ..target_group(port)
    }
}

const OUTSIDE: [&str; 2] = ["subnet/public/1", "subnet/public/2"];
const FRONT: &[&str] = &["security-group/front"];

impl<C: Cloud, O: Outside> Contract<C, O> {
    pub(super) async fn load_balancing(&mut self) -> Result<()> {
        self.load_balancers().await?;
        self.target_groups().await?;
        self.protected().await?;
        self.listeners_of_web().await?;
        self.tags_of_many().await
    }

    async fn load_balancers(&mut self) -> Result<()> {
        let web = public(OUTSIDE, FRONT, attributes(false, false));
        let id = self.make_twice("load-balancer/web", web.clone(), "the same again").await?;
        let other = self.creation("load-balancer/web", internal(attributes(false, false)))?;
        self.attempt("the name of a load balancer with other settings", &other, "AlreadyExists").await?;
        let moved = public(["subnet/public/1", "subnet/public/3"], FRONT, attributes(false, true));
        let groups = &["security-group/front", "security-group/back"];
        for body in [moved, public(OUTSIDE, groups, attributes(false, false)), web] {
            self.change("load-balancer/web", body).await?;
        }
        self.has_address("an internet-facing load balancer's address", &id, "public").await?;
        let subnet = self.id("subnet/public/2")?;
        self.demand_kept(
            "a subnet with a load balancer deleted",
            Kind::Subnet,
            &subnet,
            ErrorClass::Dependency,
        )
        .await;
        Ok(())
    }

    async fn has_address(&mut self, what: &str, id: &str, aws: &str) -> Result<()> {
        let row = self.settled(Kind::LoadBalancer, id).await?;
        let Body::LoadBalancer(LoadBalancer { dns_name: Some(name), .. }) = row.body else {
            bail!("{id} has no address: {row:?}")
        };
        ensure!(name.ends_with(".elb.amazonaws.com") && name.contains(self.caller.region()), "{name}");
        self.judge.demand(what, aws, if name.starts_with("internal-") { "internal" } else { "public" });
        Ok(())
    }

    async fn target_groups(&mut self) -> Result<()> {
        self.make_twice("target-group/web", target_group(PORT), "the same again").await?;
        let other = self.creation("target-group/web", target_group(PORT + 1))?;
        self.attempt("the name of a target group with another port", &other, "AlreadyExists").await?;
        for body in [other_check(PORT), target_group(PORT)] {
            self.change("target-group/web", body).await?;
        }
        self.make("target-group/spare", target_group(PORT + 1)).await?;
        Ok(())
    }

    /// Deletion protection protects. Where it does not, the load balancer is gone now.
    async fn protected(&mut self) -> Result<()> {
        let id = self.make("load-balancer/spare", internal(attributes(true, false))).await?;
        self.has_address("an internal load balancer's address", &id, "internal").await?;
        let what = "a load balancer with deletion protection deleted";
        self.demand_kept(what, Kind::LoadBalancer, &id, ErrorClass::State).await;
        Ok(())
    }

    /// One call shows the tags of several.
    async fn tags_of_many(&mut self) -> Result<()> {
        let names = ["target-group/web", "target-group/spare"];
        let ids = names.iter().map(|name| self.id(name)).collect::<Result<Vec<_>>>()?;
        let read = Read::Tags { kind: Kind::TargetGroup, ids: ids.clone() };
        let Reading::Tags(rows) = self.caller.read(&read).await? else { bail!("another reading") };
        ensure!(rows.len() == ids.len(), "{} rows for {} resources", rows.len(), ids.len());
        for (name, id) in names.iter().zip(&ids) {
            let (_, tags) = rows.iter().find(|(found, _)| found == id).with_context(|| format!("no {id}"))?;
            ensure!(tags.get(lamp_cloud::tag::PART).is_some_and(|part| part == name), "{id} has {tags:?}");
        }
        Ok(())
    }
}
