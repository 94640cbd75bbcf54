//! A recorded load, one number a minute.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use jiff::civil::DateTime;

/// A load of the past.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    pub(super) name: String,
    pub(super) loads: Vec<f64>,
}

impl Trace {
    /// Reads `timestamp,value` lines below a heading; a value holds until the next one.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let loads = parse(&text).with_context(|| path.display().to_string())?;
        Ok(Self { name, loads })
    }

    /// The value below which this share of the minutes is.
    pub(super) fn percentile(&self, share: f64) -> f64 {
        let mut sorted = self.loads.clone();
        sorted.sort_by(f64::total_cmp);
        let index = (share * sorted.len() as f64) as usize;
        sorted.get(index).or(sorted.last()).copied().unwrap_or_default()
    }
}

fn parse(text: &str) -> Result<Vec<f64>> {
    let mut loads: Vec<f64> = Vec::new();
    let mut began = None;
    for (number, line) in text.lines().enumerate().skip(1) {
        let (at, value) = line.split_once(',').with_context(|| format!("line {}: no comma", number + 1))?;
        let at: DateTime = at
            .trim_end_matches('Z')
            .parse()
            .with_context(|| format!("line {}: {at} is no time", number + 1))?;
        let value: f64 =
            value.trim().parse().with_context(|| format!("line {}: {value} is no number", number + 1))?;
        let began = *began.get_or_insert(at);
        let minute = usize::try_from(at.duration_since(began).as_secs() / 60)
            .with_context(|| format!("line {}: earlier than the first", number + 1))?;
        let last = loads.last().copied().unwrap_or(value);
        ensure!(minute >= loads.len() || minute + 1 == loads.len(), "line {}: out of order", number + 1);
        loads.resize(minute, last);
        loads.push(value);
    }
    ensure!(!loads.is_empty(), "it has no values");
    Ok(loads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_holds_until_the_next_one() {
        let text =
            "timestamp,value\n2014-02-14 14:27:00,5\n2014-02-14 14:30:00,7.5\n1995-07-01T00:00:00Z,1\n";
        assert_eq!(
            parse(&text.lines().take(3).collect::<Vec<_>>().join("\n")).unwrap(),
            [5.0, 5.0, 5.0, 7.5]
        );
        let error = format!("{:#}", parse(text).unwrap_err());
        assert!(error.starts_with("line 4: earlier than the first"), "{error}");
        assert_eq!(parse("t,v\nx,1").unwrap_err().to_string(), "line 2: x is no time");
    }
}
