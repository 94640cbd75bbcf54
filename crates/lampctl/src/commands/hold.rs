//! `hold` and `release`: whether anything of a stack, or of one of its tiers, may be replaced, scaled in or rolled out.

use clap::Args;
use lamp_api::{annotations, kinds};
use serde_json::{Value, json};

use crate::client::{MANAGER, Selection, Write};
use crate::exit::{Failure, Outcome};
use crate::session::Session;
use crate::target::{full_name, stacks};

#[derive(Debug, Args)]
pub(crate) struct Hold {
    /// Names of stacks
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Why, for whoever looks at the stack
    #[arg(long, required = true, value_name = "TEXT")]
    reason: String,
    /// Only this tier
    #[arg(long, value_name = "TIER")]
    tier: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Release {
    /// Names of stacks
    #[arg(required = true, value_name = "NAME")]
    names: Vec<String>,
    /// Only this tier
    #[arg(long, value_name = "TIER")]
    tier: Option<String>,
}

impl Hold {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        annotate(session, &self.names, self.tier.as_deref(), &Value::from(self.reason), "held").await
    }
}

impl Release {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        annotate(session, &self.names, self.tier.as_deref(), &Value::Null, "released").await
    }
}

/// Sets the annotation of stacks, or takes it away.
async fn annotate(
    session: &mut Session,
    words: &[String],
    tier: Option<&str>,
    reason: &Value,
    done: &str,
) -> Result<Outcome, Failure> {
    let annotation =
        tier.map_or_else(|| annotations::HOLD.to_owned(), |tier| format!("{}.{tier}", annotations::HOLD));
    let patch = json!({"metadata": {"annotations": {annotation: reason}}});
    let selection = Selection::new(&kinds::LAMPSTACK, &session.namespace);
    let of_tier = tier.map(|tier| format!(" tier {tier}")).unwrap_or_default();
    for name in stacks(words)? {
        let write = Write { manager: MANAGER, dry_run: false };
        session.server.send(selection.merge(&name, &patch, write)?).await?;
        session.out.line(&format!("{}{of_tier} {done}", full_name(&kinds::LAMPSTACK, &name)))?;
    }
    Ok(Outcome::Done)
}
