//! Zones, the VPC, its subnets and its internet gateway.

use anyhow::{Result, ensure};
use lamp_cloud::kinds::internet_gateway::{self, InternetGateway};
use lamp_cloud::kinds::subnet::Subnet;
use lamp_cloud::kinds::vpc::Vpc;
use lamp_cloud::{Change, Cloud, ErrorClass, Kind, Reference, Zone};

use super::{Contract, Outside, deeds};

/// Subnets of the story, by part: the zone that each stands in.
const SUBNETS: [(&str, usize); 7] = [
    ("subnet/public/1", 0),
    ("subnet/public/2", 1),
    ("subnet/public/3", 1),
    ("subnet/public/4", 0),
    ("subnet/application/1", 0),
    ("subnet/application/2", 1),
    ("subnet/application/3", 0),
];

fn vpc(dns_support: bool, dns_hostnames: bool) -> Vpc {
    Vpc {
        cidr: "10.77.0.0/16".to_owned(),
        dns_support: Some(dns_support),
        dns_hostnames: Some(dns_hostnames),
    }
}

fn internet_gateway() -> InternetGateway {
    InternetGateway { vpc: Some(Reference::part("vpc")) }
}

impl<C: Cloud, O: Outside> Contract<C, O> {
    pub(super) async fn network(&mut self) -> Result<()> {
        self.usable_zones().await?;
        self.vpcs().await?;
        self.internet_gateways().await?;
        self.subnets().await?;
        self.addresses().await?;
        self.routes().await
    }

    async fn usable_zones(&mut self) -> Result<()> {
        for Zone { name, available } in self.zones().await? {
            ensure!(name.starts_with(self.caller.region()), "{name} is in another region");
            if available {
                self.zones.push(name);
            }
        }
        ensure!(self.zones.len() >= 2, "a region has at least two zones: {:?}", self.zones);
        Ok(())
    }

    async fn vpcs(&mut self) -> Result<()> {
        self.outside.make_vpc()?;
        let id = self.make("vpc", vpc(true, true)).await?;
        for (support, hostnames) in [(true, false), (false, false), (true, true)] {
            self.change("vpc", vpc(support, hostnames)).await?;
        }
        let listed: Vec<String> = self.rows(Kind::Vpc).await?.into_iter().map(|row| row.id).collect();
        ensure!(listed == [id.as_str()], "{id} is the only one that carries our tags: {listed:?}");
        // Nothing tells AWS that a second creation is the first one again.
        let other = self.make("vpc/spare", vpc(true, true)).await?;
        self.makes_another(Kind::Vpc, &id, &other)
    }

    pub(super) fn makes_another(&mut self, kind: Kind, one: &str, other: &str) -> Result<()> {
        ensure!(one != other, "a second creation of {} gave {one} again", kind.name());
        self.caller.promise(deeds::of_repetition(kind));
        Ok(())
    }

    async fn internet_gateways(&mut self) -> Result<()> {
        let id = self.make("internet-gateway", internet_gateway()).await?;
        let other = self.make("internet-gateway/spare", InternetGateway { vpc: None }).await?;
        self.makes_another(Kind::InternetGateway, &id, &other)?;
        let vpc = self.id("vpc")?;
        let attach = Change::InternetGateway(internet_gateway::Change::Attach(vpc.clone()));
        let detach = Change::InternetGateway(internet_gateway::Change::Detach(vpc));
        self.demand_change("an internet gateway attached twice", &id, attach.clone(), "AlreadyExists").await;
        self.demand_change("a second internet gateway for a VPC", &other, attach, "Invalid").await;
        self.demand_change("an internet gateway detached twice", &other, detach, "NotFound").await;
        self.demand_kept(
            "an attached internet gateway deleted",
            Kind::InternetGateway,
            &id,
            ErrorClass::Dependency,
        )
        .await;
        Ok(())
    }

    async fn subnets(&mut self) -> Result<()> {
        let (first, zone) = SUBNETS[0];
        self.make_twice(first, self.subnet(0, zone, false), "AlreadyExists").await?;
        for public_addresses in [true, false] {
            self.change(first, self.subnet(0, zone, public_addresses)).await?;
        }
        for (index, (name, zone)) in SUBNETS.into_iter().enumerate().skip(1) {
            self.make(name, self.subnet(index, zone, false)).await?;
        }
        let vpc = self.id("vpc")?;
        self.demand_kept("a VPC with subnets deleted", Kind::Vpc, &vpc, ErrorClass::Dependency).await;
        Ok(())
    }

    pub(super) fn subnet(&self, index: usize, zone: usize, public_addresses: bool) -> Subnet {
        let (vpc, zone) = (Reference::part("vpc"), self.zones[zone].clone());
        Subnet { vpc, cidr: format!("10.77.{index}.0/24"), zone, public_addresses }
    }
}
