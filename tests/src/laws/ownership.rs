//! Whose a resource is, and on whose word it is touched.

use lamp_api::v1alpha1::Mode;
use lamp_cloud::{Request, tag};

use super::Case;

/// S-U3: the exact request was on disk before it was sent.
pub(super) fn intent_is_durable(case: &Case<'_>) -> Option<String> {
    let value = serde_json::to_value(case.request).ok()?;
    let words = format!("\"request\":{value}");
    let on_disk = case.scene.files.disk.holds(&["ledger"], &words);
    (!on_disk).then(|| format!("{} was sent, and no intent on disk says so", case.request.operation()))
}

/// S-A1: the record says why.
pub(super) fn reason_is_recorded(case: &Case<'_>) -> Option<String> {
    let request = serde_json::to_value(case.request).ok()?;
    let open = case.records.values().map(|entry| &entry["open"]).find(|open| open["request"] == request)?;
    let silent = open["reason"].as_str().is_none_or(str::is_empty);
    silent.then(|| format!("{} is sent for no reason", case.request.operation()))
}

/// S-D1: nothing is touched without our tags on it and its id in our records.
pub(super) fn two_keys(case: &Case<'_>) -> Option<String> {
    let row = case.subject.as_ref()?;
    let recorded = case.records.values().any(|entry| entry["id"] == row.id.as_str());
    let tagged = case.scene.world.was_tagged(row.kind(), &row.id);
    let adopts = case.dossier.as_ref().is_some_and(|dossier| dossier.adopts);
    if matches!(case.request, Request::Tag { .. }) && (recorded || adopts) {
        return None;
    }
    // What a lost reply left behind is known by the record of its twin.
    let twin = case.part().is_some_and(|part| case.records.contains_key(&part)) && is_twin(case);
    let lacks = match (tagged, recorded || twin) {
        (true, true) => return None,
        (false, _) => "our tags",
        (true, false) => "a record",
    };
    Some(format!("{} of {} {}, without {lacks}", case.request.operation(), row.kind().name(), row.id))
}

fn is_twin(case: &Case<'_>) -> bool {
    let Some(row) = &case.subject else { return false };
    let same = |key: &str, tags: &lamp_cloud::Tags| tags.get(key) == row.tags.get(key);
    let others = case.scene.world.resources().filter(|other| {
        other.kind() == row.kind() && same(tag::UID, &other.tags) && same(tag::PART, &other.tags)
    });
    // A twin's own record may be that of the one that is gone already.
    let ours = row.tags.contains_key(tag::INTENT);
    ours && (others.count() > 1
        || case.records.values().any(|entry| entry["last"]["request"]["delete"]["id"] == row.id.as_str()))
}

/// S-E3: a stack that is paused, or only watched, is not touched.
pub(super) fn paused_is_paused(case: &Case<'_>) -> Option<String> {
    let mode = case.dossier.as_ref()?.spec.mode;
    (mode != Mode::Enforce).then(|| format!("{} while the stack is {mode:?}", case.request.operation()))
}
