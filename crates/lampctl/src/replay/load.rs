//! The load that is replayed: from a file.

use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lamp_plan::replay::trace::{self, Gap, Trace, percentile};

use crate::exit::Failure;

/// A share of the minutes that counts as high load: what is above it is a peak.
pub(crate) const HIGH: f64 = 0.95;

/// A load of the past, one number a minute.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) name: String,
    pub(crate) began: Timestamp,
    /// `NaN` where it is not known.
    pub(crate) loads: Vec<f64>,
    /// What is counted: `requests a minute`.
    pub(crate) unit: &'static str,
    /// Minutes that each row or point stands for.
    pub(crate) spacing: usize,
    /// What of it is missing.
    pub(crate) remarks: Vec<String>,
}

impl Load {
    /// # Errors
    /// The file cannot be read, or it is no trace: with the line.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::failed(format!("cannot read {name}: {error}")))?;
        let trace = trace::parse(&text).map_err(|error| Failure::failed(format!("{name}: {error}")))?;
        let name = path.file_name().map_or_else(|| name.to_string(), |name| name.to_string_lossy().into());
        let remarks = remarks(&trace);
        let Trace { began, spacing, loads, .. } = trace;
        Ok(Self { name, began, loads, unit: "units a minute", spacing, remarks })
    }

    pub(crate) fn minutes(&self) -> usize {
        self.loads.len()
    }

    /// What the load is below most of the time.
    pub(crate) fn high(&self) -> f64 {
        percentile(&self.loads, HIGH)
    }

    pub(crate) fn highest(&self) -> f64 {
        self.loads.iter().copied().fold(0.0, f64::max)
    }

    /// When the last minute ends.
    pub(crate) fn ended(&self) -> Timestamp {
        let seconds = i64::try_from(self.minutes()).unwrap_or(i64::MAX).saturating_mul(60);
        self.began.saturating_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(self.began)
    }
}

fn remarks(trace: &Trace) -> Vec<String> {
    let longest = trace.gaps.iter().max_by_key(|gap| gap.minutes);
    let gaps = longest.map(|longest| gaps(&trace.gaps, longest));
    let repeated = trace.repeated.first().map(|line| {
        format!(
            "{} rows are of the minute of the row before, and stand in its place; the first in line {line}",
            trace.repeated.len()
        )
    });
    gaps.into_iter().chain(repeated).collect()
}

fn gaps(gaps: &[Gap], longest: &Gap) -> String {
    let Gap { line, from, minutes, .. } = longest;
    let unknown: usize = gaps.iter().map(|gap| gap.unknown).sum();
    let held = match unknown {
        0 => "the value before each is held".to_owned(),
        _ => format!("the value before each is held for an hour, and {unknown} minutes are without a load"),
    };
    let from = time(*from);
    format!("{} gaps, the longest of {minutes} minutes from {from} (line {line}): {held}", gaps.len())
}

/// `2026-11-20 10:04`, in UTC.
pub(crate) fn time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Load, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, text).unwrap();
        Load::read(&path).map_err(|failure| failure.to_string())
    }

    #[test]
    fn what_is_missing_is_told() {
        let rows = "2026-11-01 00:00:00,1\n2026-11-01 00:01:00,2\n2026-11-01 00:01:30,3\n2026-11-01 00:02:00,4\n2026-11-01 01:33:00,5\n2026-11-01 01:35:00,5\n2026-11-01 01:36:00,5\n2026-11-01 01:37:00,5\n";
        let load = read(rows).unwrap();
        assert_eq!((load.minutes(), load.high(), load.highest()), (98, 5.0, 5.0));
        let expected = [
            "2 gaps, the longest of 90 minutes from 2026-11-01 00:03 (line 5): the value before each is held for an hour, and 30 minutes are without a load",
            "1 rows are of the minute of the row before, and stand in its place; the first in line 3",
        ];
        assert_eq!(load.remarks, expected);
        assert_eq!(time(load.ended()), "2026-11-01 01:38");
    }

    #[test]
    fn a_wrong_line_is_named_with_its_file() {
        let error = read("t,v\n2026-11-01 00:00:00,x\n").unwrap_err();
        assert!(error.ends_with("t.csv: line 2: \"x\" is no number"), "{error}");
        let error = Load::read(Path::new("/nowhere/t.csv")).unwrap_err().to_string();
        assert!(error.starts_with("cannot read /nowhere/t.csv: "), "{error}");
    }
}
