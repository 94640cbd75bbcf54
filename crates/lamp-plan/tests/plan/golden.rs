//! Plans as a person reads them.

use expect_test::{Expect, expect};
use lamp_api::v1alpha1::DisruptiveChanges;
use lamp_cloud::Body;

use crate::support::{LAMP, NETWORK, STATELESS, Site};

fn rounds(site: &mut Site, count: usize) -> String {
    (1..=count).map(|round| format!("round {round}\n{}", site.round())).collect()
}

fn check(actual: &str, expected: Expect) {
    expected.assert_eq(actual);
}

#[test]
fn a_network_from_nothing() {
    let mut site = Site::new(NETWORK);
    check(
        &rounds(&mut site, 6),
        expect![[r#"
        round 1
        + create Vpc vpc (CreateVpc) because it does not exist yet
        + create InternetGateway internet-gateway (CreateInternetGateway) because it does not exist yet
        + create ElasticIp elastic-ip/1 (AllocateAddress) because it does not exist yet
        + create ElasticIp elastic-ip/2 (AllocateAddress) because it does not exist yet
          nat-gateway/1 Waiting: waiting for internet-gateway
          nat-gateway/2 Waiting: waiting for internet-gateway
          route-table/application/1 Waiting: waiting for vpc
          route-table/application/2 Waiting: waiting for vpc
          route-table/data Waiting: waiting for vpc
          route-table/public Waiting: waiting for vpc
          subnet/application/1 Waiting: waiting for vpc
          subnet/application/2 Waiting: waiting for vpc
          subnet/data/1 Waiting: waiting for vpc
          subnet/data/2 Waiting: waiting for vpc
          subnet/public/1 Waiting: waiting for vpc
          subnet/public/2 Waiting: waiting for vpc
        round 2
        ~ update Vpc vpc (ModifyVpcAttribute) because differs in dnsHostnames
            dnsHostnames: false -> true
        ~ update InternetGateway internet-gateway (AttachInternetGateway) because differs in vpc
            vpc: (none) -> (known after apply: ll-shop-vpc-scevh6rc)
        + create Subnet subnet/public/1 (CreateSubnet) because it does not exist yet
        + create Subnet subnet/application/1 (CreateSubnet) because it does not exist yet
        + create Subnet subnet/data/1 (CreateSubnet) because it does not exist yet
        + create Subnet subnet/public/2 (CreateSubnet) because it does not exist yet
        + create Subnet subnet/application/2 (CreateSubnet) because it does not exist yet
        + create Subnet subnet/data/2 (CreateSubnet) because it does not exist yet
        + create RouteTable route-table/public (CreateRouteTable) because it does not exist yet
        + create RouteTable route-table/data (CreateRouteTable) because it does not exist yet
        + create RouteTable route-table/application/1 (CreateRouteTable) because it does not exist yet
        + create RouteTable route-table/application/2 (CreateRouteTable) because it does not exist yet
          nat-gateway/1 Waiting: waiting for internet-gateway to be attached
          nat-gateway/2 Waiting: waiting for internet-gateway to be attached
        round 3
        + create NatGateway nat-gateway/1 (CreateNatGateway) because it does not exist yet
        + create NatGateway nat-gateway/2 (CreateNatGateway) because it does not exist yet
        ~ update RouteTable route-table/public (CreateRoute) because differs in routes, subnets
            routes: {} -> {"0.0.0.0/0":"(known after apply: ll-shop-internet-g-mhejccpt)"}
            subnets: [] -> ["(known after apply: ll-shop-subnet-pub-mxpelohc)","(known after apply: ll-shop-subnet-pub-qttboklb)"]
        ~ update RouteTable route-table/data (AssociateRouteTable) because differs in subnets
            subnets: [] -> ["(known after apply: ll-shop-subnet-dat-sktkljn2)","(known after apply: ll-shop-subnet-dat-xgpu5v7d)"]
        ~ update RouteTable route-table/application/1 (AssociateRouteTable) because differs in routes, subnets
            routes: {} -> {"0.0.0.0/0":"nat-gateway/1"}
            subnets: [] -> ["(known after apply: ll-shop-subnet-app-a42wnjov)"]
        ~ update RouteTable route-table/application/2 (AssociateRouteTable) because differs in routes, subnets
            routes: {} -> {"0.0.0.0/0":"nat-gateway/2"}
            subnets: [] -> ["(known after apply: ll-shop-subnet-app-tvrjpaoa)"]
        round 4
        ~ update RouteTable route-table/public (AssociateRouteTable) because differs in subnets
            subnets: [] -> ["(known after apply: ll-shop-subnet-pub-mxpelohc)","(known after apply: ll-shop-subnet-pub-qttboklb)"]
        ~ update RouteTable route-table/data (AssociateRouteTable) because differs in subnets
            subnets: ["(known after apply: ll-shop-subnet-dat-xgpu5v7d)"] -> ["(known after apply: ll-shop-subnet-dat-sktkljn2)","(known after apply: ll-shop-subnet-dat-xgpu5v7d)"]
        ~ update RouteTable route-table/application/1 (CreateRoute) because differs in routes
            routes: {} -> {"0.0.0.0/0":"(known after apply: ll-shop-nat-gatewa-m744ojp3)"}
        ~ update RouteTable route-table/application/2 (CreateRoute) because differs in routes
            routes: {} -> {"0.0.0.0/0":"(known after apply: ll-shop-nat-gatewa-6ftq5kps)"}
        round 5
        ~ update RouteTable route-table/public (AssociateRouteTable) because differs in subnets
            subnets: ["(known after apply: ll-shop-subnet-pub-mxpelohc)"] -> ["(known after apply: ll-shop-subnet-pub-mxpelohc)","(known after apply: ll-shop-subnet-pub-qttboklb)"]
        round 6
    "#]],
    );
}

#[test]
fn a_tier_on_a_standing_network() {
    let mut site = Site::standing(NETWORK);
    site.spec = serde_json::from_str(STATELESS).unwrap();
    check(
        &rounds(&mut site, 5),
        expect![[r#"
        round 1
        + create SecurityGroup security-group/web (CreateSecurityGroup) because it does not exist yet
        + create SecurityGroup security-group/web/load-balancer (CreateSecurityGroup) because it does not exist yet
        + create TargetGroup target-group/web (CreateTargetGroup) because it does not exist yet
          auto-scaling-group/web Waiting: waiting for security-group/web, security-group/web/load-balancer
          launch-template/web Waiting: waiting for security-group/web
          listener/web/80 Waiting: waiting for load-balancer/web, target-group/web
          load-balancer/web Waiting: waiting for security-group/web/load-balancer
        round 2
        ~ update SecurityGroup security-group/web (AuthorizeSecurityGroupIngress) because differs in ingress, egress
            ingress: [] -> [{"peer":{"group":"(known after apply: ll-shop-security-g-ebymwp2k)"},"ports":[80,80],"protocol":"tcp"}]
            egress: [{"peer":{"range":"0.0.0.0/0"},"ports":null,"protocol":"-1"}] -> [{"peer":{"range":"0.0.0.0/0"},"ports":[80,80],"protocol":"tcp"},{"peer":{"range":"0.0.0.0/0"},"ports":[443,443],"protocol":"tcp"}]
        ~ update SecurityGroup security-group/web/load-balancer (AuthorizeSecurityGroupIngress) because differs in ingress, egress
            ingress: [] -> [{"peer":{"range":"0.0.0.0/0"},"ports":[80,80],"protocol":"tcp"},{"peer":{"range":"0.0.0.0/0"},"ports":[443,443],"protocol":"tcp"}]
            egress: [{"peer":{"range":"0.0.0.0/0"},"ports":null,"protocol":"-1"}] -> [{"peer":{"group":"(known after apply: ll-shop-security-g-gio3kve5)"},"ports":[80,80],"protocol":"tcp"}]
        + create LoadBalancer load-balancer/web (CreateLoadBalancer) because it does not exist yet
        ~ update TargetGroup target-group/web (ModifyTargetGroupAttributes) because differs in attributes
            attributes: {"deregistration_delay_seconds":300,"least_outstanding_requests":false,"stickiness_seconds":null} -> {"deregistration_delay_seconds":60,"least_outstanding_requests":true,"stickiness_seconds":null}
        + create LaunchTemplate launch-template/web (CreateLaunchTemplate) because it does not exist yet
          auto-scaling-group/web Waiting: waiting for security-group/web, security-group/web/load-balancer
          listener/web/80 Waiting: waiting for load-balancer/web
        round 3
        ~ update SecurityGroup security-group/web (AuthorizeSecurityGroupEgress) because differs in egress
            egress: [{"peer":{"range":"0.0.0.0/0"},"ports":null,"protocol":"-1"}] -> [{"peer":{"range":"0.0.0.0/0"},"ports":[80,80],"protocol":"tcp"},{"peer":{"range":"0.0.0.0/0"},"ports":[443,443],"protocol":"tcp"}]
        ~ update SecurityGroup security-group/web/load-balancer (AuthorizeSecurityGroupEgress) because differs in egress
            egress: [{"peer":{"range":"0.0.0.0/0"},"ports":null,"protocol":"-1"}] -> [{"peer":{"group":"(known after apply: ll-shop-security-g-gio3kve5)"},"ports":[80,80],"protocol":"tcp"}]
        ~ update LoadBalancer load-balancer/web (ModifyLoadBalancerAttributes) because differs in attributes
            attributes: {"deletion_protection":false,"drop_invalid_headers":false,"http2":true,"idle_timeout_seconds":60} -> {"deletion_protection":true,"drop_invalid_headers":true,"http2":true,"idle_timeout_seconds":60}
        + create Listener listener/web/80 (CreateListener) because it does not exist yet
          auto-scaling-group/web Waiting: waiting for security-group/web, security-group/web/load-balancer
        round 4
        ~ update SecurityGroup security-group/web (RevokeSecurityGroupEgress) because differs in egress
            egress: [{"peer":{"range":"0.0.0.0/0"},"ports":null,"protocol":"-1"},{"peer":{"range":"0.0.0.0/0"},"ports":[80,80],"protocol":"tcp"},{"peer":{"range":"0.0.0.0/0"},"ports":[443,443],"protocol":"tcp"}] -> [{"peer":{"range":"0.0.0.0/0"},"ports":[80,80],"protocol":"tcp"},{"peer":{"range":"0.0.0.0/0"},"ports":[443,443],"protocol":"tcp"}]
        ~ update SecurityGroup security-group/web/load-balancer (RevokeSecurityGroupEgress) because differs in egress
            egress: [{"peer":{"range":"0.0.0.0/0"},"ports":null,"protocol":"-1"},{"peer":{"group":"(known after apply: ll-shop-security-g-gio3kve5)"},"ports":[80,80],"protocol":"tcp"}] -> [{"peer":{"group":"(known after apply: ll-shop-security-g-gio3kve5)"},"ports":[80,80],"protocol":"tcp"}]
          auto-scaling-group/web Waiting: waiting for security-group/web, security-group/web/load-balancer
        round 5
        + create AutoScalingGroup auto-scaling-group/web (CreateAutoScalingGroup) because it does not exist yet
    "#]],
    );
}

#[test]
fn the_database_comes_before_the_tier_that_uses_it() {
    let mut site = Site::standing(NETWORK);
    site.spec = serde_json::from_str(LAMP).unwrap();
    let first = rounds(&mut site, 3);
    let lines: Vec<&str> = first
        .lines()
        .filter(|line| line.contains("round") || line.contains("database") || line.contains("/app"))
        .collect();
    check(
        &(lines.join("\n") + "\n"),
        expect![[r#"
        round 1
        + create SecurityGroup security-group/app (CreateSecurityGroup) because it does not exist yet
        + create SecurityGroup security-group/app/load-balancer (CreateSecurityGroup) because it does not exist yet
        + create SecurityGroup security-group/database (CreateSecurityGroup) because it does not exist yet
        + create TargetGroup target-group/app (CreateTargetGroup) because it does not exist yet
        + create Secret secret/database (CreateSecret) because it does not exist yet
          auto-scaling-group/app Waiting: waiting for security-group/app, security-group/app/load-balancer
          database Waiting: waiting for db-parameter-group/mysql8-0, db-subnet-group, secret/database, security-group/database
          launch-template/app Waiting: waiting for the address of database
          launch-template/web Waiting: waiting for the address of load-balancer/app
          listener/app/80 Waiting: waiting for load-balancer/app, target-group/app
          load-balancer/app Waiting: waiting for security-group/app/load-balancer
          replica/1 Waiting: waiting for database
        round 2
        ~ update SecurityGroup security-group/app (AuthorizeSecurityGroupIngress) because differs in ingress, egress
        ~ update SecurityGroup security-group/app/load-balancer (AuthorizeSecurityGroupIngress) because differs in ingress, egress
        ~ update SecurityGroup security-group/database (AuthorizeSecurityGroupIngress) because differs in ingress, egress
        + create LoadBalancer load-balancer/app (CreateLoadBalancer) because it does not exist yet
        ~ update TargetGroup target-group/app (ModifyTargetGroupAttributes) because differs in attributes
        + create DbInstance database (CreateDBInstance) because it does not exist yet
          auto-scaling-group/app Waiting: waiting for security-group/app, security-group/app/load-balancer
          launch-template/app Waiting: waiting for the address of database
          launch-template/web Waiting: waiting for the address of load-balancer/app
          listener/app/80 Waiting: waiting for load-balancer/app
          replica/1 Waiting: waiting for database
        round 3
        ~ update SecurityGroup security-group/app (AuthorizeSecurityGroupEgress) because differs in egress
        ~ update SecurityGroup security-group/app/load-balancer (AuthorizeSecurityGroupEgress) because differs in egress
        ~ update SecurityGroup security-group/database (RevokeSecurityGroupEgress) because differs in egress
        ~ update LoadBalancer load-balancer/app (ModifyLoadBalancerAttributes) because differs in attributes
        + create Listener listener/app/80 (CreateListener) because it does not exist yet
        + create LaunchTemplate launch-template/app (CreateLaunchTemplate) because it does not exist yet
          auto-scaling-group/app Waiting: waiting for security-group/app, security-group/app/load-balancer
    "#]],
    );
}

#[test]
fn drift_is_put_back_field_by_field() {
    let mut site = Site::standing(STATELESS);
    if let Body::Vpc(vpc) = &mut site.resource("vpc").body {
        vpc.dns_hostnames = Some(false);
    }
    if let Body::SecurityGroup(group) = &mut site.resource("security-group/web").body {
        group.ingress.clear();
    }
    if let Body::TargetGroup(group) = &mut site.resource("target-group/web").body {
        group.health_check.path = "/other".to_owned();
    }
    site.resource("subnet/data/1").tags.insert("Name".to_owned(), "mine".to_owned());
    check(
        &rounds(&mut site, 2),
        expect![[r#"
        round 1
        ~ update Vpc vpc (ModifyVpcAttribute) because differs in dnsHostnames
            dnsHostnames: false -> true
        ~ update Subnet subnet/data/1 (CreateTags) because its tags were changed
        ~ update SecurityGroup security-group/web (AuthorizeSecurityGroupIngress) because differs in ingress
            ingress: [] -> [{"peer":{"group":"(known after apply: ll-shop-security-g-ebymwp2k)"},"ports":[80,80],"protocol":"tcp"}]
        ~ update TargetGroup target-group/web (ModifyTargetGroup) because differs in healthCheck
            healthCheck: {"healthy_threshold":3,"interval_seconds":15,"path":"/other","timeout_seconds":5,"unhealthy_threshold":3} -> {"healthy_threshold":3,"interval_seconds":15,"path":"/","timeout_seconds":5,"unhealthy_threshold":3}
        round 2
    "#]],
    );
}

#[test]
fn a_new_instance_type_is_a_new_version_first() {
    let mut site = Site::standing(STATELESS);
    site.spec.tiers[0].instance_types = vec!["t3.medium".to_owned()];
    check(
        &rounds(&mut site, 3),
        expect![[r#"
            round 1
            ~ update LaunchTemplate launch-template/web (CreateLaunchTemplateVersion) because differs in instanceType
                instanceType: t3.small -> t3.medium
            round 2
            ~ update AutoScalingGroup auto-scaling-group/web (UpdateAutoScalingGroup) because differs in templateVersion
                templateVersion: 1 -> 2
            round 3
            ~ update AutoScalingGroup auto-scaling-group/web (SetDesiredCapacity) because differs in desired
                desired: 2 -> 3
        "#]],
    );
}

#[test]
fn a_tier_that_is_no_longer_wanted_goes_in_reverse_order() {
    let mut site = Site::standing(STATELESS);
    site.spec.tiers.clear();
    check(
        &rounds(&mut site, 8),
        expect![[r#"
            round 1
            - delete AutoScalingGroup auto-scaling-group/web (DeleteAutoScalingGroup) because the spec no longer wants it
            - delete Listener listener/web/80 (DeleteListener) because the spec no longer wants it
              launch-template/web Waiting: still used by auto-scaling-group/web
              load-balancer/web Waiting: still used by listener/web/80
              security-group/web Waiting: still used by launch-template/web
              security-group/web/load-balancer Waiting: still used by load-balancer/web
              target-group/web Waiting: still used by auto-scaling-group/web, listener/web/80
            round 2
            = auto-scaling-group/web Forget
            = listener/web/80 Forget
            - delete LaunchTemplate launch-template/web (DeleteLaunchTemplate) because the spec no longer wants it
            ~ update LoadBalancer load-balancer/web (ModifyLoadBalancerAttributes) because the spec no longer wants it; this comes before its deletion
            - delete TargetGroup target-group/web (DeleteTargetGroup) because the spec no longer wants it
              security-group/web Waiting: still used by launch-template/web
              security-group/web/load-balancer Waiting: still used by load-balancer/web
            round 3
            = launch-template/web Forget
            = target-group/web Forget
            - delete LoadBalancer load-balancer/web (DeleteLoadBalancer) because the spec no longer wants it
            ~ update SecurityGroup security-group/web (RevokeSecurityGroupIngress) because the spec no longer wants it; this comes before its deletion
              security-group/web/load-balancer Waiting: still used by load-balancer/web
            round 4
            = load-balancer/web Forget
            ~ update SecurityGroup security-group/web/load-balancer (RevokeSecurityGroupEgress) because the spec no longer wants it; this comes before its deletion
              security-group/web Waiting: waiting until no rule names it: security-group/web/load-balancer
            round 5
            - delete SecurityGroup security-group/web (DeleteSecurityGroup) because the spec no longer wants it
            - delete SecurityGroup security-group/web/load-balancer (DeleteSecurityGroup) because the spec no longer wants it
            round 6
            = security-group/web Forget
            = security-group/web/load-balancer Forget
            round 7
            round 8
        "#]],
    );
}

#[test]
fn storage_grows_and_aws_owns_what_it_raised() {
    let mut site = Site::standing(LAMP);
    if let Body::DbInstance(database) = &mut site.resource("database").body {
        database.version = "8.0.39".to_owned();
        database.storage_gib = 150;
    }
    site.spec.tiers.clear();
    site.settle();
    check(&site.plan().to_string(), expect![""]);
    let database = site.spec.database.as_mut().unwrap();
    database.storage.gib = 200;
    check(
        &site.plan().to_string(),
        expect![[r#"
        ~ update DbInstance database (ModifyDBInstance) because differs in storageGib
            storageGib: 150 -> 200
        ~ update DbInstance replica/1 (ModifyDBInstance) because differs in storageGib
            storageGib: 100 -> 200
    "#]],
    );
}

#[test]
fn a_larger_class_in_the_window() {
    let mut site = Site::standing(LAMP);
    let database = site.spec.database.as_mut().unwrap();
    database.instance_class = "db.r6g.xlarge".to_owned();
    database.maintenance.window = Some("Sun:03:00-Sun:04:00".to_owned());
    database.maintenance.disruptive_changes = DisruptiveChanges::InWindow;
    check(
        &rounds(&mut site, 2),
        expect![[r#"
        round 1
        ~ update DbInstance database (ModifyDBInstance) because differs in maintenanceWindow
            maintenanceWindow: (none) -> sun:03:00-sun:04:00
        ~ update DbInstance replica/1 (ModifyDBInstance) because differs in maintenanceWindow
            maintenanceWindow: (none) -> sun:03:00-sun:04:00
        round 2
          database Waiting: class: db.r6g.large -> db.r6g.xlarge: this interrupts service (the standby takes over: the database is offline for one to two minutes) and waits for the maintenance window sun:03:00-sun:04:00, which opens at 2026-01-04T03:00:00Z
          replica/1 Waiting: class: db.r6g.large -> db.r6g.xlarge: this interrupts service (this replica does not serve for some minutes) and waits for the maintenance window sun:03:00-sun:04:00, which opens at 2026-01-04T03:00:00Z
    "#]],
    );
    let window = crate::support::time("2026-01-04T03:00:00Z");
    site.world.pass_time(window);
    check(
        &rounds(&mut site, 3),
        expect![[r#"
        round 1
        ~ update DbInstance replica/1 (ModifyDBInstance) because differs in class; this replica does not serve for some minutes; in the maintenance window sun:03:00-sun:04:00
            class: db.r6g.large -> db.r6g.xlarge
          database Waiting: class: db.r6g.large -> db.r6g.xlarge: this interrupts service (the standby takes over: the database is offline for one to two minutes) and waits for replica/1, which goes first
        round 2
        ~ update DbInstance database (ModifyDBInstance) because differs in class; the standby takes over: the database is offline for one to two minutes; in the maintenance window sun:03:00-sun:04:00
            class: db.r6g.large -> db.r6g.xlarge
        round 3
    "#]],
    );
    assert!(site.plan().actions.is_empty(), "{}", site.plan());
}

/// The whole way, as `lampctl plan` shows it before it is applied.
#[test]
fn the_way_to_a_static_parameter_and_a_class() {
    let mut site = Site::standing(LAMP);
    let database = site.spec.database.as_mut().unwrap();
    database.instance_class = "db.r6g.xlarge".to_owned();
    database.parameters.insert("back_log".to_owned(), "300".to_owned());
    let told = |site: &Site| -> String {
        let preview = lamp_plan::preview(&site.input());
        let steps =
            preview.steps.iter().map(|step| format!("{} {}: {}\n", step.call, step.part, step.reason));
        let blocked = preview.blocked.iter().map(|wait| format!("{}: {}\n", wait.part, wait.reason));
        steps.chain(blocked).collect()
    };
    check(
        &told(&site),
        expect![[r#"
        ModifyDBParameterGroup db-parameter-group/mysql8-0: differs in parameters; what of it is static takes effect with a restart of each instance, which is a step of its own
        database: class: db.r6g.large -> db.r6g.xlarge: this interrupts service (the standby takes over: the database is offline for one to two minutes) and needs consent: annotate the stack with lamplighter.dev/confirm-replace=1
        replica/1: class: db.r6g.large -> db.r6g.xlarge: this interrupts service (this replica does not serve for some minutes) and needs consent: annotate the stack with lamplighter.dev/confirm-replace=1
    "#]],
    );
    site.spec.database.as_mut().unwrap().maintenance.disruptive_changes = DisruptiveChanges::Immediately;
    check(
        &told(&site),
        expect![[r#"
        ModifyDBParameterGroup db-parameter-group/mysql8-0: differs in parameters; what of it is static takes effect with a restart of each instance, which is a step of its own
        ModifyDBInstance replica/1: differs in class; this replica does not serve for some minutes; the spec wants it at once
        ModifyDBInstance database: differs in class; the standby takes over: the database is offline for one to two minutes; the spec wants it at once
    "#]],
    );
}

#[test]
fn instances_report_every_minute_as_scaling_reads() {
    let mut site = Site::standing(STATELESS);
    let Body::LaunchTemplate(template) = &mut site.resource("launch-template/web").body else { panic!() };
    template.data.as_mut().unwrap().detailed_monitoring = false;
    let plan = site.plan();
    let action = plan.actions.iter().find(|action| action.part.as_str() == "launch-template/web").unwrap();
    assert_eq!(action.request.operation(), "CreateLaunchTemplateVersion");
    let changes: Vec<String> = action.changes.iter().map(ToString::to_string).collect();
    assert_eq!(changes, ["detailedMonitoring: false -> true"]);
}
