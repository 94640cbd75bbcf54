//! `describe`: a stack on one page.

use clap::Args;
use jiff::Timestamp;
use lamp_api::kinds;
use lamp_api::v1alpha1::LampStack;

use super::{events, read};
use crate::client::{Selection, decode};
use crate::exit::{Failure, Outcome};
use crate::session::Session;
use crate::target::{self, stacks};
use crate::view::describe;

#[derive(Debug, Args)]
pub(crate) struct Describe {
    /// Names of stacks; without one, all of the namespace
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

impl Describe {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let all = match self.names.as_slice() {
            [] => true,
            [only] => target::kind(only) == Some(&kinds::LAMPSTACK),
            _ => false,
        };
        let found = if all { every(session).await? } else { named(session, &self.names).await? };
        if found.is_empty() {
            session.talk.say(&format!("No stacks found in {} namespace.", session.namespace));
        }
        for (at, stack) in found.iter().enumerate() {
            let name = stack.metadata.name.as_deref().unwrap_or_default();
            let about = events::about(&session.namespace, &kinds::LAMPSTACK, name);
            let (events, _) = events::list(session, &about).await?;
            let gap = if at > 0 { "\n\n" } else { "" };
            session.out.write(&format!("{gap}{}", describe::text(stack, &events, Timestamp::now())))?;
        }
        Ok(Outcome::Done)
    }
}

async fn every(session: &Session) -> Result<Vec<LampStack>, Failure> {
    let (items, _) = read::list(session, &Selection::new(&kinds::LAMPSTACK, &session.namespace)).await?;
    items.into_iter().map(decode).collect()
}

async fn named(session: &Session, words: &[String]) -> Result<Vec<LampStack>, Failure> {
    let mut found = Vec::new();
    for name in stacks(words)? {
        found.push(read::stack(session, &name).await?);
    }
    Ok(found)
}
