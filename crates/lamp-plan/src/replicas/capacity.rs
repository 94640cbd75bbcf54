//! How many replicas are wanted, by the evaluator that tiers have as well.

use jiff::SignedDuration;
use lamp_api::v1alpha1::{Database, ScalingPolicy};
use lamp_cloud::Kind;

use super::pool::{Condition, Pool, Replica};
use super::pool_part;
use crate::live::tier_view::count;
use crate::scaling::evaluation::{Question, evaluate};
use crate::scaling::measure::{Measure, Silence, measure};
use crate::scaling::target_tracking::{Evidence, Finding};
use crate::{Draft, ScalingMemory, queries};

/// Metrics have a new datapoint every minute.
const PERIOD: SignedDuration = SignedDuration::from_secs(60);

/// The number of replicas that are wanted.
///
/// Without a policy it is `min`. With one at least one replica stays, as there would be nothing to measure.
pub(super) fn desired(draft: &mut Draft<'_>, database: &Database, pool: &Pool<'_>) -> u32 {
    let spec = &database.replicas;
    if spec.scaling.policies.is_empty() {
        draft.plan.memory.scaling.remove(&pool_part());
        return spec.min;
    }
    let max = spec.max().max(spec.min);
    let min = spec.min.max(1).min(max);
    let kept = count(pool.of(&Condition::Kept));
    let unknown = draft.input.inventory.region.unknown(Kind::DbInstance.listing()).is_some();
    if unknown {
        return count(pool.replicas.iter()).max(min).min(max);
    }
    let (now, part) = (draft.input.now, pool_part());
    let question = Question {
        scaling: &spec.scaling,
        min,
        max,
        current: kept.max(min).min(max),
        findings: spec.scaling.policies.iter().map(|policy| find(draft, database, pool, policy)).collect(),
        hold_down: why_not_shrink(pool),
        now,
    };
    let memory = draft.plan.memory.scaling.entry(part.clone()).or_insert_with(|| ScalingMemory::new(now));
    let answer = evaluate(&question, memory);
    if let Some((action, reason)) = answer.decision {
        draft.decide(&part, action, reason);
    }
    let next_minute = now.saturating_add(PERIOD).unwrap_or(now);
    draft.look_at(answer.look_at.map_or(next_minute, |when| when.min(next_minute)));
    answer.desired
}

/// The average over replicas that serve and had time to warm up.
fn find<'d>(
    draft: &Draft<'_>,
    database: &Database,
    pool: &Pool<'_>,
    policy: &'d ScalingPolicy,
) -> Finding<'d> {
    let warm = pool.replicas.iter().filter(|replica| is_warm(draft, database, replica));
    let measures: Vec<_> = warm.map(|replica| measure_one(draft, replica, policy)).collect();
    let values: Vec<Measure> = measures.iter().filter_map(|measure| measure.as_ref().ok().copied()).collect();
    let measured = count(values.iter());
    let average = |of: fn(&Measure) -> f64| values.iter().map(of).sum::<f64>() / f64::from(measured);
    let missing = count(measures.iter().filter(|measure| measure.is_err()));
    let evidence = if measured > 0 {
        let (average, newest) = (average(|measure| measure.median), average(|measure| measure.newest));
        Ok(Evidence { average, newest, measured, missing })
    } else {
        Err(measures.into_iter().find_map(Result::err).unwrap_or(Silence::NobodyMeasured))
    };
    Finding { policy, evidence }
}

fn measure_one(draft: &Draft<'_>, replica: &Replica<'_>, policy: &ScalingPolicy) -> Result<Measure, Silence> {
    let name = queries::replica_metric(policy.metric);
    let query = replica.row.zip(name).map(|(row, name)| queries::of_database(&row.id, name));
    let signals = &draft.input.inventory.region.signals;
    measure(query.and_then(|query| signals.get(&query)), policy.metric, draft.input.now)
}

fn is_warm(draft: &Draft<'_>, database: &Database, replica: &Replica<'_>) -> bool {
    let warm = SignedDuration::from_secs(i64::from(database.replicas.scaling.behavior.warmup_seconds));
    let created_at = replica.row.and_then(|row| row.created_at);
    replica.ready && created_at.is_none_or(|at| draft.input.now.duration_since(at) >= warm)
}

/// Why no replica may be removed now, if there is a reason.
fn why_not_shrink(pool: &Pool<'_>) -> Option<String> {
    let unready = count(pool.of(&Condition::Kept).filter(|replica| !replica.ready));
    let others = count(
        pool.replicas
            .iter()
            .filter(|replica| !matches!(replica.condition, Condition::Kept | Condition::Promoted)),
    );
    if unready > 0 {
        Some(format!("{unready} replicas are not ready"))
    } else if others > 0 {
        Some(format!("{others} replicas are broken, leaving or not known"))
    } else {
        None
    }
}
