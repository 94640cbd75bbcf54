//! CloudWatch metrics: one `GetMetricData` for up to 500 of them.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy, StatusCode,
};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use lamp_cloud::{MetricName, MetricQuery, Read, Series};

use crate::AwsCloud;
use crate::answer::{Answer, refused, timestamp};
use crate::errors::failure;

const OPERATION: &str = "GetMetricData";
const PERIOD_SECONDS: i32 = 60;

/// The last `minutes` of each metric. A metric that CloudWatch does not mention is not in the answer.
pub(crate) async fn read(
    cloud: &AwsCloud,
    queries: &[MetricQuery],
    minutes: u32,
) -> Answer<Vec<(MetricQuery, Series)>> {
    if queries.len() > Read::METRICS_PER_CALL {
        return Err(refused(OPERATION, "TooManyQueries", "at most 500 metrics are read in one call"));
    }
    if queries.is_empty() {
        return Ok(Vec::new());
    }
    let (start, end) = window(Timestamp::now(), minutes);
    let call = cloud
        .reads
        .cloudwatch
        .get_metric_data()
        .set_metric_data_queries(Some(queries.iter().enumerate().map(query).collect()))
        .start_time(DateTime::from_secs(start))
        .end_time(DateTime::from_secs(end))
        .scan_by(ScanBy::TimestampAscending);
    let answer = call.send().await.map_err(|error| failure(OPERATION, error))?;
    // 500 metrics of a few minutes fit one page; should they not, nothing here is whole.
    let cut = answer.next_token().is_some_and(|token| !token.is_empty());
    Ok(join(queries, answer.metric_data_results(), cut))
}

/// From when to when, in seconds since 1970: whole periods, with the one that is not over.
///
/// `GetMetricData` answers faster when both ends lie on the period's, and rounds the start down to it anyway:
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html>.
fn window(now: Timestamp, minutes: u32) -> (i64, i64) {
    let period = i64::from(PERIOD_SECONDS);
    let begun = now.as_second().div_euclid(period) * period;
    (begun - i64::from(minutes) * 60, begun + period)
}

fn join(queries: &[MetricQuery], results: &[MetricDataResult], cut: bool) -> Vec<(MetricQuery, Series)> {
    let mut series: BTreeMap<&str, Series> = BTreeMap::new();
    for result in results {
        let whole = series.entry(result.id().unwrap_or_default()).or_default();
        whole.points.extend(points(result));
        whole.incomplete |= cut || !matches!(result.status_code(), Some(StatusCode::Complete) | None);
    }
    let of = |(index, query): (usize, &MetricQuery)| {
        let mut series = series.get(id(index).as_str())?.clone();
        series.points.sort_by_key(|(time, _)| *time);
        Some((query.clone(), series))
    };
    queries.iter().enumerate().filter_map(of).collect()
}

pub(super) fn points(result: &MetricDataResult) -> impl Iterator<Item = (Timestamp, f64)> {
    result
        .timestamps()
        .iter()
        .zip(result.values())
        .filter_map(|(at, value)| Some((timestamp(Some(at))?, *value)))
}

pub(super) fn id(index: usize) -> String {
    format!("m{index}")
}

fn query((index, query): (usize, &MetricQuery)) -> MetricDataQuery {
    let (namespace, name, statistic) = metric(&query.metric);
    let metric = Metric::builder()
        .namespace(namespace)
        .metric_name(name)
        .set_dimensions(Some(dimensions(query)))
        .build();
    let stat = MetricStat::builder().metric(metric).period(PERIOD_SECONDS).stat(statistic).build();
    MetricDataQuery::builder().id(id(index)).metric_stat(stat).return_data(true).build()
}

fn metric(name: &MetricName) -> (&str, &str, &str) {
    match name {
        MetricName::GroupCpuUtilization => ("AWS/EC2", "CPUUtilization", "Average"),
        MetricName::GroupCpuSamples => ("AWS/EC2", "CPUUtilization", "SampleCount"),
        MetricName::GroupNetworkIn => ("AWS/EC2", "NetworkIn", "Average"),
        MetricName::GroupNetworkOut => ("AWS/EC2", "NetworkOut", "Average"),
        MetricName::RequestCountPerTarget => ("AWS/ApplicationELB", "RequestCountPerTarget", "Sum"),
        MetricName::TargetResponseTime(statistic) => {
            ("AWS/ApplicationELB", "TargetResponseTime", statistic.as_str())
        }
        MetricName::UnhealthyHostCount => ("AWS/ApplicationELB", "UnHealthyHostCount", "Maximum"),
        MetricName::DatabaseCpuUtilization => ("AWS/RDS", "CPUUtilization", "Average"),
        MetricName::DatabaseConnections => ("AWS/RDS", "DatabaseConnections", "Average"),
        MetricName::ReplicaLag => ("AWS/RDS", "ReplicaLag", "Average"),
        MetricName::FreeStorageSpace => ("AWS/RDS", "FreeStorageSpace", "Minimum"),
        MetricName::Other(other) => (&other.namespace, &other.name, &other.statistic),
    }
}

fn dimensions(query: &MetricQuery) -> Vec<Dimension> {
    let dimension = |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
    match &query.metric {
        MetricName::GroupCpuUtilization
        | MetricName::GroupCpuSamples
        | MetricName::GroupNetworkIn
        | MetricName::GroupNetworkOut => {
            vec![dimension("AutoScalingGroupName", &query.resource)]
        }
        MetricName::RequestCountPerTarget
        | MetricName::TargetResponseTime(_)
        | MetricName::UnhealthyHostCount => {
            let group = dimension("TargetGroup", target_group(&query.resource));
            let balancer = query.load_balancer.as_deref().map(load_balancer);
            std::iter::once(group).chain(balancer.map(|name| dimension("LoadBalancer", name))).collect()
        }
        MetricName::DatabaseCpuUtilization
        | MetricName::DatabaseConnections
        | MetricName::ReplicaLag
        | MetricName::FreeStorageSpace => vec![dimension("DBInstanceIdentifier", &query.resource)],
        MetricName::Other(other) => {
            other.dimensions.iter().map(|(name, value)| dimension(name, dimension_value(value))).collect()
        }
    }
}

/// What CloudWatch has for something of the stack: of load balancing the end of an ARN, of all else the text itself.
fn dimension_value(value: &str) -> &str {
    if value.contains(":loadbalancer/") {
        load_balancer(value)
    } else if value.contains(":targetgroup/") {
        target_group(value)
    } else {
        value
    }
}

/// `targetgroup/name/id`, the end of its ARN.
pub(super) fn target_group(arn: &str) -> &str {
    arn.rsplit(':').next().unwrap_or(arn)
}

/// `app/name/id`, the end of its ARN behind `loadbalancer/`.
pub(super) fn load_balancer(arn: &str) -> &str {
    arn.split_once(":loadbalancer/").map_or(arn, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(metric: MetricName, resource: &str, load_balancer: Option<&str>) -> MetricQuery {
        MetricQuery { metric, resource: resource.into(), load_balancer: load_balancer.map(Into::into) }
    }

    #[test]
    fn a_window_holds_whole_minutes_and_the_one_that_runs() {
        let seconds = |of: &str| of.parse::<Timestamp>().unwrap().as_second();
        let whole = (seconds("2026-11-26T11:50:00Z"), seconds("2026-11-26T12:01:00Z"));
        for now in ["2026-11-26T12:00:00Z", "2026-11-26T12:00:59.9Z"] {
            assert_eq!(window(now.parse().unwrap(), 10), whole, "{now}");
        }
    }

    #[test]
    fn dimensions_of_load_balancing_are_the_ends_of_arns() {
        let group =
            "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/ll-web/73e2d6bc24d8a067";
        let balancer =
            "arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/app/ll-web/50dc6c495c0c9188";
        let dimensions = dimensions(&of(MetricName::RequestCountPerTarget, group, Some(balancer)));
        let values: Vec<_> = dimensions.iter().filter_map(|dimension| dimension.value()).collect();
        assert_eq!(values, ["targetgroup/ll-web/73e2d6bc24d8a067", "app/ll-web/50dc6c495c0c9188"]);
    }

    #[test]
    fn results_find_their_queries_in_any_order_and_parts_are_joined() {
        let queries = [
            of(MetricName::GroupCpuUtilization, "web", None),
            of(MetricName::ReplicaLag, "db", None),
            of(MetricName::DatabaseConnections, "db", None),
        ];
        let result = |id: &str, second: i64, status: StatusCode| {
            MetricDataResult::builder()
                .id(id)
                .timestamps(DateTime::from_secs(second))
                .values(second as f64)
                .status_code(status)
                .build()
        };
        let results = [
            result("m1", 120, StatusCode::Complete),
            result("m0", 60, StatusCode::InternalError),
            result("m1", 60, StatusCode::Complete),
        ];
        let joined = join(&queries, &results, false);
        assert_eq!(joined.len(), 2, "the query that was not answered is missing");
        assert!(joined[0].1.incomplete && !joined[1].1.incomplete);
        let values: Vec<_> = joined[1].1.points.iter().map(|(_, value)| *value).collect();
        assert_eq!(values, [60.0, 120.0]);
        assert!(join(&queries, &results, true).iter().all(|(_, series)| series.incomplete));
    }

    #[test]
    fn partial_data_decides_nothing() {
        let queries = [of(MetricName::ReplicaLag, "db", None)];
        let result = MetricDataResult::builder().id("m0").status_code(StatusCode::PartialData).build();
        assert!(join(&queries, &[result], false)[0].1.incomplete);
    }
}
