//! Talk on standard error: remarks, warnings, and a line that moves while something long goes on.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lamp_api::v1alpha1::{LampStack, LampStackStatus, PartState};

use crate::printer::{style, tell};

/// Says things to a person; quiet on request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Talk {
    quiet: bool,
}

impl Talk {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// A remark that no script needs.
    pub(crate) fn say(self, text: &str) {
        if !self.quiet {
            tell(text);
        }
    }

    /// A warning, from the server for example.
    pub(crate) fn warn(self, text: &str) {
        if !self.quiet {
            tell(&style::warning(text));
        }
    }

    /// The moving line; it shows only on a terminal.
    pub(crate) fn progress(self, message: impl Into<String>) -> Progress {
        let visible = !self.quiet && std::io::stderr().is_terminal();
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target).with_message(message.into());
        let template = ProgressStyle::with_template("{spinner:.cyan} {elapsed:>4} {wide_msg}");
        bar.set_style(template.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        if visible {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Progress(bar)
    }
}

/// A line that moves until it is dropped.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn show(&self, message: impl Into<String>) {
        self.0.set_message(message.into());
    }

    /// The stack's own summary and how many of its parts are ready.
    pub(crate) fn show_stack(&self, name: &str, stack: &LampStack) {
        self.show(
            stack.status.as_ref().map_or_else(|| format!("{name}: not looked at yet"), |s| line(name, s)),
        );
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn line(name: &str, status: &LampStackStatus) -> String {
    let ready = status.parts.iter().filter(|part| part.state == PartState::Ready).count();
    let busy =
        status.parts.iter().find(|part| matches!(part.state, PartState::Progressing | PartState::Deleting));
    let part = busy.map(|part| format!(" · {}", part.part)).unwrap_or_default();
    format!("{name}: {ready}/{} parts ready{part} · {}", status.parts.len(), status.summary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fixture;

    #[test]
    fn the_line_names_what_is_being_made() {
        let stack = fixture::stack();
        let text = line("shop", stack.status.as_ref().unwrap());
        assert!(text.starts_with("shop: 4/9 parts ready · auto-scaling-group/web · "), "{text}");
    }
}
