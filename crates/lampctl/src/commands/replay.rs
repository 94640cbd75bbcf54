//! `replay`: what scaling policies would have done with a load of the past.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use lamp_api::v1alpha1::Scaling;
use lamp_plan::replay::{Origin, size, target_share};

use super::{history, read};
use crate::cli::duration;
use crate::exit::{Failure, Outcome};
use crate::printer::format::json_text;
use crate::replay::candidate::Bounds;
use crate::replay::experiment::Model;
use crate::replay::{Candidate, Experiment, Load, Run, Subject};
use crate::session::Session;
use crate::target::stack;
use crate::view::replay::{json, number, picture, text};

/// EC2, Apache and a health check.
const BOOT_OF_INSTANCES: u32 = 2;
/// RDS restores a snapshot, and catches up.
const BOOT_OF_REPLICAS: u32 = 10;

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// Name of a stack: replays its own load, as CloudWatch has it, beside what was in force
    #[arg(required_unless_present = "trace", conflicts_with = "trace")]
    name: Option<String>,
    /// File with policies: a LampStack, or `policies` and `behavior` alone. Give two to compare them [default: those of
    /// the stack]
    #[arg(long = "policy", value_name = "FILE")]
    policies: Vec<PathBuf>,
    /// Recorded load: CSV with rows of time and value, one every 1 to 60 minutes
    #[arg(long, value_name = "FILE", requires = "policies")]
    trace: Option<PathBuf>,
    #[command(flatten)]
    subject: Subject,
    /// Load a minute that one instance serves with all of its CPU [default: so that 95 % of the trace need half of the
    /// largest capacity at the target]
    #[arg(long, value_name = "N", value_parser = positive, conflicts_with = "name")]
    per_instance: Option<f64>,
    /// Minutes until a new instance serves [default: 2, and 10 for read replicas]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=120))]
    boot_minutes: Option<u32>,
    /// Smallest capacity [default: that of the file; for policies alone that of the stack, or 2]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1000))]
    min: Option<u32>,
    /// Largest capacity [default: that of the file; for policies alone that of the stack, or 12]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    max: Option<u32>,
    /// Price of an instance for an hour: adds the cost
    #[arg(long, value_name = "X", value_parser = positive)]
    price_per_hour: Option<f64>,
    /// How far back to look at a stack, up to 336
    #[arg(long, value_name = "N", default_value = "24", value_parser = clap::value_parser!(u32).range(1..=336), conflicts_with = "trace")]
    hours: u32,
    /// Write the plot to a file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// How many of the newest decisions to print; 0 means all
    #[arg(long, value_name = "N", default_value = "20")]
    decisions: usize,
    /// How to print it
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value = "text")]
    output: Output,
    /// How long to wait for the metrics of a stack; 0 means for ever
    #[arg(long, default_value = "2m", value_parser = duration, value_name = "DURATION")]
    timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    Text,
    Json,
}

impl Replay {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        if self.policies.len() > 2 {
            return Err(Failure::Usage(
                "at most two policies can be compared: give --policy once or twice".to_owned(),
            ));
        }
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min > max
        {
            return Err(Failure::Usage(format!("--min {min} is more than --max {max}")));
        }
        let experiment = match (&self.trace, &self.name) {
            (Some(trace), _) => self.of_trace(trace)?,
            (None, Some(name)) => self.of_stack(session, &stack(name)?).await?,
            (None, None) => return Err(Failure::Usage("name a stack, or a file with --trace".to_owned())),
        };
        if let Some(path) = &self.svg {
            write_svg(
                session,
                path,
                &crate::plot::svg::text(&picture(&experiment)).map_err(Failure::failed)?,
            )?;
        }
        let shown = match self.output {
            Output::Json => json_text(&json(&experiment)) + "\n",
            Output::Text => text(&experiment, self.decisions),
        };
        session.out.write(&shown)?;
        Ok(Outcome::Done)
    }

    fn of_trace(&self, trace: &Path) -> Result<Experiment, Failure> {
        let candidates = self.candidates(self.bounds())?;
        let load = Load::read(trace)?;
        let [first, ..] = candidates.as_slice() else {
            return Err(Failure::Usage("name a file with --policy".to_owned()));
        };
        let model = self.model(first, &load)?;
        Ok(self.experiment(load, model, &candidates, Vec::new()))
    }

    async fn of_stack(&self, session: &Session, name: &str) -> Result<Experiment, Failure> {
        let stack = read::stack(session, name).await?;
        let scaled = self.subject.of(&stack.spec, name)?;
        let bounds = Bounds { alone: Some((scaled.min, scaled.max)), ..self.bounds() };
        let mut candidates = self.candidates(bounds)?;
        let share = target_share(&scaled.scaling);
        let history = history::ask(session, &stack, &scaled, self.hours, self.timeout).await?;
        if candidates.is_empty() {
            candidates.push(Candidate::of_stack(name, scaled, self.bounds())?);
        }
        let all: Vec<&Scaling> = candidates.iter().map(|candidate| &candidate.scaled.scaling).collect();
        let boot_minutes = self.boot_minutes(&candidates);
        let (load, model) = history.load(&all, boot_minutes)?;
        Ok(self.experiment(load, model, &candidates, vec![history.lived(share)]))
    }

    fn bounds(&self) -> Bounds {
        Bounds { min: self.min, max: self.max, alone: None }
    }

    fn candidates(&self, bounds: Bounds) -> Result<Vec<Candidate>, Failure> {
        let read = |path: &PathBuf| Candidate::read(path, &self.subject, bounds);
        let mut all = self.policies.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        // Two files of one name are told apart by their place.
        if let [one, other] = all.as_mut_slice()
            && one.label == other.label
        {
            one.label = format!("1: {}", one.label);
            other.label = format!("2: {}", other.label);
        }
        Ok(all)
    }

    fn boot_minutes(&self, candidates: &[Candidate]) -> u32 {
        let replicas = candidates.iter().all(|candidate| candidate.scaled.tier.is_none());
        self.boot_minutes.unwrap_or(if replicas { BOOT_OF_REPLICAS } else { BOOT_OF_INSTANCES })
    }

    /// The model that was given, or one that suits the load.
    fn model(&self, candidate: &Candidate, load: &Load) -> Result<Model, Failure> {
        let scaled = &candidate.scaled;
        let boot_minutes = self.boot_minutes(std::slice::from_ref(candidate));
        let one = scaled.unit().trim_end_matches('s');
        if let Some(per_instance) = self.per_instance {
            let sentence =
                format!("one {one} serves {} units a minute (--per-instance)", number(per_instance));
            return Ok(Model { per_instance, boot_minutes, sentence });
        }
        let sizing = size(&scaled.scaling, load.high(), scaled.max).ok_or_else(|| {
            let text = "most of the trace is 0: say with --per-instance what one serves in a minute";
            Failure::failed(format!("{}: {text}", load.name))
        })?;
        let why = match sizing.origin {
            Origin::Load { instances, share, .. } => format!(
                "95th percentile of the load on {instances} of {} {} at {:.0} %",
                scaled.max,
                scaled.unit(),
                share * 100.0
            ),
            Origin::Target { metric, target, share } => {
                format!(
                    "{} at its target of {target} is taken for {:.0} % busy",
                    metric.as_str(),
                    share * 100.0
                )
            }
        };
        let sentence = format!("one {one} serves {} units a minute ({why})", number(sizing.per_instance));
        Ok(Model { per_instance: sizing.per_instance, boot_minutes, sentence })
    }

    fn experiment(
        &self,
        load: Load,
        model: Model,
        candidates: &[Candidate],
        mut runs: Vec<Run>,
    ) -> Experiment {
        runs.extend(candidates.iter().map(|candidate| Run::of(candidate, &load, &model)));
        Experiment {
            unit: candidates.first().map_or("instances", |candidate| candidate.scaled.unit()),
            price_per_hour: self.price_per_hour,
            load,
            model,
            runs,
        }
    }
}

pub(super) fn write_svg(session: &Session, path: &Path, svg: &str) -> Result<(), Failure> {
    let unwritable = |error| Failure::failed(format!("cannot write {}: {error}", path.display()));
    std::fs::write(path, svg).map_err(unwritable)?;
    session.talk.say(&format!("The plot is in {}.", path.display()));
    Ok(())
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| format!("{text:?} is no number above 0"))
}
