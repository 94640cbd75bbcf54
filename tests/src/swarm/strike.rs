//! How each blow falls. What it struck is given back for the coverage; nothing, where there was nothing to strike.

mod aws;
mod hands;
mod operators;
mod world;

use std::time::Duration;

use anyhow::Result;
use lamp_api::v1alpha1::Mode;
use lamp_cloud::{Resource, State, tag};
use lamp_sim::World;

use super::blow::{Blow, Strike};
use super::trial::Trial;

/// What was struck.
type Struck = Result<Option<String>>;

#[allow(clippy::unnecessary_wraps, reason = "the form of what strikes")]
fn struck(what: &str) -> Struck {
    Ok(Some(what.to_owned()))
}

impl Trial {
    /// A blow falls.
    pub(super) fn strike(&mut self, strike: &Strike) -> Struck {
        let lasts = strike.lasts;
        match &strike.blow {
            Blow::Crash(boundary) => {
                self.site.gate.crash_at(*boundary);
                struck("Daemon")
            }
            Blow::CrashLoop(every) => self.crash_again_and_again(*every, lasts),
            Blow::Restart => {
                self.start_again()?;
                struck("Daemon")
            }
            Blow::Stall => {
                self.stalled = true;
                self.later(lasts, |trial| {
                    trial.stalled = false;
                    Ok(())
                });
                struck("Daemon")
            }
            Blow::DiskFull => {
                self.site.disk.set_full(true);
                self.later(lasts, |trial| {
                    trial.site.disk.set_full(false);
                    Ok(())
                });
                struck("Disk")
            }
            Blow::Skew(seconds) => self.skew(*seconds, lasts),
            Blow::Jump(seconds) => self.jump(*seconds, lasts),
            Blow::BrownOut(service, share) => self.brown_out(*service, *share, lasts),
            Blow::Spell(fault, service, share) => self.cast(*fault, *service, *share, lasts),
            Blow::Metrics(trouble) => self.spoil_metrics(*trouble, lasts),
            Blow::Quota(kind) => self.use_up(*kind, lasts),
            Blow::Shortage(zone) => self.run_short(*zone, lasts),
            Blow::Crowding(zone) => self.crowd(*zone, lasts),
            Blow::Neighbour(share) => self.be_noisy(*share, lasts),
            Blow::Slow(seconds) => self.slow_down(*seconds, lasts),
            Blow::Kill(which) => self.hurt(*which, World::kill_instance),
            Blow::Hang(which) => self.hurt(*which, World::hang_instance),
            Blow::Impair(which) => self.hurt(*which, World::impair_instance),
            Blow::ZoneDown(zone) => self.fail_zone(*zone, lasts),
            Blow::BrokenCheck(which) => self.break_check(*which, lasts),
            Blow::BadRelease(fate) => self.release(*fate, lasts),
            Blow::FailOver => self.fail_over(),
            Blow::Lag(which, seconds) => self.lag(*which, *seconds, lasts),
            Blow::BrokenReplication(which) => self.break_replication(*which),
            Blow::Database(status) => self.database_falls(status, lasts),
            Blow::Deleted(which) => self.delete_by_hand(*which),
            Blow::Changed(which) => self.change_by_hand(*which),
            Blow::Untagged(which) => self.untag(*which),
            Blow::TagsCopied => self.copy_tags(lasts),
            Blow::NameTaken(which) => self.take_name(*which, lasts),
            Blow::StrayInterface(which) => self.add_interface(*which, lasts),
            Blow::StrayInstance(which) => self.add_instance(*which, lasts),
            Blow::War(which) => self.make_war(*which, lasts),
            Blow::NatFails(which) => self.fail_gateway(*which),
            Blow::RouteLost(which) => self.lose_route(*which),
            Blow::Load(factor) => self.crowd_comes(*factor, lasts),
            Blow::StaleEdit => self.edit_stale(),
            Blow::EditEverySecond => self.edit_every_second(),
            Blow::Edit(which) => self.edit_and_back(*which, lasts),
            Blow::Recreate => self.recreate(),
            Blow::BadSpec(which) => self.apply_nonsense(*which),
            Blow::Dangerous => self.ask_for_danger(lasts),
            Blow::Absurd(which) => self.apply_absurdity(*which),
            Blow::Pause => self.change_mode(Mode::Paused, lasts),
            Blow::Observe => self.change_mode(Mode::Observe, lasts),
            Blow::Delete => self.delete_for_good(),
        }
    }

    fn crash_again_and_again(&mut self, every: usize, lasts: Duration) -> Struck {
        self.crash_every = Some(every);
        self.site.gate.crash_at(every);
        self.later(lasts, |trial| {
            trial.crash_every = None;
            trial.site.gate.revive();
            Ok(())
        });
        struck("Daemon")
    }
}

/// Resources of ours that stand, in the order of their ids.
fn ours(world: &World) -> impl Iterator<Item = &Resource> {
    let install = world.config().install.clone();
    world
        .resources()
        .map(AsRef::as_ref)
        .filter(move |row| row.tags.get(tag::INSTALL) == Some(&install) && row.state != State::Deleting)
}

/// One of several, by any number.
fn pick<T>(rows: &[T], which: usize) -> Option<&T> {
    rows.get(which % rows.len().max(1))
}
