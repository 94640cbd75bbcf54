//! What failures of real calls mean, and who repeats them.

use lamp_cloud::kinds::internet_gateway::{self, InternetGateway};
use lamp_cloud::kinds::security_group::{self, Peer, Rule, SecurityGroup};
use lamp_cloud::kinds::{route_table, subnet::Subnet, vpc::Vpc};
use lamp_cloud::{
    Body, Change, Cloud, CloudError, DeleteOptions, ErrorClass, Kind, Listing, Read, Reference, Request,
};

use crate::account::{Account, tags};
use crate::stub::{Answer, Stub};

fn class<T: std::fmt::Debug>(result: Result<T, CloudError>) -> ErrorClass {
    result.expect_err("a failure").class
}

#[tokio::test]
async fn what_exists_already_says_so() {
    let account = Account::new("ca-west-1").await;
    let vpc = account.vpc().await;
    let subnet = account.subnet(&vpc, 1).await;
    let again = Subnet {
        vpc: vpc.clone(),
        cidr: "10.20.1.0/24".into(),
        zone: "ca-west-1a".into(),
        public_addresses: false,
    };
    assert_eq!(class(account.try_create("subnet/1", "again", again).await), ErrorClass::AlreadyExists);

    let group =
        SecurityGroup { vpc: vpc.clone(), description: "x".into(), ingress: Vec::new(), egress: Vec::new() };
    let id = account.create("security-group/x", "ll-x", group.clone()).await;
    assert_eq!(class(account.try_create("security-group/x", "ll-x", group).await), ErrorClass::AlreadyExists);
    let rule = vec![Rule::tcp(80, Peer::Range("0.0.0.0/0".into()))];
    let change = || Change::SecurityGroup(security_group::Change::AuthorizeIngress(rule.clone()));
    account.change(&id, change()).await;
    assert_eq!(class(account.try_change(&id, change()).await), ErrorClass::AlreadyExists);

    let table = route_table::RouteTable {
        vpc: vpc.clone(),
        routes: [].into(),
        subnets: vec![],
        associations: [].into(),
    };
    let table = account.create("route-table", "table", table).await;
    let gateway = account.create("internet-gateway", "gateway", InternetGateway { vpc: None }).await;
    let attach = || Change::InternetGateway(internet_gateway::Change::Attach(vpc.resolved().into()));
    account.change(&gateway, attach()).await;
    assert_eq!(class(account.try_change(&gateway, attach()).await), ErrorClass::AlreadyExists);
    let route = || {
        Change::RouteTable(route_table::Change::CreateRoute {
            destination: "0.0.0.0/0".into(),
            target: gateway.clone(),
        })
    };
    account.change(&table, route()).await;
    assert_eq!(class(account.try_change(&table, route()).await), ErrorClass::AlreadyExists);
    assert_eq!(
        class(account.try_delete(Kind::Vpc, vpc.resolved(), DeleteOptions::default()).await),
        ErrorClass::Dependency
    );
    drop(subnet);
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let account = Account::new("mx-central-1").await;
    // The emulator breaks on a NAT gateway that is not there.
    let rows = [
        (Kind::Vpc, "vpc-00000000000000000"),
        (Kind::Subnet, "subnet-00000000000000000"),
        (Kind::InternetGateway, "igw-00000000000000000"),
        (Kind::ElasticIp, "eipalloc-00000000000000000"),
        (Kind::RouteTable, "rtb-00000000000000000"),
        (Kind::SecurityGroup, "sg-00000000000000000"),
        (Kind::LaunchTemplate, "lt-00000000000000000"),
        (Kind::AutoScalingGroup, "ll-nothing"),
        (Kind::DbSubnetGroup, "ll-nothing"),
        (Kind::DbInstance, "ll-nothing"),
    ];
    for (kind, id) in rows {
        let error = account.try_delete(kind, id, DeleteOptions::default()).await.expect_err(kind.name());
        assert_eq!(
            (error.class, error.operation.as_str()),
            (ErrorClass::NotFound, kind.delete_operation()),
            "{error}"
        );
    }
    let listeners =
        Read::Listeners { load_balancer: "arn:aws:elasticloadbalancing:x:y:loadbalancer/app/a/b".into() };
    assert_eq!(class(account.cloud.read(&listeners).await), ErrorClass::NotFound);
}

#[tokio::test]
async fn what_is_wrong_says_so() {
    let account = Account::new("ap-southeast-5").await;
    let vpc = Vpc { cidr: "10.0.0.0/99".into(), dns_support: None, dns_hostnames: None };
    let error = account.try_create("vpc", "vpc", vpc).await.expect_err("a bad range");
    assert_eq!(error.class, ErrorClass::Invalid);
    assert!(!error.outcome_unknown() && !error.message.is_empty());
}

fn creation() -> Request {
    let body: Body = Vpc { cidr: "10.0.0.0/16".into(), dns_support: None, dns_hostnames: None }.into();
    Request::Create { part: "vpc".into(), name: "vpc".into(), tags: tags("vpc"), token: "t".into(), body }
}

fn listing() -> Read {
    Read::List { listing: Listing::Resources(Kind::Vpc), page: None }
}

#[tokio::test]
async fn mutations_are_sent_once_and_reads_three_times() {
    for answer in [Answer::Say(503, ""), Answer::HangUp] {
        let stub = Stub::new(answer).await;
        let error = stub.cloud.apply(&creation()).await.expect_err("a failure");
        assert_eq!((error.class, error.outcome_unknown()), (ErrorClass::Transient, true), "{error}");
        assert_eq!(stub.asked(), 1, "nobody but its intent repeats a mutation");
        assert_eq!(class(stub.cloud.read(&listing()).await), ErrorClass::Transient);
        assert_eq!(stub.asked(), 1 + 3);
    }
}

#[tokio::test]
async fn a_mutation_that_is_not_answered_ends_in_time() {
    let stub = Stub::new(Answer::Silence).await;
    let error = stub.cloud.apply(&creation()).await.expect_err("a failure");
    assert_eq!((error.class, error.code.as_str()), (ErrorClass::Transient, "Timeout"));
    assert_eq!(stub.asked(), 1);
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_leaves_the_outcome_open() {
    for body in ["<CreateVpcResponse><vpc>", "{}", "<CreateVpcResponse/>"] {
        let stub = Stub::new(Answer::Say(200, body)).await;
        let error = stub.cloud.apply(&creation()).await.expect_err("a failure");
        assert_eq!((error.class, stub.asked()), (ErrorClass::Unintelligible, 1), "{body}: {error}");
        assert!(error.outcome_unknown());
    }
}

#[tokio::test]
async fn nobody_listens() {
    let config = lamp_aws::Config { region: "eu-central-1".into(), install: "test".into() };
    let cloud = lamp_aws::AwsCloud::connect_to(config, "http://127.0.0.1:9").await.expect("a connection");
    let error = cloud.apply(&creation()).await.expect_err("a failure");
    assert_eq!((error.class, error.code.as_str()), (ErrorClass::Transient, "ConnectFailed"));
}

#[tokio::test]
async fn capacity_comes_as_a_server_error_and_is_not_repeated_in_vain() {
    const FULL: &str = "<Response><Errors><Error><Code>InsufficientInstanceCapacity</Code><Message>full</Message>\
                        </Error></Errors><RequestID>request-7</RequestID></Response>";
    let stub = Stub::new(Answer::Say(500, FULL)).await;
    let error = stub.cloud.apply(&creation()).await.expect_err("a failure");
    assert_eq!(
        (error.class, error.request_id.as_deref()),
        (ErrorClass::Capacity, Some("request-7")),
        "{error}"
    );
    assert_eq!(stub.asked(), 1);
}

#[tokio::test]
async fn denied_calls_say_so() {
    const DENIED: &str = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error>\
                          </Errors><RequestID>request-8</RequestID></Response>";
    let stub = Stub::new(Answer::Say(403, DENIED)).await;
    assert_eq!(class(stub.cloud.read(&listing()).await), ErrorClass::Denied);
    assert_eq!(stub.asked(), 1, "it would be denied again");
    let gone = Reference::part("vpc");
    let subnet = Subnet { vpc: gone, cidr: "10.0.0.0/24".into(), zone: "a".into(), public_addresses: false };
    let request = Request::Create {
        part: "subnet/1".into(),
        name: "subnet".into(),
        tags: tags("subnet/1"),
        token: "t".into(),
        body: subnet.into(),
    };
    assert_eq!(class(stub.cloud.apply(&request).await), ErrorClass::Invalid);
    assert_eq!(stub.asked(), 1, "what names nothing is not sent");
}
