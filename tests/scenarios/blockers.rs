//! A deletion that something is in the way of: it is named, waited for, and never touched.

use expect_test::expect;
use lamp_cloud::kinds::security_group::{self, Peer, Rule, SecurityGroup};
use lamp_cloud::{Change, Kind, Reference, Tags};

use crate::deletion::nothing_is_left;
use crate::stage::{HOUR, MINUTE, Stage};

/// Calls that AWS refused since a point in the log.
fn refused_since(stage: &Stage, mark: usize) -> Vec<String> {
    let world = stage.world();
    let calls = world.log().iter().skip(mark).filter(|call| call.request().is_some());
    calls
        .filter_map(|call| Some(format!("{}: {}", call.operation, call.outcome.as_ref().err()?.code)))
        .collect()
}

fn blockers(stage: &Stage) -> Vec<String> {
    let deletion = stage.status().unwrap().deletion.unwrap();
    deletion.blockers.into_iter().map(|blocker| blocker.message).collect()
}

#[test]
fn what_lingers_of_load_balancers_is_waited_for_without_a_refused_call() {
    for spec in ["whatisthetime", "lamp"] {
        let mut stage = Stage::up(spec);
        let mark = stage.mark();
        stage.delete();
        stage.until_gone();
        assert_eq!(refused_since(&stage, mark), Vec::<String>::new(), "{spec}");
        nothing_is_left(&mut stage);
    }
}

#[test]
fn a_foreign_interface_is_named_at_once_and_an_hour_later_and_the_deletion_ends_when_it_is_gone() {
    let mut stage = Stage::up("whatisthetime");
    let subnet = stage.id("subnet/application/1");
    let interface = stage.world().add_interface(&subnet, &[], "somebody's bastion");
    let mark = stage.mark();
    stage.delete();
    stage.run(MINUTE);
    let told = format!(
        "{subnet} (subnet/application/1) is held by {interface}: somebody's bastion; it is none of this stack's and \
         is left alone: remove it, and the deletion goes on"
    );
    let stalled = stage.condition("Stalled");
    assert_eq!(stalled, format!("True DeletionBlocked: {told}"));
    assert!(blockers(&stage).contains(&told));
    stage.run(HOUR);
    assert_eq!(stage.condition("Stalled"), stalled);
    assert_eq!(blockers(&stage), [told]);
    assert_eq!(refused_since(&stage, mark), ["DeleteSubnet: DependencyViolation"], "asked once, and no more");
    let news = stage.events().into_iter().filter(|event| event.contains("Stalled:")).count();
    assert_eq!(news, 1, "{:#?}", stage.events());
    let left: Vec<String> =
        stage.world().resources().filter_map(|row| row.part()).map(|part| part.to_string()).collect();
    expect![[r#"
        vpc
        subnet/application/1"#]]
    .assert_eq(&left.join("\n"));
    assert!(stage.world().remove_interface(&interface), "it was not touched");
    let took = stage.until_gone();
    assert!(took < 5 * MINUTE, "{took:?}");
    nothing_is_left(&mut stage);
}

#[test]
fn a_foreign_instance_is_named_with_its_name() {
    let mut stage = Stage::up("whatisthetime");
    let subnet = stage.id("subnet/application/1");
    let tags = Tags::from([("Name".to_owned(), "bastion".to_owned())]);
    let instance = stage.world().run_instance(&subnet, tags).unwrap();
    stage.delete();
    stage.run(30 * MINUTE);
    let stalled = stage.condition("Stalled");
    assert!(stalled.starts_with("True DeletionBlocked: "), "{stalled}");
    assert!(stalled.contains(&format!("of instance {instance} (\"bastion\")")), "{stalled}");
    stage.world().terminate_by_hand(&instance);
    stage.until_gone();
    nothing_is_left(&mut stage);
}

/// The rule of a foreign group names one of ours: no interface shows it, and AWS does not say more.
#[test]
fn what_only_aws_knows_is_quoted_and_an_hour_later_the_deletion_is_stuck() {
    let mut stage = Stage::up("whatisthetime");
    let (vpc, ours) = (stage.id("vpc"), stage.id("security-group/web"));
    let body = SecurityGroup {
        vpc: Reference::id(&vpc),
        description: "theirs".to_owned(),
        ingress: Vec::new(),
        egress: Vec::new(),
    };
    let theirs = stage.world().create_by_hand("theirs", &Tags::new(), body.into()).unwrap();
    let rule = Rule::tcp(22, Peer::Group(Reference::id(&ours)));
    let change = Change::SecurityGroup(security_group::Change::AuthorizeIngress(vec![rule]));
    stage.world().change_by_hand(&theirs, &change).unwrap();
    stage.delete();
    stage.run(30 * MINUTE);
    assert!(stage.condition("Stalled").starts_with("False "), "{}", stage.condition("Stalled"));
    let quoted = format!("{ours} (security-group/web): AWS refuses DeleteSecurityGroup: ");
    assert!(blockers(&stage)[0].starts_with(&quoted), "{:?}", blockers(&stage));
    stage.run(HOUR);
    let stalled = stage.condition("Stalled");
    assert!(stalled.starts_with("True DeletionStuck: ") && stalled.contains(&quoted), "{stalled}");
    stage.world().delete_by_hand(Kind::SecurityGroup, &theirs).unwrap();
    stage.until_gone();
    nothing_is_left(&mut stage);
}

#[test]
fn a_daemon_that_is_restarted_in_the_middle_goes_on_and_says_the_same() {
    let mut stage = Stage::up("lamp");
    let subnet = stage.id("subnet/application/1");
    let interface = stage.world().add_interface(&subnet, &[], "somebody's bastion");
    stage.delete();
    let mut began = None;
    for _ in 0..12 {
        stage.run(3 * MINUTE);
        let deletion = stage.status().unwrap().deletion.unwrap();
        assert_eq!(*began.get_or_insert(deletion.started_time.clone()), deletion.started_time);
        assert!(stage.condition("Stalled").contains(&interface), "{}", stage.condition("Stalled"));
        stage.site.restart().unwrap();
    }
    stage.run(20 * MINUTE);
    assert_eq!(stage.world().snapshots().len(), 1);
    assert!(stage.world().remove_interface(&interface));
    stage.until_gone();
    nothing_is_left(&mut stage);
}
