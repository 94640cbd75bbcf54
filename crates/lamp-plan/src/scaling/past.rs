//! What a tier, or the read replicas together, carried over the last weeks: quarter hours of load, whoever carried it.
//!
//! Capacity followed that load, so the load of one instance says nothing: it is what all of them had to do that comes
//! again tomorrow.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lamp_api::v1alpha1::{Database, LampStackSpec, Metric, ScalingPolicy, ScalingPolicyType, Tier};
use lamp_cloud::{
    HISTORY_PERIOD, Histories, HistoryMetric, HistoryQuery, Inventory, Owner, ResourceId, unique_name,
};

use super::load::{Load, fill_short_gaps};
use crate::parts;

/// Minutes of a period, and seconds.
pub(crate) const PERIOD_MINUTES: f64 = 15.0;
pub(crate) const PERIOD_SECONDS: i64 = HISTORY_PERIOD.as_secs().cast_signed();

/// The metrics whose past the forecasts of a stack are made from. Tiers that do not exist yet have none.
pub fn history_queries(spec: &LampStackSpec, owner: &Owner, inventory: &Inventory) -> Vec<HistoryQuery> {
    let of_tier = |tier: &Tier| -> Vec<HistoryQuery> {
        let metrics = predicted(&tier.scaling.policies);
        metrics.filter_map(|metric| Past::of_tier(inventory, tier, metric)).flat_map(Past::queries).collect()
    };
    let of_replicas = |database: &Database| -> Vec<HistoryQuery> {
        let metrics = predicted(&database.replicas.scaling.policies);
        let past = |metric| Past::of_replicas(owner, inventory, database, metric);
        metrics.filter_map(past).flat_map(Past::queries).collect()
    };
    let mut queries: Vec<_> =
        spec.tiers.iter().flat_map(of_tier).chain(spec.database.iter().flat_map(of_replicas)).collect();
    queries.sort();
    queries.dedup();
    queries
}

fn predicted(policies: &[ScalingPolicy]) -> impl Iterator<Item = Metric> {
    let predictive = policies.iter().filter(|policy| policy.kind == ScalingPolicyType::Predictive);
    predictive.filter_map(|policy| policy.metric)
}

/// What the load of a tier or pool is made of.
#[derive(Clone, Debug)]
pub(crate) enum Past {
    /// The average of the processors times the number of instances.
    Processors { average: HistoryQuery, samples: HistoryQuery },
    /// Requests to all.
    Requests(HistoryQuery),
    /// The sum over every replica that there was, by the slots of the pool.
    Replicas(Vec<HistoryQuery>),
}

impl Past {
    /// None while its resource does not exist, and of a metric that a tier does not have.
    pub(crate) fn of_tier(inventory: &Inventory, tier: &Tier, metric: Metric) -> Option<Self> {
        match metric {
            Metric::CPUUtilization => {
                let group = &inventory.present(&parts::auto_scaling_group(&tier.name))?.id;
                let query = |metric| query(metric, group.clone());
                Some(Self::Processors {
                    average: query(HistoryMetric::GroupCpu),
                    samples: query(HistoryMetric::GroupCpuSamples),
                })
            }
            Metric::RequestCountPerTarget => {
                tier.load_balancer.as_ref()?;
                let group = inventory.present(&parts::target_group(&tier.name))?.id.clone();
                let balancer = inventory.present(&parts::load_balancer(&tier.name))?.id.clone();
                let query = query(HistoryMetric::Requests, group);
                Some(Self::Requests(HistoryQuery { load_balancer: Some(balancer), ..query }))
            }
            _ => None,
        }
    }

    /// Slots have names that are derived: what was deleted is found by them.
    pub(crate) fn of_replicas(
        owner: &Owner,
        inventory: &Inventory,
        database: &Database,
        metric: Metric,
    ) -> Option<Self> {
        let metric = match metric {
            Metric::CPUUtilization => HistoryMetric::DatabaseCpu,
            Metric::DatabaseConnections => HistoryMetric::DatabaseConnections,
            _ => return None,
        };
        let name = |slot: u32| {
            let part = parts::replica(slot);
            let taken_over = inventory.present(&part).map(|row| row.id.clone());
            taken_over.unwrap_or_else(|| unique_name(owner, &part, 0))
        };
        Some(Self::Replicas((1..=database.replicas.max()).map(|slot| query(metric, name(slot))).collect()))
    }

    pub(crate) fn queries(self) -> Vec<HistoryQuery> {
        match self {
            Self::Processors { average, samples } => vec![average, samples],
            Self::Requests(requests) => vec![requests],
            Self::Replicas(slots) => slots,
        }
    }

    /// When the newest of it was read; none before all of it was.
    pub(crate) fn read_at(&self, histories: &Histories) -> Option<Timestamp> {
        let read = self.clone().queries().into_iter().map(|query| Some(histories.get(&query)?.read_at));
        read.collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// The load, period by period: per cent of one processor, requests a minute, connections.
    pub(crate) fn load(&self, histories: &Histories) -> Load {
        let rows = |query: &HistoryQuery| believable(histories, query);
        let periods = match self {
            Self::Processors { average, samples } => {
                let samples = rows(samples);
                let instances = |period: &i64| Some(samples.get(period)? / PERIOD_MINUTES);
                let all = rows(average).into_iter();
                all.filter_map(|(period, average)| Some((period, average * instances(&period)?))).collect()
            }
            Self::Requests(requests) => {
                rows(requests).into_iter().map(|(period, sum)| (period, sum / PERIOD_MINUTES)).collect()
            }
            Self::Replicas(slots) => {
                let mut sums: BTreeMap<i64, f64> = BTreeMap::new();
                // A replica was not there for as long as it says nothing, unless that is short.
                for (period, value) in slots.iter().flat_map(|slot| fill_short_gaps(&rows(slot))) {
                    *sums.entry(period).or_default() += value;
                }
                sums
            }
        };
        Load::new(periods)
    }
}

fn query(metric: HistoryMetric, resource: ResourceId) -> HistoryQuery {
    HistoryQuery { metric, resource, load_balancer: None }
}

/// Values by the number of their period, without those that cannot be true.
fn believable(histories: &Histories, query: &HistoryQuery) -> BTreeMap<i64, f64> {
    let most = match query.metric {
        HistoryMetric::GroupCpu | HistoryMetric::DatabaseCpu => 100.5,
        // A thousand instances, once a minute.
        HistoryMetric::GroupCpuSamples => 15_000.0,
        HistoryMetric::DatabaseConnections => 1e6,
        HistoryMetric::Requests => 1e11,
    };
    let points = histories.get(query).map(|history| history.points.as_slice()).unwrap_or_default();
    let possible = points.iter().filter(|(_, value)| (0.0..=most).contains(value));
    possible.map(|(at, value)| (at.as_second().div_euclid(PERIOD_SECONDS), *value)).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lamp_cloud::History;

    use super::*;

    fn histories(rows: &[(&HistoryQuery, &[(i64, f64)])]) -> Histories {
        let read_at = Timestamp::UNIX_EPOCH;
        let at = |period: i64| Timestamp::from_second(period * PERIOD_SECONDS).unwrap();
        let history = |points: &[(i64, f64)]| {
            let points = points.iter().map(|(period, value)| (at(*period), *value)).collect();
            Arc::new(History { read_at, points })
        };
        rows.iter().map(|(query, points)| ((*query).clone(), history(points))).collect()
    }

    fn of(metric: HistoryMetric, resource: &str) -> HistoryQuery {
        query(metric, resource.to_owned())
    }

    fn load(points: &[(i64, f64)]) -> Load {
        Load::new(points.iter().copied().collect())
    }

    #[test]
    fn the_load_of_processors_is_that_of_all_instances() {
        let (average, samples) =
            (of(HistoryMetric::GroupCpu, "web"), of(HistoryMetric::GroupCpuSamples, "web"));
        let past = Past::Processors { average: average.clone(), samples: samples.clone() };
        let histories = histories(&[
            (&average, &[(0, 40.0), (1, 80.0), (2, 40.0), (3, 40.0), (4, f64::NAN), (5, -1.0), (6, 1e18)]),
            (&samples, &[(0, 60.0), (1, 30.0), (2, 52.5), (4, 60.0), (5, 60.0), (6, 60.0)]),
        ]);
        assert_eq!(past.load(&histories), load(&[(0, 160.0), (1, 160.0), (2, 140.0)]));
        assert_eq!(past.read_at(&histories), Some(Timestamp::UNIX_EPOCH));
        assert_eq!(past.read_at(&Histories::new()), None);
    }

    #[test]
    fn requests_are_those_of_a_minute() {
        let requests = of(HistoryMetric::Requests, "targets");
        let histories = histories(&[(&requests, &[(0, 1500.0), (1, 3000.0)])]);
        assert_eq!(Past::Requests(requests).load(&histories), load(&[(0, 100.0), (1, 200.0)]));
    }

    #[test]
    fn the_load_of_the_pool_is_that_of_every_replica_there_was() {
        let slots = ["r1", "r2", "r3"].map(|slot| of(HistoryMetric::DatabaseConnections, slot));
        let histories = histories(&[
            (&slots[0], &[(0, 10.0), (1, 10.0), (2, 10.0), (3, 10.0)]),
            (&slots[1], &[(1, 20.0), (3, 30.0)]),
            (&slots[2], &[]),
        ]);
        let all = Past::Replicas(slots.to_vec());
        assert_eq!(all.load(&histories), load(&[(0, 10.0), (1, 30.0), (2, 35.0), (3, 40.0)]));
    }
}
