//! What CloudWatch measured.

use anyhow::{Context, Result, bail, ensure};
use lamp_cloud::{
    Cloud, HISTORY_DAYS, HistoryMetric, HistoryQuery, MetricName, MetricQuery, OtherMetric, Read, Reading,
    Series,
};

use super::database::PRIMARY;
use super::groups::WEB;
use super::replicas::REPLICA;
use super::verbs::word;
use super::{Contract, Outside};

const MINUTES: u32 = 10;
/// What is measured, in the order of the queries.
const VALUES: [f64; 12] = [35.0, 35.0, 2e6, 2e7, 120.0, 0.2, 0.0, 20.0, 12.0, 0.5, 2e10, 42.0];

impl<C: Cloud, O: Outside> Contract<C, O> {
    pub(super) async fn signals(&mut self) -> Result<()> {
        let queries = self.queries()?;
        for (query, value) in queries.iter().zip(VALUES) {
            self.outside.measure(query, value)?;
        }
        loop {
            let series = self.measured(&queries).await?;
            if series.iter().all(|(_, series)| !series.points.is_empty()) {
                return Self::are_sound(&queries, &series);
            }
            ensure!(self.outside.wait().await, "not everything was measured: {series:?}");
        }
    }

    fn queries(&self) -> Result<Vec<MetricQuery>> {
        use MetricName::{
            DatabaseConnections, DatabaseCpuUtilization, FreeStorageSpace, GroupCpuSamples,
            GroupCpuUtilization, GroupNetworkIn, GroupNetworkOut, ReplicaLag, RequestCountPerTarget,
            TargetResponseTime, UnhealthyHostCount,
        };
        let balancer = self.id("load-balancer/web")?;
        let rows = [
            (GroupCpuUtilization, WEB),
            (GroupCpuSamples, WEB),
            (GroupNetworkIn, WEB),
            (GroupNetworkOut, WEB),
            (RequestCountPerTarget, "target-group/web"),
            (TargetResponseTime("Average".to_owned()), "target-group/web"),
            (UnhealthyHostCount, "target-group/web"),
            (DatabaseCpuUtilization, PRIMARY),
            (DatabaseConnections, PRIMARY),
            (ReplicaLag, REPLICA),
            (FreeStorageSpace, PRIMARY),
        ];
        let query = |(metric, name): (MetricName, &str)| {
            let of_targets = name.starts_with("target-group");
            let load_balancer = of_targets.then(|| balancer.clone());
            Ok(MetricQuery { metric, resource: self.id(name)?, load_balancer })
        };
        rows.into_iter().map(query).chain([Ok(queue_length())]).collect()
    }

    async fn measured(&mut self, queries: &[MetricQuery]) -> Result<Vec<(MetricQuery, Series)>> {
        let read = Read::Metrics { queries: queries.to_vec(), minutes: MINUTES };
        let Reading::Metrics(series) = self.caller.read(&read).await? else { bail!("another reading") };
        Ok(series)
    }

    fn are_sound(queries: &[MetricQuery], all: &[(MetricQuery, Series)]) -> Result<()> {
        ensure!(all.len() == queries.len(), "{} series for {} queries", all.len(), queries.len());
        for query in queries {
            let found = all.iter().find(|(of, _)| of == query);
            let (_, Series { points, incomplete }) = found.with_context(|| format!("no {query:?}"))?;
            ensure!(!incomplete, "{query:?} is incomplete");
            ensure!(points.is_sorted_by(|(one, _), (other, _)| one < other), "{query:?}: {points:?}");
            ensure!(points.iter().all(|(_, value)| value.is_finite() && *value >= -1.0), "{points:?}");
            ensure!(points.iter().all(|(at, _)| at.as_second() % 60 == 0), "not on the minute: {points:?}");
        }
        Ok(())
    }

    /// What was measured over the last days, in quarter hours that are over.
    pub(super) async fn histories(&mut self) -> Result<()> {
        use HistoryMetric::{DatabaseConnections, DatabaseCpu, GroupCpu, GroupCpuSamples, Requests};
        let balancer = self.id("load-balancer/web")?;
        let rows = [
            (GroupCpu, WEB, None),
            (GroupCpuSamples, WEB, None),
            (Requests, "target-group/web", Some(balancer)),
            (DatabaseCpu, PRIMARY, None),
            (DatabaseConnections, PRIMARY, None),
        ];
        let mut queries = Vec::new();
        for (metric, name, load_balancer) in rows {
            queries.push(HistoryQuery { metric, resource: self.id(name)?, load_balancer });
        }
        for (query, value) in queries.iter().zip([35.0, 35.0, 1200.0, 20.0, 12.0]) {
            self.outside.measure_past(query, value)?;
        }
        loop {
            let read = Read::History { queries: queries.clone(), days: HISTORY_DAYS };
            let Reading::History(all) = self.caller.read(&read).await? else { bail!("another reading") };
            if all.iter().all(|(_, series)| !series.points.is_empty()) {
                return Self::are_histories(&queries, &all);
            }
            ensure!(self.outside.wait().await, "not everything has a past: {all:?}");
        }
    }

    fn are_histories(queries: &[HistoryQuery], all: &[(HistoryQuery, Series)]) -> Result<()> {
        ensure!(all.len() == queries.len(), "{} series for {} queries", all.len(), queries.len());
        for (query, Series { points, incomplete }) in all {
            ensure!(!incomplete, "{query:?} is incomplete");
            ensure!(points.is_sorted_by(|(one, _), (other, _)| one < other), "{query:?}: {points:?}");
            let whole = points.iter().all(|(at, _)| at.as_second() % 900 == 0);
            ensure!(whole, "not on the quarter of an hour: {points:?}");
            let counted = query.metric == HistoryMetric::GroupCpuSamples;
            let few = points.iter().all(|(_, value)| value.fract() == 0.0 && *value >= 1.0);
            ensure!(!counted || few, "samples are counted: {points:?}");
        }
        Ok(())
    }

    /// What is not there measures nothing, and nobody may ask for everything at once.
    pub(super) async fn refused_signals(&mut self) -> Result<()> {
        let nothing = MetricQuery {
            metric: MetricName::DatabaseConnections,
            resource: "ll-contract-nothing".to_owned(),
            load_balancer: None,
        };
        let series = self.measured(std::slice::from_ref(&nothing)).await?;
        ensure!(series.iter().all(|(_, series)| series.points.is_empty()), "{series:?}");
        let queries = vec![nothing; Read::METRICS_PER_CALL + 1];
        let refused = self.caller.read(&Read::Metrics { queries, minutes: 1 }).await;
        self.judge.demand("more than 500 metrics in one call", "Invalid", &word(&refused));
        Ok(())
    }
}

/// A metric of a user's own.
fn queue_length() -> MetricQuery {
    let other = OtherMetric {
        namespace: "Contract".to_owned(),
        name: "QueueLength".to_owned(),
        dimensions: [("Queue".to_owned(), "orders".to_owned())].into(),
        statistic: "Maximum".to_owned(),
    };
    let metric = MetricName::Other(Box::new(other));
    MetricQuery { metric, resource: String::new(), load_balancer: None }
}
