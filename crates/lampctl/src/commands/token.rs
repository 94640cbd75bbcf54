//! `token`: makes a bearer token. It is made here and shown once; the server is sent its digest only.

use std::time::Duration;

use clap::{Args, Subcommand};
use jiff::{Timestamp, Unit};
use lamp_api::access_token::{self, SECRET_BYTES};
use lamp_api::kinds::ACCESS_TOKEN;
use rand::TryRngCore;
use rand::rngs::OsRng;
use serde_json::json;

use crate::cli::days;
use crate::client::{MANAGER, Selection, Write};
use crate::exit::{Failure, Outcome};
use crate::session::Session;
use crate::target;

#[derive(Debug, Args)]
pub(crate) struct Token {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Make a token and print it; deleting its AccessToken revokes it
    Create(Create),
}

#[derive(Debug, Args)]
struct Create {
    /// Name of the AccessToken: what the token is for
    name: String,
    /// The user that it stands for [default: you]
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// A group of the user, as often as there are groups
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// How long it is good for: 8h, 90d
    #[arg(long = "for", default_value = "90d", value_parser = days, value_name = "DURATION")]
    life: Duration,
}

impl Token {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let Task::Create(create) = self.task;
        create.run(session).await
    }
}

impl Create {
    async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let name = target::name(&self.name)?;
        let user = match self.user {
            Some(user) => user,
            None => session.server.who().await?["username"].as_str().unwrap_or_default().to_owned(),
        };
        let mut secret = [0; SECRET_BYTES];
        let failed =
            |error: &dyn std::fmt::Display| Failure::failed(format!("no token could be made: {error}"));
        OsRng.try_fill_bytes(&mut secret).map_err(|error| failed(&error))?;
        let token = access_token::compose(&name, &secret);
        let ends = Timestamp::now().checked_add(self.life).and_then(|end| end.round(Unit::Second));
        let ends = ends.map_err(|error| failed(&error))?;
        let object = json!({
            "apiVersion": ACCESS_TOKEN.api_version(), "kind": ACCESS_TOKEN.kind, "metadata": {"name": name},
            "spec": {
                "user": user, "groups": self.groups, "expiresAt": ends.to_string(),
                "sha256": access_token::digest(&token)
            }
        });
        let write = Write { manager: MANAGER, dry_run: false };
        session.server.send(Selection::new(&ACCESS_TOKEN, "").create(&object, write)?).await?;
        session.out.line(&token)?;
        session.talk.say(&format!("It stands for {user} until {ends}, and is shown this once."));
        Ok(Outcome::Done)
    }
}
