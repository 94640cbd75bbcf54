//! A plan as a person reads it: what is done, what is settled, what waits.

use std::fmt;

use lamp_api::v1alpha1::{LeftAlone, PartState};

use crate::{Action, Blocker, Effect, PartReport, Plan};

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.effect {
            Effect::Create => "+ create",
            Effect::Update => "~ update",
            Effect::Replace => "± replace",
            Effect::Delete => "- delete",
        };
        let (kind, part, call) = (self.kind.name(), &self.part, self.request.operation());
        write!(f, "{sign} {kind} {part} ({call}) because {}", self.reason)?;
        self.changes.iter().try_for_each(|change| write!(f, "\n    {change}"))
    }
}

impl fmt::Display for PartReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.state)?;
        if self.blocked {
            f.write_str(" (blocked)")?;
        }
        self.reason.iter().try_for_each(|reason| write!(f, ": {reason}"))
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (part, settlement) in &self.settlements {
            writeln!(f, "= {part} {settlement:?}")?;
        }
        self.actions.iter().try_for_each(|action| writeln!(f, "{action}"))?;
        let acted = |part: &lamp_cloud::Part| self.actions.iter().any(|action| action.part == *part);
        for (part, report) in &self.parts {
            if report.state != PartState::Ready && !acted(part) {
                writeln!(f, "  {part} {report}")?;
            }
        }
        for Blocker { message, .. } in &self.blockers {
            writeln!(f, "! {message}")?;
        }
        for LeftAlone { part, field, wanted, found, reason, .. } in &self.left_alone {
            writeln!(f, "! {part} {field}: {found} is left alone ({reason:?}), wanted is {wanted}")?;
        }
        if self.finished {
            writeln!(f, "finished: nothing is left")?;
        }
        Ok(())
    }
}
