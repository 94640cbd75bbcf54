//! Against the AWS endpoint, over the real SDK: sites come up, nothing more is changed, what hands break is mended,
//! and deletion leaves only the final snapshot.

use anyhow::{Context, Result, ensure};
use lamp_store::Key;
use serde_json::{Value, json};

use crate::site::{INSTALL, Site};

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

async fn comes_up_settles_and_goes(name: &str) -> Result<()> {
    let site = Site::new().await?;
    let key = site.comes_up(name).await?;
    site.is_settled().await?;
    site.goes_away(&key).await?;
    let left = site.emulator.hand(&["tagged", INSTALL])?;
    ensure!(left == json!([]), "left over: {left}");
    Ok(())
}

#[tokio::test]
async fn lamp_comes_up_settles_and_leaves_only_its_final_snapshot() -> Result<()> {
    let site = Site::new().await?;
    let key = site.comes_up("lamp").await?;
    site.is_settled().await?;
    site.goes_away(&key).await?;
    ensure!(site.emulator.hand(&["tagged", INSTALL])? == json!([]), "something was left over");
    let snapshots = strings(&site.emulator.hand(&["snapshots"])?);
    ensure!(snapshots.len() == 1, "not one final snapshot: {snapshots:?}");
    Ok(())
}

#[tokio::test]
async fn whatisthetime_comes_up_settles_and_goes() -> Result<()> {
    comes_up_settles_and_goes("whatisthetime").await
}

#[tokio::test]
async fn myclothes_comes_up_settles_and_goes() -> Result<()> {
    comes_up_settles_and_goes("myclothes").await
}

#[tokio::test]
async fn what_hands_break_is_mended() -> Result<()> {
    let site = Site::new().await?;
    let key = site.comes_up("lamp").await?;
    site.is_settled().await?;
    a_terminated_instance_is_replaced_and_a_target_again(&site, &key).await.context("terminated instance")?;
    a_deregistered_target_is_registered_again(&site, &key).await.context("deregistered target")?;
    a_deleted_replica_is_made_again(&site, &key).await.context("deleted replica")?;
    bounds_are_put_back_and_the_scaler_keeps_its_capacity(&site, &key).await.context("changed capacity")?;
    site.is_ready(&key)?.then_some(()).context("not Ready in the end")
}

async fn a_terminated_instance_is_replaced_and_a_target_again(site: &Site, key: &Key) -> Result<()> {
    let group = site.part(key, "auto-scaling-group/web")?;
    let targets = site.part(key, "target-group/web")?;
    let before = strings(&site.emulator.hand(&["members", &group])?);
    let victim = before.first().context("no member")?.clone();
    site.emulator.hand(&["terminate", &victim])?;
    site.until("a target again", |site| {
        let members = strings(&site.emulator.hand(&["members", &group])?);
        let registered = strings(&site.emulator.hand(&["targets", &targets])?);
        let all_serve = members.iter().all(|member| registered.contains(member));
        Ok(members.len() == before.len() && !members.contains(&victim) && all_serve)
    })
    .await
}

async fn a_deregistered_target_is_registered_again(site: &Site, key: &Key) -> Result<()> {
    let group = site.part(key, "auto-scaling-group/app")?;
    let targets = site.part(key, "target-group/app")?;
    let member = strings(&site.emulator.hand(&["members", &group])?).first().context("no member")?.clone();
    site.emulator.hand(&["deregister", &targets, &member])?;
    site.until("registered again", |site| {
        Ok(strings(&site.emulator.hand(&["targets", &targets])?).contains(&member))
    })
    .await
}

async fn a_deleted_replica_is_made_again(site: &Site, key: &Key) -> Result<()> {
    let primary = site.part(key, "database")?;
    let before = strings(&site.emulator.hand(&["replicas", &primary])?);
    let victim = before.first().context("no replica")?;
    site.emulator.hand(&["delete-database", victim])?;
    ensure!(strings(&site.emulator.hand(&["replicas", &primary])?).len() == before.len() - 1, "not deleted");
    site.until("made again", |site| {
        let serving = site.status(key)?.and_then(|status| status.database).map(|it| it.replicas_ready);
        let there = strings(&site.emulator.hand(&["replicas", &primary])?).len();
        Ok(there == before.len() && serving == Some(u32::try_from(before.len())?))
    })
    .await
}

/// The spec owns the bounds; between them the capacity is the scaler's, and without readings it shrinks nothing.
async fn bounds_are_put_back_and_the_scaler_keeps_its_capacity(site: &Site, key: &Key) -> Result<()> {
    let group = site.part(key, "auto-scaling-group/web")?;
    site.emulator.hand(&["resize", &group, "0", "3", "3"])?;
    let wanted = json!({"min": 2, "max": 12, "desired": 3});
    site.until("put back", |site| Ok(site.emulator.hand(&["capacity", &group])? == wanted)).await?;
    site.is_settled().await?;
    ensure!(site.emulator.hand(&["capacity", &group])? == wanted, "what the scaler owns was changed");
    Ok(())
}

#[tokio::test]
async fn a_capacity_that_the_spec_owns_is_put_back() -> Result<()> {
    let site = Site::new().await?;
    let mut spec = site.spec("whatisthetime")?;
    spec["spec"]["tiers"][0]["scaling"] = json!({"policies": []});
    let key = site.apply(&spec).await?;
    site.until_ready(&key).await?;
    site.is_settled().await?;
    let group = site.part(&key, "auto-scaling-group/web")?;
    let before = site.emulator.hand(&["capacity", &group])?;
    site.emulator.hand(&["resize", &group, "2", "6", "5"])?;
    site.until("put back", |site| Ok(site.emulator.hand(&["capacity", &group])? == before)).await
}

/// The second half of giving the capacity away: what another client sets stays.
#[tokio::test]
async fn what_aws_owns_has_its_policies_and_a_capacity_that_we_leave_alone() -> Result<()> {
    let site = Site::new().await?;
    let mut spec = site.spec("whatisthetime")?;
    spec["spec"]["tiers"][0]["scaling"]["policies"][0]["owner"] = json!("AWS");
    let key = site.apply(&spec).await?;
    site.until_ready(&key).await?;
    site.is_settled().await?;
    let group = site.part(&key, "auto-scaling-group/web")?;
    let policy = json!([{"metric": "ASGAverageCPUUtilization", "target": 50.0, "scalesIn": true}]);
    ensure!(site.emulator.hand(&["policies", &group])? == policy, "not the policy of the spec");
    for desired in ["5", "3"] {
        site.emulator.hand(&["resize", &group, "2", "6", desired])?;
        let set = site.emulator.hand(&["capacity", &group])?;
        site.cloud.take();
        site.is_settled().await?;
        ensure!(site.emulator.hand(&["capacity", &group])? == set, "what AWS owns was changed");
        let mutations = site.cloud.take().mutations;
        ensure!(!mutations.contains_key("SetDesiredCapacity"), "{mutations:?}");
    }
    Ok(())
}

#[tokio::test]
async fn beside_our_scaler_stands_a_policy_that_only_grows() -> Result<()> {
    let site = Site::new().await?;
    let key = site.comes_up("whatisthetime").await?;
    site.is_settled().await?;
    let group = site.part(&key, "auto-scaling-group/web")?;
    let policy = json!([{"metric": "ASGAverageCPUUtilization", "target": 66.5, "scalesIn": false}]);
    ensure!(site.emulator.hand(&["policies", &group])? == policy, "not the safety policy");
    Ok(())
}

/// Reads that AWS offers for one resource only; they rotate slowly.
const PER_RESOURCE: [&str; 8] = [
    "DescribeDBParameters",
    "DescribeListeners",
    "DescribeLoadBalancerAttributes",
    "DescribeTags",
    "DescribeTargetGroupAttributes",
    "DescribeTargetHealth",
    "DescribeVpcAttribute",
    "ListTagsForResource",
];

#[tokio::test]
async fn two_stacks_share_one_set_of_listing_calls() -> Result<()> {
    let site = Site::new().await?;
    let mut first = site.spec("whatisthetime")?;
    let mut second = first.clone();
    first["metadata"]["name"] = json!("one");
    second["metadata"]["name"] = json!("two");
    let one = site.apply(&first).await?;
    site.until_ready(&one).await?;
    site.is_settled().await?;
    site.pass().await?;
    let alone = site.cloud.take();
    let two = site.apply(&second).await?;
    site.until_ready(&two).await?;
    site.is_settled().await?;
    site.pass().await?;
    let together = site.cloud.take();
    for (operation, count) in &together.reads {
        let listing = alone.reads.get(operation).copied().unwrap_or_default();
        let per_resource = PER_RESOURCE.contains(&operation.as_str());
        ensure!(per_resource || *count <= listing.max(2), "{operation}: {listing} for one, {count} for two");
    }
    Ok(())
}
