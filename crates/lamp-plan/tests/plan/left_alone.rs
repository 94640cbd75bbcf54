//! Rules of `spec.ignore`: what they cover is never put back, and everything else is.

use expect_test::{Expect, expect};
use lamp_api::v1alpha1::{IgnorePolicy, part_families};
use lamp_cloud::kinds::launch_template::LaunchTemplate;
use lamp_cloud::{Body, Kind, LedgerEntry, Part, Reference};
use lamp_plan::Adoption;
use serde_json::{Value, json};

use crate::support::{LAMP, STATELESS, Site};

/// A site that stands, to whose spec these rules are added afterwards.
fn ruled(spec: &str, rules: Value) -> Site {
    let mut site = Site::standing(spec);
    site.spec.ignore = serde_json::from_value(rules).unwrap();
    site
}

fn check(site: &Site, expected: Expect) {
    expected.assert_eq(&site.plan().to_string());
}

fn template<'s>(site: &'s mut Site, part: &str) -> &'s mut LaunchTemplate {
    match &mut site.resource(part).body {
        Body::LaunchTemplate(template) => template,
        other => panic!("{other:?}"),
    }
}

/// Somebody makes a version with other user data, and makes it the default.
fn make_version(site: &mut Site) {
    let template = template(site, "launch-template/web");
    template.latest_version += 1;
    template.default_version += 1;
    let data = template.data.as_mut().unwrap();
    (data.user_data, data.description) = ("#!/bin/sh\nhotfix\n".to_owned(), None);
}

#[test]
fn the_api_names_exactly_the_fields_that_are_compared() {
    let mut site = Site::standing(LAMP);
    let kind_of = |word: &str| {
        let mut parts = site.world.inventory.parts.iter();
        let found = parts.find(|(part, _)| part.as_str().split('/').next() == Some(word));
        found.map(|(_, rows)| rows[0].kind())
    };
    for family in part_families() {
        let kind = kind_of(family.word).unwrap_or_else(|| panic!("no part is called {}", family.word));
        let mut compared = kind.fields();
        compared.retain(|field| !["instanceTags", "source"].contains(&field.as_str()));
        assert_eq!(compared, family.fields, "{}", family.word);
    }
    let words: Vec<&str> = part_families().iter().map(|family| family.word).collect();
    for part in site.plan().parts.keys() {
        assert!(words.contains(&part.as_str().split('/').next().unwrap()), "{part} has no family");
    }
    assert_eq!(site.resource("database").kind(), Kind::DbInstance);
}

#[test]
fn a_reported_difference_is_shown_and_not_put_back() {
    let mut site = ruled(STATELESS, json!([{"part": "security-group/*", "fields": ["ingress"]}]));
    if let Body::SecurityGroup(group) = &mut site.resource("security-group/web").body {
        group.ingress.clear();
        group.egress.clear();
    }
    check(
        &site,
        expect![[r#"
            ~ update SecurityGroup security-group/web (AuthorizeSecurityGroupEgress) because differs in egress
                egress: [] -> [{"peer":{"range":"0.0.0.0/0"},"ports":[80,80],"protocol":"tcp"},{"peer":{"range":"0.0.0.0/0"},"ports":[443,443],"protocol":"tcp"}]
            ! security-group/web ingress: [] is left alone (Reported), wanted is [{"peer":{"group":"(known after apply: ll-shop-security-g-ebymwp2k)"},"ports":[80,80],"protocol":"tcp"}]
        "#]],
    );
}

#[test]
fn an_ignored_difference_is_not_even_shown() {
    let mut site = ruled(STATELESS, json!([{"part": "*", "fields": ["*"], "policy": "Ignore"}]));
    if let Body::Vpc(vpc) = &mut site.resource("vpc").body {
        (vpc.cidr, vpc.dns_hostnames) = ("10.9.0.0/16".to_owned(), Some(false));
    }
    if let Body::TargetGroup(group) = &mut site.resource("target-group/web").body {
        group.port = 8080;
    }
    make_version(&mut site);
    check(&site, expect![[""]]);
}

#[test]
fn what_only_a_replacement_could_put_back_asks_for_no_consent() {
    let mut site = ruled(STATELESS, json!([{"part": "target-group/web", "fields": ["port"]}]));
    site.spec.tiers[0].port = 8080;
    check(
        &site,
        expect![[r#"
        ~ update SecurityGroup security-group/web (AuthorizeSecurityGroupIngress) because differs in ingress
            ingress: [{"peer":{"group":"(known after apply: ll-shop-security-g-ebymwp2k)"},"ports":[80,80],"protocol":"tcp"}] -> [{"peer":{"group":"(known after apply: ll-shop-security-g-ebymwp2k)"},"ports":[8080,8080],"protocol":"tcp"}]
        ~ update SecurityGroup security-group/web/load-balancer (AuthorizeSecurityGroupEgress) because differs in egress
            egress: [{"peer":{"group":"(known after apply: ll-shop-security-g-gio3kve5)"},"ports":[80,80],"protocol":"tcp"}] -> [{"peer":{"group":"(known after apply: ll-shop-security-g-gio3kve5)"},"ports":[8080,8080],"protocol":"tcp"}]
        ! target-group/web port: 80 is left alone (Reported), wanted is 8080
    "#]],
    );
    site.spec.ignore[0].policy = IgnorePolicy::Ignore;
    assert_eq!(site.plan().left_alone, []);
    site.spec.ignore.clear();
    let report = &site.plan().parts[&Part::from("target-group/web")];
    assert!(report.blocked, "{report}");
}

#[test]
fn a_version_that_somebody_made_is_neither_the_default_nor_rolled_out() {
    let mut site = ruled(STATELESS, json!([{"part": "launch-template/web", "fields": ["userData"]}]));
    make_version(&mut site);
    template(&mut site, "launch-template/web").default_version = 1;
    check(
        &site,
        expect![[r#"
        ! launch-template/web userData: #!/bin/sh
        hotfix
         is left alone (Reported), wanted is MIME-Version: 1.0
        Content-Type: multipart/mixed; boundary="==lamplighter-part=="

        --==lamplighter-part==
        Content-Type: text/cloud-boothook; charset="utf-8"

        #!/bin/sh
        set -eu
        umask 022
        mkdir -p /etc/l…
    "#]],
    );
    site.spec.ignore.clear();
    check(
        &site,
        expect![[r#"
        ~ update LaunchTemplate launch-template/web (CreateLaunchTemplateVersion) because differs in userData
            userData: #!/bin/sh
        hotfix
         -> MIME-Version: 1.0
        Content-Type: multipart/mixed; boundary="==lamplighter-part=="

        --==lamplighter-part==
        Content-Type: text/cloud-boothook; charset="utf-8"

        #!/bin/sh
        set -eu
        umask 022
        mkdir -p /etc/lamplighter
        cat > /etc/lamplighter/environment <<'END_OF_ENVIRONMENT'
        LAMP_STACK='default/shop'
        LAMP_TIER='web'
        END_OF_ENVIRONMENT
        --==lamplighter-part==
        Content-Type: text/x-shellscript; charset="utf-8"

        #!/bin/sh
        true
        --==lamplighter-part==--

    "#]],
    );
}

#[test]
fn what_is_left_alone_goes_along_with_what_is_not() {
    let mut site = ruled(STATELESS, json!([{"part": "launch-template/web", "fields": ["userData"]}]));
    make_version(&mut site);
    site.spec.tiers[0].instance_types = vec!["t3.large".to_owned()];
    let plans: String = (0..2).map(|_| site.round().to_string()).collect();
    expect![[r#"
        ~ update LaunchTemplate launch-template/web (CreateLaunchTemplateVersion) because differs in instanceType
            instanceType: t3.small -> t3.large
        ! launch-template/web userData: #!/bin/sh
        hotfix
         is left alone (Reported), wanted is MIME-Version: 1.0
        Content-Type: multipart/mixed; boundary="==lamplighter-part=="

        --==lamplighter-part==
        Content-Type: text/cloud-boothook; charset="utf-8"

        #!/bin/sh
        set -eu
        umask 022
        mkdir -p /etc/l…
        ~ update LaunchTemplate launch-template/web (ModifyLaunchTemplate) because it is not yet as the spec says
        ~ update AutoScalingGroup auto-scaling-group/web (UpdateAutoScalingGroup) because differs in templateVersion
            templateVersion: 1 -> 3
        ! launch-template/web userData: #!/bin/sh
        hotfix
         is left alone (Reported), wanted is MIME-Version: 1.0
        Content-Type: multipart/mixed; boundary="==lamplighter-part=="

        --==lamplighter-part==
        Content-Type: text/cloud-boothook; charset="utf-8"

        #!/bin/sh
        set -eu
        umask 022
        mkdir -p /etc/l…
    "#]].assert_eq(&plans);
    let data = template(&mut site, "launch-template/web").data.clone().unwrap();
    assert_eq!((data.instance_type.as_str(), data.user_data.as_str()), ("t3.large", "#!/bin/sh\nhotfix\n"));
}

#[test]
fn a_group_that_is_made_again_takes_the_newest_version_whoever_made_it() {
    let mut site = ruled(STATELESS, json!([{"part": "launch-template/web", "fields": ["userData"]}]));
    make_version(&mut site);
    site.lose("auto-scaling-group/web");
    site.settle();
    let Body::AutoScalingGroup(group) = &site.resource("auto-scaling-group/web").body else { panic!() };
    assert_eq!(group.template_version, 2);
}

#[test]
fn creation_is_not_affected() {
    let mut site = Site::new(LAMP);
    site.spec.ignore = serde_json::from_value(json!([{"part": "*", "fields": ["*"]}])).unwrap();
    let mut plain = Site::new(LAMP);
    site.settle();
    plain.settle();
    let bodies = |site: &Site| -> Vec<(Part, Body)> {
        let parts = site.world.inventory.parts.iter();
        parts.map(|(part, rows)| (part.clone(), rows[0].body.clone())).collect()
    };
    assert_eq!(bodies(&site), bodies(&plain));
    assert_eq!(site.plan().left_alone, []);
    // What is lost is made again as a whole.
    site.lose("security-group/web");
    site.settle();
    let Body::SecurityGroup(group) = &site.resource("security-group/web").body else { panic!() };
    assert_eq!((group.ingress.len(), group.egress.len()), (1, 3));
}

#[test]
fn what_was_taken_over_is_left_alone_from_the_start() {
    let mut site = ruled(STATELESS, json!([{"part": "security-group/web", "fields": ["*"]}]));
    if let Body::SecurityGroup(group) = &mut site.resource("security-group/web").body {
        group.ingress.clear();
    }
    site.world.ledger.remove(&Part::from("security-group/web"));
    site.adoption = Adoption::of_tagged();
    let plan = site.round();
    assert_eq!((plan.actions.len(), plan.left_alone.len()), (0, 1), "{plan}");
    let plan = site.round();
    assert_eq!((plan.actions.len(), plan.left_alone.len()), (0, 1), "{plan}");
}

#[test]
fn a_part_that_is_still_being_made_is_made_whole_however_long_it_takes() {
    let mut site = ruled(STATELESS, json!([{"part": "security-group/web", "fields": ["ingress"]}]));
    if let Body::SecurityGroup(group) = &mut site.resource("security-group/web").body {
        group.ingress.clear();
    }
    let entry = site.world.ledger.get_mut(&Part::from("security-group/web")).unwrap();
    *entry = LedgerEntry { completed_at: None, ..entry.clone() };
    assert_eq!(site.plan().actions.len(), 1);
}

#[test]
fn tags_come_back_under_any_rule() {
    let mut site = ruled(STATELESS, json!([{"part": "*", "fields": ["*"], "policy": "Ignore"}]));
    site.resource("subnet/data/1").tags.insert("lamplighter:part".to_owned(), "subnet/data/1".to_owned());
    site.resource("subnet/data/1").tags.remove("Name");
    template(&mut site, "launch-template/web").data.as_mut().unwrap().instance_tags.clear();
    check(
        &site,
        expect![[r#"
        ~ update Subnet subnet/data/1 (CreateTags) because its tags were changed
        ~ update LaunchTemplate launch-template/web (CreateLaunchTemplateVersion) because differs in instanceTags
            instanceTags: {} -> {"Name":"shop web","lamplighter:install":"prod","lamplighter:part":"auto-scaling-group/web","lamplighter:stack":"default/shop","lamplighter:uid":"u1"}
    "#]],
    );
}

#[test]
fn a_capacity_that_is_left_alone_is_nobodys_lack() {
    let fields = ["min", "max", "desired"];
    let mut site = ruled(STATELESS, json!([{"part": "auto-scaling-group/web", "fields": fields}]));
    for (min, max, desired) in [(1, 1, 1), (0, 9, 0), (7, 9, 8)] {
        if let Body::AutoScalingGroup(group) = &mut site.resource("auto-scaling-group/web").body {
            (group.min, group.max, group.desired) = (min, max, desired);
        }
        let plan = site.plan();
        assert_eq!(plan.actions, [], "{plan}");
        assert_eq!(plan.tiers["web"].desired, desired);
        assert_eq!(plan.left_alone.len(), 3, "{plan}");
    }
}

#[test]
fn bounds_that_are_left_alone_hold_the_capacity() {
    let mut site = ruled(STATELESS, json!([{"part": "auto-scaling-group/web", "fields": ["min", "max"]}]));
    for (min, max, desired, wanted) in [(1, 1, 1, 1), (0, 1, 0, 1), (5, 9, 6, 5)] {
        if let Body::AutoScalingGroup(group) = &mut site.resource("auto-scaling-group/web").body {
            (group.min, group.max, group.desired) = (min, max, desired);
        }
        assert_eq!(site.plan().tiers["web"].desired, wanted);
    }
}

#[test]
fn the_scaler_keeps_its_capacity_under_a_rule_for_everything() {
    let mut site = ruled(STATELESS, json!([{"part": "auto-scaling-group/*", "fields": ["*"]}]));
    let policies = json!([{"type": "TargetTracking", "metric": "CPUUtilization", "target": 60}]);
    site.spec.tiers[0].scaling.policies = serde_json::from_value(policies).unwrap();
    if let Body::AutoScalingGroup(group) = &mut site.resource("auto-scaling-group/web").body {
        (group.desired, group.grace_seconds) = (1, 7);
    }
    check(
        &site,
        expect![[r#"
            ~ update AutoScalingGroup auto-scaling-group/web (SetDesiredCapacity) because differs in desired
                desired: 1 -> 2
            ! auto-scaling-group/web graceSeconds: 7 is left alone (Reported), wanted is 300
            ! auto-scaling-group/web policies: [] is left alone (Reported), wanted is [{"metric":"AverageCpuUtilization","name":"lamplighter-safety-5buhulmg","scalesIn":false,"target":79.8,"warmupSeconds":180}]
        "#]],
    );
}

#[test]
fn a_version_that_is_left_alone_keeps_its_parameters() {
    let mut site = ruled(
        LAMP,
        json!([{"part": "database", "fields": ["version"]}, {"part": "replica/*", "fields": ["version"]}]),
    );
    site.spec.database.as_mut().unwrap().version = "8.4".to_owned();
    check(
        &site,
        expect![[r#"
        ! database version: 8.0 is left alone (Reported), wanted is 8.4
        ! replica/1 version: 8.0 is left alone (Reported), wanted is 8.4
    "#]],
    );
}

#[test]
fn references_of_others_are_not_waited_for() {
    let mut site = ruled(LAMP, json!([{"part": "load-balancer/*", "fields": ["securityGroups"]}]));
    if let Body::LoadBalancer(balancer) = &mut site.resource("load-balancer/web").body {
        balancer.security_groups = vec![Reference::id("sg-of-others")];
    }
    let plan = site.plan();
    assert_eq!((plan.actions.len(), plan.left_alone.len()), (0, 1), "{plan}");
}
