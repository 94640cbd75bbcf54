//! The load of a running stack, as CloudWatch recorded it, and the capacity that was in force.

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::{Decision, Metric, Scaling, ScalingHistoryStatus, ScalingPoint};
use lamp_plan::replay::{ReplayedMinute, Summary};

use super::experiment::Model;
use super::{Decided, Load, Run};
use crate::exit::Failure;

/// A CPU that was this busy hides how much more was asked of it.
const HIDING: f64 = 95.0;

/// A history with a point for every minute.
#[derive(Clone, Debug)]
pub(crate) struct History {
    /// `tier web of shop`
    name: String,
    began: Timestamp,
    /// Minutes that a point stands for.
    spacing: usize,
    /// None where nothing is known.
    minutes: Vec<Option<ScalingPoint>>,
    decisions: Vec<Decision>,
    remarks: Vec<String>,
}

impl History {
    /// # Errors
    /// CloudWatch has nothing of it.
    pub(crate) fn of(name: String, status: ScalingHistoryStatus) -> Result<Self, Failure> {
        let ScalingHistoryStatus { period_seconds, points, decisions, unread, .. } = status;
        let remark = |what: String| format!("CloudWatch did not answer, or not completely: {what}");
        let remarks: Vec<String> = unread.into_iter().map(remark).collect();
        let Some((first, last)) = points.first().zip(points.last()) else {
            let why = remarks.first().map(|remark| format!(": {remark}")).unwrap_or_default();
            return Err(Failure::failed(format!("CloudWatch has no metrics of the {name} yet{why}")));
        };
        let spacing = (period_seconds as usize / 60).max(1);
        let began = first.at.0;
        let mut minutes = vec![None; minutes_between(began, last.at.0) + spacing];
        for point in points {
            let start = minutes_between(began, point.at.0);
            minutes.iter_mut().skip(start).take(spacing).for_each(|minute| *minute = Some(point.clone()));
        }
        Ok(Self { name, began, spacing, minutes, decisions, remarks })
    }

    pub(crate) fn began(&self) -> Timestamp {
        self.began
    }

    pub(crate) fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// What was decided, oldest first.
    pub(crate) fn decisions(&self) -> Vec<Decided> {
        let made = self.decisions.iter().rev();
        let decided =
            |it: &Decision| Decided { at: it.time.0, action: it.action.clone(), reason: it.reason.clone() };
        made.map(decided).collect()
    }

    /// A metric minute by minute; `NaN` where it is not known.
    pub(crate) fn metric(&self, metric: Metric) -> Vec<f64> {
        self.values(|point| point.metrics.get(metric.as_str()).copied())
    }

    /// How many there were; `NaN` where it is not known.
    pub(crate) fn capacity(&self) -> Vec<f64> {
        self.values(|point| point.capacity)
    }

    fn values(&self, of: impl Fn(&ScalingPoint) -> Option<f64>) -> Vec<f64> {
        let known = |minute: &Option<ScalingPoint>| minute.as_ref().and_then(&of).unwrap_or(f64::NAN);
        self.minutes.iter().map(known).collect()
    }

    /// The load as the policies count it, and what one instance serves of it.
    ///
    /// # Errors
    /// CloudWatch has not what they count.
    pub(crate) fn load(&self, all: &[&Scaling], boot_minutes: u32) -> Result<(Load, Model), Failure> {
        let counted = all.iter().flat_map(|scaling| &scaling.policies).filter_map(|policy| policy.metric);
        let counted = counted.into_iter().find(|metric| *metric != Metric::CPUUtilization);
        let busy: Vec<f64> = self.values(|point| point.load);
        let (loads, per_instance, sentence) = match counted {
            None => {
                (busy, 1.0, "the load is in instances that it keeps wholly busy (capacity x CPU)".to_owned())
            }
            Some(metric) => {
                let per_one =
                    self.values(|point| Some(point.capacity? * point.metrics.get(metric.as_str())?));
                let per_instance = ratio(&per_one, &busy).ok_or_else(|| {
                    let name = metric.as_str();
                    Failure::failed(format!(
                        "CloudWatch has no {name} of the {} that goes with a load",
                        self.name
                    ))
                })?;
                let sentence = format!(
                    "one serves {} of {} a minute with all of its CPU (by the CPU of the same minutes)",
                    crate::view::replay::number(per_instance),
                    metric.as_str()
                );
                (per_one, per_instance, sentence)
            }
        };
        let remarks = self.remarks.iter().cloned().chain(self.hidden()).collect();
        let (name, began, spacing) = (self.name.clone(), self.began, self.spacing);
        let unit = counted.map_or("busy instances", unit);
        let load = Load { name, began, loads, unit, spacing, remarks };
        Ok((load, Model { per_instance, boot_minutes, sentence }))
    }

    /// How much of the load the CPU cannot show.
    fn hidden(&self) -> Option<String> {
        let full = self.metric(Metric::CPUUtilization).iter().filter(|cpu| **cpu >= HIDING).count();
        (full > 0).then(|| format!("in {full} minutes the CPU was at {HIDING} % or more: the load may have been higher than it shows"))
    }

    /// What was in force.
    pub(crate) fn lived(&self, share: f64) -> Run {
        let mut capacity = 0;
        let minutes: Vec<ReplayedMinute> = self
            .capacity()
            .into_iter()
            .zip(self.metric(Metric::CPUUtilization))
            .map(|(seen, cpu)| {
                // Where nobody counted them, they are as many as before.
                capacity = if seen.is_finite() { seen.round() as u32 } else { capacity };
                ReplayedMinute { capacity, serving: capacity, utilisation: cpu / 100.0, decision: None }
            })
            .collect();
        Run {
            label: "in force".to_owned(),
            policies: None,
            share,
            summary: Summary::of(&minutes),
            decisions: self.decisions().into_iter().filter(|it| it.action != "Hold").collect(),
            minutes,
        }
    }
}

/// What the sum of a metric over instances counts.
fn unit(metric: Metric) -> &'static str {
    match metric {
        Metric::DatabaseConnections => "connections",
        _ => "requests a minute",
    }
}

/// One sum divided by the other, over what is known of both.
fn ratio(all: &[f64], parts: &[f64]) -> Option<f64> {
    let known = all.iter().zip(parts).filter(|(one, part)| one.is_finite() && part.is_finite());
    let (sum, of) = known.fold((0.0, 0.0), |(sum, of), (one, part)| (sum + one, of + part));
    (sum > 0.0 && of > 0.0).then(|| sum / of)
}

fn minutes_between(from: Timestamp, to: Timestamp) -> usize {
    usize::try_from(to.duration_since(from).as_secs() / SignedDuration::from_mins(1).as_secs())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn history() -> History {
        let status = json!({"phase": "Answered", "periodSeconds": 60, "points": [
            {"at": "2026-11-20T10:00:00Z", "capacity": 2, "load": 1.0, "metrics": {"CPUUtilization": 50, "RequestCountPerTarget": 500}},
            {"at": "2026-11-20T10:01:00Z", "capacity": 2, "load": 1.92, "metrics": {"CPUUtilization": 96, "RequestCountPerTarget": 960}},
            {"at": "2026-11-20T10:03:00Z", "capacity": 3, "load": 1.2, "metrics": {"CPUUtilization": 40}}],
            "decisions": [
                {"time": "2026-11-20T10:02:00Z", "part": "auto-scaling-group/web", "action": "ScaleUp", "reason": "2 -> 3: busy"},
                {"time": "2026-11-20T10:01:00Z", "part": "auto-scaling-group/web", "action": "Hold", "reason": "2 stay"}]});
        History::of("tier web of shop".to_owned(), serde_json::from_value(status).unwrap()).unwrap()
    }

    fn following(metric: &str) -> Scaling {
        serde_json::from_value(json!({"policies": [{"metric": metric, "target": 60}]})).unwrap()
    }

    #[test]
    fn the_load_is_what_the_cpu_shows_and_a_full_one_is_told() {
        let cpu = following("CPUUtilization");
        let (load, model) = history().load(&[&cpu], 2).unwrap();
        assert_eq!((load.loads[0], load.loads[2].is_nan(), load.loads[3]), (1.0, true, 1.2));
        assert_eq!(model.per_instance, 1.0);
        assert_eq!(
            load.remarks,
            ["in 1 minutes the CPU was at 95 % or more: the load may have been higher than it shows"]
        );
    }

    #[test]
    fn requests_are_counted_where_a_policy_counts_them() {
        let (load, model) = history().load(&[&following("RequestCountPerTarget")], 2).unwrap();
        assert_eq!(load.loads[..2], [1000.0, 1920.0]);
        assert_eq!(model.per_instance, 1000.0);
        let error = history().load(&[&following("DatabaseConnections")], 2).unwrap_err().to_string();
        assert!(error.contains("no DatabaseConnections of the tier web of shop"), "{error}");
    }

    #[test]
    fn what_was_in_force_is_measured_and_not_worked_out() {
        let run = history().lived(0.6);
        let seen: Vec<_> = run.minutes.iter().map(|minute| minute.capacity).collect();
        assert_eq!(seen, [2, 2, 2, 3]);
        assert_eq!((run.summary.overloaded_minutes, run.summary.unknown_minutes), (1, 1));
        assert_eq!(run.decisions.iter().map(|it| it.action.as_str()).collect::<Vec<_>>(), ["ScaleUp"]);
    }

    #[test]
    fn no_metrics_are_no_history() {
        let status = json!({"phase": "Answered", "unread": ["GroupCpuSamples of web"]});
        let error = History::of("tier web of shop".to_owned(), serde_json::from_value(status).unwrap());
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("no metrics of the tier web of shop yet") && error.contains("GroupCpuSamples"),
            "{error}"
        );
    }
}
