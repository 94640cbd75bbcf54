//! `plan`: asks the controller through a short-lived `Plan` object, and removes it again.

use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use lamp_api::kinds;
use lamp_api::v1alpha1::{PlanPhase, PlanStatus};
use serde_json::{Value, json};

use crate::cli::{Files, duration};
use crate::client::{Follower, MANAGER, Selection, Write, until};
use crate::exit::{Failure, Outcome};
use crate::printer::format::json_text;
use crate::session::Session;
use crate::target::stack;
use crate::view::plan::{Counts, json as plan_json, text};
use crate::yaml::{self, Manifest};

#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// Name of a stack: what would be done for its stored spec right now
    #[arg(required_unless_present = "filename", conflicts_with = "filename")]
    name: Option<String>,
    #[command(flatten)]
    files: Files,
    /// Plan the deletion of the stack instead
    #[arg(long)]
    delete: bool,
    /// Exit with 2 where there are changes
    #[arg(long)]
    detailed_exitcode: bool,
    /// How to print the plan
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Output>,
    /// How long to wait for the answer; 0 means for ever
    #[arg(long, default_value = "2m", value_parser = duration, value_name = "DURATION")]
    timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Json,
}

/// One question to the controller.
struct Question {
    stack: String,
    namespace: String,
    spec: Value,
    /// The file that the candidate comes from.
    manifest: Option<Manifest>,
}

impl Plan {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let mut changes = false;
        for question in self.questions(session)? {
            let status = self.answer(session, &question).await?;
            changes |= !Counts::of(&status.steps).is_empty();
            let shown = match self.output {
                Some(Output::Json) => json_text(&plan_json(&question.stack, &status)) + "\n",
                None => text(&question.stack, &status, Timestamp::now()),
            };
            session.out.write(&shown)?;
        }
        Ok(if changes && self.detailed_exitcode { Outcome::Changes } else { Outcome::Done })
    }

    fn questions(&self, session: &Session) -> Result<Vec<Question>, Failure> {
        if let Some(name) = &self.name {
            let (stack, namespace) = (stack(name)?, session.namespace.clone());
            let spec = json!({"stack": stack, "delete": self.delete});
            return Ok(vec![Question { stack, namespace, spec, manifest: None }]);
        }
        let manifests = yaml::load(&self.files, session)?;
        let (stacks, others): (Vec<_>, Vec<_>) =
            manifests.into_iter().partition(|m| m.kind == &kinds::LAMPSTACK);
        for other in &others {
            session.talk.say(&format!("{} has nothing on AWS to plan", other.full_name()));
        }
        if stacks.is_empty() {
            return Err(Failure::failed("no LampStack is in the files given by -f"));
        }
        Ok(stacks.into_iter().map(|manifest| self.candidate(manifest)).collect())
    }

    fn candidate(&self, manifest: Manifest) -> Question {
        let mut spec = json!({"stack": manifest.name, "delete": self.delete});
        if !self.delete {
            spec["candidate"] = manifest.object["spec"].clone();
        }
        let (stack, namespace) = (manifest.name.clone(), manifest.namespace.clone());
        Question { stack, namespace, spec, manifest: Some(manifest) }
    }

    /// Asks, waits and cleans up, however it ends.
    async fn answer(&self, session: &Session, question: &Question) -> Result<PlanStatus, Failure> {
        let selection = Selection::new(&kinds::PLAN, &question.namespace);
        let name = ask(session, &selection, question).await?;
        let answered = tokio::select! {
            answered = self.follow(session, question, &name) => answered,
            _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
        };
        let removed = session.server.send(selection.delete(&name)?).await;
        if let Err(failure) = removed
            && failure.http_code() != Some(404)
        {
            session
                .talk
                .warn(&format!("the Plan {name} stays for ten minutes, it could not be deleted: {failure}"));
        }
        answered
    }

    async fn follow(
        &self,
        session: &Session,
        question: &Question,
        name: &str,
    ) -> Result<PlanStatus, Failure> {
        let stack = &question.stack;
        let _progress = session.talk.progress(format!("{stack}: planning"));
        let work = async {
            let mut follower = Follower::new(&session.server, &kinds::PLAN, &question.namespace, name);
            while let Some(object) = follower.next().await? {
                let status: PlanStatus = status(object)?;
                match status.phase {
                    PlanPhase::Pending => {}
                    PlanPhase::Answered => return Ok(status),
                    PlanPhase::Failed => {
                        let why =
                            status.message.unwrap_or_else(|| "the controller does not say why".to_owned());
                        return Err(Failure::failed(format!("{stack} cannot be planned: {why}")));
                    }
                }
            }
            Err(Failure::failed(format!("the Plan {name} of {stack} was deleted before it was answered")))
        };
        let late = || {
            format!(
                "no plan of {stack} after {} s; the controller may be busy or not running: see `lampctl events`",
                self.timeout.as_secs()
            )
        };
        until(self.timeout, late, work).await
    }
}

/// Puts the question; gives the name of the `Plan`.
async fn ask(session: &Session, selection: &Selection, question: &Question) -> Result<String, Failure> {
    let unique = format!("plan-{:x}-{:x}", Timestamp::now().as_nanosecond(), std::process::id());
    let plan = json!({
        "apiVersion": kinds::PLAN.api_version(),
        "kind": kinds::PLAN.kind,
        "metadata": {"name": unique, "namespace": question.namespace},
        "spec": question.spec,
    });
    let write = Write { manager: MANAGER, dry_run: false };
    let refused = |failure| match &question.manifest {
        Some(manifest) => yaml::explain(failure, manifest, "spec.candidate"),
        None => failure,
    };
    session.server.send(selection.create(&plan, write)?).await.map_err(refused)?;
    Ok(unique)
}

/// A `Plan` that nobody looked at has no status yet.
fn status(mut object: Value) -> Result<PlanStatus, Failure> {
    match object["status"].take() {
        Value::Null => Ok(PlanStatus::default()),
        status => crate::client::decode(status),
    }
}
