use super::*;
use crate::iam;

fn policy(regions: &[&str], account: Option<&str>) -> Policy {
    Policy::new(&scope(regions, account))
}

fn scope(regions: &[&str], account: Option<&str>) -> Scope {
    Scope {
        install: "prod".to_owned(),
        regions: regions.iter().map(|region| (*region).to_owned()).collect(),
        account: account.map(str::to_owned),
    }
}

/// The conditions under which the policy allows an action on a resource, which is given by the end of its ARN.
fn conditions(policy: &Policy, action: &str, resource: &str) -> Vec<Condition> {
    let on = |arn: &String| arn.ends_with(":*") || arn.ends_with(resource);
    let statements = policy.statement.iter().filter(|statement| statement.action.contains(action));
    statements
        .filter(|statement| statement.resource.iter().any(on))
        .map(|statement| statement.condition.clone())
        .collect()
}

/// Keys of the tag of the installation, with its value.
fn ours(keys: &[&str]) -> BTreeMap<String, Vec<String>> {
    keys.iter().map(|key| (format!("aws:{key}/lamplighter:install"), vec!["prod".to_owned()])).collect()
}

fn equal(keys: &[&str]) -> Condition {
    Condition::from([(Operator::StringEquals, ours(keys))])
}

#[test]
fn it_allows_what_the_port_can_call_and_what_that_implies_and_no_more() {
    let needed: BTreeSet<String> = iam::actions().iter().map(ToString::to_string).collect();
    assert_eq!(policy(&[], None).actions(), needed);
}

#[test]
fn the_table_has_no_row_of_what_is_never_needed() {
    let needed: BTreeSet<String> = iam::actions().iter().map(ToString::to_string).collect();
    let rows = table::ROWS.iter().flat_map(|(actions, _)| actions.iter().copied());
    let idle: Vec<&str> = rows.filter(|action| !needed.contains(*action)).collect();
    assert!(idle.is_empty(), "{idle:?}");
}

#[test]
fn only_what_reads_is_allowed_on_everything() {
    for statement in policy(&[], None).statement {
        if statement.resource.contains("*") {
            let reads = |action: &String| {
                ["Describe", "List", "GetMetricData"].iter().any(|verb| action.contains(verb))
            };
            assert!(statement.action.iter().all(reads), "{}: {:?}", statement.sid, statement.action);
        }
    }
}

/// Without a condition a mutation may touch only what has no tags to look at.
#[test]
fn no_change_of_what_can_be_tagged_is_allowed_without_a_condition() {
    let policy = policy(&[], None);
    let free = policy.statement.iter().filter(|statement| statement.condition.is_empty());
    let free = free.filter(|statement| !statement.resource.contains("*"));
    let ends: BTreeSet<&str> = free
        .flat_map(|statement| &statement.resource)
        .map(|arn| arn.splitn(6, ':').nth(5).expect("an ARN"))
        .collect();
    let untagged =
        ["network-interface/*", "og:default*", "parameter/*", "parameter/aws/service/*", "snapshot:ll-*"];
    assert_eq!(ends, untagged.into());
}

#[test]
fn what_exists_is_changed_and_what_is_new_made_only_with_the_tag_of_the_installation() {
    let policy = policy(&[], None);
    assert_eq!(conditions(&policy, "ec2:DeleteVpc", ":vpc/*"), [equal(&["ResourceTag"])]);
    assert_eq!(conditions(&policy, "ec2:CreateVpc", ":vpc/*"), [equal(&["RequestTag"])]);
    let within = conditions(&policy, "elasticloadbalancing:CreateListener", "loadbalancer/app/*");
    assert_eq!(within, [equal(&["RequestTag", "ResourceTag"])]);
}

#[test]
fn a_takeover_tags_only_what_carries_no_installations_tag() {
    let scope = Scope { install: "prod".to_owned(), regions: Vec::new(), account: None };
    let policy = Policy::takeover(&scope);
    let missing = (
        Operator::Null,
        [("aws:ResourceTag/lamplighter:install".to_owned(), vec!["true".to_owned()])].into(),
    );
    let expected: Condition = equal(&["RequestTag"]).into_iter().chain([missing]).collect();
    assert_eq!(conditions(&policy, "rds:AddTagsToResource", "*"), [expected]);
}

/// A policy without the statements of claiming still lets the daemon tag what it makes on EC2.
#[test]
fn what_lost_its_tags_is_claimed_by_statements_of_their_own() {
    let policy = policy(&[], None);
    let on_networks = conditions(&policy, "ec2:CreateTags", ":vpc/*");
    let claim = (Operator::StringEqualsIfExists, ours(&["ResourceTag"]));
    let claimed: Condition = equal(&["RequestTag"]).into_iter().chain([claim]).collect();
    let (claims, others): (Vec<_>, Vec<_>) =
        on_networks.into_iter().partition(|condition| *condition == claimed);
    assert_eq!(claims.len(), 1);
    let at_creation = |condition: &Condition| {
        let created = condition[&Operator::StringEquals].get("ec2:CreateAction");
        created.is_some_and(|by| by.contains(&"CreateVpc".to_owned()))
    };
    assert!(others.iter().any(at_creation), "{others:?}");
}

#[test]
fn a_region_and_an_account_narrow_it() {
    let policy = policy(&["eu-central-1"], Some("123456789012"));
    for statement in policy.statement {
        for arn in &statement.resource {
            let is_narrow = match arn.as_str() {
                "*" => {
                    statement.condition[&Operator::StringEquals]["aws:RequestedRegion"] == ["eu-central-1"]
                }
                arn if arn.starts_with("arn:aws:iam:") => arn.starts_with("arn:aws:iam::123456789012:"),
                arn => arn.contains(":eu-central-1:123456789012:") || arn.contains(":eu-central-1::"),
            };
            assert!(is_narrow, "{}: {arn}", statement.sid);
        }
    }
}

#[test]
fn several_regions_are_named_by_a_condition() {
    let policy = policy(&["eu-central-1", "us-east-1"], None);
    for statement in policy.statement {
        let named = statement
            .condition
            .get(&Operator::StringEquals)
            .and_then(|equals| equals.get("aws:RequestedRegion"));
        let is_global = statement.resource.iter().all(|arn| arn.starts_with("arn:aws:iam:"));
        assert_eq!(named.is_none(), is_global, "{}", statement.sid);
        assert!(named.is_none_or(|regions| *regions == ["eu-central-1", "us-east-1"]));
        assert!(statement.resource.iter().all(|arn| !arn.contains(":eu-") && !arn.contains(":us-")));
    }
}

#[test]
fn china_and_the_government_of_the_united_states_have_partitions_of_their_own() {
    for (region, partition) in [("cn-north-1", "arn:aws-cn:"), ("us-gov-west-1", "arn:aws-us-gov:")] {
        let policy = policy(&[region], None);
        let mut arns = policy.statement.iter().flat_map(|statement| &statement.resource);
        assert!(arns.all(|arn| arn == "*" || arn.starts_with(partition)), "{region}");
    }
}

#[test]
fn an_action_that_is_taken_away_is_in_no_statement() {
    let full = policy(&[], None);
    let less = full.clone().without("ec2:CreateTags");
    let mut lost = full.actions();
    assert!(lost.remove("ec2:CreateTags"));
    assert_eq!(less.actions(), lost);
    assert!(Policy::nothing().actions().is_empty());
}

#[test]
fn statements_have_names_of_their_own_that_iam_takes() {
    let policy = policy(&[], None);
    let sids: BTreeSet<&str> = policy.statement.iter().map(|statement| statement.sid.as_str()).collect();
    assert_eq!(sids.len(), policy.statement.len(), "{sids:?}");
    assert!(sids.iter().all(|sid| sid.chars().all(|c| c.is_ascii_alphanumeric())), "{sids:?}");
}

/// IAM takes 10,240 characters of policies within a role, white space aside.
#[test]
fn it_fits_into_a_role() {
    let cases: [(usize, &[&str]); 3] =
        [(63, &["ap-southeast-2"]), (16, &["us-gov-west-1"]), (16, &["ap-southeast-2", "ap-northeast-2"])];
    for (length, regions) in cases {
        let scope = Scope { install: "i".repeat(length), ..scope(regions, Some("123456789012")) };
        let length = serde_json::to_string(&Policy::new(&scope)).expect("JSON").len();
        assert!(length <= 10_240, "{regions:?}: {length} characters");
    }
}
