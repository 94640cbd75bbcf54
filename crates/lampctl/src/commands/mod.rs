//! The verbs, one file each; what several of them do stands in `upsert`, `await_goal` and `read`.

pub(crate) mod apply;
mod await_goal;
pub(crate) mod can_i;
pub(crate) mod delete;
pub(crate) mod describe;
pub(crate) mod diff;
pub(crate) mod events;
pub(crate) mod get;
mod history;
pub(crate) mod hold;
pub(crate) mod import;
pub(crate) mod kubeconfig;
pub(crate) mod login;
pub(crate) mod mode;
pub(crate) mod operation;
pub(crate) mod orphans;
pub(crate) mod plan;
mod question;
mod read;
pub(crate) mod replay;
pub(crate) mod scaling;
pub(crate) mod sync;
pub(crate) mod token;
pub(crate) mod tree;
mod upsert;
pub(crate) mod version;
pub(crate) mod wait;
pub(crate) mod whoami;
pub(crate) mod why;

use crate::cli::{Command, Invocation};
use crate::exit::{Failure, Outcome};
use crate::session::Session;

/// Does what was typed.
pub(crate) async fn run(invocation: Invocation) -> Result<Outcome, Failure> {
    // It names its own server.
    if let Command::Login(verb) = invocation.command {
        return verb.run(invocation.global).await;
    }
    let mut session = Session::open(&invocation).await?;
    let session = &mut session;
    match invocation.command {
        Command::Apply(verb) => verb.run(session).await,
        Command::Get(verb) => verb.run(session).await,
        Command::Describe(verb) => verb.run(session).await,
        Command::Delete(verb) => verb.run(session).await,
        Command::Diff(verb) => verb.run(session).await,
        Command::Plan(verb) => verb.run(session).await,
        Command::Import(verb) => verb.run(session).await,
        Command::Orphans(verb) => verb.run(session).await,
        Command::Tree(verb) => verb.run(session).await,
        Command::Why(verb) => verb.run(session).await,
        Command::Replay(verb) => verb.run(session).await,
        Command::Scaling(verb) => verb.run(session).await,
        Command::Wait(verb) => verb.run(session).await,
        Command::Sync(verb) => verb.run(session).await,
        Command::Pause(verb) => verb.run(session).await,
        Command::Resume(verb) => verb.run(session).await,
        Command::Hold(verb) => verb.run(session).await,
        Command::Release(verb) => verb.run(session).await,
        Command::Failover(verb) => verb.run(session).await,
        Command::Promote(verb) => verb.run(session).await,
        Command::Events(verb) => verb.run(session).await,
        Command::Kubeconfig(verb) => verb.run(session),
        Command::Login(verb) => verb.run(invocation.global).await,
        Command::Whoami(verb) => verb.run(session).await,
        Command::CanI(verb) => verb.run(session).await,
        Command::Token(verb) => verb.run(session).await,
        Command::Version(verb) => verb.run(session).await,
    }
}
