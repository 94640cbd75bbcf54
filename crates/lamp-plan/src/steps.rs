//! The order in which a plan is made: a list to be read from top to bottom.

use lamp_api::v1alpha1::{Database, PartState};

use crate::protocol::ensure;
use crate::{
    Draft, Wanted, adoption, ailments, failover, kinds, live, obsolete, promotion, replicas, seen, storage,
    strangers, teardown,
};

/// Makes the whole plan.
pub(crate) fn run(draft: &mut Draft<'_>) {
    if draft.input.deleting {
        return teardown::plan_teardown(draft);
    }
    if adoption::plan_adoption(draft) {
        return;
    }
    plan_network(draft);
    plan_security(draft);
    plan_load_balancers(draft);
    plan_database(draft);
    plan_tiers(draft);
    strangers::report(draft);
    obsolete::plan_obsolete(draft);
}

fn plan_network(draft: &mut Draft<'_>) {
    let input = draft.input;
    ensure(draft, &kinds::vpc::wanted(&input));
    ensure(draft, &kinds::internet_gateway::wanted(&input));
    ensure_all(draft, &kinds::subnet::wanted(&input));
    ensure_all(draft, &kinds::elastic_ip::wanted(&input));
    ensure_all(draft, &kinds::nat_gateway::wanted(&input));
    ensure_all(draft, &kinds::route_table::wanted(&input));
}

fn plan_security(draft: &mut Draft<'_>) {
    let input = draft.input;
    ensure_all(draft, &kinds::security_group::wanted(&input));
}

fn plan_load_balancers(draft: &mut Draft<'_>) {
    let input = draft.input;
    ensure_all(draft, &kinds::load_balancer::wanted(&input));
    ensure_all(draft, &kinds::target_group::wanted(&input));
    ensure_all(draft, &kinds::listener::wanted(&input));
}

fn plan_database(draft: &mut Draft<'_>) {
    let input = draft.input;
    let Some(database) = &input.spec.database else { return };
    if kinds::secret::is_wanted(&input) {
        ensure(draft, &kinds::secret::wanted(&input, database));
    }
    ensure(draft, &kinds::db_subnet_group::wanted(&input));
    ensure(draft, &kinds::db_parameter_group::wanted(&input, database));
    if let Some(open) = promotion::under_way(&input) {
        kinds::db_instance::report(draft);
        promotion::carry_on(draft, database, open);
    } else {
        plan_primary(draft, database);
    }
    promotion::plan_formers(draft);
    seen::note(draft);
}

fn plan_primary(draft: &mut Draft<'_>, database: &Database) {
    let wanted = kinds::db_instance::wanted(&draft.input, database);
    match promotion::confusion(&draft.input) {
        Some(why) => unknown(draft, &wanted, why),
        None => ensure(draft, &wanted),
    }
    ailments::name(draft);
    kinds::db_instance::report(draft);
    failover::plan_failover(draft);
    if !promotion::watch(draft, database) {
        replicas::plan_replicas(draft, database);
        storage::report(draft, database);
    }
}

fn unknown(draft: &mut Draft<'_>, wanted: &Wanted, why: String) {
    draft.wanted.insert(wanted.part.clone());
    draft.report(&wanted.part, wanted.kind, None, PartState::Unknown, why);
}

fn plan_tiers(draft: &mut Draft<'_>) {
    let input = draft.input;
    ensure_all(draft, &kinds::launch_template::wanted(&input));
    for tier in &input.spec.tiers {
        let group = kinds::auto_scaling_group::wanted(draft, tier);
        ensure(draft, &group);
        live::plan_tier(draft, tier);
    }
}

fn ensure_all(draft: &mut Draft<'_>, wanted: &[Wanted]) {
    for wanted in wanted {
        ensure(draft, wanted);
    }
}
