//! Network interfaces: of instances, load balancers, NAT gateways and databases, and those that people make. AWS
//! deletes no subnet and no security group that one of them holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use lamp_cloud::kinds::{
    db_instance::DbInstance, db_subnet_group::DbSubnetGroup, load_balancer::LoadBalancer,
    nat_gateway::NatGateway, subnet::Subnet,
};
use lamp_cloud::{Body, InstanceState, Kind, NetworkInterface, Reference, Resource, ResourceId};

use crate::consistency::{History, View};
use crate::live::instances::Machine;
use crate::world::World;

/// By id. What is seen twice, as it outlives what it belonged to, is there once.
pub(crate) type Interfaces = BTreeMap<ResourceId, NetworkInterface>;

/// What a reading sees of something; without a view, the truth.
fn seen<'a, T>(view: Option<View>, id: &str, history: &'a History<T>) -> Option<&'a Arc<T>> {
    view.map_or_else(|| history.current(), |view| view.see(id, history))
}

impl World {
    /// Every interface, as a reading sees them; without a view, in truth.
    pub(crate) fn all_interfaces(&self, view: Option<View>) -> Interfaces {
        let mut all: Interfaces = self.made_by_hand.clone();
        let mut add = |interface: NetworkInterface| drop(all.insert(interface.id.clone(), interface));
        self.lingering.values().flatten().cloned().for_each(&mut add);
        for kind in [Kind::LoadBalancer, Kind::NatGateway, Kind::DbInstance] {
            let truths = self.truths.get(&kind).into_iter().flatten();
            let rows = truths.filter_map(|(id, truth)| seen(view, id, &truth.history));
            rows.flat_map(|row| self.interfaces_of(row)).for_each(&mut add);
        }
        for (id, machine) in &self.machines {
            let row = seen(view, id, &machine.row).filter(|row| row.state != InstanceState::Terminated);
            row.into_iter().for_each(|_| add(self.interface_of_machine(id, machine)));
        }
        all
    }

    /// The interfaces that a resource has, as long as it stands.
    pub(crate) fn interfaces_of(&self, row: &Resource) -> Vec<NetworkInterface> {
        match &row.body {
            Body::LoadBalancer(balancer) => self.interfaces_of_balancer(&row.id, balancer),
            Body::NatGateway(gateway) if self.nat_stands(&row.id) => {
                self.interface_of_gateway(&row.id, gateway).into_iter().collect()
            }
            Body::DbInstance(database) => self.interfaces_of_database(&row.id, database),
            _ => Vec::new(),
        }
    }

    fn interfaces_of_balancer(&self, id: &str, balancer: &LoadBalancer) -> Vec<NetworkInterface> {
        let name = id.split_once("loadbalancer/").map_or(id, |(_, name)| name);
        let in_subnet = |subnet: &str| NetworkInterface {
            description: format!("ELB {name}"),
            security_groups: ids(&balancer.security_groups),
            managed: true,
            requester: Some("amazon-elb".to_owned()),
            public_address: balancer.internet_facing.then(|| self.address(id, subnet)),
            ..self.interface(id, subnet)
        };
        balancer.subnets.iter().filter_map(Reference::as_id).map(in_subnet).collect()
    }

    fn interface_of_gateway(&self, id: &str, gateway: &NatGateway) -> Option<NetworkInterface> {
        let subnet = gateway.subnet.as_id()?;
        Some(NetworkInterface {
            description: format!("Interface for NAT Gateway {id}"),
            managed: true,
            requester: Some("992382635911".to_owned()),
            public_address: Some(self.address(id, subnet)),
            ..self.interface(id, subnet)
        })
    }

    fn interfaces_of_database(&self, id: &str, database: &DbInstance) -> Vec<NetworkInterface> {
        let group = database.subnet_group.as_id().and_then(|group| self.body::<DbSubnetGroup>(group));
        let zones = self.zones_of_database(id, database);
        let stands = |subnet: &&str| {
            let zone = self.body::<Subnet>(subnet).map(|subnet| &subnet.zone);
            zone.is_some_and(|zone| zones.contains(zone))
        };
        let in_subnet = |subnet: &str| NetworkInterface {
            description: "RDSNetworkInterface".to_owned(),
            security_groups: ids(&database.security_groups),
            managed: true,
            requester: Some("amazon-rds".to_owned()),
            ..self.interface(id, subnet)
        };
        let subnets = group.into_iter().flat_map(|group| &group.subnets).filter_map(Reference::as_id);
        subnets.filter(stands).map(in_subnet).collect()
    }

    fn interface_of_machine(&self, id: &str, machine: &Machine) -> NetworkInterface {
        let public = self.body::<Subnet>(&machine.subnet).is_some_and(|subnet| subnet.public_addresses);
        NetworkInterface {
            security_groups: machine.security_groups.clone(),
            instance: Some(id.to_owned()),
            public_address: public.then(|| self.address(id, &machine.subnet)),
            ..self.interface(id, &machine.subnet)
        }
    }

    /// The interface of `owner` in a subnet; its id is the same each time.
    pub(crate) fn interface(&self, owner: &str, subnet: &str) -> NetworkInterface {
        NetworkInterface {
            id: format!("eni-{}", self.dice.hex(17, &["interface", owner, subnet], 0)),
            subnet: subnet.to_owned(),
            status: "in-use".to_owned(),
            ..NetworkInterface::default()
        }
    }

    /// An address of the range that is for documentation.
    fn address(&self, owner: &str, subnet: &str) -> String {
        format!("203.0.113.{}", self.dice.number(&["address", owner, subnet], 0) % 254 + 1)
    }

    /// The network that a subnet is in.
    pub(crate) fn network_of(&self, subnet: &str) -> Option<&str> {
        self.body::<Subnet>(subnet)?.vpc.as_id()
    }

    /// An interface in a subnet, if there is one.
    pub(crate) fn interface_in(&self, subnet: &str) -> Option<NetworkInterface> {
        self.all_interfaces(None).into_values().find(|interface| interface.subnet == subnet)
    }

    /// An interface that a security group guards, if there is one.
    pub(crate) fn guarded_by(&self, group: &str) -> Option<NetworkInterface> {
        let guards = |one: &NetworkInterface| one.security_groups.iter().any(|other| other == group);
        self.all_interfaces(None).into_values().find(guards)
    }

    /// An interface in a network that has a public address, if there is one.
    pub(crate) fn mapped_in(&self, vpc: &str) -> Option<NetworkInterface> {
        let mut public = self.all_interfaces(None).into_values().filter(|one| one.public_address.is_some());
        public.find(|interface| self.network_of(&interface.subnet) == Some(vpc))
    }
}

fn ids(references: &[Reference]) -> Vec<ResourceId> {
    references.iter().filter_map(Reference::as_id).map(str::to_owned).collect()
}
