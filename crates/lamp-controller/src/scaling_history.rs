//! Answers `ScalingHistory` objects: how did load and capacity go lately? Only reads AWS.

use jiff::Timestamp;
use lamp_api::Time;
use lamp_api::v1alpha1::{Decision, PlanPhase, ScalingHistorySpec, ScalingHistoryStatus};
use lamp_cloud::{Cloud, MetricQuery, Read, Reading, Series};
use lamp_plan::replay::recorded::{self, Queries, Told};
use lamp_store::{Key, Stored};
use serde::Deserialize;

use crate::engine::Shared;
use crate::reconcile::Fault;
use crate::stack::{self, Stack};

/// `GetMetricData` answers so many datapoints in one page.
const DATAPOINTS_PER_CALL: u32 = 100_800;
/// Up to so many hours each minute is told.
const HOURS_IN_MINUTES: u32 = 24;

/// Reads the metrics; `None` while there is no observation that is young enough to find them by.
pub(crate) async fn respond<C: Cloud>(
    shared: &Shared<C>,
    stored: &Stored,
) -> Result<Option<ScalingHistoryStatus>, Fault> {
    if shared.young().is_none() {
        return Ok(None);
    }
    let asked = match ScalingHistorySpec::deserialize(&stored.object["spec"]) {
        Ok(asked) => asked,
        Err(error) => return Ok(Some(failed(format!("the question cannot be read: {error}")))),
    };
    let key = Key::new(stack::PLURAL, stored.key.namespace.as_str(), asked.stack.as_str());
    let Some(stack) = shared.store.get(&key)?.map(|stored| shared.stacks.decode(&stored, &shared.install))
    else {
        return Ok(Some(failed(format!("there is no stack {:?} in this namespace", asked.stack))));
    };
    let queries = match queries(shared, &asked, &stack) {
        Ok(queries) => queries,
        Err(why) => return Ok(Some(failed(why))),
    };
    let began = shared.clock.now();
    let (answered, unread) = read(shared, queries, asked.hours.saturating_mul(60)).await;
    Ok(Some(status(&asked, &stack, began, &answered, unread)))
}

fn queries<C: Cloud>(
    shared: &Shared<C>,
    asked: &ScalingHistorySpec,
    stack: &Stack,
) -> Result<Queries, String> {
    let spec = stack.spec.as_ref().map_err(|why| format!("the spec of the stack cannot be read: {why}"))?;
    shared.check_region(Some(&spec.region))?;
    let inventory = shared.observed().slice(&stack.owner().uid);
    recorded::queries(asked, spec, stack.owner(), &inventory)
}

/// What was answered, and the names of what was not.
async fn read<C: Cloud>(
    shared: &Shared<C>,
    queries: Queries,
    minutes: u32,
) -> (Vec<(Told, Series)>, Vec<String>) {
    let per_call = usize::try_from((DATAPOINTS_PER_CALL / minutes.max(1)).max(1)).unwrap_or(1);
    let (mut answered, mut unread) = (Vec::new(), Vec::new());
    for batch in queries.chunks(per_call.min(Read::METRICS_PER_CALL)) {
        let wanted: Vec<MetricQuery> = batch.iter().map(|(_, query)| query.clone()).collect();
        let rows = match shared.calls.read(&Read::Metrics { queries: wanted, minutes }).await {
            Ok(Reading::Metrics(rows)) => rows,
            Ok(_) => Vec::new(),
            Err(error) => {
                tracing::warn!(%error, metrics = batch.len(), "the history of metrics could not be read");
                Vec::new()
            }
        };
        for (told, query) in batch {
            let series = rows.iter().find(|(of, _)| of == query).map(|(_, series)| series.clone());
            if series.as_ref().is_none_or(|series| series.incomplete) {
                unread.push(format!("{:?} of {}", query.metric, query.resource));
            }
            answered.extend(series.map(|series| (*told, series)));
        }
    }
    (answered, unread)
}

fn status(
    asked: &ScalingHistorySpec,
    stack: &Stack,
    began: Timestamp,
    answered: &[(Told, Series)],
    unread: Vec<String>,
) -> ScalingHistoryStatus {
    let period_seconds = if asked.hours > HOURS_IN_MINUTES { 300 } else { 60 };
    let decisions = stack.status.iter().flat_map(|status| &status.decisions);
    let ours = |decision: &&Decision| recorded::is_about(asked, &decision.part);
    ScalingHistoryStatus {
        phase: PlanPhase::Answered,
        observed_time: Some(Time(began)),
        period_seconds,
        points: recorded::points(answered, period_seconds),
        unread,
        decisions: decisions.filter(ours).cloned().collect(),
        message: None,
    }
}

fn failed(message: String) -> ScalingHistoryStatus {
    ScalingHistoryStatus { phase: PlanPhase::Failed, message: Some(message), ..<_>::default() }
}
