//! How fast and how wide the controller works.

use std::time::Duration;

/// Numbers of the controller. All durations are of the cloud's time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Times that planning depends on.
    pub plan: lamp_plan::Settings,
    /// The region is observed at least this often.
    pub observe_period: Duration,
    /// From the end of one observation to the start of the next, however many stacks wait for it.
    pub observe_gap: Duration,
    /// A settled stack is planned again after this time, even if nothing changed.
    pub resync: Duration,
    /// Reading calls at once. One at a time makes a pass repeatable.
    pub read_concurrency: usize,
    /// Mutating calls at once, for each stack.
    pub action_concurrency: usize,
    /// Stacks that are reconciled at once.
    pub reconcile_concurrency: usize,
    /// Calls for details in each pass besides those that are needed: what hands changed is found by them. Ten read every
    /// detail of one site in two passes.
    pub details_per_pass: usize,
    /// Details of a changed resource are read in every pass for so long: AWS may show old values at first.
    pub details_settle: Duration,
    /// Share of AWS's published call rates that is taken, in per cent: the rest is for people and other programs in
    /// the account.
    pub rate_percent: u32,
    /// A listing of more pages is given up.
    pub pages_per_listing: usize,
    /// How long a shutdown waits for what is under way.
    pub shutdown_grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            plan: lamp_plan::Settings::default(),
            observe_period: Duration::from_secs(15),
            observe_gap: Duration::from_secs(2),
            resync: Duration::from_secs(300),
            read_concurrency: 4,
            action_concurrency: 8,
            reconcile_concurrency: 8,
            details_per_pass: 10,
            details_settle: Duration::from_secs(30),
            rate_percent: 50,
            pages_per_listing: 500,
            shutdown_grace: Duration::from_secs(30),
        }
    }
}

impl Settings {
    /// One call at a time, so that equal runs make equal calls in equal order.
    #[must_use]
    pub fn sequential(self) -> Self {
        Self { read_concurrency: 1, action_concurrency: 1, reconcile_concurrency: 1, ..self }
    }

    /// An observation that ended longer ago decides nothing: the clock jumped, or the process was suspended.
    pub(crate) fn stale_after(&self) -> Duration {
        self.observe_period * 4
    }
}
