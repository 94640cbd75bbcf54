//! The figures of both, side by side.

use std::collections::BTreeMap;
use std::fmt;

use super::{Faced, Pass, Raised};
use crate::bench::Figures;
use crate::drift::{Drift, Owed};

const TOOLS: [&str; 2] = ["lamplighter", "terraform"];

/// Everything that was measured.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// What, for how many stacks: the figure of each tool.
    rows: Vec<(&'static str, usize, BTreeMap<&'static str, f64>)>,
    drifts: Vec<(Drift, BTreeMap<&'static str, Faced>)>,
    notes: Vec<String>,
}

/// Figures by the name that they have in JSON, with what they say.
const NAMES: [(&str, &str); 9] = [
    ("calls", "calls of a quiet look"),
    ("changes", "  of them changes"),
    ("cpu_s", "CPU of a quiet look, s"),
    ("rss_mib", "peak memory, MiB"),
    ("wall_s", "wall time of a quiet look, s"),
    ("create_calls", "calls from nothing to done"),
    ("create_changes", "  of them changes"),
    ("create_wall_s", "time from nothing to done, s"),
    ("resources", "resources that are kept"),
];

impl Report {
    pub(super) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    fn add(&mut self, tool: &'static str, name: &'static str, count: usize, value: f64) {
        let at = self.rows.iter().position(|(known, stacks, _)| (*known, *stacks) == (name, count));
        let at = at.unwrap_or_else(|| {
            self.rows.push((name, count, BTreeMap::new()));
            self.rows.len() - 1
        });
        self.rows[at].2.insert(tool, value);
    }

    #[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub(super) fn raised(&mut self, tool: &'static str, count: usize, raised: Raised) {
        self.add(tool, "create_calls", count, raised.calls as f64);
        self.add(tool, "create_changes", count, raised.changes as f64);
        self.add(tool, "create_wall_s", count, raised.seconds);
        self.add(tool, "resources", count, raised.resources as f64);
    }

    pub(super) fn pass(&mut self, tool: &'static str, count: usize, pass: Pass) {
        self.add(tool, "calls", count, pass.calls);
        self.add(tool, "changes", count, pass.changes);
        self.add(tool, "cpu_s", count, pass.cpu_seconds);
        self.add(tool, "rss_mib", count, pass.peak_mib);
        self.add(tool, "wall_s", count, pass.seconds);
    }

    pub(super) fn faced(&mut self, tool: &'static str, drift: &Drift, faced: Faced) {
        match self.drifts.iter_mut().find(|(known, _)| known.name == drift.name) {
            Some((_, tools)) => drop(tools.insert(tool, faced)),
            None => self.drifts.push((*drift, [(tool, faced)].into())),
        }
    }

    /// What a reader must know to read the figures.
    pub(super) fn settings(&mut self, with_peer: bool) {
        let defaults = "Lamplighter runs with the defaults of its daemon: AWS is observed every 15 s, half of AWS's \
                        published call rates are taken, what was just made may be hidden for 300 s. It looks by itself.";
        self.note(defaults.to_owned());
        if with_peer {
            let peer = "Terraform acts when it is run: a quiet look is one plan, a repair one plan and one apply. Only \
                        the kinds that Lamplighter keeps too are its targets, and what they name (a role, a key, a \
                        certificate).";
            self.note(peer.to_owned());
        }
    }

    /// `lamplighter.calls.20`, `terraform.drift.http2-off.seconds`, and so on.
    pub(super) fn figures(&self) -> Figures {
        let mut figures = Figures::default();
        for tool in TOOLS {
            for (name, count, values) in &self.rows {
                if let Some(value) = values.get(tool) {
                    figures.add(format!("{tool}.{name}.{count}"), *value);
                }
            }
            for (drift, tools) in &self.drifts {
                if let Some(faced) = tools.get(tool) {
                    add_drift(&mut figures, &format!("{tool}.drift.{}", drift.name), faced);
                }
            }
        }
        figures
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn add_drift(figures: &mut Figures, name: &str, faced: &Faced) {
    figures.add(format!("{name}.noticed"), f64::from(u8::from(faced.noticed.is_some())));
    figures.add(format!("{name}.repaired"), f64::from(u8::from(faced.repaired.is_some())));
    figures.add(format!("{name}.calls"), faced.calls as f64);
    figures.add(format!("{name}.changes"), faced.changes as f64);
    if let Some(seconds) = faced.noticed {
        figures.add(format!("{name}.noticed_seconds"), seconds);
    }
    if let Some(seconds) = faced.repaired {
        figures.add(format!("{name}.seconds"), seconds);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<40} {:>6} {:>12} {:>12}", "", "stacks", TOOLS[0], TOOLS[1])?;
        for (name, what) in NAMES {
            for (_, count, values) in self.rows.iter().filter(|(known, ..)| *known == name) {
                let [ours, theirs] = TOOLS.map(|tool| number(values.get(tool).copied()));
                writeln!(f, "{what:<40} {count:>6} {ours:>12} {theirs:>12}")?;
            }
        }
        self.write_drifts(f)?;
        self.notes.iter().try_for_each(|note| writeln!(f, "* {note}"))
    }
}

impl Report {
    fn write_drifts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.drifts.is_empty() {
            return Ok(());
        }
        writeln!(f, "\ndrift of one stack: seconds until noticed / repaired, calls (of them changes)")?;
        writeln!(f, "{:<44} {:<28} {:<28}", "", TOOLS[0], TOOLS[1])?;
        for (drift, tools) in &self.drifts {
            let [ours, theirs] = TOOLS.map(|tool| tools.get(tool).map(cell).unwrap_or_default());
            writeln!(f, "{}", format!("{:<44} {ours:<28} {theirs:<28}", drift.what).trim_end())?;
            for (tool, faced) in tools.iter().filter(|(_, faced)| !faced.said.is_empty()) {
                writeln!(f, "    {tool}: {}", faced.said)?;
            }
            if let Some(why) = owed(drift.owed).filter(|_| tools.contains_key(TOOLS[0])) {
                writeln!(f, "    {why}")?;
            }
        }
        writeln!(f)
    }
}

/// Why Lamplighter does not simply put it back.
fn owed(owed: Owed) -> Option<&'static str> {
    match owed {
        Owed::Repair => None,
        Owed::LateRepair => Some(
            "AWS repairs this by itself, the emulator does not; Lamplighter leaves it to AWS for some minutes",
        ),
        Owed::Consent => {
            Some("it interrupts service, so Lamplighter asks; it was given consent after two periods")
        }
        Owed::Report => Some("it is none of the site's, so it is only reported"),
        Owed::Nothing => Some("the scaling policies own it, and without data they never shrink"),
    }
}

fn cell(faced: &Faced) -> String {
    let seconds = |value: Option<f64>| value.map_or_else(|| "no".to_owned(), |value| format!("{value:.0} s"));
    let (noticed, repaired) = (seconds(faced.noticed), seconds(faced.repaired));
    format!("{noticed:>5} / {repaired:<6} {} ({})", faced.calls, faced.changes)
}

fn number(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value.fract() == 0.0 || value >= 100.0 => format!("{value:.0}"),
        Some(value) if value >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift;

    fn report() -> Report {
        let mut report = Report::default();
        let raised = Raised { calls: 200, changes: 60, seconds: 40.25, resources: 48 };
        report.raised("lamplighter", 1, raised);
        report.raised("terraform", 1, Raised { calls: 433, ..raised });
        let faced =
            Faced { noticed: Some(9.0), repaired: None, calls: 30, changes: 0, said: "seen".to_owned() };
        report.faced("lamplighter", &drift::ALL[0], faced);
        report
    }

    #[test]
    fn figures_are_flat_and_named_by_tool() {
        let json = report().figures().to_json();
        assert_eq!(json["lamplighter.create_calls.1"], 200);
        assert_eq!(json["terraform.create_calls.1"], 433);
        assert_eq!(json["lamplighter.drift.target-deregistered.noticed"], 1);
        assert_eq!(json["lamplighter.drift.target-deregistered.repaired"], 0);
        assert_eq!(json["lamplighter.drift.target-deregistered.noticed_seconds"], 9);
        assert!(json.get("lamplighter.drift.target-deregistered.seconds").is_none(), "it was not repaired");
    }

    #[test]
    fn both_stand_side_by_side() {
        let text = report().to_string();
        let line = "calls from nothing to done                    1          200          433\n";
        assert!(text.contains(line), "{text}");
        assert!(
            text.contains("target deregistered                            9 s / no     30 (0)\n"),
            "{text}"
        );
    }
}
