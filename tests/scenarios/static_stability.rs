//! What a site does while nobody looks after it, and what it would do if its groups went by their load balancers: the
//! figures of `docs/rfd/0005-groups-go-by-ec2.md`.

use std::collections::BTreeSet;
use std::time::Duration;

use lamp_cloud::Change;
use lamp_cloud::kinds::auto_scaling_group::{Change as GroupChange, EC2};
use serde_json::json;

use crate::stage::{DAY, HOUR, MINUTE, STEP, Stage, calm, spec};

/// What a group goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Checks {
    Ec2,
    LoadBalancer,
    /// With a maintenance policy of 100 to 110 per cent.
    LoadBalancerAndNewFirst,
}

const ALL: [Checks; 3] = [Checks::Ec2, Checks::LoadBalancer, Checks::LoadBalancerAndNewFirst];
const INSTANCES: usize = 4;

/// A site whose group goes by `checks`, and where Lamplighter leaves it at that.
fn site(checks: Checks) -> Stage {
    let stage = Stage::up_with(
        calm(1),
        spec("whatisthetime", |spec| {
            spec["spec"]["tiers"][0]["capacity"] = json!({"min": INSTANCES, "max": 8});
            spec["spec"]["ignore"] =
                json!([{"part": "auto-scaling-group/*", "fields": ["healthCheckType"], "policy": "Ignore"}]);
        }),
    );
    let id = stage.id("auto-scaling-group/web");
    let health_check_type = if checks == Checks::Ec2 { EC2 } else { "ELB" };
    let settings = lamp_cloud::kinds::auto_scaling_group::Settings {
        health_check_type: health_check_type.to_owned(),
        ..stage.group("web").settings()
    };
    let change = Change::AutoScalingGroup(GroupChange::Settings(settings));
    stage.world().change_by_hand(&id, &change).expect("changed");
    if checks == Checks::LoadBalancerAndNewFirst {
        stage.world().launch_before_terminate(&id);
    }
    stage
}

/// What was seen of a group over time.
#[derive(Debug)]
struct Seen {
    ever: BTreeSet<String>,
    /// Members in service, at the worst moment.
    fewest: usize,
}

impl Seen {
    fn of(stage: &Stage) -> Self {
        Self { ever: stage.members("web").into_iter().collect(), fewest: in_service(stage) }
    }

    fn look(&mut self, stage: &Stage) {
        self.ever.extend(stage.members("web"));
        self.fewest = self.fewest.min(in_service(stage));
    }

    fn terminated(&self, stage: &Stage) -> usize {
        self.ever.len() - stage.members("web").len()
    }
}

fn in_service(stage: &Stage) -> usize {
    let members = stage.group("web").members;
    members.iter().filter(|member| member.lifecycle == lamp_cloud::LifecycleState::InService).count()
}

/// Time goes on, with the daemon or without.
fn pass(stage: &mut Stage, span: Duration, alive: bool, seen: &mut Seen) {
    let end = stage.now() + span;
    while stage.now() < end {
        if alive {
            stage.run(MINUTE);
        } else {
            (0..4).for_each(|_| stage.site.clock.advance(STEP));
        }
        seen.look(stage);
    }
}

/// Every health check fails for six hours, and every instance serves: how many are terminated, and how many stay.
fn false_positive(checks: Checks, alive: bool) -> (usize, usize) {
    let mut stage = site(checks);
    let mut seen = Seen::of(&stage);
    let group = stage.id("target-group/web");
    stage.world().break_health_check(&group, true);
    pass(&mut stage, 6 * HOUR, alive, &mut seen);
    let outcome = (seen.terminated(&stage), seen.fewest);
    stage.world().break_health_check(&group, false);
    stage.settles();
    outcome
}

/// A week without the daemon: a host dies, a second one is impaired, an instance hangs. How many serve in the end.
fn dead_week(checks: Checks) -> usize {
    let mut stage = site(checks);
    let mut seen = Seen::of(&stage);
    pass(&mut stage, DAY, false, &mut seen);
    let victim = stage.members("web")[0].clone();
    assert!(stage.world().kill_instance(&victim));
    pass(&mut stage, DAY, false, &mut seen);
    let victim = stage.members("web")[1].clone();
    assert!(stage.world().impair_instance(&victim));
    pass(&mut stage, DAY, false, &mut seen);
    let victim = stage.members("web")[2].clone();
    assert!(stage.world().hang_instance(&victim));
    pass(&mut stage, 4 * DAY, false, &mut seen);
    let serving = stage.healthy("web");
    stage.site.restart().expect("starts again");
    stage.settles();
    assert_eq!(stage.healthy("web"), INSTANCES, "{}", stage.story());
    serving
}

#[test]
fn groups_that_go_by_ec2_terminate_nobody_for_a_broken_health_check() {
    for checks in ALL {
        for alive in [true, false] {
            let (terminated, fewest) = false_positive(checks, alive);
            println!(
                "{checks:?}, alive {alive}: {terminated} terminated, {fewest} in service at the worst moment"
            );
            match checks {
                Checks::Ec2 => assert_eq!((terminated, fewest), (0, INSTANCES)),
                _ => assert!(terminated > 2 * INSTANCES, "{checks:?}: {terminated}"),
            }
        }
    }
}

#[test]
fn a_week_without_the_daemon_costs_no_dead_host() {
    let serving = ALL.map(|checks| {
        let serving = dead_week(checks);
        println!("{checks:?}: {serving} of {INSTANCES} serve after a week");
        serving
    });
    assert_eq!(serving, [INSTANCES - 1, INSTANCES, INSTANCES], "the one that hangs waits for the daemon");
}
