//! `failover` and `promote`: which instance of a database is the primary. Each is an order that the daemon checks first.

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use lamp_api::kinds;
use lamp_api::v1alpha1::{DatabaseOperationStatus, OperationKind, OperationPhase};
use serde_json::{Value, json};

use super::delete::agreed;
use crate::cli::duration;
use crate::client::{Follower, MANAGER, Selection, Write, decode, until};
use crate::exit::{Failure, Outcome};
use crate::session::Session;
use crate::target::{full_kind, stacks};

#[derive(Debug, Args)]
pub(crate) struct Failover {
    /// Name of the stack
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    manner: Manner,
}

#[derive(Debug, Args)]
pub(crate) struct Promote {
    /// Name of the stack
    #[arg(value_name = "NAME")]
    name: String,
    /// The replica, by its part: replica/1 [default: the one that was least behind]
    #[arg(long, value_name = "PART")]
    replica: Option<String>,
    /// Also while the primary serves, and whatever the replica lacks: writes are lost that it does not have
    #[arg(long, requires = "replica")]
    force: bool,
    #[command(flatten)]
    manner: Manner,
}

/// How an order is given.
#[derive(Debug, Args)]
struct Manner {
    /// Wait until it is done
    #[arg(long)]
    wait: bool,
    /// How long to wait; 0 means for ever
    #[arg(long, default_value = "30m", value_parser = duration, value_name = "DURATION")]
    timeout: Duration,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

impl Failover {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let name = stack(&self.name)?;
        let deed = format!("interrupt the database of {name} for one to two minutes");
        let spec = json!({"stack": name, "operation": OperationKind::Failover});
        order(session, (&name, OperationKind::Failover), &deed, spec, &self.manner).await
    }
}

impl Promote {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let name = stack(&self.name)?;
        let replica = self.replica.as_deref().unwrap_or("a replica");
        let forced = if self.force { ", even while the primary serves" } else { "" };
        let deed = format!("make {replica} the primary of {name}{forced}, and lose what it does not have");
        let mut spec = json!({"stack": name, "operation": OperationKind::Promote, "force": self.force});
        if let Some(replica) = &self.replica {
            spec["replica"] = json!(replica);
        }
        order(session, (&name, OperationKind::Promote), &deed, spec, &self.manner).await
    }
}

fn stack(word: &str) -> Result<String, Failure> {
    let names = stacks(&[word.to_owned()])?;
    names.into_iter().next().ok_or_else(|| Failure::Usage("name a stack".to_owned()))
}

async fn order(
    session: &mut Session,
    (stack, operation): (&str, OperationKind),
    deed: &str,
    spec: Value,
    manner: &Manner,
) -> Result<Outcome, Failure> {
    if !manner.yes {
        agreed(stack, deed)?;
    }
    let kind = &kinds::DATABASE_OPERATION;
    let (now, process) = (Timestamp::now().as_nanosecond(), std::process::id());
    let name = format!("{}-{now:x}-{process:x}", operation.verb());
    let object = json!({
        "apiVersion": kind.api_version(),
        "kind": kind.kind,
        "metadata": {"name": name, "namespace": session.namespace},
        "spec": spec,
    });
    let write = Write { manager: MANAGER, dry_run: false };
    let selection = Selection::new(kind, &session.namespace);
    session.server.send(selection.create(&object, write)?).await?;
    let title = format!("{} {name:?}", full_kind(kind));
    let status = follow(session, &name, manner).await?;
    let word = if status.phase == OperationPhase::Done { "done" } else { "accepted" };
    session.out.line(&format!("{title} {word}"))?;
    let message = status.message.unwrap_or_default();
    session.talk.say(&message);
    if status.phase != OperationPhase::Done {
        session.talk.say(&format!(
            "It goes on in the background; `lampctl get {}/{name} -o yaml` says how far it is.",
            kind.singular
        ));
    }
    Ok(Outcome::Done)
}

/// Waits until the order is accepted, or has ended; it fails if it is refused.
async fn follow(session: &Session, name: &str, manner: &Manner) -> Result<DatabaseOperationStatus, Failure> {
    let progress = session.talk.progress(format!("{name}: waiting"));
    let work = async {
        let kind = &kinds::DATABASE_OPERATION;
        let mut follower = Follower::new(&session.server, kind, &session.namespace, name);
        while let Some(mut object) = follower.next().await? {
            let status: DatabaseOperationStatus = match object["status"].take() {
                Value::Null => DatabaseOperationStatus::default(),
                status => decode(status)?,
            };
            let message = status.message.clone().unwrap_or_default();
            progress.show(format!("{name}: {message}"));
            match status.phase {
                OperationPhase::Refused => return Err(Failure::failed(format!("refused: {message}"))),
                OperationPhase::Done => return Ok(status),
                OperationPhase::Running if !manner.wait => return Ok(status),
                OperationPhase::Running | OperationPhase::Pending => {}
            }
        }
        Err(Failure::failed(format!("the order {name} was deleted before its end")))
    };
    let late = || format!("timed out waiting for the order {name}; it goes on without us");
    until(manner.timeout, late, work).await
}
