//! One scaling policy: the fields that its type has, and what may be in them.

use jiff::Timestamp;

use super::bounds::within;
use super::metric;
use super::scaling::{Subject, SubjectKind};
use crate::FieldError;
use crate::v1alpha1::{
    AdjustmentType, MetricScope, PolicyOwner, ScalingPolicy, ScalingPolicyType, ScalingStep, Schedule,
    ScheduleError,
};

/// EC2 Auto Scaling's limit of steps in a policy.
const MAX_STEPS: usize = 20;

pub(super) fn check(policy: &ScalingPolicy, subject: Subject, path: &str, errors: &mut Vec<FieldError>) {
    fields(policy, path, errors);
    metric::check(policy, subject.kind, path, errors);
    owner(policy, subject.kind, path, errors);
    match policy.kind {
        ScalingPolicyType::TargetTracking => target(policy, path, errors),
        ScalingPolicyType::Step => {
            steps(policy, path, errors);
            datapoints(policy, path, errors);
        }
        ScalingPolicyType::Simple => {
            simple(policy, path, errors);
            datapoints(policy, path, errors);
        }
        ScalingPolicyType::Scheduled => {
            schedule(policy, path, errors);
            scheduled_bounds(policy, subject, path, errors);
        }
        ScalingPolicyType::Predictive => {
            target(policy, path, errors);
            let buffer = policy.scheduling_buffer_seconds.unwrap_or_default();
            within(errors, format!("{path}.schedulingBufferSeconds"), buffer, 0..=3600);
        }
    }
    let Some(fallback) = &policy.fallback else { return };
    within(errors, format!("{path}.fallback.afterSeconds"), fallback.after_seconds, 60..=86_400);
    within(errors, format!("{path}.fallback.capacity"), fallback.capacity, 1..=subject.max.max(1));
}

/// Fields that belong to another type have no effect, so they are refused.
fn fields(policy: &ScalingPolicy, path: &str, errors: &mut Vec<FieldError>) {
    let (kind, allowed, required) = known(policy.kind);
    for (name, is_set) in written(policy) {
        let field = format!("{path}.{name}");
        if is_set && !allowed.contains(&name) && !required.contains(&name) {
            errors.push(FieldError::forbidden(field, format!("a policy of type {kind} has no {name}")));
        } else if !is_set && required.contains(&name) {
            errors.push(FieldError::required(field, format!("a policy of type {kind} needs it")));
        }
    }
}

type Names = &'static [&'static str];

/// The type's name, the fields that it may have, and those that it must have; a metric is looked at elsewhere.
fn known(kind: ScalingPolicyType) -> (&'static str, Names, Names) {
    match kind {
        ScalingPolicyType::TargetTracking => {
            ("TargetTracking", &["metric", "statistic", "customMetric", "fallback"], &["target"])
        }
        ScalingPolicyType::Step => (
            "Step",
            &[
                "metric",
                "statistic",
                "customMetric",
                "adjustmentType",
                "datapointsToAlarm",
                "evaluationPeriods",
                "fallback",
            ],
            &["steps"],
        ),
        ScalingPolicyType::Simple => (
            "Simple",
            &[
                "metric",
                "statistic",
                "customMetric",
                "comparison",
                "adjustmentType",
                "cooldownSeconds",
                "datapointsToAlarm",
                "evaluationPeriods",
                "fallback",
            ],
            &["threshold", "adjustment"],
        ),
        ScalingPolicyType::Scheduled => ("Scheduled", &["timeZone", "min", "max", "desired"], &["schedule"]),
        ScalingPolicyType::Predictive => {
            ("Predictive", &["mode", "schedulingBufferSeconds"], &["metric", "target"])
        }
    }
}

fn written(policy: &ScalingPolicy) -> [(&'static str, bool); 19] {
    [
        ("metric", policy.metric.is_some()),
        ("statistic", policy.statistic.is_some()),
        ("customMetric", policy.custom_metric.is_some()),
        ("target", policy.target.is_some()),
        ("steps", !policy.steps.is_empty()),
        ("threshold", policy.threshold.is_some()),
        ("comparison", policy.comparison.is_some()),
        ("adjustment", policy.adjustment.is_some()),
        ("adjustmentType", policy.adjustment_type.is_some()),
        ("cooldownSeconds", policy.cooldown_seconds.is_some()),
        ("datapointsToAlarm", policy.datapoints_to_alarm.is_some()),
        ("evaluationPeriods", policy.evaluation_periods.is_some()),
        ("schedule", policy.schedule.is_some()),
        ("timeZone", policy.time_zone.is_some()),
        ("min", policy.min.is_some()),
        ("max", policy.max.is_some()),
        ("desired", policy.desired.is_some()),
        ("mode", policy.mode.is_some()),
        ("schedulingBufferSeconds", policy.scheduling_buffer_seconds.is_some()),
    ]
}

fn owner(policy: &ScalingPolicy, subject: SubjectKind, path: &str, errors: &mut Vec<FieldError>) {
    if policy.owner != PolicyOwner::Aws {
        return;
    }
    let field = format!("{path}.owner");
    if subject == SubjectKind::Replicas {
        let detail = "AWS has no policies for read replicas of RDS";
        errors.push(FieldError::forbidden(field, detail));
    } else if policy.kind != ScalingPolicyType::TargetTracking {
        let detail = "only policies of type TargetTracking can be AWS's";
        errors.push(FieldError::forbidden(field, detail));
    } else if policy.custom_metric.as_ref().is_some_and(|it| it.expression.is_some() || it.metrics.len() != 1)
    {
        let detail = "a policy of AWS follows one metric, without a formula";
        errors.push(FieldError::forbidden(format!("{path}.customMetric"), detail));
    } else if policy.custom_metric.as_ref().is_some_and(|it| it.scope == MetricScope::Total) {
        let detail = "a policy of AWS follows an average of the instances";
        errors.push(FieldError::forbidden(format!("{path}.customMetric.scope"), detail));
    } else if let Some(statistic) = untracked_statistic(policy) {
        let detail = "a policy of AWS follows Average, Maximum, Minimum, SampleCount or Sum";
        errors.push(FieldError::invalid(
            format!("{path}.customMetric.metrics[0].statistic"),
            statistic,
            detail,
        ));
    } else if policy.fallback.is_some() {
        let detail = "a policy of AWS changes nothing where data is missing";
        errors.push(FieldError::forbidden(format!("{path}.fallback"), detail));
    }
}

/// The statistic of a metric that target tracking does not know.
fn untracked_statistic(policy: &ScalingPolicy) -> Option<&str> {
    const TRACKED: [&str; 5] = ["Average", "Maximum", "Minimum", "SampleCount", "Sum"];
    let statistic = policy.custom_metric.as_ref()?.metrics.first()?.statistic.as_str();
    (!TRACKED.contains(&statistic)).then_some(statistic)
}

fn target(policy: &ScalingPolicy, path: &str, errors: &mut Vec<FieldError>) {
    let Some(target) = policy.target else { return };
    let field = format!("{path}.target");
    if policy.metric == Some(crate::v1alpha1::Metric::CPUUtilization) {
        if !(10.0..=100.0).contains(&target) {
            errors.push(FieldError::invalid(field, target, "must be from 10 to 100 per cent of CPU"));
        }
    } else if !(target.is_finite() && target > 0.0) {
        errors.push(FieldError::invalid(field, target, "must be more than 0"));
    }
}

fn steps(policy: &ScalingPolicy, path: &str, errors: &mut Vec<FieldError>) {
    if policy.steps.len() > MAX_STEPS {
        let detail = format!("at most {MAX_STEPS}");
        errors.push(FieldError::invalid(format!("{path}.steps"), policy.steps.len(), detail));
    }
    for (index, step) in policy.steps.iter().enumerate() {
        let field = format!("{path}.steps[{index}]");
        range(step, &field, errors);
        adjustment(policy.adjustment_type, step.adjustment, &format!("{field}.adjustment"), errors);
        let earlier = policy.steps[..index].iter().position(|earlier| overlap(earlier, step));
        if let Some(earlier) = earlier {
            let detail = format!("overlaps steps[{earlier}]: where both hold, it is not known which counts");
            errors.push(FieldError::invalid(field, shown(step), detail));
        }
    }
}

fn range(step: &ScalingStep, field: &str, errors: &mut Vec<FieldError>) {
    let ends = [("from", step.from), ("to", step.to)];
    for (name, end) in ends.iter().filter(|(_, end)| end.is_some_and(|end| !end.is_finite())) {
        errors.push(FieldError::invalid(format!("{field}.{name}"), end, "must be a number"));
    }
    match (step.from, step.to) {
        (None, None) => errors.push(FieldError::required(field, "set from, to, or both")),
        (Some(from), Some(to)) if from >= to => {
            let detail = format!("must be less than to, which is {to}");
            errors.push(FieldError::invalid(format!("{field}.from"), from, detail));
        }
        _ => {}
    }
}

fn overlap(one: &ScalingStep, other: &ScalingStep) -> bool {
    let before = |to: Option<f64>, from: Option<f64>| to.zip(from).is_some_and(|(to, from)| to <= from);
    !before(one.to, other.from) && !before(other.to, one.from)
}

fn shown(step: &ScalingStep) -> String {
    let end = |end: Option<f64>| end.map_or_else(String::new, |end| end.to_string());
    format!("{}..{}", end(step.from), end(step.to))
}

fn simple(policy: &ScalingPolicy, path: &str, errors: &mut Vec<FieldError>) {
    if let Some(threshold) = policy.threshold.filter(|threshold| !threshold.is_finite()) {
        errors.push(FieldError::invalid(format!("{path}.threshold"), threshold, "must be a number"));
    }
    if let Some(number) = policy.adjustment {
        adjustment(policy.adjustment_type, number, &format!("{path}.adjustment"), errors);
    }
    let cooldown = policy.cooldown_seconds.unwrap_or_default();
    within(errors, format!("{path}.cooldownSeconds"), cooldown, 0..=86_400);
}

fn adjustment(kind: Option<AdjustmentType>, number: i32, field: &str, errors: &mut Vec<FieldError>) {
    let exact = kind == Some(AdjustmentType::ExactCapacity);
    if exact && number < 0 {
        errors.push(FieldError::invalid(field, number, "must be a capacity, 0 or more"));
    } else if !exact && number == 0 {
        errors.push(FieldError::invalid(field, number, "changes nothing; leave the step out"));
    } else if !(-1000..=1000).contains(&number) {
        errors.push(FieldError::invalid(field, number, "must be from -1000 to 1000"));
    }
}

fn datapoints(policy: &ScalingPolicy, path: &str, errors: &mut Vec<FieldError>) {
    let periods = policy.evaluation_periods.unwrap_or(ScalingPolicy::EVALUATION_PERIODS);
    within(errors, format!("{path}.evaluationPeriods"), periods, 1..=10);
    let field = format!("{path}.datapointsToAlarm");
    match policy.datapoints_to_alarm {
        Some(needed) if (1..=10).contains(&periods) => within(errors, field, needed, 1..=periods),
        None if periods < ScalingPolicy::DATAPOINTS_TO_ALARM => {
            let detail = format!("its default of 2 is more than evaluationPeriods, which is {periods}");
            errors.push(FieldError::required(field, detail));
        }
        _ => {}
    }
}

fn schedule(policy: &ScalingPolicy, path: &str, errors: &mut Vec<FieldError>) {
    let Some(line) = &policy.schedule else { return };
    let zone = policy.time_zone.as_deref().unwrap_or(ScalingPolicy::TIME_ZONE);
    let field = format!("{path}.schedule");
    match Schedule::parse(line, zone) {
        Err(ScheduleError::Zone) => {
            errors.push(FieldError::invalid(format!("{path}.timeZone"), zone, ScheduleError::Zone));
        }
        Err(error) => {
            let detail = format!(
                "must be minute, hour, day of month, month and day of week, such as 0 8 * * MON-FRI: {error}"
            );
            errors.push(FieldError::invalid(field, line, detail));
        }
        // Any moment does: a line that fires at all does so within a few years of each.
        Ok(schedule) if schedule.next(Timestamp::UNIX_EPOCH).is_none() => {
            errors.push(FieldError::invalid(field, line, "never fires: there is no such day"));
        }
        Ok(_) => {}
    }
}

fn scheduled_bounds(policy: &ScalingPolicy, subject: Subject, path: &str, errors: &mut Vec<FieldError>) {
    let (min, max, desired) = (policy.min, policy.max, policy.desired);
    if min.is_none() && max.is_none() && desired.is_none() {
        errors.push(FieldError::required(path, "a schedule sets min, max or desired"));
    }
    let most = if subject.kind == SubjectKind::Replicas { 15 } else { 1000 };
    if let Some(max) = max {
        within(errors, format!("{path}.max"), max, 0..=most);
    }
    let (low, high) = (min.unwrap_or(subject.min), max.unwrap_or(subject.max));
    if low > high {
        let of = if max.is_some() { "max" } else { "the capacity's max" };
        let detail = format!("must not be more than {of}, which is {high}");
        let field = if min.is_some() { "min" } else { "max" };
        let detail = if min.is_some() {
            detail
        } else {
            format!("must not be less than the capacity's min, which is {low}")
        };
        errors.push(FieldError::invalid(format!("{path}.{field}"), min.unwrap_or(high), detail));
    } else if let Some(desired) = desired.filter(|desired| !(low..=high).contains(desired)) {
        let detail = format!("must be from min to max, {low} to {high}");
        errors.push(FieldError::invalid(format!("{path}.desired"), desired, detail));
    }
}
