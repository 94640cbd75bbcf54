//! What every verb works with: the server, the namespace, where output goes.

use crate::cli::{Global, Invocation};
use crate::client::{Access, Server};
use crate::exit::Failure;
use crate::printer::Output;
use crate::progress::Talk;

/// One run of the program.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) server: Server,
    pub(crate) namespace: String,
    /// Whether the user named the namespace, so that files may not name another one.
    pub(crate) namespace_given: bool,
    pub(crate) out: Output,
    pub(crate) talk: Talk,
}

impl Session {
    /// Finds the server; does not call it yet.
    pub(crate) async fn open(invocation: &Invocation) -> Result<Self, Failure> {
        let Global { namespace, request_timeout, quiet, color, .. } = &invocation.global;
        let choice = color_choice(*color);
        choice.write_global();
        let talk = Talk::new(*quiet);
        let access = Access::find(&invocation.global, invocation.plugin)?;
        let server = Server::connect(access, *request_timeout, talk).await?;
        let fallback = server.default_namespace().to_owned();
        Ok(Self {
            server,
            namespace: namespace.clone().unwrap_or(fallback),
            namespace_given: namespace.is_some(),
            out: Output::stdout(),
            talk,
        })
    }
}

fn color_choice(choice: clap::ColorChoice) -> anstream::ColorChoice {
    match choice {
        clap::ColorChoice::Auto => anstream::ColorChoice::Auto,
        clap::ColorChoice::Always => anstream::ColorChoice::Always,
        clap::ColorChoice::Never => anstream::ColorChoice::Never,
    }
}
