//! What was measured: names, values and goals, as a table and as JSON.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};
use serde_json::{Map, Value};

/// Figures by name, in the order in which they were measured.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    rows: Vec<(String, f64)>,
    notes: Vec<String>,
}

/// The goals of the figures that have one.
const GOALS: [(&str, &str); 19] = [
    ("sweep.calls.1", "at most 30"),
    ("sweep.calls.5", "at most 35"),
    ("sweep.calls.20", "at most 60"),
    ("sweep.cpu_ms.1", "under 100"),
    ("sweep.cpu_ms.5", "under 150"),
    ("sweep.cpu_ms.20", "under 400"),
    ("sweep.plan_ms.1", "under 5"),
    ("sweep.plan_ms.5", "under 10"),
    ("sweep.plan_ms.20", "under 40"),
    ("sweep.plan_ms.1000", "under 1000"),
    ("sweep.rss_mib.1", "under 64"),
    ("sweep.rss_mib.5", "under 64"),
    ("sweep.rss_mib.20", "under 64"),
    ("sweep.rss_mib.1000", "under 512"),
    ("converge.sim_seconds", "critical path x 1.2"),
    ("api.writes_per_s", "at least 1000"),
    ("api.write_p99_ms", "under 20"),
    ("scaling.decisions_cpu_ms.1000", "under 100"),
    ("sim.hours_per_s", "at least 100"),
];

impl Figures {
    pub fn add(&mut self, name: impl Into<String>, value: f64) {
        // Three decimals are more than any of them is good for.
        self.rows.push((name.into(), (value * 1000.0).round() / 1000.0));
    }

    /// Something that a reader of the figures must know.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    pub fn extend(&mut self, other: Figures) {
        self.rows.extend(other.rows);
        self.notes.extend(other.notes);
    }

    /// One flat object.
    pub fn to_json(&self) -> Value {
        Value::Object(
            self.rows.iter().map(|(name, value)| (name.clone(), number(*value))).collect::<Map<_, _>>(),
        )
    }

    /// What [`Figures::to_lines`] wrote.
    ///
    /// # Errors
    /// When it is something else.
    pub fn from_lines(text: &str) -> Result<Self> {
        let mut figures = Self::default();
        for line in text.lines() {
            match line.split_once('=').context("no figure")? {
                ("note", note) => figures.note(note),
                (name, value) => figures.rows.push((name.to_owned(), value.parse()?)),
            }
        }
        Ok(figures)
    }

    /// One line for each, for the process that asked for them.
    pub fn to_lines(&self) -> String {
        let rows = self.rows.iter().map(|(name, value)| format!("{name}={value}\n"));
        rows.chain(self.notes.iter().map(|note| format!("note={note}\n"))).collect()
    }
}

// Whole numbers without a point.
#[allow(clippy::cast_possible_truncation)]
fn number(value: f64) -> Value {
    if value.fract() == 0.0 { Value::from(value as i64) } else { Value::from(value) }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let goals = BTreeMap::from(GOALS);
        writeln!(f, "{:<32} {:>12}  goal", "figure", "measured")?;
        for (name, value) in &self.rows {
            let goal = goals.get(name.as_str()).copied().unwrap_or_default();
            writeln!(f, "{}", format!("{name:<32} {value:>12}  {goal}").trim_end())?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "* {note}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Figures {
        let mut figures = Figures::default();
        figures.add("sweep.calls.20", 52.0);
        figures.add("api.write_p99_ms", 3.1421);
        figures.note("a = b");
        figures
    }

    #[test]
    fn json_is_flat_and_counts_have_no_point() {
        assert_eq!(two().to_json().to_string(), r#"{"api.write_p99_ms":3.142,"sweep.calls.20":52}"#);
    }

    #[test]
    fn lines_are_read_back() {
        let figures = Figures::from_lines(&two().to_lines()).unwrap();
        assert_eq!(figures.to_json(), two().to_json());
        assert_eq!(figures.to_string(), two().to_string());
        assert!(Figures::from_lines("nonsense").is_err());
    }

    #[test]
    fn the_table_names_goals() {
        assert!(two().to_string().contains("sweep.calls.20                             52  at most 60\n"));
    }
}
