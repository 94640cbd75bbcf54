//! `plan`: asks the controller what would be done to AWS.

use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use lamp_api::kinds;
use lamp_api::v1alpha1::PlanStatus;
use serde_json::{Value, json};

use super::question::Question;
use crate::cli::{Files, duration};
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

/// What is to be planned.
struct Candidate {
    stack: String,
    namespace: String,
    spec: Value,
    /// The file that the candidate comes from.
    manifest: Option<Manifest>,
}

impl Plan {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let mut changes = false;
        for candidate in self.candidates(session)? {
            let status = self.answer(session, &candidate).await?;
            changes |= !Counts::of(&status.steps).is_empty();
            let shown = match self.output {
                Some(Output::Json) => json_text(&plan_json(&candidate.stack, &status)) + "\n",
                None => text(&candidate.stack, &status, Timestamp::now()),
            };
            session.out.write(&shown)?;
        }
        Ok(if changes && self.detailed_exitcode { Outcome::Changes } else { Outcome::Done })
    }

    fn candidates(&self, session: &Session) -> Result<Vec<Candidate>, Failure> {
        if let Some(name) = &self.name {
            let (stack, namespace) = (stack(name)?, session.namespace.clone());
            let spec = json!({"stack": stack, "delete": self.delete});
            return Ok(vec![Candidate { stack, namespace, spec, manifest: None }]);
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

    fn candidate(&self, manifest: Manifest) -> Candidate {
        let mut spec = json!({"stack": manifest.name, "delete": self.delete});
        if !self.delete {
            spec["candidate"] = manifest.object["spec"].clone();
        }
        let (stack, namespace) = (manifest.name.clone(), manifest.namespace.clone());
        Candidate { stack, namespace, spec, manifest: Some(manifest) }
    }

    async fn answer(&self, session: &Session, candidate: &Candidate) -> Result<PlanStatus, Failure> {
        let question = Question {
            kind: &kinds::PLAN,
            namespace: &candidate.namespace,
            subject: &candidate.stack,
            doing: "planning",
            spec: candidate.spec.clone(),
        };
        let explain = |failure| match &candidate.manifest {
            Some(manifest) => yaml::explain(failure, manifest, "spec.candidate"),
            None => failure,
        };
        crate::client::decode(question.answer(session, self.timeout, explain).await?)
    }
}
