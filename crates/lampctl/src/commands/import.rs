//! `import`: writes the LampStack of a site that exists, with what it cannot say.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Args, ValueEnum};
use lamp_api::v1alpha1::ImportStatus;
use lamp_api::{adoption, annotations, kinds};
use serde_json::{Value, json};

use super::question::Question;
use crate::cli::duration;
use crate::exit::{Failure, Outcome};
use crate::printer::format::{json_text, yaml_text};
use crate::session::Session;
use crate::view::import::remarks;

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The network that the site stands in
    #[arg(long, value_name = "VPC-ID")]
    vpc: String,
    /// The region that the network is in [default: the first region of the daemon]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Name of the stack that the site would be
    #[arg(long, default_value = "imported", value_name = "NAME")]
    name: String,
    /// How to print the stack
    #[arg(short, long, value_enum, default_value = "yaml", value_name = "FORMAT")]
    output: Output,
    /// How long to wait for the answer; 0 means for ever
    #[arg(long, default_value = "5m", value_parser = duration, value_name = "DURATION")]
    timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Yaml,
    Json,
}

impl Import {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let question = Question {
            kind: &kinds::IMPORT,
            namespace: &session.namespace,
            subject: &self.vpc,
            doing: "reading the site",
            spec: self.spec(),
        };
        let answer = question.answer(session, self.timeout, |failure| failure).await?;
        let status: ImportStatus = crate::client::decode(answer)?;
        let stack = self.stack(&status)?;
        let text = match self.output {
            Output::Json => json_text(&stack) + "\n",
            Output::Yaml => format!("{}{}", remarks(&self.vpc, &status), yaml_text(&stack)?),
        };
        session.out.write(&text)?;
        Ok(Outcome::Done)
    }

    fn spec(&self) -> Value {
        match &self.region {
            Some(region) => json!({"vpc": self.vpc, "region": region}),
            None => json!({"vpc": self.vpc}),
        }
    }

    /// The manifest: it names every resource that it would take over.
    fn stack(&self, status: &ImportStatus) -> Result<Value, Failure> {
        let unwritable = |error| Failure::failed(format!("the spec cannot be written: {error}"));
        let annotations: BTreeMap<&str, String> =
            [(annotations::ADOPT, adoption::format(&status.adopt))].into();
        Ok(json!({
            "apiVersion": kinds::LAMPSTACK.api_version(),
            "kind": kinds::LAMPSTACK.kind,
            "metadata": {"name": self.name, "annotations": annotations},
            "spec": serde_json::to_value(&status.spec).map_err(unwritable)?,
        }))
    }
}
