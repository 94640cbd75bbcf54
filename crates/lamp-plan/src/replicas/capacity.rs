//! How many replicas are wanted, by the evaluator that tiers have as well.

use lamp_api::v1alpha1::{Database, ScalingPolicy};
use lamp_cloud::Kind;

use super::pool::{Condition, Pool, Replica};
use super::pool_part;
use crate::live::tier_view::count;
use crate::scaling::evaluation::{Floor, Question, evaluate, measures};
use crate::scaling::finding::{Evidence, Finding};
use crate::scaling::measure::{Demand, Silence, measure};
use crate::scaling::past::Past;
use crate::scaling::predictive::{self, REPLICA_BUFFER_SECONDS, Scope};
use crate::scaling::{connections, look_again, readings, scheduled, shared, warm_after};
use crate::{Draft, ScalingMemory, queries};

/// The number of replicas that are wanted.
///
/// Without a policy it is `min`. With one that measures at least one replica stays, as there would be nothing to measure.
pub(super) fn desired(draft: &mut Draft<'_>, database: &Database, pool: &Pool<'_>) -> u32 {
    let spec = &database.replicas;
    if spec.scaling.policies.is_empty() {
        draft.plan.memory.scaling.remove(&pool_part());
        draft.plan.memory.predictions.remove(&pool_part());
        return spec.min;
    }
    let max = spec.max().max(spec.min);
    let min = spec.min.max(u32::from(spec.scaling.is_measured())).min(max);
    let kept = count(pool.of(&Condition::Kept));
    let unknown = draft.input.inventory.region.unknown(Kind::DbInstance.listing()).is_some();
    if unknown {
        return count(pool.replicas.iter()).max(min).min(max);
    }
    let (now, part) = (draft.input.now, pool_part());
    let scope = Scope { min, max, buffer_seconds: REPLICA_BUFFER_SECONDS };
    let floors = connections::replicas_needed(&draft.input, database).into_iter();
    let floors = floors.chain(foreseen(draft, database, scope)).collect();
    let policies = spec.scaling.policies.iter().filter(|policy| measures(policy.kind));
    let question = Question {
        scaling: &spec.scaling,
        min,
        max,
        bound: None,
        current: kept.max(min).min(max),
        findings: policies.map(|policy| find(draft, database, pool, policy)).collect(),
        floors,
        setting: scheduled::setting(&spec.scaling, now),
        hold_down: why_not_shrink(pool),
        now,
    };
    let memory = draft.plan.memory.scaling.entry(part.clone()).or_insert_with(|| ScalingMemory::new(now));
    let answer = evaluate(question, memory);
    if let Some((action, reason)) = answer.decision {
        draft.decide(&part, action, reason);
    }
    look_again(draft, &spec.scaling, answer.look_at);
    answer.desired
}

/// What its forecasts want of the pool.
fn foreseen(draft: &mut Draft<'_>, database: &Database, scope: Scope) -> Vec<Floor> {
    let past = |draft: &Draft<'_>, metric| {
        Past::of_replicas(draft.input.owner, draft.input.inventory, database, metric)
    };
    predictive::floors(draft, &pool_part(), &database.replicas.scaling.policies, scope, past)
}

/// The average over replicas that serve and had time to warm up, or the one value of a metric of the user's own.
fn find<'d>(
    draft: &Draft<'_>,
    database: &Database,
    pool: &Pool<'_>,
    policy: &'d ScalingPolicy,
) -> Finding<'d> {
    let warm: Vec<_> =
        pool.replicas.iter().filter(|replica| is_warm(draft, database, replica, policy)).collect();
    let evidence = if warm.is_empty() {
        Err(Silence::NobodyMeasured)
    } else if policy.custom_metric.is_some() {
        measure_all(draft, policy, count(warm.iter()))
    } else {
        average(warm.into_iter().map(|replica| measure_one(draft, replica, policy)).collect())
    };
    Finding { policy, evidence }
}

/// Minute by minute; those without data are counted.
fn average(measures: Vec<Result<Vec<f64>, Silence>>) -> Result<Evidence, Silence> {
    let values: Vec<&Vec<f64>> = measures.iter().filter_map(|measure| measure.as_ref().ok()).collect();
    let (measured, missing) =
        (count(values.iter()), count(measures.iter().filter(|measure| measure.is_err())));
    if measured == 0 {
        return Err(measures.into_iter().find_map(Result::err).unwrap_or(Silence::NobodyMeasured));
    }
    let minutes = values.iter().map(|minutes| minutes.len()).min().unwrap_or_default();
    let of = |minute: usize| {
        let sum: f64 = values.iter().filter_map(|minutes| minutes.get(minute)).sum();
        sum / f64::from(measured)
    };
    Ok(Evidence { minutes: (0..minutes).map(of).collect(), measured, missing })
}

fn measure_one(
    draft: &Draft<'_>,
    replica: &Replica<'_>,
    policy: &ScalingPolicy,
) -> Result<Vec<f64>, Silence> {
    let name = policy.metric.and_then(queries::replica_metric);
    let query = replica.row.zip(name).map(|(row, name)| queries::of_database(&row.id, name));
    let signals = &draft.input.inventory.region.signals;
    measure(query.and_then(|query| signals.get(&query)), &Demand::of(policy), draft.input.now)
}

fn measure_all(draft: &Draft<'_>, policy: &ScalingPolicy, measured: u32) -> Result<Evidence, Silence> {
    let inventory = draft.input.inventory;
    let custom = policy.custom_metric.as_ref().ok_or(Silence::Unanswered)?;
    let series = readings::custom(inventory, custom, &readings::places_of_replicas(inventory))?;
    let minutes = measure(Some(&series), &Demand::of(policy), draft.input.now)?;
    Ok(Evidence { minutes: shared(policy, minutes, measured), measured, missing: 0 })
}

fn is_warm(draft: &Draft<'_>, database: &Database, replica: &Replica<'_>, policy: &ScalingPolicy) -> bool {
    let warm = warm_after(policy, &database.replicas.scaling);
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
