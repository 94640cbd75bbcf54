//! The formula of a custom metric, and the statistics that CloudWatch knows.

use std::collections::BTreeMap;

use exmex::{Express, FlatEx};

use super::CustomMetric;

/// A formula of this length is a slip of the finger.
const MAX_LENGTH: usize = 300;

/// A formula over named numbers.
#[derive(Clone, Debug)]
pub struct Formula {
    /// None: the one number itself.
    expression: Option<FlatEx<f64>>,
    ids: Vec<String>,
}

impl Formula {
    /// Reads the formula of a metric.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it, in a sentence for the person who wrote it.
    pub fn parse(metric: &CustomMetric) -> Result<Self, String> {
        let ids: Vec<String> = metric.metrics.iter().map(|source| source.id.clone()).collect();
        let Some(text) = &metric.expression else {
            return if ids.len() == 1 { Ok(Self { expression: None, ids }) } else { Err(several(&ids)) };
        };
        if text.len() > MAX_LENGTH || !text.chars().all(is_allowed) {
            return Err(format!(
                "must have at most {MAX_LENGTH} letters, digits, spaces and + - * / ^ ( ) . , _"
            ));
        }
        let expression = exmex::parse::<f64>(text).map_err(|error| format!("is no formula: {error}"))?;
        let unknown = expression.var_names().iter().find(|name| !ids.contains(*name));
        match unknown {
            Some(name) => Err(format!("there is no metric of id {name:?}; ids: {}", ids.join(", "))),
            None => Ok(Self { expression: Some(expression), ids }),
        }
    }

    /// Its value; none where a number is missing, or the result is none, as after a division by zero.
    pub fn value(&self, numbers: &BTreeMap<&str, f64>) -> Option<f64> {
        let value = match &self.expression {
            None => numbers.get(self.ids.first()?.as_str()).copied()?,
            Some(expression) => {
                let of = |name: &String| numbers.get(name.as_str()).copied();
                let values: Vec<f64> = expression.var_names().iter().map(of).collect::<Option<_>>()?;
                expression.eval(&values).ok()?
            }
        };
        value.is_finite().then_some(value)
    }
}

fn several(ids: &[String]) -> String {
    format!("is needed where there are several metrics, such as \"{}\"", ids.join(" + "))
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || " +-*/^().,_".contains(c)
}

/// Whether CloudWatch knows a statistic: `Average`, `p90`, `p99.9`, …
pub fn is_statistic(text: &str) -> bool {
    matches!(text, "Average" | "Sum" | "Minimum" | "Maximum" | "SampleCount") || is_percentile(text)
}

/// `p0` to `p100`, with at most ten decimals.
fn is_percentile(text: &str) -> bool {
    let Some(number) = text.strip_prefix('p') else { return false };
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str, most: usize| {
        !text.is_empty() && text.len() <= most && text.chars().all(|c| c.is_ascii_digit())
    };
    digits(whole, 3)
        && digits(decimals, 10)
        && number.parse::<f64>().is_ok_and(|percent| (0.0..=100.0).contains(&percent))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::v1alpha1::MetricSource;

    fn metric(ids: &[&str], expression: Option<&str>) -> CustomMetric {
        let source = |id: &&str| MetricSource { id: (*id).to_owned(), ..MetricSource::default() };
        CustomMetric {
            metrics: ids.iter().map(source).collect(),
            expression: expression.map(str::to_owned),
            ..CustomMetric::default()
        }
    }

    fn value(expression: &str, numbers: &[(&str, f64)]) -> Option<f64> {
        let ids: Vec<&str> = numbers.iter().map(|(id, _)| *id).collect();
        let formula = Formula::parse(&metric(&ids, Some(expression))).unwrap();
        formula.value(&numbers.iter().copied().collect())
    }

    #[test]
    fn formulas_are_those_of_arithmetic() {
        let numbers = [("errors", 5.0), ("requests", 200.0)];
        assert_eq!(value("errors / requests * 100", &numbers), Some(2.5));
        assert_eq!(value("2 + 3 * (errors - 1) ^ 2", &numbers), Some(50.0));
        assert_eq!(value("max(errors, requests)", &numbers), Some(200.0));
        assert_eq!(value("-errors", &numbers), Some(-5.0));
    }

    #[test]
    fn what_cannot_be_worked_out_is_no_number() {
        assert_eq!(value("errors / requests", &[("errors", 5.0), ("requests", 0.0)]), None);
        let formula = Formula::parse(&metric(&["a", "b"], Some("a + b"))).unwrap();
        assert_eq!(formula.value(&[("a", 1.0)].into()), None);
        let single = Formula::parse(&metric(&["m"], None)).unwrap();
        assert_eq!(single.value(&[("m", 7.0)].into()), Some(7.0));
        assert_eq!(single.value(&BTreeMap::new()), None);
    }

    #[test]
    fn bad_formulas_are_told() {
        let parse = |ids: &[&str], text| Formula::parse(&metric(ids, text)).map(|_| ()).unwrap_err();
        assert_eq!(parse(&["a", "b"], None), "is needed where there are several metrics, such as \"a + b\"");
        assert_eq!(parse(&["a"], Some("a + c")), "there is no metric of id \"c\"; ids: a");
        for text in ["", "a +", "a b", "(a", "a; b", "{x}", "a +* b"] {
            assert!(!parse(&["a", "b"], Some(text)).is_empty(), "{text}");
        }
    }

    #[test]
    fn statistics_are_those_of_cloudwatch() {
        for good in ["Average", "Sum", "p90", "p99.9", "p100", "p0"] {
            assert!(is_statistic(good), "{good}");
        }
        for bad in ["average", "p", "p101", "p1e2", "p-1", "p9.", "tm90", ""] {
            assert!(!is_statistic(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[-a-c0-9 +*/^().,_]{0,40}", a in any::<f64>()) {
            if let Ok(formula) = Formula::parse(&metric(&["a", "b"], Some(&text))) {
                let value = formula.value(&[("a", a), ("b", 2.0)].into());
                prop_assert!(value.is_none_or(f64::is_finite));
            }
        }
    }
}
