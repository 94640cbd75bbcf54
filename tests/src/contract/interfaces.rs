//! Network interfaces: everything that has an address in a network shows there, whoever made it, and holds what it stands
//! in.

use anyhow::{Context, Result, ensure};
use lamp_cloud::{Body, Cloud, ErrorClass, Kind, Member, NetworkInterface, Page, Read, ResourceId};

use super::sight::answer;
use super::{Contract, Outside};

/// A subnet with nothing of ours in it.
const LONELY: &str = "subnet/application/4";

impl<C: Cloud, O: Outside> Contract<C, O> {
    pub(super) async fn interfaces(&mut self, members: &[Member]) -> Result<()> {
        let spare = self.id("vpc/spare")?;
        let elsewhere = self.interfaces_in(&spare).await?;
        ensure!(elsewhere.is_empty(), "in a network of nothing: {elsewhere:?}");
        self.of_members(members).await?;
        self.of_services().await?;
        self.of_others().await
    }

    /// Every interface in a network.
    async fn interfaces_in(&mut self, vpc: &str) -> Result<Vec<NetworkInterface>> {
        let (mut rows, mut page) = (Vec::new(), None);
        loop {
            let read = Read::NetworkInterfaces { vpc: vpc.to_owned(), page };
            let Page { items, next } = answer!(self, read, NetworkInterfaces);
            rows.extend(items);
            page = next;
            if page.is_none() {
                return Ok(rows);
            }
        }
    }

    /// Those of the network that the site stands in.
    async fn all_interfaces(&mut self) -> Result<Vec<NetworkInterface>> {
        let vpc = self.id("vpc")?;
        self.interfaces_in(&vpc).await
    }

    /// An instance stands in a subnet of its zone, and is guarded by the groups of its template.
    async fn of_members(&mut self, members: &[Member]) -> Result<()> {
        let all = self.all_interfaces().await?;
        for member in members {
            let id = &member.instance;
            let row = all.iter().find(|row| row.instance.as_ref() == Some(id));
            let row = row.with_context(|| format!("no interface of {id}: {all:?}"))?;
            ensure!(row.status == "in-use" && !row.managed, "{row:?}");
            ensure!(!row.security_groups.is_empty(), "nothing guards {row:?}");
            let subnet = self.look(Kind::Subnet, &row.subnet).await?.context("in no subnet of ours")?;
            let Body::Subnet(body) = subnet.body else { anyhow::bail!("no subnet: {subnet:?}") };
            ensure!(body.zone == member.zone, "{row:?} stands in {}", body.zone);
        }
        Ok(())
    }

    /// What AWS makes for load balancers and NAT gateways says whose it is.
    async fn of_services(&mut self) -> Result<()> {
        let balancer = self.id("load-balancer/web")?;
        let name = balancer.split_once("loadbalancer/").map_or("", |(_, name)| name);
        let gateway = self.id("nat-gateway/1")?;
        for (what, description) in [
            ("the interfaces of a load balancer", format!("ELB {name}")),
            ("the interface of a NAT gateway", format!("Interface for NAT Gateway {gateway}")),
        ] {
            let all = self.all_interfaces().await?;
            let named = all.iter().any(|row| row.managed && row.description == description);
            self.judge.demand(what, "named", if named { "named" } else { "not named" });
        }
        Ok(())
    }

    /// What somebody else puts into a subnet holds it until it is gone.
    async fn of_others(&mut self) -> Result<()> {
        let subnet = self.make(LONELY, self.subnet(7, 0, false)).await?;
        let id: ResourceId = self.outside.make_interface(&subnet, "by hand")?;
        let all = self.all_interfaces().await?;
        let row = all.iter().find(|row| row.id == id).context("what a hand made is not shown")?;
        ensure!(row.subnet == subnet && row.description == "by hand", "{row:?}");
        ensure!(row.instance.is_none() && !row.managed && row.status == "available", "{row:?}");
        let what = "a subnet with an interface of others deleted";
        self.demand_kept(what, Kind::Subnet, &subnet, ErrorClass::Dependency).await;
        self.outside.remove_interface(&id)?;
        let all = self.all_interfaces().await?;
        ensure!(all.iter().all(|row| row.id != id), "{id} is shown though it is gone");
        Ok(())
    }

    /// An instance that is terminated has no interface any more.
    pub(super) async fn lost_its_interface(&mut self, victim: &str) -> Result<()> {
        let all = self.all_interfaces().await?;
        let shown = all.iter().any(|row| row.instance.as_deref() == Some(victim));
        let seen = if shown { "shown" } else { "gone" };
        self.judge.demand("the interface of an instance that is terminated", "gone", seen);
        Ok(())
    }
}
