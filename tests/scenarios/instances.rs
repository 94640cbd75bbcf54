//! What people do to single instances behind the daemon's back.

use std::time::Duration;

use lamp_cloud::{Body, Tags, tag};

use crate::stage::{HOUR, MINUTE, Stage};

/// Two periods of observation.
const NOTICED: Duration = Duration::from_secs(30);

impl Stage {
    fn tags_of(&self, instance: &str) -> Tags {
        let world = self.world();
        world.instances().find(|row| row.id == instance).map(|row| row.tags.clone()).unwrap_or_default()
    }

    fn network(&self) -> String {
        match self.find("subnet/application/1").map(|row| (row.id, row.body)) {
            Some((id, Body::Subnet(_))) => id,
            other => panic!("no subnet: {other:?}"),
        }
    }

    fn strangers(&self) -> Vec<String> {
        let strangers = self.status().unwrap_or_default().strangers;
        strangers.into_iter().map(|stranger| stranger.instance).collect()
    }
}

#[test]
fn tags_of_an_instance_are_put_back_and_it_is_not_taken_for_lost() {
    let mut stage = Stage::up("lamp");
    let victim = stage.members("web").remove(0);
    let before = stage.tags_of(&victim);
    let losses: [fn(&mut Tags); 3] = [
        |tags| tags.retain(|key, _| key.starts_with("aws:")),
        |tags| drop(tags.remove(tag::PART)),
        |tags| drop(tags.insert(tag::UID.to_owned(), "another".to_owned())),
    ];
    for lose in losses {
        stage.world().tag_instance_by_hand(&victim, lose);
        stage.until("tagged again", NOTICED, |stage| stage.tags_of(&victim) == before);
        // The same call is not repeated before readings had the time to show it.
        stage.run(2 * MINUTE);
    }
    // People may name an instance as they like.
    let named = |tags: &mut Tags| drop(tags.insert(tag::NAME.to_owned(), "the good one".to_owned()));
    stage.world().tag_instance_by_hand(&victim, named);
    stage.run(10 * MINUTE);
    assert_eq!(stage.tags_of(&victim)[tag::NAME], "the good one");
    assert!(stage.members("web").contains(&victim), "it was replaced: {}", stage.story());
    stage.settles();
}

#[test]
fn a_stranger_in_the_network_is_reported_and_left_alone() {
    let mut stage = Stage::up("lamp");
    assert_eq!(stage.strangers(), Vec::<String>::new());
    let subnet = stage.network();
    let tags = Tags::from([(tag::NAME.to_owned(), "bastion".to_owned())]);
    let stranger = stage.world().run_instance(&subnet, tags).unwrap();
    let mark = stage.mark();
    stage.until("reported", NOTICED, |stage| stage.strangers() == [stranger.clone()]);
    let said = stage.events().into_iter().filter(|event| event.contains("StrangerFound")).collect::<Vec<_>>();
    assert!(matches!(&said[..], [one] if one.contains(&stranger) && one.contains("bastion")), "{said:?}");
    stage.run(HOUR);
    assert_eq!(stage.brief_since(mark), "", "it is not ours to touch");
    assert!(stage.site.is_ready(&stage.key).unwrap(), "a stranger is no defect: {}", stage.story());
    stage.world().terminate_by_hand(&stranger);
    stage.until("forgotten", 5 * MINUTE, |stage| stage.strangers().is_empty());
    stage.settles();
}

#[test]
fn an_instance_that_somebody_calls_unhealthy_is_left_to_its_group() {
    let mut stage = Stage::up("lamp");
    let victim = stage.members("web").remove(0);
    let mark = stage.mark();
    stage.world().condemn_instance(&victim);
    stage.until("noticed", NOTICED, |stage| {
        stage.condition("TiersReady").starts_with("False InstancesNotReady")
    });
    stage.until("replaced", 10 * MINUTE, |stage| {
        !stage.members("web").contains(&victim) && stage.healthy("web") == 2
    });
    stage.settles();
    assert_eq!(stage.brief_since(mark), "", "its group had replaced it");
}
