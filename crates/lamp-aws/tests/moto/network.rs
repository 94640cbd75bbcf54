//! VPCs, subnets, gateways, addresses, routes and security groups.

use lamp_cloud::kinds::elastic_ip::{self, ElasticIp};
use lamp_cloud::kinds::internet_gateway::{self, InternetGateway};
use lamp_cloud::kinds::nat_gateway::NatGateway;
use lamp_cloud::kinds::route_table::{self, RouteTable};
use lamp_cloud::kinds::security_group::{self, Peer, Rule, SecurityGroup};
use lamp_cloud::kinds::{subnet, vpc};
use lamp_cloud::{Change, Kind, Read, Reading, Reference, State};

use crate::account::{Account, body, list, tags};

#[tokio::test]
async fn vpc() {
    let account = Account::new("eu-west-1").await;
    let vpc = account.vpc().await;
    let id = vpc.resolved();
    let row = account.one(Kind::Vpc, id).await;
    assert_eq!((row.state.clone(), &row.tags), (State::Ready, &tags("vpc")));
    assert_eq!(body!(row, Vpc).cidr, "10.20.0.0/16");

    for on in [true, false] {
        account.change(id, Change::Vpc(vpc::Change::DnsHostnames(on))).await;
        let read = Read::VpcDnsHostnames { vpc: id.into() };
        assert_eq!(account.read(read).await, Reading::VpcAttribute(on));
    }
    for on in [false, true] {
        account.change(id, Change::Vpc(vpc::Change::DnsSupport(on))).await;
        assert_eq!(account.read(Read::VpcDnsSupport { vpc: id.into() }).await, Reading::VpcAttribute(on));
    }
    account.tag(Kind::Vpc, id).await;
    assert_eq!(account.one(Kind::Vpc, id).await.tags.get("extra").map(String::as_str), Some("yes"));

    account.delete(Kind::Vpc, id).await;
    assert!(account.find(Kind::Vpc, id).await.is_none());
}

#[tokio::test]
async fn only_our_own_is_listed() {
    let account = Account::new("eu-west-2").await;
    account.python("import boto3; boto3.client('ec2').create_vpc(CidrBlock='10.99.0.0/16')");
    let vpc = account.vpc().await;
    let rows = account.list(Kind::Vpc).await;
    assert_eq!(rows.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), [vpc.resolved()]);
    let other = account.as_install("another").await;
    assert!(list(&other, Kind::Vpc).await.is_empty(), "another installation sees nothing of it");
}

#[tokio::test]
async fn subnet() {
    let account = Account::new("eu-west-3").await;
    let vpc = account.vpc().await;
    let reference = account.subnet(&vpc, 1).await;
    let id = reference.resolved();
    let row = account.one(Kind::Subnet, id).await;
    assert_eq!((row.state.clone(), &row.tags), (State::Ready, &tags("subnet/1")));
    let shown = body!(row, Subnet);
    assert_eq!((&shown.vpc, shown.cidr.as_str(), shown.zone.as_str()), (&vpc, "10.20.1.0/24", "eu-west-3b"));
    assert!(!shown.public_addresses);

    account.change(id, Change::Subnet(subnet::Change::PublicAddresses(true))).await;
    assert!(body!(account.one(Kind::Subnet, id).await, Subnet).public_addresses);
    account.delete(Kind::Subnet, id).await;
    assert!(account.find(Kind::Subnet, id).await.is_none());
}

#[tokio::test]
async fn internet_gateway() {
    let account = Account::new("eu-north-1").await;
    let vpc = account.vpc().await;
    let id = account.create("internet-gateway", "internet-gateway", InternetGateway { vpc: None }).await;
    let row = account.one(Kind::InternetGateway, &id).await;
    assert_eq!((body!(row, InternetGateway).vpc, row.tags), (None, tags("internet-gateway")));

    let attach = internet_gateway::Change::Attach(vpc.resolved().into());
    account.change(&id, Change::InternetGateway(attach)).await;
    assert_eq!(body!(account.one(Kind::InternetGateway, &id).await, InternetGateway).vpc, Some(vpc.clone()));
    let detach = internet_gateway::Change::Detach(vpc.resolved().into());
    account.change(&id, Change::InternetGateway(detach)).await;
    assert_eq!(body!(account.one(Kind::InternetGateway, &id).await, InternetGateway).vpc, None);

    account.delete(Kind::InternetGateway, &id).await;
    assert!(account.find(Kind::InternetGateway, &id).await.is_none());
}

#[tokio::test]
async fn nat_gateway_and_its_address() {
    let account = Account::new("eu-south-1").await;
    let vpc = account.vpc().await;
    let subnet = account.subnet(&vpc, 1).await;
    let address = Reference::id(account.create("address/1", "address/1", ElasticIp::default()).await);
    let row = account.one(Kind::ElasticIp, address.resolved()).await;
    assert_eq!((body!(row, ElasticIp).association, row.tags), (None, tags("address/1")));

    let wanted = NatGateway { subnet, address: address.clone() };
    let id = account.create("nat-gateway/1", "nat-gateway/1", wanted.clone()).await;
    let row = account.one(Kind::NatGateway, &id).await;
    assert_eq!((body!(row, NatGateway), row.state, row.tags), (wanted, State::Ready, tags("nat-gateway/1")));
    assert!(row.created_at.is_some());

    account.delete(Kind::NatGateway, &id).await;
    assert!(account.find(Kind::NatGateway, &id).await.is_none(), "a deleted gateway is left out");

    // AWS frees the address with its gateway; the emulator does not, and so the way of a foreign association is shown.
    let held = body!(account.one(Kind::ElasticIp, address.resolved()).await, ElasticIp).association;
    let held = held.expect("an association that is left");
    account.change(address.resolved(), Change::ElasticIp(elastic_ip::Change::Disassociate(held))).await;
    account.delete(Kind::ElasticIp, address.resolved()).await;
    assert!(account.find(Kind::ElasticIp, address.resolved()).await.is_none());
}

#[tokio::test]
async fn route_table() {
    let account = Account::new("eu-central-1").await;
    let vpc = account.vpc().await;
    let subnet = account.subnet(&vpc, 1).await;
    let gateway = account.create("internet-gateway", "internet-gateway", InternetGateway { vpc: None }).await;
    let attach = internet_gateway::Change::Attach(vpc.resolved().into());
    account.change(&gateway, Change::InternetGateway(attach)).await;
    let address = Reference::id(account.create("address/1", "address/1", ElasticIp::default()).await);
    let nat = account.create("nat", "nat", NatGateway { subnet: subnet.clone(), address }).await;

    let wanted = RouteTable { vpc, routes: [].into(), subnets: Vec::new(), associations: [].into() };
    let id = account.create("route-table/public", "route-table/public", wanted.clone()).await;
    let row = account.one(Kind::RouteTable, &id).await;
    assert_eq!((body!(row, RouteTable), row.tags), (wanted, tags("route-table/public")));

    let everywhere = || "0.0.0.0/0".to_owned();
    let change = |change| account.change(&id, Change::RouteTable(change));
    let routes = async || body!(account.one(Kind::RouteTable, &id).await, RouteTable).routes;
    change(route_table::Change::CreateRoute { destination: everywhere(), target: gateway.clone() }).await;
    assert_eq!(routes().await, [(everywhere(), Reference::id(gateway))].into());
    change(route_table::Change::ReplaceRoute { destination: everywhere(), target: nat.clone() }).await;
    assert_eq!(routes().await, [(everywhere(), Reference::id(nat))].into());
    change(route_table::Change::DeleteRoute { destination: everywhere() }).await;
    assert!(routes().await.is_empty());

    let subnet = subnet.resolved().to_owned();
    change(route_table::Change::Associate { subnet: subnet.clone() }).await;
    let shown = body!(account.one(Kind::RouteTable, &id).await, RouteTable);
    assert_eq!(shown.subnets, [Reference::id(subnet.as_str())]);
    let association = shown.associations.get(&subnet).expect("an association").clone();
    change(route_table::Change::Disassociate { subnet, association }).await;
    assert!(body!(account.one(Kind::RouteTable, &id).await, RouteTable).subnets.is_empty());

    account.delete(Kind::RouteTable, &id).await;
    assert!(account.find(Kind::RouteTable, &id).await.is_none());
}

#[tokio::test]
async fn security_group() {
    let account = Account::new("eu-central-2").await;
    let vpc = account.vpc().await;
    let wanted = SecurityGroup { vpc, description: "web".into(), ingress: Vec::new(), egress: Vec::new() };
    let peer = account.create("security-group/lb", "ll-lb", wanted.clone()).await;
    let id = account.create("security-group/web", "ll-web", wanted).await;
    let row = account.one(Kind::SecurityGroup, &id).await;
    assert_eq!((row.name.as_str(), &row.tags), ("ll-web", &tags("security-group/web")));
    let shown = async || body!(account.one(Kind::SecurityGroup, &id).await, SecurityGroup);
    assert_eq!(shown().await.egress, [Rule::everything_out()]);

    let change = |change| account.change(&id, Change::SecurityGroup(change));
    let rules = vec![
        Rule::tcp(443, Peer::Range("0.0.0.0/0".into())),
        Rule::tcp(443, Peer::Range("::/0".into())),
        Rule::tcp(80, Peer::Group(Reference::id(peer))),
    ];
    change(security_group::Change::AuthorizeIngress(rules.clone())).await;
    let mut ingress = shown().await.ingress;
    ingress.sort();
    let mut expected = rules.clone();
    expected.sort();
    assert_eq!(ingress, expected);
    change(security_group::Change::RevokeIngress(rules[1..].to_vec())).await;
    assert_eq!(shown().await.ingress, rules[..1]);

    change(security_group::Change::RevokeEgress(vec![Rule::everything_out()])).await;
    assert!(shown().await.egress.is_empty());
    let out = Rule::tcp(3306, Peer::Range("10.20.0.0/16".into()));
    change(security_group::Change::AuthorizeEgress(vec![out.clone()])).await;
    assert_eq!(shown().await.egress, [out]);

    account.delete(Kind::SecurityGroup, &id).await;
    assert!(account.find(Kind::SecurityGroup, &id).await.is_none());
}
