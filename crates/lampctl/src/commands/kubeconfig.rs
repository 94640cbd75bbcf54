//! `kubeconfig`: how every other Kubernetes client finds the daemon.

use clap::Args;
use serde_json::{Value, json};

use crate::exit::{Failure, Outcome};
use crate::printer::format::yaml_text;
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct Kubeconfig {
    /// Name of the cluster, user and context in it
    #[arg(long, default_value = "lamplighter")]
    name: String,
}

impl Kubeconfig {
    pub(crate) fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let text = yaml_text(&config(&self.name, session.server.address(), &session.namespace))?;
        session.out.write(&text)?;
        Ok(Outcome::Done)
    }
}

fn config(name: &str, server: &str, namespace: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": server}}],
        "users": [{"name": name, "user": {}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": namespace}}],
        "current-context": name,
    })
}
