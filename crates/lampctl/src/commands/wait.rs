//! `wait`: until a condition holds, or an object is gone.

use std::time::Duration;

use clap::Args;
use lamp_api::kinds;

use super::await_goal::{Goal, await_goal};
use crate::cli::duration;
use crate::exit::{Failure, Outcome};
use crate::session::Session;
use crate::target::{Target, full_name, targets};

#[derive(Debug, Args)]
pub(crate) struct Wait {
    /// `NAME…`, `TYPE NAME…` or `TYPE/NAME…`; a bare name is a stack's
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// condition=NAME[=STATUS], delete or create
    #[arg(long = "for", default_value = "condition=Ready", value_name = "WHAT")]
    goal: Goal,
    /// How long to wait; 0 means for ever
    #[arg(long, default_value = "20m", value_parser = duration, value_name = "DURATION")]
    timeout: Duration,
}

impl Wait {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let started = std::time::Instant::now();
        for Target { kind, name } in targets(&self.names, &kinds::LAMPSTACK)? {
            // One limit for all; what is left is never 0, which would mean for ever.
            let left = self.timeout.saturating_sub(started.elapsed()).max(Duration::from_millis(1));
            let limit = if self.timeout.is_zero() { Duration::ZERO } else { left };
            await_goal(session, (kind, &session.namespace, &name), &self.goal, limit).await?;
            let suffix = if self.goal == Goal::Deleted { "deleted" } else { "condition met" };
            session.out.line(&format!("{} {suffix}", full_name(kind, &name)))?;
        }
        Ok(Outcome::Done)
    }
}
