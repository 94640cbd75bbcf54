//! A store that is older than AWS changes nothing until a person says that it is to stand; and one that is lost is made
//! again by taking over what is there.

use std::collections::{BTreeMap, BTreeSet};

use lamp_api::{adoption, annotations};
use lamp_cloud::{Request, tag};
use lamp_tests::site::Site;
use serde_json::{Value, json};

use crate::stage::{HOUR, MINUTE, Stage, spec};

/// A site with two tiers, as it was before its second one was added.
fn one_tier() -> Value {
    spec("lamp", |spec| {
        spec["spec"].as_object_mut().unwrap().remove("database");
        let tiers = spec["spec"]["tiers"].as_array_mut().unwrap();
        tiers.retain(|tier| tier["name"] == "web");
        tiers.iter_mut().for_each(|tier| tier["uses"] = json!([]));
    })
}

fn add_tier(spec: &mut Value) {
    let mut tier = spec["spec"]["tiers"][0].clone();
    tier["name"] = json!("news");
    spec["spec"]["tiers"].as_array_mut().unwrap().push(tier);
}

/// A site to which a tier was added after a backup was made, now with that backup.
fn restored() -> Stage {
    let mut stage = Stage::up_with(crate::stage::calm(1), one_tier());
    let backup = stage.site.backup();
    stage.run(2 * HOUR);
    stage.edit(add_tier);
    stage.until_ready();
    stage.run(10 * MINUTE);
    stage.site.restore(&backup).unwrap();
    stage
}

#[test]
fn a_restored_backup_changes_nothing_until_a_person_confirms_it() {
    let mut stage = restored();
    let mark = stage.mark();
    for _ in 0..3 {
        stage.run(2 * HOUR);
        assert_eq!(stage.calls_since(mark), Vec::<String>::new());
        let stalled = stage.condition("Stalled");
        assert!(stalled.starts_with("True StoreOlderThanAWS: AWS carries resources"), "{stalled}");
        assert!(stalled.contains("lamplighter store confirm"), "{stalled}");
        stage.site.restart().unwrap();
    }
    assert!(stage.site.confirm_epoch().unwrap().is_some());
    stage.annotate(annotations::ADOPT, "true");
    stage.settles();
    let is_creation = |call: &String| call.starts_with("Create") && !call.contains("Tags");
    let again: Vec<String> = stage.calls_since(mark).into_iter().filter(is_creation).collect();
    assert_eq!(again, Vec::<String>::new(), "nothing is made a second time");
}

#[test]
fn a_confirmed_backup_stands_over_restarts_and_can_be_found_old_again() {
    let mut stage = restored();
    stage.run(MINUTE);
    stage.site.confirm_epoch().unwrap();
    stage.run(10 * MINUTE);
    assert!(!stage.condition("Stalled").contains("StoreOlderThanAWS"), "{}", stage.story());
    let backup = stage.site.backup();
    stage.run(2 * HOUR);
    stage.annotate(annotations::ADOPT, "true");
    stage.until_ready();
    stage.edit(|spec| {
        let mut tier = spec["spec"]["tiers"][0].clone();
        tier["name"] = json!("blog");
        spec["spec"]["tiers"].as_array_mut().unwrap().push(tier);
    });
    stage.until_ready();
    stage.site.restore(&backup).unwrap();
    stage.run(MINUTE);
    assert!(stage.condition("Stalled").starts_with("True StoreOlderThanAWS"), "{}", stage.story());
}

#[test]
fn the_newest_store_is_never_taken_for_an_old_one() {
    let mut stage = Stage::up("whatisthetime");
    let backup = stage.site.backup();
    for _ in 0..3 {
        stage.run(2 * HOUR);
        stage.site.restart().unwrap();
    }
    stage.settles();
    // Nothing was made since the backup: it is as good as what it replaces.
    stage.site.restore(&backup).unwrap();
    stage.settles();
}

#[test]
fn whatever_is_made_says_in_which_epoch() {
    let stage = Stage::up("lamp");
    let world = stage.world();
    let created = world.log().iter().filter_map(|call| match call.request()? {
        Request::Create { part, tags, .. } => Some((part.to_string(), tags.contains_key(tag::EPOCH))),
        _ => None,
    });
    let created: BTreeMap<_, _> = created.collect();
    assert!(created.len() > 30 && created.values().all(|has| *has), "{created:?}");
}

/// Part and id of everything that a lost stack left, as the annotation names them.
fn left_behind(site: &Site) -> BTreeMap<String, String> {
    let orphans = site.ask_orphans().unwrap().orphans;
    orphans.into_iter().map(|orphan| (orphan.part, orphan.id)).collect()
}

#[test]
fn a_lost_store_deletes_nothing_and_its_site_is_taken_over_again() {
    let mut stage = Stage::up("lamp");
    let before: Vec<String> = stage.world().resources().map(|row| row.id.clone()).collect();
    stage.site.lose_store().unwrap();
    let mark = stage.mark();
    stage.run(HOUR);
    assert_eq!(stage.calls_since(mark), Vec::<String>::new(), "nothing is deleted");
    let left = left_behind(&stage.site);
    assert_eq!(left.len(), before.len(), "all of it is listed");
    stage.annotate(annotations::ADOPT, &adoption::format(&left));
    stage.settles();
    let calls = stage.calls_since(mark);
    let is_lasting = |call: &&String| ["Create", "Delete"].iter().any(|verb| call.starts_with(verb));
    // A scaling policy carries no tags: its name says of which stack it is, and the new one puts its own.
    let others: BTreeSet<_> = calls
        .iter()
        .filter(is_lasting)
        .filter(|call| !call.contains("Tag") && !call.contains("Policy"))
        .collect();
    // The names of replicas that are yet to come are those of the new stack: the tier that reads from them is rolled out.
    assert_eq!(others, BTreeSet::from([&"CreateLaunchTemplateVersion launch-template/app".to_owned()]));
    assert_eq!((stage.healthy("web"), stage.healthy("app")), (2, 2));
    let after: Vec<String> = stage.world().resources().map(|row| row.id.clone()).collect();
    assert_eq!(after, before, "nothing is made, and nothing is gone");
    assert!(left_behind(&stage.site).is_empty());
}
