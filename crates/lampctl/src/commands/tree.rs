//! `tree`: a site part by part.

use std::io::IsTerminal;

use clap::Args;
use lamp_api::kinds;
use lamp_api::v1alpha1::LampStack;

use super::read;
use crate::client::{Follower, decode};
use crate::exit::{Failure, Outcome};
use crate::session::Session;
use crate::target::stack;
use crate::view::tree;

/// Up to the left, and everything below away.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

#[derive(Debug, Args)]
pub(crate) struct Tree {
    /// Name of the stack
    name: String,
    /// Show it again whenever it changes
    #[arg(short, long)]
    watch: bool,
}

impl Tree {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let name = stack(&self.name)?;
        let first = tree::text(&read::stack(session, &name).await?);
        if !self.watch {
            session.out.write(&first)?;
            return Ok(Outcome::Done);
        }
        let Session { server, namespace, out, talk, .. } = session;
        let terminal = std::io::stdout().is_terminal();
        let mut follower = Follower::new(server, &kinds::LAMPSTACK, namespace, &name);
        let mut shown = String::new();
        while let Some(object) = follower.next().await? {
            let text = tree::text(&decode::<LampStack>(object)?);
            if text != shown {
                let before = match (terminal, shown.is_empty()) {
                    (true, _) => CLEAR,
                    (false, true) => "",
                    (false, false) => "\n",
                };
                out.write(&format!("{before}{text}"))?;
                shown = text;
            }
        }
        talk.say(&format!("{name} is gone"));
        Ok(Outcome::Done)
    }
}
