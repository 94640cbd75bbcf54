//! Scaling policies: made, changed, listed for all groups at once, and left alone where they are somebody else's.

use std::collections::BTreeMap;

use anyhow::{Result, bail, ensure};
use lamp_cloud::kinds::auto_scaling_group::{AutoScalingGroup, Change, ScalingPolicy, TrackedMetric};
use lamp_cloud::{Body, Cloud, Kind};

use super::groups::{WEB, web};
use super::verbs::DONE;
use super::{Contract, Outside};

fn policy(name: &str, metric: TrackedMetric, target: f64, scales_in: bool) -> ScalingPolicy {
    ScalingPolicy { name: name.to_owned(), metric, target, scales_in, warmup_seconds: Some(180) }
}

fn queue() -> TrackedMetric {
    TrackedMetric::Customized {
        namespace: "AWS/SQS".to_owned(),
        name: "ApproximateNumberOfMessagesVisible".to_owned(),
        dimensions: BTreeMap::from([("QueueName".to_owned(), "jobs".to_owned())]),
        statistic: "Average".to_owned(),
    }
}

fn with(policies: Vec<ScalingPolicy>) -> AutoScalingGroup {
    AutoScalingGroup { policies: Some(policies), ..web(2) }
}

impl<C: Cloud, O: Outside> Contract<C, O> {
    /// The policies of the site's group come and go, and those of somebody else stay what they are.
    pub(super) async fn scaling_policies(&mut self, id: &str) -> Result<()> {
        let busy = || TrackedMetric::AverageCpuUtilization;
        let label = self.label()?;
        let policies = [
            vec![policy("lamplighter-1", busy(), 62.5, true)],
            vec![policy("lamplighter-1", busy(), 79.8, false)],
            vec![
                policy("lamplighter-1", TrackedMetric::AverageNetworkIn, 1e9, true),
                policy("lamplighter-2", queue(), 30.0, true),
                policy("lamplighter-3", TrackedMetric::RequestCountPerTarget { label }, 1000.0, true),
            ],
            vec![policy("lamplighter-2", TrackedMetric::AverageNetworkOut, 2e9, true)],
        ];
        for policies in policies {
            self.change(WEB, with(policies)).await?;
        }
        self.somebodys_policy(id).await?;
        self.change(WEB, with(Vec::new())).await
    }

    /// A policy that somebody else put on the group is shown apart, and none of ours.
    async fn somebodys_policy(&mut self, id: &str) -> Result<()> {
        let theirs = policy("somebodys", TrackedMetric::AverageCpuUtilization, 40.0, true);
        let put = lamp_cloud::Change::AutoScalingGroup(Change::PutPolicy(theirs.clone()));
        self.demand_change("a policy of somebody else", id, put, DONE).await;
        let row = self.settled(Kind::AutoScalingGroup, id).await?;
        let Body::AutoScalingGroup(body) = row.body else { bail!("no group: {row:?}") };
        ensure!(body.foreign_policies == [theirs], "{:?}", body.foreign_policies);
        let remove = || {
            let name = "somebodys".to_owned();
            lamp_cloud::Change::AutoScalingGroup(Change::DeletePolicy(name))
        };
        self.demand_change("a policy of somebody else removed", id, remove(), DONE).await;
        self.demand_change("a policy removed twice", id, remove(), "NotFound").await;
        Ok(())
    }

    /// What AWS calls a load balancer and a target group together.
    fn label(&self) -> Result<String> {
        let end = |name: &str, word: &str| -> Result<String> {
            let arn = self.id(name)?;
            Ok(arn.split_once(word).map_or_else(|| arn.clone(), |(_, end)| end.to_owned()))
        };
        let balancer = end("load-balancer/web", ":loadbalancer/")?;
        Ok(format!("{balancer}/targetgroup/{}", end("target-group/web", ":targetgroup/")?))
    }
}
