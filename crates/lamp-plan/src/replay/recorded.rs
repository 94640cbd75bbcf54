//! The load of a tier, or of the read replicas, as CloudWatch recorded it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lamp_api::Time;
use lamp_api::v1alpha1::{LampStackSpec, Metric, ScalingHistorySpec, ScalingPoint, Tier};
use lamp_cloud::{Inventory, MetricName, MetricQuery, Owner, Part, Resource, Series};

use crate::parts;
use crate::queries::{of_database, of_group, of_targets, replica_metric, replicas};
use crate::replicas::pool_part;
use crate::scaling::measure::named;

/// What CloudWatch is asked for a history, by what it tells.
pub type Queries = Vec<(Told, MetricQuery)>;

/// What a series tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Told {
    /// How many instances there are.
    Count,
    /// A metric of all instances, or of one replica.
    Metric(Metric),
}

impl Told {
    /// Whether a value can be true: one lie would hide everything else in a plot.
    fn can_be(self, value: f64) -> bool {
        match self {
            Self::Count => (0.0..=1000.0).contains(&value),
            Self::Metric(metric) => named(metric).contains(&value),
        }
    }
}

/// Of what a history is asked: its queries, and the parts whose decisions belong to it.
///
/// # Errors
/// In a sentence: the spec has no such tier or no replicas, or nothing of it is on AWS yet.
pub fn queries(
    asked: &ScalingHistorySpec,
    spec: &LampStackSpec,
    owner: &Owner,
    inventory: &Inventory,
) -> Result<Queries, String> {
    let Some(name) = &asked.tier else { return of_replicas(spec, owner, inventory) };
    let tier = spec.tiers.iter().find(|tier| tier.name == *name);
    let tier = tier.ok_or_else(|| {
        let known: Vec<_> = spec.tiers.iter().map(|tier| tier.name.as_str()).collect();
        format!("the stack has no tier {name:?}; it has {}", known.join(", "))
    })?;
    of_instances(tier, inventory)
}

fn of_instances(tier: &Tier, inventory: &Inventory) -> Result<Queries, String> {
    let cpu = of_group(inventory, tier, MetricName::GroupCpuUtilization);
    let cpu = cpu.ok_or_else(|| format!("the tier {:?} has no Auto Scaling group yet", tier.name))?;
    let count = MetricQuery { metric: MetricName::GroupCpuSamples, ..cpu.clone() };
    let requests = of_targets(inventory, tier, MetricName::RequestCountPerTarget);
    let requests = requests.map(|query| (Told::Metric(Metric::RequestCountPerTarget), query));
    let own = [(Told::Count, count), (Told::Metric(Metric::CPUUtilization), cpu)];
    Ok(own.into_iter().chain(requests).collect())
}

fn of_replicas(spec: &LampStackSpec, owner: &Owner, inventory: &Inventory) -> Result<Queries, String> {
    if spec.database.is_none() {
        return Err("the stack has no database, and so no read replicas".to_owned());
    }
    let metrics = [Metric::CPUUtilization, Metric::DatabaseConnections];
    let of_one = |replica: &Resource, metric| {
        Some((Told::Metric(metric), of_database(&replica.id, replica_metric(metric)?)))
    };
    let all = replicas(owner, inventory).flat_map(|replica| metrics.map(|metric| of_one(replica, metric)));
    let queries: Queries = all.flatten().collect();
    if queries.is_empty() { Err("the stack has no read replica yet".to_owned()) } else { Ok(queries) }
}

/// Whether decisions about a part are about what is asked for.
pub fn is_about(asked: &ScalingHistorySpec, part: &str) -> bool {
    match &asked.tier {
        Some(tier) => part == parts::auto_scaling_group(tier).to_string(),
        None => part == pool_part().to_string() || parts::replica_slot(&Part::new(part)).is_some(),
    }
}

/// One period while it is put together: per metric the sum, and how many values it is of.
#[derive(Clone, Debug, Default)]
struct Period {
    counts: Vec<f64>,
    values: BTreeMap<Metric, Vec<f64>>,
    /// How many series told the CPU in each of its minutes.
    minutes: BTreeMap<Timestamp, u32>,
}

/// The periods of which something is known, oldest first.
pub fn points(answered: &[(Told, Series)], period_seconds: u32) -> Vec<ScalingPoint> {
    let mut periods: BTreeMap<Timestamp, Period> = BTreeMap::new();
    // Where no series counts instances, there is one series of CPU for each replica.
    let by_series = answered.iter().all(|(told, _)| *told != Told::Count);
    for (told, series) in answered {
        for (at, value) in series.points.iter().filter(|(_, value)| told.can_be(*value)) {
            periods.entry(start(*at, period_seconds)).or_default().add(*told, *at, *value);
        }
    }
    if by_series {
        periods.values_mut().for_each(Period::count_series);
    }
    periods.into_iter().map(|(at, period)| period.point(at)).collect()
}

fn start(at: Timestamp, period_seconds: u32) -> Timestamp {
    let period = i64::from(period_seconds.max(1));
    Timestamp::from_second(at.as_second().div_euclid(period) * period).unwrap_or(at)
}

impl Period {
    fn add(&mut self, told: Told, at: Timestamp, value: f64) {
        match told {
            Told::Count => self.counts.push(value),
            Told::Metric(metric) => {
                if metric == Metric::CPUUtilization {
                    *self.minutes.entry(at).or_default() += 1;
                }
                self.values.entry(metric).or_default().push(value);
            }
        }
    }

    fn count_series(&mut self) {
        self.counts = self.minutes.values().map(|count| f64::from(*count)).collect();
    }

    fn point(self, at: Timestamp) -> ScalingPoint {
        let capacity = average(&self.counts);
        let averages = self.values.iter();
        let metrics: BTreeMap<Metric, f64> =
            averages.filter_map(|(metric, values)| Some((*metric, average(values)?))).collect();
        let cpu = metrics.get(&Metric::CPUUtilization);
        ScalingPoint {
            at: Time(at),
            capacity,
            load: capacity.zip(cpu).map(|(capacity, cpu)| capacity * cpu / 100.0),
            metrics: metrics.iter().map(|(metric, value)| (metric.as_str().to_owned(), *value)).collect(),
        }
    }
}

fn average(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[(i64, f64)]) -> Series {
        let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        Series {
            points: values.iter().map(|(minute, value)| (at(*minute), *value)).collect(),
            incomplete: false,
        }
    }

    const CPU: Told = Told::Metric(Metric::CPUUtilization);

    #[test]
    fn the_load_of_a_tier_is_its_instances_times_their_cpu() {
        let answered = [
            (Told::Count, series(&[(0, 2.0), (1, 3.0)])),
            (CPU, series(&[(0, 50.0), (1, 40.0), (2, 30.0)])),
            (Told::Metric(Metric::RequestCountPerTarget), series(&[(0, 600.0)])),
        ];
        let points = points(&answered, 60);
        let loads: Vec<_> = points.iter().map(|point| point.load).collect();
        assert_eq!(points[0].metrics["RequestCountPerTarget"], 600.0);
        assert_eq!(loads, [Some(1.0), Some(1.2), None], "how many there were is not known");
    }

    #[test]
    fn replicas_are_counted_by_who_sent_metrics() {
        let answered = [(CPU, series(&[(0, 50.0), (1, 40.0)])), (CPU, series(&[(1, 60.0)]))];
        let points = points(&answered, 60);
        let seen: Vec<_> = points.iter().map(|point| (point.capacity, point.load)).collect();
        assert_eq!(seen, [(Some(1.0), Some(0.5)), (Some(2.0), Some(1.0))]);
    }

    #[test]
    fn longer_periods_are_averages_and_begin_on_the_clock() {
        let answered =
            [(Told::Count, series(&[(3, 2.0), (4, 4.0), (5, 4.0)])), (CPU, series(&[(3, 10.0), (5, 30.0)]))];
        let points = points(&answered, 300);
        let seen: Vec<_> = points.iter().map(|point| (point.at.0.as_second(), point.capacity)).collect();
        assert_eq!(seen, [(0, Some(3.0)), (300, Some(4.0))]);
        assert!(self::points(&[], 60).is_empty());
    }
}
