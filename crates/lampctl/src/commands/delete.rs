//! `delete`: stacks and what they have on AWS; a person is asked to type the name.

use std::io::{BufRead, IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use lamp_api::kinds::{self, KindInfo};

use super::await_goal::{Goal, await_goal};
use crate::cli::{Files, duration};
use crate::client::Selection;
use crate::exit::{Failure, Outcome};
use crate::session::Session;
use crate::target::{Target, full_kind, targets};
use crate::yaml;

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// `NAME…`, `TYPE NAME…` or `TYPE/NAME…`; a bare name is a stack's
    #[arg(value_name = "NAME", required_unless_present = "filename", conflicts_with = "filename")]
    names: Vec<String>,
    #[command(flatten)]
    files: Files,
    /// Wait until nothing is left; stop at once where a person must act
    #[arg(long, num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true")]
    wait: bool,
    /// How long to wait; 0 means for ever
    #[arg(long, default_value = "1h", value_parser = duration, value_name = "DURATION")]
    timeout: Duration,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Objects that do not exist are no failure
    #[arg(long)]
    ignore_not_found: bool,
}

/// An object with its namespace.
struct Doomed {
    kind: &'static KindInfo,
    namespace: String,
    name: String,
}

impl Doomed {
    /// `lampstack.lamplighter.dev "shop"`
    fn title(&self) -> String {
        format!("{} {:?}", full_kind(self.kind), self.name)
    }
}

impl Delete {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let doomed = self.doomed(session)?;
        if !self.yes {
            confirm(&doomed)?;
        }
        let (mut failures, mut going) = (Vec::new(), Vec::new());
        for one in &doomed {
            match self.delete(session, one).await {
                Ok(true) => going.push(one),
                Ok(false) => {}
                Err(failure @ (Failure::BrokenPipe | Failure::Unreachable { .. })) => return Err(failure),
                Err(failure) => failures.push(failure),
            }
        }
        for one in going {
            let target = (one.kind, one.namespace.as_str(), one.name.as_str());
            match await_goal(session, target, &Goal::Deleted, self.timeout).await {
                Ok(()) => session.out.line(&format!("{} deleted", one.title()))?,
                Err(failure) => failures.push(failure),
            }
        }
        Failure::all(failures).map(|()| Outcome::Done)
    }

    fn doomed(&self, session: &Session) -> Result<Vec<Doomed>, Failure> {
        if self.files.filename.is_empty() {
            let one = |Target { kind, name }| Doomed { kind, name, namespace: session.namespace.clone() };
            return Ok(targets(&self.names, &kinds::LAMPSTACK)?.into_iter().map(one).collect());
        }
        let manifests = yaml::load(&self.files, session)?;
        let mut doomed: Vec<Doomed> = manifests
            .into_iter()
            .map(|manifest| Doomed {
                kind: manifest.kind,
                namespace: manifest.namespace,
                name: manifest.name,
            })
            .collect();
        // A namespace goes after what is in it.
        doomed.sort_by_key(|one| !one.kind.namespaced);
        Ok(doomed)
    }

    /// Whether it is still going, and shall be waited for.
    async fn delete(&self, session: &mut Session, one: &Doomed) -> Result<bool, Failure> {
        let request = Selection::new(one.kind, &one.namespace).delete(&one.name)?;
        let answer = match session.server.send(request).await {
            Ok(answer) => answer,
            Err(failure) if self.ignore_not_found && failure.http_code() == Some(404) => return Ok(false),
            Err(failure) => return Err(failure),
        };
        let going = answer["metadata"]["deletionTimestamp"].is_string();
        if going && self.wait {
            return Ok(true);
        }
        let word = if going { "deletion started" } else { "deleted" };
        session.out.line(&format!("{} {word}", one.title()))?;
        if going {
            let kind = one.kind.singular;
            session.talk.say(&format!(
                "It goes on in the background; `lampctl wait {kind}/{} --for=delete` waits for its end.",
                one.name
            ));
        }
        Ok(false)
    }
}

/// Lets a person type the name of each stack and namespace.
fn confirm(doomed: &[Doomed]) -> Result<(), Failure> {
    let precious = |one: &&Doomed| one.kind == &kinds::LAMPSTACK || one.kind == &kinds::NAMESPACE;
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    for one in doomed.iter().filter(precious) {
        if !terminal {
            let text = format!(
                "{} would be deleted with everything it has on AWS, and nobody is there to confirm it: add --yes",
                one.title()
            );
            return Err(Failure::Usage(text));
        }
        type_name(&one.name, &format!("{} with everything it has on AWS", one.title()))?;
    }
    Ok(())
}

/// Lets a person type a name before `what` is deleted.
pub(super) fn typed(name: &str, what: &str) -> Result<(), Failure> {
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        let text = format!("{what} would be deleted, and nobody is there to confirm it: add --yes");
        return Err(Failure::Usage(text));
    }
    type_name(name, what)
}

fn type_name(name: &str, what: &str) -> Result<(), Failure> {
    if ask(&format!("Type {name} to delete {what}: "))? == name {
        return Ok(());
    }
    Err(Failure::failed(format!("{what} stays: {name} was not typed")))
}

/// Lets a person type a name before something is done that interrupts a site.
pub(super) fn agreed(name: &str, deed: &str) -> Result<(), Failure> {
    if !(std::io::stdin().is_terminal() && std::io::stderr().is_terminal()) {
        let text = format!("this would {deed}, and nobody is there to confirm it: add --yes");
        return Err(Failure::Usage(text));
    }
    if ask(&format!("Type {name} to {deed}: "))? == name {
        return Ok(());
    }
    Err(Failure::failed(format!("nothing is done: {name} was not typed")))
}

fn ask(question: &str) -> Result<String, Failure> {
    let unreadable = |e| Failure::failed(format!("cannot ask for a confirmation: {e}"));
    let mut terminal = anstream::stderr();
    write!(terminal, "{question}").and_then(|()| terminal.flush()).map_err(unreadable)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(unreadable)?;
    Ok(answer.trim().to_owned())
}
