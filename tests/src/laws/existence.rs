//! What exists, how often, and for how long.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use lamp_api::v1alpha1::DeletionPolicy;
use lamp_cloud::kinds::db_instance::Change as DatabaseChange;
use lamp_cloud::kinds::route_table::Change as RouteChange;
use lamp_cloud::{Change, InstanceState, Kind, Request, Resource, State, tag};
use lamp_sim::{Call, Effect, Fault, World};

use super::{Case, Scene};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Longer than any reading is old, and than anybody may wait for a second one.
const KNOWN: Duration = Duration::from_secs(600);
/// What came late is swept by then.
const SWEPT: Duration = Duration::from_secs(2400);
/// A part that is made more often in an hour is made without end.
const CREATIONS: usize = 8;
/// The same change that is made more often in an hour is a quarrel that nobody noticed.
const CORRECTIONS: usize = 6;

fn counts(row: &Resource) -> bool {
    !matches!(row.state, State::Deleting | State::Failed(_))
}

fn value<'a>(row: &'a Resource, key: &str) -> &'a str {
    row.tags.get(key).map(String::as_str).unwrap_or_default()
}

fn created_at(world: &World, row: &Resource) -> Option<jiff::Timestamp> {
    row.created_at.filter(|at| *at <= world.now())
}

/// Rows that are the same part of the same stack.
fn same_part<'a>(
    world: &'a World,
    kind: Kind,
    uid: &'a str,
    part: &'a str,
) -> impl Iterator<Item = &'a Arc<Resource>> {
    world.resources().filter(move |row| {
        row.kind() == kind && value(row, tag::UID) == uid && value(row, tag::PART) == part && counts(row)
    })
}

/// S-D4: nobody makes what has stood for long: whoever does took something unknown for absent.
pub(super) fn nothing_is_made_that_stands(case: &Case<'_>) -> Option<String> {
    let Request::Create { part, body, .. } = case.request else { return None };
    let world = case.scene.world;
    let old = |row: &&Arc<Resource>| created_at(world, row).is_some_and(|at| at + KNOWN < case.now);
    let there = same_part(world, body.kind(), &case.uid, part.as_str()).find(old)?;
    Some(format!("{part} is made though {} has been there for long", there.id))
}

/// Kinds that go only with their stack, or with what they belong to.
const STAYING: [Kind; 12] = [
    Kind::Vpc,
    Kind::Subnet,
    Kind::InternetGateway,
    Kind::ElasticIp,
    Kind::RouteTable,
    Kind::SecurityGroup,
    Kind::LoadBalancer,
    Kind::TargetGroup,
    Kind::LaunchTemplate,
    Kind::AutoScalingGroup,
    Kind::DbSubnetGroup,
    Kind::Secret,
];

/// S-D4: nothing goes that the spec wants and that is there once.
pub(super) fn nothing_wanted_goes(case: &Case<'_>) -> Option<String> {
    let Request::Delete { kind, id, .. } = case.request else { return None };
    let part = case.part()?;
    let wanted = STAYING.contains(kind) && case.scene.history.expected.contains(&part) && !case.deleting();
    let row = case.subject.as_ref().filter(|row| wanted && row.is_ready())?;
    let alone = same_part(case.scene.world, *kind, value(row, tag::UID), &part).count() < 2;
    (alone && case.dossier.is_some())
        .then(|| format!("{part} is wanted, and {id} is all that there is of it"))
}

/// S-U4: a restart that was made is not made again at once.
pub(super) fn restarts_are_made_once(case: &Case<'_>) -> Option<String> {
    let Request::Change { id, change: Change::DbInstance(DatabaseChange::Reboot { .. }), .. } = case.request
    else {
        return None;
    };
    let again = case.done(10 * MINUTE).any(|call| call.request() == Some(case.request));
    again.then(|| format!("{id} is restarted again within ten minutes"))
}

/// S-U5: nothing is made again without end.
pub(super) fn creations_end(case: &Case<'_>) -> Option<String> {
    let Request::Create { part, .. } = case.request else { return None };
    let of_part = |call: &&Call| match call.request() {
        Some(Request::Create { part: other, tags, .. }) => {
            other == part && tags.get(tag::UID).is_some_and(|uid| *uid == case.uid)
        }
        _ => false,
    };
    let ids = case.done(HOUR).filter(of_part).filter_map(|call| match &call.effect {
        Effect::Done(applied) => applied.id.as_deref(),
        _ => None,
    });
    let made = ids.collect::<BTreeSet<_>>().len();
    (made >= CREATIONS).then(|| format!("{part} was made {made} times in an hour"))
}

/// S-E2: nothing is put back again and again, but where its spec is written again and again.
pub(super) fn corrections_end(case: &Case<'_>) -> Option<String> {
    let Request::Change { id, change, .. } = case.request else { return None };
    let same = |call: &&Call| matches!(call.request(), Some(Request::Change { id: other, change: made, .. }) if other == id && made == change);
    let made = case.done(HOUR).filter(same).count();
    let edits =
        case.dossier.as_ref().map_or(0, |dossier| usize::try_from(dossier.generation).unwrap_or(usize::MAX));
    (made >= CORRECTIONS.saturating_add(edits))
        .then(|| format!("{} of {id} was made {made} times in an hour", case.request.operation()))
}

/// S-N2: a route is put to a NAT gateway that works, or has worked.
pub(super) fn routes_lead_to_what_works(case: &Case<'_>) -> Option<String> {
    let Request::Change {
        id,
        change:
            Change::RouteTable(RouteChange::CreateRoute { target, .. } | RouteChange::ReplaceRoute { target, .. }),
        ..
    } = case.request
    else {
        return None;
    };
    let pending = case
        .scene
        .world
        .resource(Kind::NatGateway, target)
        .is_some_and(|row| matches!(row.state, State::Pending(_)));
    pending.then(|| format!("{id} leads to {target}, which does not work yet"))
}

/// S-U1: nothing is there twice for longer than it takes to sweep what came late.
pub(super) fn nothing_stays_twice(scene: &Scene<'_>) -> Option<String> {
    let now = scene.world.now();
    let mut parts: BTreeMap<(Kind, &str, &str), &Arc<Resource>> = BTreeMap::new();
    for row in scene.world.resources().filter(|row| counts(row)) {
        let (uid, part) = (value(row, tag::UID), value(row, tag::PART));
        if row.tags.get(tag::INSTALL) != Some(&scene.world.config().install) {
            continue;
        }
        let Some(other) = parts.insert((row.kind(), uid, part), row) else { continue };
        let old = |row: &Resource| created_at(scene.world, row).is_some_and(|at| at + SWEPT < now);
        // What carries our tags without having been made by us, others copied.
        if [row, other].iter().all(|row| old(row) && was_made_by_us(scene.world, row)) {
            return Some(format!("{part} of {uid} is there twice: {} and {}", other.id, row.id));
        }
    }
    None
}

fn was_made_by_us(world: &World, row: &Resource) -> bool {
    let intent = row.tags.get(tag::INTENT);
    let made = |call: &Call| {
        matches!(call.request(), Some(Request::Create { token, .. }) if Some(token) == intent)
            && matches!(&call.effect, Effect::Done(applied) if applied.id.as_ref() == Some(&row.id))
    };
    world.log().iter().any(made) || came_late(world, row)
}

/// S-U2: whatever we made is in our records, by the time that a late one is swept.
pub(super) fn everything_is_on_record(scene: &Scene<'_>) -> Option<String> {
    let now = scene.world.now();
    for dossier in scene.files.dossiers() {
        let records = scene.files.records(&dossier.uid);
        let known = |row: &Resource| {
            records
                .get(value(row, tag::PART))
                .is_some_and(|entry| entry["id"].is_string() || entry["open"].is_object())
        };
        let lost = scene.world.resources().find(|row| {
            value(row, tag::UID) == dossier.uid
                && counts(row)
                && created_at(scene.world, row).is_some_and(|at| at + SWEPT < now)
                && !known(row)
                && was_made_by_us(scene.world, row)
        });
        if let Some(row) = lost {
            return Some(format!("{} {} is in no record of ours", row.kind().name(), row.id));
        }
    }
    None
}

/// S-D6: an object goes after what belongs to it.
pub(super) fn nothing_outlives_its_object(scene: &Scene<'_>) -> Option<String> {
    let there: Vec<String> = scene.files.dossiers().iter().map(|dossier| dossier.uid.clone()).collect();
    let gone = |uid: &str| {
        scene.history.stacks.get(uid).is_some_and(|policy| *policy != DeletionPolicy::Retain)
            && !there.iter().any(|other| other == uid)
    };
    let left = scene.world.resources().find(|row| {
        gone(value(row, tag::UID))
            && row.state != State::Deleting
            && !came_late(scene.world, row)
            && was_made_by_us(scene.world, row)
    });
    if let Some(row) = left {
        return Some(format!("{} {} outlives its stack", row.kind().name(), row.id));
    }
    let runs = |state| matches!(state, InstanceState::Pending | InstanceState::Running);
    let instance = scene.world.instances().find(|row| {
        row.group.is_some() && runs(row.state) && row.tags.get(tag::UID).is_some_and(|uid| gone(uid))
    })?;
    Some(format!("instance {} outlives its stack", instance.id))
}

/// Whether the request that made it came late or twice: nobody could wait for it.
pub(crate) fn came_late(world: &World, row: &Resource) -> bool {
    let intent = row.tags.get(tag::INTENT);
    let odd = |call: &&Call| matches!(call.fault, Some(Fault::LateEffect | Fault::Duplicate));
    world
        .log()
        .iter()
        .filter(odd)
        .any(|call| matches!(call.request(), Some(Request::Create { token, .. }) if Some(token) == intent))
}
