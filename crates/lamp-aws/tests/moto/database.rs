//! Subnet groups, parameter groups, databases and their replicas.

use std::collections::BTreeMap;

use lamp_cloud::kinds::db_instance::{self, DbFacts, DbInstance, Modification};
use lamp_cloud::kinds::db_parameter_group::{self, DbParameterGroup};
use lamp_cloud::kinds::db_subnet_group::{self, DbSubnetGroup};
use lamp_cloud::kinds::secret::Secret;
use lamp_cloud::kinds::security_group::SecurityGroup;
use lamp_cloud::{Change, DeleteOptions, ErrorClass, Kind, Read, Reading, Reference, State};

use crate::account::{Account, body, tags};

async fn subnet_group(account: &Account, vpc: &Reference) -> (String, Vec<Reference>) {
    let mut subnets = vec![account.subnet(vpc, 1).await, account.subnet(vpc, 2).await];
    subnets.sort();
    let body = DbSubnetGroup { subnets: subnets.clone() };
    (account.create("db-subnet-group", "ll-shop-db", body).await, subnets)
}

#[tokio::test]
async fn db_subnet_group() {
    let account = Account::new("us-east-1").await;
    let vpc = account.vpc().await;
    let (id, mut subnets) = subnet_group(&account, &vpc).await;
    let row = account.one(Kind::DbSubnetGroup, &id).await;
    assert_eq!(body!(row, DbSubnetGroup).subnets, subnets);
    assert_eq!(account.tags(Kind::DbSubnetGroup, &id).await, tags("db-subnet-group"));
    account.tag(Kind::DbSubnetGroup, &id).await;
    assert!(account.tags(Kind::DbSubnetGroup, &id).await.contains_key("extra"));

    account.delete(Kind::DbSubnetGroup, &id).await;
    assert!(account.find(Kind::DbSubnetGroup, &id).await.is_none());

    let again = DbSubnetGroup { subnets: subnets.clone() };
    let id = account.create("db-subnet-group", "ll-shop-db", again).await;
    subnets.push(account.subnet(&vpc, 3).await);
    // The emulator takes the change, and then forgets the group: only that the call is good can be seen.
    account.change(&id, Change::DbSubnetGroup(db_subnet_group::Change::Subnets(subnets))).await;
}

#[tokio::test]
async fn db_parameter_group() {
    let account = Account::new("il-central-1").await;
    let wanted = DbParameterGroup { family: "mysql8.0".into(), parameters: None };
    let id = account.create("db-parameter-group", "ll-shop-db", wanted.clone()).await;
    // Nothing has been listed yet: the ARN that tags need is looked up.
    assert_eq!(account.tags(Kind::DbParameterGroup, &id).await, tags("db-parameter-group"));
    assert_eq!(body!(account.one(Kind::DbParameterGroup, &id).await, DbParameterGroup), wanted);

    let values = BTreeMap::from([
        ("require_secure_transport".to_owned(), "1".to_owned()),
        ("innodb_log_file_size".to_owned(), "268435456".to_owned()),
    ]);
    let set = db_parameter_group::Change::Set(values.clone());
    account.change(&id, Change::DbParameterGroup(set)).await;
    let read = Read::DbParameters { group: id.clone() };
    assert_eq!(account.read(read).await, Reading::DbParameters(values));

    // The emulator does not know how to reset a parameter; that the call is well formed is all that can be seen.
    let reset = db_parameter_group::Change::Reset(vec!["innodb_log_file_size".into()]);
    let error = account.try_change(&id, Change::DbParameterGroup(reset)).await.expect_err("not implemented");
    assert_eq!((error.class, error.operation.as_str()), (ErrorClass::Transient, "ResetDBParameterGroup"));

    account.delete(Kind::DbParameterGroup, &id).await;
    assert!(account.find(Kind::DbParameterGroup, &id).await.is_none());
}

async fn primary(account: &Account) -> (String, DbInstance) {
    let vpc = account.vpc().await;
    let (subnet_group, _) = subnet_group(account, &vpc).await;
    let parameters = DbParameterGroup { family: "mysql8.0".into(), parameters: None };
    let parameters = account.create("db-parameter-group", "ll-shop-db", parameters).await;
    let secret = Secret { description: "master password".into(), username: "admin".into() };
    let secret = account.create("secret", "ll-shop-db", secret).await;
    let firewall = SecurityGroup { vpc, description: "db".into(), ingress: Vec::new(), egress: Vec::new() };
    let firewall = account.create("security-group/db", "ll-db", firewall).await;
    let body = DbInstance {
        engine: "mysql".into(),
        version: "8.0.39".into(),
        class: "db.r6g.large".into(),
        storage_gib: 100,
        max_storage_gib: Some(1000),
        storage_type: "gp3".into(),
        encrypted: true,
        multi_zone: true,
        username: "admin".into(),
        subnet_group: Reference::id(subnet_group),
        parameter_group: Reference::id(parameters),
        security_groups: vec![Reference::id(firewall)],
        backup_retention_days: 7,
        deletion_protection: true,
        secret: Some(Reference::id(secret)),
        source: None,
        zone: None,
        maintenance_window: Some("sun:03:00-sun:04:00".into()),
        parameters_in_effect: true,
        facts: DbFacts::default(),
    };
    (account.create("database", "ll-shop-db-0", body.clone()).await, body)
}

async fn instance(account: &Account, id: &str) -> DbInstance {
    let Reading::One(row) = account.read(Read::One { kind: Kind::DbInstance, id: id.into() }).await else {
        panic!("another reading")
    };
    body!(row.expect("an instance"), DbInstance)
}

#[tokio::test]
async fn primary_database() {
    let account = Account::new("af-south-1").await;
    let (id, wanted) = primary(&account).await;
    let row = account.one(Kind::DbInstance, &id).await;
    assert_eq!((row.id.as_str(), &row.state, &row.tags), ("ll-shop-db-0", &State::Ready, &tags("database")));
    let shown = body!(row, DbInstance);
    assert_eq!((shown.facts.status.as_str(), shown.facts.endpoint.is_some()), ("available", true));
    let observed =
        DbInstance { facts: DbFacts::default(), zone: None, secret: wanted.secret.clone(), ..shown };
    assert_eq!(observed, wanted, "nothing differs, nothing to change");
    account.tag(Kind::DbInstance, &id).await;
    assert!(account.one(Kind::DbInstance, &id).await.tags.contains_key("extra"));

    let protected = account.try_delete(Kind::DbInstance, &id, DeleteOptions::default()).await;
    assert_eq!(protected.expect_err("it is protected").class, ErrorClass::State);

    let modification = Modification {
        class: Some("db.r6g.xlarge".into()),
        storage_gib: Some(200),
        multi_zone: Some(false),
        backup_retention_days: Some(14),
        deletion_protection: Some(false),
        ..Modification::default()
    };
    let change = db_instance::Change::Modify(Box::new(modification));
    account.change(&id, Change::DbInstance(change)).await;
    let shown = instance(&account, &id).await;
    assert_eq!((shown.class.as_str(), shown.storage_gib, shown.multi_zone), ("db.r6g.xlarge", 200, false));
    assert_eq!((shown.backup_retention_days, shown.deletion_protection), (14, false));

    let options = DeleteOptions { final_snapshot: Some("ll-shop-final".into()), ..DeleteOptions::default() };
    account.try_delete(Kind::DbInstance, &id, options).await.expect("deleted");
    assert_eq!(account.read(Read::One { kind: Kind::DbInstance, id }).await, Reading::One(None));
    let snapshot = account.read(Read::DbSnapshot { id: "ll-shop-final".into() }).await;
    assert_eq!(snapshot, Reading::DbSnapshot(Some("available".into())));
    let none = account.read(Read::DbSnapshot { id: "ll-other".into() }).await;
    assert_eq!(none, Reading::DbSnapshot(None));
}

#[tokio::test]
async fn read_replica() {
    let account = Account::new("ap-east-1").await;
    let (source, primary) = primary(&account).await;
    let wanted = DbInstance {
        source: Some(Reference::id(source.as_str())),
        secret: None,
        multi_zone: false,
        deletion_protection: false,
        class: "db.r6g.xlarge".into(),
        ..primary
    };
    let id = account.create("replica/1", "ll-shop-db-1", wanted.clone()).await;
    let row = account.one(Kind::DbInstance, &id).await;
    assert_eq!(row.tags, tags("replica/1"));
    let shown = body!(row, DbInstance);
    assert_eq!((shown.source, shown.class), (wanted.source, wanted.class));
    assert_eq!(instance(&account, &source).await.facts.replicas, [id.as_str()]);

    account.delete(Kind::DbInstance, &id).await;
    assert!(account.find(Kind::DbInstance, &id).await.is_none());
    assert!(instance(&account, &source).await.facts.replicas.is_empty());
}

#[tokio::test]
async fn a_primary_without_a_secret_is_refused() {
    let account = Account::new("me-central-1").await;
    let (_, primary) = primary(&account).await;
    let bare = DbInstance { secret: None, ..primary.clone() };
    let error = account.try_create("database", "ll-shop-db-9", bare).await.expect_err("refused");
    assert_eq!(error.class, ErrorClass::Invalid);
    let lost = DbInstance { secret: Some(Reference::id("ll-nothing")), ..primary };
    let error = account.try_create("database", "ll-shop-db-9", lost).await.expect_err("refused");
    assert_eq!((error.class, error.operation.as_str()), (ErrorClass::NotFound, "GetSecretValue"));
}

#[tokio::test]
async fn databases_come_page_by_page() {
    let account = Account::new("eu-south-2").await;
    // The emulator cuts pages after as many rows as were asked for, which are 100.
    account.python(
        "import boto3
rds = boto3.client('rds')
for i in range(105):
    rds.create_db_instance(
        DBInstanceIdentifier=f'db-{i}', DBInstanceClass='db.t3.micro', Engine='mysql', AllocatedStorage=20,
        MasterUsername='admin', MasterUserPassword='password',
        Tags=[{'Key': 'lamplighter:install', 'Value': 'test' if i % 5 else 'another'}])",
    );
    let read = Read::List { listing: lamp_cloud::Listing::Resources(Kind::DbInstance), page: None };
    let Reading::Resources(first) = account.read(read).await else { panic!("another reading") };
    assert!(first.next.is_some(), "there is more");
    assert_eq!(account.list(Kind::DbInstance).await.len(), 84, "all of ours, none of another");
}
