//! What carries our tags and belongs to no stack is listed, and deleted only where a person orders it, id by id.

use std::collections::BTreeSet;

use lamp_api::v1alpha1::{DoomedResource, OrphanDeletionPhase, OrphanDeletionStatus, OrphanedResource};
use lamp_cloud::kinds::vpc::Vpc;
use lamp_cloud::{Owner, Part, State, tag};
use lamp_store::Key;
use serde_json::json;

use crate::deletion::nothing_is_left;
use crate::stage::{HOUR, MINUTE, Stage, spec};

/// A site whose daemon lost its data directory, and got another one.
fn lost(name: &str) -> Stage {
    let mut stage = Stage::up(name);
    stage.site.lose_store().unwrap();
    stage
}

fn uid(stage: &Stage) -> String {
    stage.world().resources().next().unwrap().tags[tag::UID].clone()
}

fn orphans(stage: &Stage) -> Vec<OrphanedResource> {
    stage.site.ask_orphans().unwrap().orphans
}

fn doomed(rows: &[OrphanedResource]) -> Vec<DoomedResource> {
    rows.iter().map(|row| DoomedResource { kind: row.kind.clone(), id: row.id.clone() }).collect()
}

fn status(stage: &Stage, order: &Key) -> OrphanDeletionStatus {
    stage.site.order_status(order).unwrap().expect("the order is there")
}

fn until_ended(stage: &mut Stage, order: &Key) -> OrphanDeletionStatus {
    let ended = |stage: &Stage| {
        let phase = status(stage, order).phase;
        matches!(phase, OrphanDeletionPhase::Deleted | OrphanDeletionPhase::Refused)
    };
    stage.until("ended", 3 * HOUR, ended);
    status(stage, order)
}

#[test]
fn a_lost_site_is_listed_and_goes_on_order_with_a_final_snapshot() {
    let mut stage = lost("lamp");
    let mark = stage.mark();
    stage.run(10 * MINUTE);
    let rows = orphans(&stage);
    assert_eq!(stage.calls_since(mark), Vec::<String>::new(), "losing the store deletes nothing");
    assert_eq!(rows.len(), stage.world().resources().count(), "all of it is listed");
    assert!(rows.iter().all(|row| row.stack == "default/shop" && row.deletable), "{rows:#?}");
    let order = stage.site.order("sweep", &uid(&stage), &doomed(&rows)).unwrap();
    let ended = until_ended(&mut stage, &order);
    assert_eq!(ended.phase, OrphanDeletionPhase::Deleted, "{ended:#?}");
    nothing_is_left(&mut stage);
    let snapshots: Vec<String> = stage.world().snapshots().keys().cloned().collect();
    assert_eq!(ended.final_snapshots, snapshots);
    assert_eq!(snapshots.len(), 1, "the primary's");
    let calls = stage.calls_since(mark);
    let at = |wanted: &str| calls.iter().position(|call| call.starts_with(wanted)).unwrap();
    assert!(at("ModifyDBInstance") < at("DeleteDBInstance"), "protection is lifted in a step of its own");
    assert!(orphans(&stage).is_empty());
    stage.nothing_unlawful();
    stage.run(10 * MINUTE);
    assert_eq!(stage.site.order_status(&order).unwrap(), None, "it is forgotten a day later");
}

#[test]
fn nothing_but_what_was_listed_is_touched() {
    let mut stage = lost("whatisthetime");
    let old = uid(&stage);
    // Another site comes up, and another installation has a network.
    let key = stage.site.apply(&spec("lamp", |spec| spec["metadata"]["name"] = json!("other"))).unwrap();
    stage.until("Ready", 3 * HOUR, |stage| stage.site.is_ready(&key).unwrap());
    let owner = |install: &str| Owner {
        install: install.to_owned(),
        namespace: "default".to_owned(),
        name: "shop".to_owned(),
        uid: old.clone(),
    };
    let body = Vpc { cidr: "10.99.0.0/16".to_owned(), dns_support: None, dns_hostnames: None };
    let tags = owner("elsewhere").tags(&Part::new("vpc"), "intent");
    let theirs = stage.world().create_by_hand("theirs", &tags, body.clone().into()).unwrap();
    let rows = orphans(&stage);
    assert!(rows.iter().all(|row| row.uid == old && row.id != theirs), "{rows:#?}");
    let order = stage.site.order("sweep", &old, &doomed(&rows)).unwrap();
    stage.run(MINUTE);
    // It appears later, with the very tags of what is being deleted.
    let tags = owner("test").tags(&Part::new("vpc"), "intent");
    let late = stage.world().create_by_hand("late", &tags, body.into()).unwrap();
    let ended = until_ended(&mut stage, &order);
    assert_eq!(ended.phase, OrphanDeletionPhase::Deleted, "{ended:#?}");
    let left: BTreeSet<String> = {
        let world = stage.world();
        let rows = world.resources().filter(|row| row.tags[tag::UID] == old);
        // A NAT gateway that was deleted is shown for a while.
        rows.filter(|row| row.state != State::Deleting).map(|row| row.id.clone()).collect()
    };
    assert_eq!(left, [theirs, late.clone()].into());
    assert!(stage.site.is_ready(&key).unwrap(), "the other site was not touched");
    assert_eq!(orphans(&stage).iter().map(|row| row.id.clone()).collect::<Vec<_>>(), [late]);
}

#[test]
fn what_has_just_lost_its_stack_is_not_deleted() {
    let mut stage = lost("whatisthetime");
    stage.run(MINUTE);
    let rows = orphans(&stage);
    assert!(!rows.is_empty() && rows.iter().all(|row| !row.deletable));
    let mark = stage.mark();
    let order = stage.site.order("sweep", &uid(&stage), &doomed(&rows)).unwrap();
    let ended = until_ended(&mut stage, &order);
    assert_eq!(ended.phase, OrphanDeletionPhase::Refused);
    assert_eq!(ended.refused.len(), rows.len());
    assert!(ended.refused[0].why.contains("without a stack only since"), "{:?}", ended.refused[0]);
    stage.run(HOUR);
    assert_eq!(stage.calls_since(mark), Vec::<String>::new());
}

#[test]
fn one_id_that_is_no_orphan_and_nothing_is_done() {
    let mut stage = Stage::up("whatisthetime");
    let (vpc, uid) = (stage.id("vpc"), uid(&stage));
    let mark = stage.mark();
    let name = |kind: &str, id: &str| DoomedResource { kind: kind.to_owned(), id: id.to_owned() };
    for (order, named, why) in [
        ("kept", name("Vpc", &vpc), "it belongs to the stack default/whatisthetime"),
        ("unknown", name("Vpc", "vpc-0"), "nothing with this id carries the tags of this installation"),
        ("nonsense", name("Vcp", &vpc), "\"Vcp\" is no kind of resource"),
    ] {
        let order = stage.site.order(order, &uid, &[named]).unwrap();
        let ended = until_ended(&mut stage, &order);
        assert_eq!((ended.phase, ended.refused[0].why.as_str()), (OrphanDeletionPhase::Refused, why));
    }
    assert_eq!(stage.calls_since(mark), Vec::<String>::new());
}

/// Somebody took the finalizer off: the object is gone, and the records are there.
#[test]
fn a_site_whose_object_is_gone_goes_by_its_records() {
    let mut stage = Stage::up("whatisthetime");
    let uid = uid(&stage);
    stage.site.edit(&stage.key, |object| object["metadata"]["finalizers"] = json!([])).unwrap();
    stage.delete();
    assert!(!stage.site.store().ledger(&uid).unwrap().is_empty(), "the records remain");
    let mark = stage.mark();
    stage.run(10 * MINUTE);
    assert_eq!(stage.calls_since(mark), Vec::<String>::new());
    let rows = orphans(&stage);
    let order = stage.site.order("sweep", &uid, &doomed(&rows)).unwrap();
    assert_eq!(until_ended(&mut stage, &order).phase, OrphanDeletionPhase::Deleted);
    nothing_is_left(&mut stage);
    assert!(stage.site.store().ledger(&uid).unwrap().is_empty(), "nothing is left to remember");
    stage.nothing_unlawful();
}

#[test]
fn an_order_goes_on_after_restarts_and_says_what_is_in_its_way() {
    let mut stage = lost("lamp");
    stage.run(10 * MINUTE);
    let (uid, rows) = (uid(&stage), orphans(&stage));
    let subnet = rows.iter().find(|row| row.part == "subnet/application/1").unwrap().id.clone();
    let interface = stage.world().add_interface(&subnet, &[], "somebody's bastion");
    let order = stage.site.order("sweep", &uid, &doomed(&rows)).unwrap();
    for _ in 0..20 {
        stage.run(2 * MINUTE);
        stage.site.restart().unwrap();
    }
    stage.run(HOUR);
    let waiting = status(&stage, &order);
    assert_eq!(waiting.phase, OrphanDeletionPhase::Deleting);
    assert_eq!(waiting.blockers.iter().map(|one| one.by.as_str()).collect::<Vec<_>>(), [&interface]);
    assert_eq!(stage.world().snapshots().len(), 1);
    assert!(stage.world().remove_interface(&interface), "it was not touched");
    assert_eq!(until_ended(&mut stage, &order).phase, OrphanDeletionPhase::Deleted);
    nothing_is_left(&mut stage);
    stage.nothing_unlawful();
}

/// As after a backup in which both were was restored.
#[test]
fn an_order_ends_where_its_stack_is_in_the_store() {
    let mut stage = Stage::up("whatisthetime");
    let uid = uid(&stage);
    let vpc = DoomedResource { kind: "Vpc".to_owned(), id: stage.id("vpc") };
    let order = stage.site.order("sweep", &uid, &[vpc]).unwrap();
    stage.site.edit(&order, |object| object["status"] = json!({"phase": "Deleting"})).unwrap();
    let mark = stage.mark();
    let ended = until_ended(&mut stage, &order);
    assert_eq!(ended.phase, OrphanDeletionPhase::Refused);
    let message = ended.message.unwrap();
    assert!(message.starts_with("the stack default/whatisthetime is in the store again"), "{message}");
    assert_eq!(stage.calls_since(mark), Vec::<String>::new());
}

#[test]
fn an_order_that_is_removed_stops() {
    let mut stage = lost("lamp");
    stage.run(10 * MINUTE);
    let order = stage.site.order("sweep", &uid(&stage), &doomed(&orphans(&stage))).unwrap();
    stage.run(MINUTE);
    stage.site.delete(&order).unwrap();
    let mark = stage.mark();
    stage.run(2 * HOUR);
    assert_eq!(stage.calls_since(mark), Vec::<String>::new());
    assert!(!orphans(&stage).is_empty(), "what is left is an orphan as before");
}
