//! Load balancers, target groups and listeners.

use lamp_cloud::kinds::listener::{self, Listener, ListenerAction};
use lamp_cloud::kinds::load_balancer::{self, LoadBalancer, LoadBalancerAttributes};
use lamp_cloud::kinds::security_group::SecurityGroup;
use lamp_cloud::kinds::target_group::{self, HealthCheck, TargetGroup, TargetGroupAttributes};
use lamp_cloud::{Change, Kind, Read, Reading, Reference, State};

use crate::account::{Account, body, tags};

async fn firewall(account: &Account, vpc: &Reference, name: &str) -> Reference {
    let body =
        SecurityGroup { vpc: vpc.clone(), description: name.into(), ingress: Vec::new(), egress: Vec::new() };
    Reference::id(account.create(name, name, body).await)
}

async fn load_balancer(account: &Account, vpc: &Reference) -> String {
    let body = LoadBalancer {
        internet_facing: true,
        subnets: vec![account.subnet(vpc, 1).await, account.subnet(vpc, 2).await],
        security_groups: vec![firewall(account, vpc, "ll-lb").await],
        attributes: None,
        dns_name: None,
    };
    account.create("load-balancer/web", "ll-shop-web", body).await
}

pub(crate) fn target_group(vpc: &Reference) -> TargetGroup {
    TargetGroup {
        vpc: vpc.clone(),
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

#[tokio::test]
async fn load_balancer_changes() {
    let account = Account::new("ap-southeast-6").await;
    let vpc = account.vpc().await;
    let id = load_balancer(&account, &vpc).await;
    let row = account.one(Kind::LoadBalancer, &id).await;
    let shown = body!(row, LoadBalancer);
    assert_eq!((row.name.as_str(), &row.state), ("ll-shop-web", &State::Ready));
    assert!(row.tags.is_empty(), "the listing shows no tags");
    assert!(shown.internet_facing && shown.dns_name.is_some());
    assert_eq!((shown.subnets.len(), shown.security_groups.len()), (2, 1));
    assert_eq!(account.tags(Kind::LoadBalancer, &id).await, tags("load-balancer/web"));
    account.tag(Kind::LoadBalancer, &id).await;
    assert!(account.tags(Kind::LoadBalancer, &id).await.contains_key("extra"));

    // The emulator names four attributes only; what it leaves out is shown as AWS's default.
    let read = Read::LoadBalancerAttributes { load_balancer: id.clone() };
    let defaults = LoadBalancerAttributes {
        deletion_protection: false,
        idle_timeout_seconds: 60,
        http2: true,
        drop_invalid_headers: false,
    };
    assert_eq!(account.read(read.clone()).await, Reading::LoadBalancerAttributes(defaults));
    let wanted = LoadBalancerAttributes {
        deletion_protection: false,
        idle_timeout_seconds: 120,
        http2: true,
        drop_invalid_headers: true,
    };
    account.change(&id, Change::LoadBalancer(load_balancer::Change::Attributes(wanted.clone()))).await;
    assert_eq!(account.read(read).await, Reading::LoadBalancerAttributes(wanted));

    let other = firewall(&account, &vpc, "ll-other").await;
    let groups = load_balancer::Change::SecurityGroups(vec![other.clone()]);
    account.change(&id, Change::LoadBalancer(groups)).await;
    let mut subnets = shown.subnets;
    subnets.push(account.subnet(&vpc, 3).await);
    subnets.sort();
    account.change(&id, Change::LoadBalancer(load_balancer::Change::Subnets(subnets.clone()))).await;
    let shown = body!(account.one(Kind::LoadBalancer, &id).await, LoadBalancer);
    assert_eq!((shown.security_groups, shown.subnets), (vec![other], subnets));

    account.delete(Kind::LoadBalancer, &id).await;
    assert!(account.find(Kind::LoadBalancer, &id).await.is_none());
}

#[tokio::test]
async fn target_group_changes() {
    let account = Account::new("us-west-2").await;
    let vpc = account.vpc().await;
    let wanted = target_group(&vpc);
    let id = account.create("target-group/web", "ll-shop-web", wanted.clone()).await;
    assert_eq!(body!(account.one(Kind::TargetGroup, &id).await, TargetGroup), wanted);
    assert_eq!(account.tags(Kind::TargetGroup, &id).await, tags("target-group/web"));

    let check = HealthCheck { path: "/up".into(), interval_seconds: 30, ..wanted.health_check };
    account.change(&id, Change::TargetGroup(target_group::Change::HealthCheck(check.clone()))).await;
    assert_eq!(body!(account.one(Kind::TargetGroup, &id).await, TargetGroup).health_check, check);

    for stickiness_seconds in [Some(3600), None] {
        let attributes = TargetGroupAttributes {
            deregistration_delay_seconds: 30,
            stickiness_seconds,
            least_outstanding_requests: true,
        };
        let change = target_group::Change::Attributes(attributes.clone());
        account.change(&id, Change::TargetGroup(change)).await;
        let read = Read::TargetGroupAttributes { target_group: id.clone() };
        assert_eq!(account.read(read).await, Reading::TargetGroupAttributes(attributes));
    }
    account.delete(Kind::TargetGroup, &id).await;
    assert!(account.find(Kind::TargetGroup, &id).await.is_none());
}

#[tokio::test]
async fn listeners() {
    let account = Account::new("us-east-2").await;
    let vpc = account.vpc().await;
    let load_balancer = load_balancer(&account, &vpc).await;
    let group = Reference::id(account.create("target-group/web", "ll-shop-web", target_group(&vpc)).await);
    let certificate = account.python(
        "import boto3; print(boto3.client('acm').request_certificate(DomainName='shop.example.com')['CertificateArn'])",
    );
    let http = Listener {
        load_balancer: Reference::id(load_balancer.as_str()),
        port: 80,
        certificate: None,
        action: ListenerAction::RedirectToHttps,
    };
    let https = Listener {
        port: 443,
        certificate: Some(certificate.clone()),
        action: ListenerAction::Forward(group.clone()),
        ..http.clone()
    };
    let plain = account.create("listener/http", "http", http.clone()).await;
    let secure = account.create("listener/https", "https", https.clone()).await;
    let shown = async |id: &str| {
        let Reading::Listeners(rows) =
            account.read(Read::Listeners { load_balancer: load_balancer.clone() }).await
        else {
            panic!("another reading")
        };
        rows.into_iter().find(|row| row.id == id).map(|row| body!(row, Listener))
    };
    assert_eq!(shown(&plain).await, Some(http.clone()));
    assert_eq!(shown(&secure).await, Some(https));
    assert_eq!(account.tags(Kind::Listener, &plain).await, tags("listener/http"));

    let change =
        |port, certificate, action| Change::Listener(listener::Change::Modify { port, certificate, action });
    let forward = ListenerAction::Forward(group.clone());
    account.change(&plain, change(8080, None, forward.clone())).await;
    assert_eq!(shown(&plain).await, Some(Listener { port: 8080, action: forward, ..http }));
    let groups = account.one(Kind::TargetGroup, group.resolved()).await;
    assert_eq!(body!(groups, TargetGroup).load_balancers, [load_balancer.as_str()]);

    let Reading::Tags(rows) =
        account.read(Read::Tags { kind: Kind::Listener, ids: vec![plain.clone(), secure.clone()] }).await
    else {
        panic!("another reading")
    };
    assert_eq!(rows.len(), 2, "several in one call");

    account.delete(Kind::Listener, &plain).await;
    account.delete(Kind::Listener, &secure).await;
    assert_eq!(shown(&plain).await, None);
}
