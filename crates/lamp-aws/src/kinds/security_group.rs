//! Security groups and their rules.

use aws_sdk_ec2::types::{IpPermission, IpRange, Ipv6Range, PrefixListId, ResourceType, UserIdGroupPair};
use lamp_cloud::kinds::security_group::{Change, Peer, Rule, SecurityGroup};
use lamp_cloud::{Applied, Page, Reference, Resource, State};

use super::Creation;
use crate::AwsCloud;
use crate::answer::{Answer, created, done, id, page_of, required};
use crate::errors::failure;
use crate::tags::{self, Whose};

const LIST: &str = "DescribeSecurityGroups";
const CREATE: &str = "CreateSecurityGroup";

pub(crate) async fn list(cloud: &AwsCloud, whose: Whose, page: Option<String>) -> Answer<Page<Resource>> {
    let call =
        cloud.reads.ec2.describe_security_groups().set_filters(whose.ec2_filters(cloud)).max_results(1000);
    let answer = call.set_next_token(page).send().await.map_err(|error| failure(LIST, error))?;
    let rows = answer.security_groups().iter().map(resource).collect::<Answer<_>>()?;
    Ok(page_of(cloud, whose, rows, answer.next_token))
}

/// One, whatever its tags. AWS refuses an id that it does not know.
pub(crate) async fn one(cloud: &AwsCloud, id: &str) -> Answer<Vec<Resource>> {
    let answer = cloud
        .reads
        .ec2
        .describe_security_groups()
        .group_ids(id)
        .send()
        .await
        .map_err(|error| failure(LIST, error))?;
    answer.security_groups().iter().map(resource).collect()
}

fn resource(row: &aws_sdk_ec2::types::SecurityGroup) -> Answer<Resource> {
    let id = required(LIST, "groupId", row.group_id.clone())?;
    let body = SecurityGroup {
        vpc: Reference::id(required(LIST, "vpcId", row.vpc_id())?),
        description: row.description.clone().unwrap_or_default(),
        ingress: row.ip_permissions().iter().flat_map(rules).collect(),
        egress: row.ip_permissions_egress().iter().flat_map(rules).collect(),
    };
    Ok(Resource {
        name: row.group_name.clone().unwrap_or_else(|| id.clone()),
        id,
        tags: tags::from_ec2(row.tags()),
        state: State::Ready,
        body: body.into(),
        created_at: None,
    })
}

/// AWS folds the peers of equal ports into one permission; we say one rule for each peer.
fn rules(row: &IpPermission) -> Vec<Rule> {
    let ranges = row.ip_ranges().iter().filter_map(|range| range.cidr_ip());
    let ranges = ranges.chain(row.ipv6_ranges().iter().filter_map(|range| range.cidr_ipv6()));
    let ranges = ranges.chain(row.prefix_list_ids().iter().filter_map(|list| list.prefix_list_id()));
    let groups = row.user_id_group_pairs().iter().filter_map(|pair| pair.group_id());
    let peers = ranges
        .map(|range| Peer::Range(range.to_owned()))
        .chain(groups.map(|group| Peer::Group(Reference::id(group))));
    let protocol = row.ip_protocol().unwrap_or("-1");
    peers.map(|peer| Rule { protocol: protocol.to_owned(), ports: ports(row), peer }).collect()
}

/// ICMP says -1 for "any code"; the last port number stands for it, which ICMP does not have.
const ANY_CODE: u16 = u16::MAX;

fn ports(row: &IpPermission) -> Option<(u16, u16)> {
    let first = row.from_port.and_then(|port| u16::try_from(port).ok())?;
    let last = row.to_port.and_then(|port| u16::try_from(port).ok()).unwrap_or(ANY_CODE);
    Some((first, last))
}

fn permission(operation: &str, rule: &Rule) -> Answer<IpPermission> {
    let last = |port: u16| match rule.protocol.starts_with("icmp") && port == ANY_CODE {
        true => -1,
        false => i32::from(port),
    };
    let permission = IpPermission::builder()
        .ip_protocol(&rule.protocol)
        .set_from_port(rule.ports.map(|(first, _)| i32::from(first)))
        .set_to_port(rule.ports.map(|ports| last(ports.1)));
    Ok(match &rule.peer {
        Peer::Group(group) => {
            permission.user_id_group_pairs(UserIdGroupPair::builder().group_id(id(operation, group)?).build())
        }
        Peer::Range(list) if list.starts_with("pl-") => {
            permission.prefix_list_ids(PrefixListId::builder().prefix_list_id(list).build())
        }
        Peer::Range(range) if range.contains(':') => {
            permission.ipv6_ranges(Ipv6Range::builder().cidr_ipv6(range).build())
        }
        Peer::Range(range) => permission.ip_ranges(IpRange::builder().cidr_ip(range).build()),
    }
    .build())
}

pub(crate) async fn create(
    cloud: &AwsCloud,
    creation: &Creation<'_>,
    body: &SecurityGroup,
) -> Answer<Applied> {
    let call = cloud
        .mutations
        .ec2
        .create_security_group()
        .group_name(creation.name)
        .description(&body.description)
        .vpc_id(id(CREATE, &body.vpc)?)
        .tag_specifications(tags::specification(ResourceType::SecurityGroup, creation.tags));
    let answer = call.send().await.map_err(|error| failure(CREATE, error))?;
    created(CREATE, answer.group_id(), &answer)
}

pub(crate) async fn change(cloud: &AwsCloud, id: &str, change: &Change) -> Answer<Applied> {
    let ec2 = &cloud.mutations.ec2;
    let operation = lamp_cloud::Change::SecurityGroup(change.clone()).operation();
    let rules = change.rules().iter().map(|rule| permission(operation, rule)).collect::<Answer<Vec<_>>>()?;
    let rules = Some(rules);
    Ok(match change {
        Change::AuthorizeIngress(_) => {
            let call = ec2.authorize_security_group_ingress().group_id(id).set_ip_permissions(rules);
            done(&call.send().await.map_err(|error| failure(operation, error))?)
        }
        Change::AuthorizeEgress(_) => {
            let call = ec2.authorize_security_group_egress().group_id(id).set_ip_permissions(rules);
            done(&call.send().await.map_err(|error| failure(operation, error))?)
        }
        Change::RevokeIngress(_) => {
            let call = ec2.revoke_security_group_ingress().group_id(id).set_ip_permissions(rules);
            done(&call.send().await.map_err(|error| failure(operation, error))?)
        }
        Change::RevokeEgress(_) => {
            let call = ec2.revoke_security_group_egress().group_id(id).set_ip_permissions(rules);
            done(&call.send().await.map_err(|error| failure(operation, error))?)
        }
    })
}

pub(crate) async fn delete(cloud: &AwsCloud, id: &str) -> Answer<Applied> {
    let call = cloud.mutations.ec2.delete_security_group().group_id(id);
    let answer = call.send().await.map_err(|error| failure("DeleteSecurityGroup", error))?;
    Ok(done(&answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(rule: &Rule) {
        let permission = permission("AuthorizeSecurityGroupIngress", rule).expect("a permission");
        assert_eq!(rules(&permission), std::slice::from_ref(rule));
    }

    #[test]
    fn rules_survive_the_way_to_aws_and_back() {
        let range = |range: &str| Peer::Range(range.to_owned());
        there_and_back(&Rule::tcp(443, range("0.0.0.0/0")));
        there_and_back(&Rule::tcp(443, range("::/0")));
        there_and_back(&Rule::tcp(443, range("pl-1234")));
        there_and_back(&Rule::tcp(3306, Peer::Group(Reference::id("sg-1"))));
        there_and_back(&Rule::everything_out());
        there_and_back(&Rule { protocol: "udp".into(), ports: Some((1, 65_535)), peer: range("10.0.0.0/8") });
        there_and_back(&Rule {
            protocol: "icmp".into(),
            ports: Some((8, ANY_CODE)),
            peer: range("10.0.0.0/8"),
        });
    }

    #[test]
    fn one_permission_of_aws_is_several_rules() {
        let folded = IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(80)
            .to_port(81)
            .ip_ranges(IpRange::builder().cidr_ip("10.0.0.0/8").build())
            .ip_ranges(IpRange::builder().cidr_ip("172.16.0.0/12").build())
            .user_id_group_pairs(UserIdGroupPair::builder().group_id("sg-1").user_id("111122223333").build());
        let rules = rules(&folded.build());
        assert_eq!(rules.len(), 3);
        assert!(rules.iter().all(|rule| rule.ports == Some((80, 81))));
    }

    #[test]
    fn a_rule_for_an_unknown_group_is_refused() {
        let rule = Rule::tcp(80, Peer::Group(Reference::part("security-group/web")));
        assert!(permission("AuthorizeSecurityGroupIngress", &rule).is_err());
    }
}
