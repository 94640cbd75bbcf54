//! `scaling`: the last decisions of what is scaled in a stack, and how metric and capacity went.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::replay::{Output, write_svg};
use super::{history, read};
use crate::cli::duration;
use crate::exit::{Failure, Outcome};
use crate::printer::format::json_text;
use crate::replay::Subject;
use crate::session::Session;
use crate::target::stack;
use crate::view::scaling::{json, picture, text};

#[derive(Debug, Args)]
pub(crate) struct Scaling {
    /// Name of the stack
    name: String,
    #[command(flatten)]
    subject: Subject,
    /// How far back to look, up to 336
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u32).range(1..=336))]
    hours: u32,
    /// Write the plot to a file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// How many of the newest decisions to print; 0 means all
    #[arg(long, value_name = "N", default_value = "10")]
    decisions: usize,
    /// How to print it
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "text")]
    output: Output,
    /// How long to wait for the metrics; 0 means for ever
    #[arg(long, default_value = "2m", value_parser = duration, value_name = "DURATION")]
    timeout: Duration,
}

impl Scaling {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let name = stack(&self.name)?;
        let stack = read::stack(session, &name).await?;
        let scaled = self.subject.of(&stack.spec, &name)?;
        let history = history::ask(session, &stack, &scaled, self.hours, self.timeout).await?;
        let picture = picture(&name, &scaled, &history);
        if let Some(path) = &self.svg {
            write_svg(session, path, &crate::plot::svg::text(&picture).map_err(Failure::failed)?)?;
        }
        let shown = match self.output {
            Output::Json => json_text(&json(&name, &scaled, &history)) + "\n",
            Output::Text => text(&picture, &history, self.decisions),
        };
        session.out.write(&shown)?;
        Ok(Outcome::Done)
    }
}
