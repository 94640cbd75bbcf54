//! `sync`: look at AWS right now, and act.

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use lamp_api::{annotations, kinds};
use serde_json::json;

use super::await_goal::{Goal, await_goal};
use crate::cli::duration;
use crate::client::{MANAGER, Selection, Write};
use crate::exit::{Failure, Outcome};
use crate::session::Session;
use crate::target::{full_name, stacks};

#[derive(Debug, Args)]
pub(crate) struct Sync {
    /// Names of stacks
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Wait until the daemon has looked and acted
    #[arg(long)]
    wait: bool,
    /// How long to wait; 0 means for ever
    #[arg(long, default_value = "5m", value_parser = duration, requires = "wait", value_name = "DURATION")]
    timeout: Duration,
}

impl Sync {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let requested = Timestamp::now().to_string();
        let patch = json!({"metadata": {"annotations": {annotations::RECONCILE_REQUESTED_AT: requested}}});
        let names = stacks(&self.names)?;
        let selection = Selection::new(&kinds::LAMPSTACK, &session.namespace);
        let write = Write { manager: MANAGER, dry_run: false };
        for name in &names {
            session.server.send(selection.merge(name, &patch, write)?).await?;
            if !self.wait {
                session.out.line(&format!("{} sync requested", full_name(&kinds::LAMPSTACK, name)))?;
            }
        }
        if self.wait {
            for name in &names {
                let target = (&kinds::LAMPSTACK, session.namespace.as_str(), name.as_str());
                await_goal(session, target, &Goal::Handled(requested.clone()), self.timeout).await?;
                session.out.line(&format!("{} synced", full_name(&kinds::LAMPSTACK, name)))?;
            }
        }
        Ok(Outcome::Done)
    }
}
