//! `version`: of this program and of the daemon.

use clap::Args;
use http::Request;
use serde_json::{Value, json};

use crate::exit::{Failure, Outcome};
use crate::printer::format::Format;
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct Version {
    /// Only this program's; the daemon is not asked
    #[arg(long)]
    client: bool,
    /// json or yaml
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
}

impl Version {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let client = env!("CARGO_PKG_VERSION");
        let Some(format) = &self.output else {
            session.out.line(&format!("Client Version: v{client}"))?;
            if !self.client {
                let server = server(session).await?;
                let version = server["gitVersion"].as_str().unwrap_or("unknown");
                session.out.line(&format!("Server Version: {version}"))?;
            }
            return Ok(Outcome::Done);
        };
        let mut both = json!({"clientVersion": {"gitVersion": format!("v{client}")}});
        if !self.client {
            both["serverVersion"] = server(session).await?;
        }
        session.out.write(&format.text(&both)?)?;
        Ok(Outcome::Done)
    }
}

async fn server(session: &Session) -> Result<Value, Failure> {
    let impossible = |e| Failure::failed(format!("cannot ask for the server's version: {e}"));
    let request = Request::get("/version").body(Vec::new()).map_err(impossible)?;
    session.server.send(request).await
}
