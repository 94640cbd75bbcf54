//! `orphans`: what carries the tags of this installation and belongs to no stack; and, where a person orders it, its
//! deletion.

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use lamp_api::kinds;
use lamp_api::v1alpha1::{OrphanDeletionPhase, OrphanDeletionStatus, OrphanReportStatus, OrphanedResource};
use serde_json::{Value, json};

use super::delete::typed;
use super::question::Question;
use crate::cli::duration;
use crate::client::{Follower, MANAGER, Selection, Write, decode, until};
use crate::exit::{Failure, Outcome};
use crate::printer::format::{json_text, yaml_text};
use crate::session::Session;
use crate::target::full_kind;
use crate::view::orphans::{refusals, table};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Orphans {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Delete what a lost stack left behind, databases with a final snapshot
    Delete(Delete),
}

#[derive(Debug, Args)]
struct List {
    /// Only what belonged to the stack with this uid
    #[arg(long, value_name = "UID")]
    uid: Option<String>,
    /// The region to look in [default: the first region of the daemon]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// How to print them, instead of as a table
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Format>,
    /// How long to wait for the answer; 0 means for ever
    #[arg(long, default_value = "1m", value_parser = duration, value_name = "DURATION")]
    timeout: Duration,
}

#[derive(Debug, Args)]
struct Delete {
    /// The lost stack, as `orphans` lists it
    #[arg(long, value_name = "UID")]
    uid: String,
    /// The region that it was in [default: the first region of the daemon]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Wait until nothing of it is left
    #[arg(long)]
    wait: bool,
    /// How long to wait; 0 means for ever
    #[arg(long, default_value = "1h", value_parser = duration, value_name = "DURATION")]
    timeout: Duration,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
    Yaml,
}

impl Orphans {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        match self.verb {
            Some(Verb::Delete(delete)) => delete.run(session).await,
            None => self.list.run(session).await,
        }
    }
}

async fn report(
    session: &Session,
    (uid, region): (Option<&str>, Option<&str>),
    timeout: Duration,
) -> Result<OrphanReportStatus, Failure> {
    let question = Question {
        kind: &kinds::ORPHAN_REPORT,
        namespace: &session.namespace,
        subject: "orphans",
        doing: "looking for them",
        spec: json!({"uid": uid, "region": region}),
    };
    decode(question.answer(session, timeout, |failure| failure).await?)
}

impl List {
    async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let found = report(session, (self.uid.as_deref(), self.region.as_deref()), self.timeout).await?;
        if !found.unread.is_empty() {
            let kinds = found.unread.join(", ");
            session.talk.warn(&format!("there may be more: AWS did not list {kinds}"));
        }
        let text = match self.output {
            Some(Format::Json) => json_text(&items(&found)?) + "\n",
            Some(Format::Yaml) => yaml_text(&items(&found)?)?,
            None if found.orphans.is_empty() => {
                session.talk.say("There are no orphans.");
                return Ok(Outcome::Done);
            }
            None => table(&found.orphans, Timestamp::now()),
        };
        session.out.write(&text)?;
        Ok(Outcome::Done)
    }
}

fn items(found: &OrphanReportStatus) -> Result<Value, Failure> {
    let unwritable = |error| Failure::failed(format!("the list cannot be written: {error}"));
    serde_json::to_value(&found.orphans).map_err(unwritable)
}

impl Delete {
    async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let found = report(session, (Some(&self.uid), self.region.as_deref()), self.timeout).await?;
        self.admit(&found)?;
        if !self.yes {
            self.confirm(session, &found.orphans)?;
        }
        let (name, title) = self.order(session, &found.orphans).await?;
        self.follow(session, &name, false).await?;
        if self.wait {
            let ended = self.follow(session, &name, true).await?;
            for snapshot in &ended.final_snapshots {
                session.talk.say(&format!("The final snapshot {snapshot} stays."));
            }
            session.out.line(&format!("{title} done"))?;
        } else {
            session.out.line(&format!("{title} created"))?;
            session.talk.say(&format!(
                "It goes on in the background; `lampctl get {}/{name} -o yaml` says how far it is.",
                kinds::ORPHAN_DELETION.singular
            ));
        }
        Ok(Outcome::Done)
    }

    /// Only what is known completely, and for long enough, is deleted.
    fn admit(&self, found: &OrphanReportStatus) -> Result<(), Failure> {
        let uid = &self.uid;
        if !found.unread.is_empty() {
            let kinds = found.unread.join(", ");
            return Err(Failure::failed(format!(
                "nothing is deleted: AWS did not list {kinds}, so not everything of {uid} is known; try again later"
            )));
        }
        if found.orphans.is_empty() {
            return Err(Failure::failed(format!(
                "nothing on AWS belonged to a lost stack with the uid {uid}: see `lampctl orphans`"
            )));
        }
        let young = found.orphans.iter().filter(|row| !row.deletable).count();
        if young > 0 {
            return Err(Failure::failed(format!(
                "nothing is deleted: {young} of {} are without a stack only since a few minutes; try again later",
                found.orphans.len()
            )));
        }
        Ok(())
    }

    fn confirm(&self, session: &Session, rows: &[OrphanedResource]) -> Result<(), Failure> {
        let stack = rows.first().map(|row| row.stack.as_str()).unwrap_or_default();
        let name = stack.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(&self.uid);
        let what = format!("{} resources of the lost stack {stack}", rows.len());
        session.talk.say(table(rows, Timestamp::now()).trim_end());
        typed(name, &what)
    }

    /// Orders the deletion of exactly what was listed; gives the name of the order, and its title.
    async fn order(&self, session: &Session, rows: &[OrphanedResource]) -> Result<(String, String), Failure> {
        let kind = &kinds::ORPHAN_DELETION;
        let (now, process) = (Timestamp::now().as_nanosecond(), std::process::id());
        let name = format!("{}-{now:x}-{process:x}", kind.singular);
        let resources: Vec<Value> = rows.iter().map(|row| json!({"kind": row.kind, "id": row.id})).collect();
        let region = rows.first().map(|row| row.region.as_str());
        let object = json!({
            "apiVersion": kind.api_version(),
            "kind": kind.kind,
            "metadata": {"name": name, "namespace": session.namespace},
            "spec": {"uid": self.uid, "region": region, "resources": resources},
        });
        let write = Write { manager: MANAGER, dry_run: false };
        let selection = Selection::new(kind, &session.namespace);
        session.server.send(selection.create(&object, write)?).await?;
        let title = format!("{} {name:?}", full_kind(kind));
        Ok((name, title))
    }

    /// Waits until the order is accepted, or has ended; it fails if it is refused.
    async fn follow(
        &self,
        session: &Session,
        name: &str,
        to_its_end: bool,
    ) -> Result<OrphanDeletionStatus, Failure> {
        let progress = session.talk.progress(format!("{name}: waiting"));
        let work = async {
            let kind = &kinds::ORPHAN_DELETION;
            let mut follower = Follower::new(&session.server, kind, &session.namespace, name);
            while let Some(mut object) = follower.next().await? {
                let status: OrphanDeletionStatus = match object["status"].take() {
                    Value::Null => OrphanDeletionStatus::default(),
                    status => decode(status)?,
                };
                progress.show(format!("{name}: {}", status.message.clone().unwrap_or_default()));
                match status.phase {
                    OrphanDeletionPhase::Refused => return Err(Failure::failed(refusals(&status))),
                    OrphanDeletionPhase::Deleted => return Ok(status),
                    OrphanDeletionPhase::Deleting if !to_its_end => return Ok(status),
                    OrphanDeletionPhase::Deleting | OrphanDeletionPhase::Pending => {}
                }
            }
            Err(Failure::failed(format!("the order {name} was deleted before its end")))
        };
        let late = || format!("timed out waiting for the order {name}; it goes on without us");
        until(self.timeout, late, work).await
    }
}
