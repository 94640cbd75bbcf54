//! `pause` and `resume`: whether the daemon may change AWS for a stack.

use clap::Args;
use lamp_api::kinds;
use lamp_api::v1alpha1::Mode;
use serde_json::json;

use super::read;
use crate::client::{MANAGER, Selection, Write};
use crate::exit::{Failure, Outcome};
use crate::session::Session;
use crate::target::{full_name, stacks};

#[derive(Debug, Args)]
pub(crate) struct Pause {
    /// Names of stacks
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Resume {
    /// Names of stacks
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
}

impl Pause {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        set(session, &self.names, Mode::Paused, "paused").await
    }
}

impl Resume {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        set(session, &self.names, Mode::Enforce, "resumed").await
    }
}

async fn set(session: &mut Session, words: &[String], mode: Mode, done: &str) -> Result<Outcome, Failure> {
    let mut failures = Vec::new();
    for name in stacks(words)? {
        match one(session, &name, mode).await {
            Ok(changed) => {
                let suffix = if changed { "" } else { " (no change)" };
                session.out.line(&format!("{} {done}{suffix}", full_name(&kinds::LAMPSTACK, &name)))?;
            }
            Err(failure @ Failure::Unreachable { .. }) => return Err(failure),
            Err(failure) => failures.push(failure),
        }
    }
    Failure::all(failures).map(|()| Outcome::Done)
}

/// Whether it was another mode before.
async fn one(session: &Session, name: &str, mode: Mode) -> Result<bool, Failure> {
    if read::stack(session, name).await?.spec.mode == mode {
        return Ok(false);
    }
    let patch = json!({"spec": {"mode": mode}});
    let selection = Selection::new(&kinds::LAMPSTACK, &session.namespace);
    session.server.send(selection.merge(name, &patch, Write { manager: MANAGER, dry_run: false })?).await?;
    Ok(true)
}
