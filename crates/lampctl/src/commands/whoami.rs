//! `whoami`: who one is to the server.

use clap::Args;
use serde_json::Value;

use crate::exit::{Failure, Outcome};
use crate::printer::format::Format;
use crate::printer::table::Columns;
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct Whoami {
    /// json or yaml
    #[arg(short, long, value_name = "FORMAT")]
    output: Option<Format>,
}

impl Whoami {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let user = session.server.who().await?;
        let text = match &self.output {
            Some(format) => format.text(&user)?,
            None => text(&user),
        };
        session.out.write(&text)?;
        Ok(Outcome::Done)
    }
}

/// The table that `kubectl auth whoami` prints.
fn text(user: &Value) -> String {
    let mut columns = Columns::default();
    columns.row(["ATTRIBUTE", "VALUE"].map(str::to_owned).to_vec());
    columns.row(vec!["Username".to_owned(), user["username"].as_str().unwrap_or_default().to_owned()]);
    columns.row(vec!["Groups".to_owned(), words(&user["groups"])]);
    for (name, values) in user["extra"].as_object().into_iter().flatten() {
        columns.row(vec![format!("Extra: {name}"), words(values)]);
    }
    columns.text()
}

/// `[a b]`.
pub(super) fn words(list: &Value) -> String {
    let words: Vec<&str> = list.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    format!("[{}]", words.join(" "))
}
