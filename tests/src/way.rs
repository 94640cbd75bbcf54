//! The way from a daemon to its region: judged, and where a trial says so slow, or spoiled by a bug.

use std::time::Duration;

use lamp_cloud::{Applied, Clock, Cloud, CloudError, ErrorClass, Read, Reading, Request};
use lamp_sim::{Simulator, VirtualClock};

use crate::bugs::Bug;
use crate::laws::Judge;
use crate::watch::{DEADLINE, Pace};

/// The way from one daemon to its region.
#[derive(Clone, Debug)]
pub struct Way {
    pub region: Simulator,
    pub clock: VirtualClock,
    pub judge: Judge,
    pub pace: Pace,
    pub bug: Option<Bug>,
}

impl Way {
    /// A call is under way; false if it is never answered.
    async fn takes_its_time(&self) -> bool {
        let time = self.pace.draw();
        let wait = time.unwrap_or(DEADLINE);
        if wait > Duration::ZERO {
            self.clock.sleep(wait).await;
        }
        time.is_some()
    }

    async fn send(&self, request: &Request) -> Result<Applied, CloudError> {
        self.judge.before(&self.region.world(), request);
        self.region.apply(request).await
    }
}

fn unanswered(operation: &str) -> CloudError {
    CloudError::new(ErrorClass::Transient, operation, "Timeout", "no reply arrived in time")
}

impl Cloud for Way {
    fn region(&self) -> &str {
        Cloud::region(&self.region)
    }

    async fn read(&self, read: &Read) -> Result<Reading, CloudError> {
        if !self.takes_its_time().await {
            return Err(unanswered(read.operation()));
        }
        for _ in 1..self.bug.map_or(1, Bug::readings) {
            drop(self.region.read(read).await);
        }
        let reading = self.region.read(read).await;
        match self.bug {
            None => reading,
            Some(bug) => bug.misread(read, reading),
        }
    }

    async fn apply(&self, request: &Request) -> Result<Applied, CloudError> {
        let reworded = self.bug.and_then(|bug| bug.reworded(request));
        let request = reworded.as_ref().unwrap_or(request);
        let answered = self.takes_its_time().await;
        let mut applied = self.send(request).await;
        if let Some(bug) = self.bug {
            if bug.sends_again(&applied) {
                applied = self.send(request).await;
            }
            applied = bug.misheard(applied);
        }
        if answered { applied } else { Err(unanswered(request.operation())) }
    }
}
