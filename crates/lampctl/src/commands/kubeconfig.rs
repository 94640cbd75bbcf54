//! `kubeconfig`: how every other Kubernetes client finds the daemon.

use clap::Args;
use serde_json::json;

use crate::exit::{Failure, Outcome};
use crate::kubeconfig::{Entry, alone};
use crate::printer::format::yaml_text;
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct Kubeconfig {
    /// Name of the cluster, user and context in it
    #[arg(long, default_value = "lamplighter")]
    name: String,
}

impl Kubeconfig {
    /// Prints the server, its CA and the credentials in use.
    pub(crate) fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let (cluster, user) = session.server.access().portable()?;
        let context = json!({"cluster": self.name, "user": self.name, "namespace": session.namespace});
        session.out.write(&yaml_text(&alone(&Entry { name: self.name, cluster, user, context }))?)?;
        Ok(Outcome::Done)
    }
}
