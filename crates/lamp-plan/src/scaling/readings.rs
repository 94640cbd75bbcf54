//! The series of the metric that a policy follows: CloudWatch's own, or a formula over several.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lamp_api::v1alpha1::{CustomMetric, Formula};
use lamp_cloud::{Inventory, MetricName, MetricQuery, OtherMetric, Series};

use super::measure::Silence;
use crate::parts;

/// What each dimension of a custom metric that stands for something of the stack is here, by the word for it.
pub(crate) type Places = BTreeMap<&'static str, Option<String>>;

/// What words in the dimensions of a tier's metrics stand for.
pub(crate) fn places_of_tier(inventory: &Inventory, tier: &str) -> Places {
    let id = |part| inventory.present(&part).map(|row| row.id.clone());
    [
        ("${autoScalingGroup}", id(parts::auto_scaling_group(tier))),
        ("${targetGroup}", id(parts::target_group(tier))),
        ("${loadBalancer}", id(parts::load_balancer(tier))),
        ("${database}", id(parts::database())),
    ]
    .into()
}

/// What words in the dimensions of the replicas' metrics stand for.
pub(crate) fn places_of_replicas(inventory: &Inventory) -> Places {
    [("${database}", inventory.present(&parts::database()).map(|row| row.id.clone()))].into()
}

/// The queries of a custom metric, each with its id in the formula.
///
/// # Errors
///
/// A word stands for something that is not there yet.
pub(crate) fn queries<'m>(
    metric: &'m CustomMetric,
    places: &Places,
) -> Result<Vec<(&'m str, MetricQuery)>, Silence> {
    let one = |source: &'m lamp_api::v1alpha1::MetricSource| {
        let dimension = |(name, value): (&String, &String)| Ok((name.clone(), resolve(value, places)?));
        let other = OtherMetric {
            namespace: source.namespace.clone(),
            name: source.name.clone(),
            dimensions: source.dimensions.iter().map(dimension).collect::<Result<_, Silence>>()?,
            statistic: source.statistic.clone(),
        };
        let metric = MetricName::Other(Box::new(other));
        Ok((source.id.as_str(), MetricQuery { metric, resource: String::new(), load_balancer: None }))
    };
    metric.metrics.iter().map(one).collect()
}

fn resolve(value: &str, places: &Places) -> Result<String, Silence> {
    match places.get(value) {
        None => Ok(value.to_owned()),
        Some(Some(id)) => Ok(id.clone()),
        Some(None) => Err(Silence::Unresolved(value.to_owned())),
    }
}

/// The series of a custom metric, minute by minute. A minute in which any part of the formula is missing has no value.
///
/// # Errors
///
/// A part of it was not answered, or cannot be asked for yet.
pub(crate) fn custom(
    inventory: &Inventory,
    metric: &CustomMetric,
    places: &Places,
) -> Result<Series, Silence> {
    // Admission refused what is no formula.
    let formula = Formula::parse(metric).map_err(|_| Silence::Unanswered)?;
    let mut minutes: BTreeMap<Timestamp, BTreeMap<&str, f64>> = BTreeMap::new();
    for (id, query) in queries(metric, places)? {
        let series = inventory.region.signals.get(&query).ok_or(Silence::Unanswered)?;
        for (at, value) in &series.points {
            minutes.entry(*at).or_default().insert(id, *value);
        }
    }
    let value = |(at, numbers): (Timestamp, BTreeMap<&str, f64>)| Some((at, formula.value(&numbers)?));
    Ok(Series { points: minutes.into_iter().filter_map(value).collect(), incomplete: false })
}

#[cfg(test)]
mod tests {
    use lamp_api::v1alpha1::MetricSource;
    use lamp_cloud::{Region, Signals};

    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    fn source(id: &str, name: &str) -> MetricSource {
        MetricSource {
            id: id.to_owned(),
            namespace: "Shop".to_owned(),
            name: name.to_owned(),
            statistic: "Sum".to_owned(),
            ..MetricSource::default()
        }
    }

    fn share() -> CustomMetric {
        CustomMetric {
            metrics: vec![source("failed", "Failed"), source("all", "All")],
            expression: Some("failed / all * 100".to_owned()),
            ..CustomMetric::default()
        }
    }

    fn inventory(series: &[(usize, &[(i64, f64)])]) -> Inventory {
        let metric = share();
        let queries = queries(&metric, &Places::new()).unwrap();
        let series = series.iter().map(|(index, points)| {
            let points = points.iter().map(|(minute, value)| (at(*minute), *value)).collect();
            (queries[*index].1.clone(), Series { points, incomplete: false })
        });
        let signals = Signals { read_at: Some(at(9)), series: series.collect() };
        Inventory { region: Region { signals, ..Region::default() }.into(), ..Inventory::default() }
    }

    #[test]
    fn a_formula_is_worked_out_minute_by_minute_where_all_of_it_is_known() {
        let inventory =
            inventory(&[(0, &[(1, 5.0), (2, 6.0), (3, 7.0)]), (1, &[(1, 100.0), (2, 0.0), (4, 100.0)])]);
        let series = custom(&inventory, &share(), &Places::new()).unwrap();
        assert_eq!(series.points, [(at(1), 5.0)], "nothing is divided by zero, and nothing made up");
    }

    #[test]
    fn a_part_without_an_answer_silences_the_whole() {
        let inventory = inventory(&[(0, &[(1, 5.0)])]);
        assert_eq!(custom(&inventory, &share(), &Places::new()), Err(Silence::Unanswered));
    }

    #[test]
    fn words_stand_for_what_the_stack_has() {
        let mut metric = CustomMetric { metrics: vec![source("m", "Depth")], ..CustomMetric::default() };
        metric.metrics[0].dimensions.insert("Group".to_owned(), "${autoScalingGroup}".to_owned());
        let places: Places = [("${autoScalingGroup}", Some("ll-web".to_owned()))].into();
        let [(_, query)] = &queries(&metric, &places).unwrap()[..] else { panic!() };
        let MetricName::Other(other) = &query.metric else { panic!() };
        assert_eq!(other.dimensions["Group"], "ll-web");
        let missing: Places = [("${autoScalingGroup}", None)].into();
        let silence = Silence::Unresolved("${autoScalingGroup}".to_owned());
        assert_eq!(queries(&metric, &missing), Err(silence));
    }
}
