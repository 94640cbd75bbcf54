//! The colours and symbols of everything that is printed. The streams take the colour out where it is not wanted.

use lamp_api::v1alpha1::{PartState, PlanEffect};
use owo_colors::OwoColorize;

pub(crate) fn error(text: &str) -> String {
    format!("{} {text}", "error:".red().bold())
}

pub(crate) fn warning(text: &str) -> String {
    format!("{} {text}", "Warning:".yellow().bold())
}

pub(crate) fn good(text: &str) -> String {
    text.green().to_string()
}

pub(crate) fn bad(text: &str) -> String {
    text.red().to_string()
}

pub(crate) fn attention(text: &str) -> String {
    text.yellow().to_string()
}

pub(crate) fn faint(text: &str) -> String {
    text.dimmed().to_string()
}

pub(crate) fn heading(text: &str) -> String {
    text.bold().to_string()
}

/// The line of a plot.
pub(crate) fn line(text: &str) -> String {
    text.cyan().to_string()
}

/// One sign per state of a part, told apart without colour as well.
pub(crate) fn state_symbol(state: PartState) -> String {
    match state {
        PartState::Ready => "✔".green().to_string(),
        PartState::Progressing => "◐".cyan().to_string(),
        PartState::Waiting => "○".dimmed().to_string(),
        PartState::Drifted => "≠".yellow().to_string(),
        PartState::Deleting => "−".yellow().to_string(),
        PartState::Failed => "✖".red().to_string(),
        PartState::Unknown => "?".yellow().to_string(),
    }
}

/// A state in its colour.
pub(crate) fn state_word(state: PartState) -> String {
    let word = format!("{state:?}");
    match state {
        PartState::Ready => good(&word),
        PartState::Progressing => word.cyan().to_string(),
        PartState::Waiting => faint(&word),
        PartState::Failed => bad(&word),
        PartState::Drifted | PartState::Deleting | PartState::Unknown => attention(&word),
    }
}

/// Terraform's signs, which people know.
pub(crate) fn effect(effect: PlanEffect, text: &str) -> String {
    match effect {
        PlanEffect::Create => good(text),
        PlanEffect::Update => attention(text),
        PlanEffect::Replace | PlanEffect::Delete => bad(text),
    }
}

/// `+`, `~`, `-/+`, `-`.
pub(crate) fn effect_symbol(effect: PlanEffect) -> &'static str {
    match effect {
        PlanEffect::Create => "+",
        PlanEffect::Update => "~",
        PlanEffect::Replace => "-/+",
        PlanEffect::Delete => "-",
    }
}
