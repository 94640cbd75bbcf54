//! Addresses, NAT gateways, and the route tables that lead to them.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use lamp_cloud::kinds::elastic_ip::{self, ElasticIp};
use lamp_cloud::kinds::nat_gateway::NatGateway;
use lamp_cloud::kinds::route_table::{self, RouteTable};
use lamp_cloud::{Body, Change, Cloud, ErrorClass, Kind, Reference};

use super::{Contract, Outside};

const EVERYWHERE: &str = "0.0.0.0/0";
const ELSEWHERE: &str = "192.0.2.0/24";

fn nat_gateway(subnet: &str, address: &str) -> NatGateway {
    NatGateway { subnet: Reference::part(subnet), address: Reference::part(address) }
}

fn table(routes: &[(&str, &str)], subnets: &[&str]) -> RouteTable {
    let route = |(destination, target): &(&str, &str)| ((*destination).to_owned(), Reference::part(*target));
    RouteTable {
        vpc: Reference::part("vpc"),
        routes: routes.iter().map(route).collect(),
        subnets: subnets.iter().map(|subnet| Reference::part(*subnet)).collect(),
        associations: BTreeMap::new(),
    }
}

impl<C: Cloud, O: Outside> Contract<C, O> {
    pub(super) async fn addresses(&mut self) -> Result<()> {
        let address = self.make("elastic-ip/1", ElasticIp::default()).await?;
        let other = self.make("elastic-ip/2", ElasticIp::default()).await?;
        self.makes_another(Kind::ElasticIp, &address, &other)?;
        let gateway = nat_gateway("subnet/public/1", "elastic-ip/1");
        self.make_twice("nat-gateway/1", gateway, "the same again").await?;
        self.make("nat-gateway/2", nat_gateway("subnet/public/4", "elastic-ip/2")).await?;
        let elsewhere = self.creation("nat-gateway/1", nat_gateway("subnet/public/2", "elastic-ip/1"))?;
        self.attempt("the token of a NAT gateway with another subnet", &elsewhere, "Conflict").await?;
        let twice = self.creation("nat-gateway/3", nat_gateway("subnet/public/1", "elastic-ip/1"))?;
        self.attempt("a NAT gateway on an address that has one", &twice, "AlreadyExists").await
    }

    pub(super) async fn routes(&mut self) -> Result<()> {
        let public = table(&[(EVERYWHERE, "internet-gateway")], &["subnet/public/1", "subnet/public/2"]);
        self.make_twice("route-table/public", public, "the same again").await?;
        let subnets = ["subnet/application/1", "subnet/application/2"];
        self.make("route-table/application", table(&[(EVERYWHERE, "nat-gateway/1")], &subnets)).await?;
        let both = [(EVERYWHERE, "nat-gateway/2"), (ELSEWHERE, "nat-gateway/1")];
        for (routes, subnets) in [(&both[..], &subnets[..1]), (&both[..1], &subnets[..])] {
            self.change("route-table/application", table(routes, subnets)).await?;
        }
        self.refused_routes().await?;
        self.used_gateway().await?;
        self.change("route-table/application", table(&[(EVERYWHERE, "nat-gateway/1")], &subnets)).await
    }

    async fn refused_routes(&mut self) -> Result<()> {
        let (id, public) = (self.id("route-table/application")?, self.id("route-table/public")?);
        let (target, subnet) = (self.id("nat-gateway/1")?, self.id("subnet/public/1")?);
        let destination = || EVERYWHERE.to_owned();
        let missing = || "203.0.113.0/24".to_owned();
        let rows = [
            (
                "a route made twice",
                route_table::Change::CreateRoute { destination: destination(), target: target.clone() },
                "AlreadyExists",
            ),
            (
                "a route replaced that is not there",
                route_table::Change::ReplaceRoute { destination: missing(), target },
                "Invalid",
            ),
            (
                "a route deleted that is not there",
                route_table::Change::DeleteRoute { destination: missing() },
                "NotFound",
            ),
            (
                "a subnet associated with a second route table",
                route_table::Change::Associate { subnet: subnet.clone() },
                "AlreadyExists",
            ),
            (
                "an association ended that is not there",
                route_table::Change::Disassociate {
                    subnet,
                    association: "rtbassoc-0123456789abcdef0".to_owned(),
                },
                "NotFound",
            ),
        ];
        for (what, change, aws) in rows {
            self.demand_change(what, &id, Change::RouteTable(change), aws).await;
        }
        self.demand_kept(
            "a route table with subnets deleted",
            Kind::RouteTable,
            &public,
            ErrorClass::Dependency,
        )
        .await;
        Ok(())
    }

    /// What a NAT gateway holds stays, and its routes lead into nothing once it is gone.
    async fn used_gateway(&mut self) -> Result<()> {
        let (address, subnet) = (self.id("elastic-ip/2")?, self.id("subnet/public/4")?);
        let gateway = self.id("nat-gateway/2")?;
        let held = self.settled(Kind::ElasticIp, &address).await?;
        let Body::ElasticIp(ElasticIp { association: Some(association) }) = held.body else {
            bail!("{address} of {gateway} has no association: {held:?}")
        };
        let free = Change::ElasticIp(elastic_ip::Change::Disassociate(association));
        self.demand_change("the address of a NAT gateway disassociated", &address, free, "State").await;
        self.demand_kept(
            "the address of a NAT gateway released",
            Kind::ElasticIp,
            &address,
            ErrorClass::Dependency,
        )
        .await;
        self.demand_kept(
            "a subnet with a NAT gateway deleted",
            Kind::Subnet,
            &subnet,
            ErrorClass::Dependency,
        )
        .await;
        self.remove(Kind::NatGateway, &gateway).await?;
        let table = self.settled(Kind::RouteTable, &self.id("route-table/application")?).await?;
        let Body::RouteTable(table) = table.body else { bail!("no route table: {table:?}") };
        let target = table.routes.get(EVERYWHERE).and_then(Reference::as_id).context("the route is gone")?;
        let leads = if target == "blackhole" { "into nothing" } else { "to the gateway" };
        self.judge.demand("the route to a deleted NAT gateway", "into nothing", leads);
        ensure!(
            leads == "into nothing" || target == gateway,
            "{gateway} is gone, and the route leads to {target}"
        );
        Ok(())
    }
}
