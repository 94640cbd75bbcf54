//! CloudWatch over days: quarter hours, made of the minutes that single metrics have.

use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::{HISTORY_PERIOD, HistoryMetric, HistoryQuery, Kind, Read, Series};

use crate::live::metrics::{DELAY, Meter};
use crate::world::World;

const MINUTE: Duration = Duration::from_secs(60);

impl World {
    /// The last `days` of each metric, oldest first; as one page holds no more, nothing is whole of what is too much.
    pub(crate) fn histories(&self, queries: &[HistoryQuery], days: u32) -> Vec<(HistoryQuery, Series)> {
        let meter = self.meter();
        let answer = |query: &HistoryQuery| {
            let points = self.periods(days).filter_map(|period| self.period(&meter, query, period));
            (query.clone(), Series { points: points.collect(), incomplete: false })
        };
        let mut rows: Vec<_> = queries.iter().map(answer).collect();
        let datapoints: usize = rows.iter().map(|(_, series)| series.points.len()).sum();
        if datapoints > Read::DATAPOINTS_PER_PAGE {
            rows.iter_mut().for_each(|(_, series)| series.incomplete = true);
        }
        rows
    }

    /// Periods that were over two minutes ago.
    fn periods(&self, days: u32) -> impl Iterator<Item = Timestamp> + use<> {
        let period = i64::try_from(HISTORY_PERIOD.as_secs()).unwrap_or(900);
        let end = (self.now.as_second() - 2 * DELAY).div_euclid(period) * period;
        let start = end - i64::from(days) * 86_400;
        (0..(end - start) / period)
            .filter_map(move |index| Timestamp::from_second(start + index * period).ok())
    }

    /// What CloudWatch makes of the minutes of a period.
    fn period(&self, meter: &Meter, query: &HistoryQuery, period: Timestamp) -> Option<(Timestamp, f64)> {
        let minutes = (0..15).map(|minute| period + MINUTE * minute);
        let samples = minutes.filter_map(|minute| self.sample(meter, query, minute));
        let (sum, count) =
            samples.fold((0.0, 0.0), |(sum, count), (value, weight)| (sum + value * weight, count + weight));
        if count <= 0.0 {
            return None;
        }
        let value = match query.metric {
            HistoryMetric::GroupCpuSamples => count,
            HistoryMetric::Requests => sum,
            HistoryMetric::GroupCpu | HistoryMetric::DatabaseCpu | HistoryMetric::DatabaseConnections => {
                sum / count
            }
        };
        Some((period, value))
    }

    /// The value of a minute, and how many samples it is made of.
    #[expect(clippy::cast_precision_loss, reason = "members are few")]
    fn sample(&self, meter: &Meter, query: &HistoryQuery, minute: Timestamp) -> Option<(f64, f64)> {
        let (id, at) = (query.resource.as_str(), minute + MINUTE / 2);
        match query.metric {
            HistoryMetric::GroupCpuSamples => Some((0.0, self.records.in_service(id, at)? as f64)),
            HistoryMetric::GroupCpu => {
                let members = self.records.in_service(id, at)?;
                Some((self.group_cpu(meter, id, at)?, members as f64))
            }
            HistoryMetric::Requests => {
                let healthy = self.records.healthy(id, at);
                if healthy == 0 {
                    return None;
                }
                let (_, load) = self.load_at(meter, Kind::TargetGroup, id, at)?;
                let each = load.per_target.get(id)? * 60.0 * self.noise(id, at);
                Some((each * healthy as f64, 1.0))
            }
            HistoryMetric::DatabaseCpu => Some((self.database_cpu(meter, id, at)?, 1.0)),
            HistoryMetric::DatabaseConnections => Some((self.connections(meter, id, at)?, 1.0)),
        }
    }
}
