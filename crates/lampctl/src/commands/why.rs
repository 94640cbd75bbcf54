//! `why`: the last decisions with their numbers, and what blocks.

use clap::Args;
use jiff::Timestamp;

use super::read;
use crate::exit::{Failure, Outcome};
use crate::session::Session;
use crate::target::stack;
use crate::view::why;

#[derive(Debug, Args)]
pub(crate) struct Why {
    /// Name of the stack
    name: String,
}

impl Why {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let found = read::stack(session, &stack(&self.name)?).await?;
        session.out.write(&why::text(&found, Timestamp::now()))?;
        Ok(Outcome::Done)
    }
}
