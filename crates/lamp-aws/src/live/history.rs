//! The past of CloudWatch metrics: quarter hours of two weeks, as many metrics as one page of `GetMetricData` holds.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StatusCode,
};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use lamp_cloud::{HISTORY_PERIOD, HistoryMetric, HistoryQuery, Read, Series};

use super::metrics::{id, load_balancer, points, target_group};
use crate::AwsCloud;
use crate::answer::{Answer, refused};
use crate::errors::failure;

const OPERATION: &str = "GetMetricData";
/// A minute has its last samples about a minute after it is over, and a period is not read before its last one has.
const SETTLED_SECONDS: i64 = 120;

/// The last `days` of each metric. A metric that CloudWatch does not mention is not in the answer.
pub(crate) async fn read(
    cloud: &AwsCloud,
    queries: &[HistoryQuery],
    days: u32,
) -> Answer<Vec<(HistoryQuery, Series)>> {
    if queries.len() > Read::METRICS_PER_CALL {
        return Err(refused(OPERATION, "TooManyQueries", "at most 500 metrics are read in one call"));
    }
    if queries.is_empty() {
        return Ok(Vec::new());
    }
    let (start, end) = window(Timestamp::now(), days);
    let call = cloud
        .reads
        .cloudwatch
        .get_metric_data()
        .set_metric_data_queries(Some(queries.iter().enumerate().map(query).collect()))
        .start_time(DateTime::from_secs(start))
        .end_time(DateTime::from_secs(end))
        .scan_by(ScanBy::TimestampAscending);
    let answer = call.send().await.map_err(|error| failure(OPERATION, error))?;
    // Whoever asks for no more than `Read::histories_per_call` gets one page; of more, nothing is whole.
    let cut = answer.next_token().is_some_and(|token| !token.is_empty());
    Ok(join(queries, answer.metric_data_results(), cut))
}

fn period() -> i64 {
    i64::try_from(HISTORY_PERIOD.as_secs()).unwrap_or(900)
}

/// From when to when, in seconds since 1970: whole periods that are over and published. Periods that do not begin on
/// their own multiples would make CloudWatch choose other ones:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html>.
fn window(now: Timestamp, days: u32) -> (i64, i64) {
    let end = (now.as_second() - SETTLED_SECONDS).div_euclid(period()) * period();
    (end - i64::from(days) * 86_400, end)
}

fn join(queries: &[HistoryQuery], results: &[MetricDataResult], cut: bool) -> Vec<(HistoryQuery, Series)> {
    let mut series: BTreeMap<&str, Series> = BTreeMap::new();
    for result in results {
        let whole = series.entry(result.id().unwrap_or_default()).or_default();
        whole.points.extend(points(result));
        whole.incomplete |= cut || !matches!(result.status_code(), Some(StatusCode::Complete) | None);
    }
    let of = |(index, query): (usize, &HistoryQuery)| {
        let mut series = series.get(id(index).as_str())?.clone();
        series.points.sort_by_key(|(time, _)| *time);
        Some((query.clone(), series))
    };
    queries.iter().enumerate().filter_map(of).collect()
}

fn query((index, query): (usize, &HistoryQuery)) -> MetricDataQuery {
    let (namespace, name, statistic) = metric(query.metric);
    let metric = Metric::builder()
        .namespace(namespace)
        .metric_name(name)
        .set_dimensions(Some(dimensions(query)))
        .build();
    let period = i32::try_from(period()).unwrap_or(900);
    let stat = MetricStat::builder().metric(metric).period(period).stat(statistic).build();
    MetricDataQuery::builder().id(id(index)).metric_stat(stat).return_data(true).build()
}

fn metric(name: HistoryMetric) -> (&'static str, &'static str, &'static str) {
    match name {
        HistoryMetric::GroupCpu => ("AWS/EC2", "CPUUtilization", "Average"),
        HistoryMetric::GroupCpuSamples => ("AWS/EC2", "CPUUtilization", "SampleCount"),
        HistoryMetric::Requests => ("AWS/ApplicationELB", "RequestCount", "Sum"),
        HistoryMetric::DatabaseCpu => ("AWS/RDS", "CPUUtilization", "Average"),
        HistoryMetric::DatabaseConnections => ("AWS/RDS", "DatabaseConnections", "Average"),
    }
}

fn dimensions(query: &HistoryQuery) -> Vec<Dimension> {
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    match query.metric {
        HistoryMetric::GroupCpu | HistoryMetric::GroupCpuSamples => {
            vec![dimension("AutoScalingGroupName", &query.resource)]
        }
        HistoryMetric::Requests => {
            let group = dimension("TargetGroup", target_group(&query.resource));
            let balancer = query.load_balancer.as_deref().map(load_balancer);
            std::iter::once(group).chain(balancer.map(|name| dimension("LoadBalancer", name))).collect()
        }
        HistoryMetric::DatabaseCpu | HistoryMetric::DatabaseConnections => {
            vec![dimension("DBInstanceIdentifier", &query.resource)]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_whole_quarter_hours_that_are_published() {
        let seconds = |of: &str| of.parse::<Timestamp>().unwrap().as_second();
        let (start, end) = (seconds("2026-11-12T11:45:00Z"), seconds("2026-11-26T11:45:00Z"));
        for now in ["2026-11-26T11:47:00Z", "2026-11-26T12:01:59Z"] {
            assert_eq!(window(now.parse().unwrap(), 14), (start, end), "{now}");
        }
        let points = (end - start) / 900 * i64::try_from(Read::histories_per_call()).unwrap();
        assert_eq!(points, 100_800, "what one page holds");
    }

    #[test]
    fn processors_are_asked_for_their_average_and_for_how_many_there_were() {
        let of = |metric| HistoryQuery { metric, resource: "web".to_owned(), load_balancer: None };
        let asked = |metric| {
            let made = query((3, &of(metric)));
            let stat = made.metric_stat().unwrap().clone();
            let name = stat.metric().unwrap().metric_name().unwrap().to_owned();
            (name, stat.period(), stat.stat().unwrap().to_owned())
        };
        let expected = |statistic: &str| ("CPUUtilization".to_owned(), Some(900), statistic.to_owned());
        assert_eq!(asked(HistoryMetric::GroupCpu), expected("Average"));
        assert_eq!(asked(HistoryMetric::GroupCpuSamples), expected("SampleCount"));
    }

    #[test]
    fn what_is_cut_or_partial_is_incomplete() {
        let queries = [HistoryQuery {
            metric: HistoryMetric::DatabaseCpu,
            resource: "db".to_owned(),
            load_balancer: None,
        }];
        let result = |status| {
            MetricDataResult::builder()
                .id("m0")
                .timestamps(DateTime::from_secs(900))
                .values(1.0)
                .status_code(status)
                .build()
        };
        assert!(!join(&queries, &[result(StatusCode::Complete)], false)[0].1.incomplete);
        assert!(join(&queries, &[result(StatusCode::Complete)], true)[0].1.incomplete);
        assert!(join(&queries, &[result(StatusCode::PartialData)], false)[0].1.incomplete);
        assert!(join(&queries, &[], false).is_empty());
    }
}
