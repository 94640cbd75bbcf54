//! Another tool changes a field back each time: the war ends with a word to a person, and few calls.

use std::time::Duration;

use lamp_api::conditions::types;
use lamp_api::v1alpha1::LeftAloneReason;
use lamp_cloud::kinds::security_group::{Change as Rules, Peer, Rule};
use lamp_cloud::{Body, Change};

use crate::stage::{DAY, HOUR, MINUTE, STEP, Stage};

const PART: &str = "security-group/app";

/// Another tool changes the field back within a minute of each correction.
fn fight(stage: &mut Stage, wanted: &Body, opened: &Change, span: Duration) {
    let (id, end) = (stage.id(PART), stage.now() + span);
    while stage.now() < end {
        if stage.body(PART) == *wanted {
            stage.world().change_by_hand(&id, opened).unwrap();
        }
        stage.run(MINUTE);
    }
}

#[test]
fn a_field_that_another_tool_insists_on_is_left_alone_and_put_back_when_it_gives_in() {
    let mut stage = Stage::up("lamp");
    let (wanted, mark) = (stage.body(PART), stage.mark());
    let rule = Rule::tcp(22, Peer::Range("192.0.2.0/24".to_owned()));
    let opened = Change::SecurityGroup(Rules::AuthorizeIngress(vec![rule]));
    fight(&mut stage, &wanted, &opened, HOUR);
    let said = stage.condition(types::CONTENDED);
    assert!(said.starts_with(&format!("True ChangedAgainAndAgain: {PART}: ingress was put back ")), "{said}");
    assert!(stage.condition(types::READY).starts_with("True"), "the site serves: {}", stage.story());
    let warned =
        stage.events().iter().any(|event| event.starts_with("Warning Contended: ChangedAgainAndAgain"));
    assert!(warned, "{:#?}", stage.events());
    // What was corrected when is remembered on disk.
    stage.site.restart().unwrap();
    fight(&mut stage, &wanted, &opened, DAY - HOUR);
    let calls = stage.calls_since(mark);
    assert!(calls.iter().all(|call| *call == format!("RevokeSecurityGroupIngress {PART}")), "{calls:#?}");
    assert!((4..=20).contains(&calls.len()), "{} calls in a day", calls.len());
    let left = stage.status().unwrap().left_alone;
    let [left] = left.as_slice() else { panic!("{left:?}") };
    assert_eq!(
        (left.reason, left.part.as_str(), left.field.as_str()),
        (LeftAloneReason::Contended, PART, "ingress")
    );
    // Nobody changes it any more: it is put back by itself, and that is the end of it.
    stage.until("put back", DAY, |stage| stage.body(PART) == wanted);
    stage.run(2 * HOUR);
    assert!(stage.condition(types::CONTENDED).starts_with("False"));
    println!("{} calls in a day", calls.len());
    stage.settles();
}

/// What undoes a correction before anybody looks leaves no reading in which the field is as it should be.
#[test]
fn a_tool_that_is_faster_than_any_reading_is_left_alone_as_well() {
    let mut stage = Stage::up("lamp");
    let (id, mark, end) = (stage.id(PART), stage.mark(), stage.now() + HOUR);
    let rule = Rule::tcp(22, Peer::Range("192.0.2.0/24".to_owned()));
    let opened = Change::SecurityGroup(Rules::AuthorizeIngress(vec![rule]));
    while stage.now() < end {
        drop(stage.world().change_by_hand(&id, &opened));
        stage.run(STEP);
    }
    assert!(stage.condition(types::CONTENDED).starts_with("True"), "{}", stage.story());
    let calls = stage.calls_since(mark).len();
    assert!((3..=5).contains(&calls), "{calls} calls in an hour");
}
