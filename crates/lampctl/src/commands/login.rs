//! `login`: makes a server and a token the current context of the kubeconfig, for this program and for kubectl.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::whoami::words;
use crate::cli::{Global, Token};
use crate::client::{Access, Server};
use crate::exit::{Failure, Outcome};
use crate::kubeconfig::{self, Entry};
use crate::progress::Talk;

#[derive(Debug, Args)]
pub(crate) struct Login {
    /// Address of the daemon's API: https://HOST:PORT
    #[arg(value_name = "SERVER")]
    address: String,
    /// File with the token; `-` is standard input
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Name of the cluster, user and context in the kubeconfig
    #[arg(long, default_value = "lamplighter")]
    name: String,
}

impl Login {
    /// Asks the server who one is before anything is written.
    pub(crate) async fn run(self, mut global: Global) -> Result<Outcome, Failure> {
        let talk = Talk::new(global.quiet);
        let with_scheme = self.address.contains("://");
        let address = if with_scheme { self.address } else { format!("https://{}", self.address) };
        global.token = Some(token(self.token_file.as_deref(), global.token.take())?);
        let access = Access::direct(&address).with_flags(&global)?.checked(true)?;
        let (cluster, user) = access.portable()?;
        let server = Server::connect(access, global.request_timeout, talk).await?;
        let who = server.who().await?;

        let mut context = json!({"cluster": self.name, "user": self.name});
        if let Some(namespace) = &global.namespace {
            context["namespace"] = json!(namespace);
        }
        let file = kubeconfig::target(global.kubeconfig.as_ref())?;
        kubeconfig::merge_into(&file, &Entry { name: self.name.clone(), cluster, user, context })?;
        let (name, groups) = (who["username"].as_str().unwrap_or_default(), words(&who["groups"]));
        talk.say(&format!("You are {name} {groups} at {}.", server.address()));
        talk.say(&format!("The context {:?} in {} is current.", self.name, file.display()));
        Ok(Outcome::Done)
    }
}

fn token(file: Option<&Path>, flag: Option<Token>) -> Result<Token, Failure> {
    let text = match (file, flag) {
        (Some(_), Some(_)) => {
            return Err(Failure::Usage("--token-file and --token are two tokens: leave one out".to_owned()));
        }
        (None, Some(token)) => return Ok(token),
        (None, None) => {
            return Err(Failure::Usage(
                "a token is needed: name its file with --token-file, or `-`".to_owned(),
            ));
        }
        (Some(file), None) if file == Path::new("-") => {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).map(|_| text)
        }
        (Some(file), None) => fs::read_to_string(file),
    };
    let named = file.unwrap_or(Path::new("-")).display();
    let text = text.map_err(|error| Failure::failed(format!("cannot read the token in {named}: {error}")))?;
    let token = text.trim();
    if token.is_empty() || token.contains(char::is_whitespace) {
        return Err(Failure::failed(format!("{named} holds no token: it must be one word")));
    }
    Ok(Token::from(token))
}
