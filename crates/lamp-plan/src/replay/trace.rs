//! A recorded load: rows of `timestamp,value`, resampled to minutes.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A gap is filled with the value before it for at most this long, beside what the row itself stands for.
const HELD_MINUTES: usize = 60;
/// Rows that are further apart say too little of each minute.
const WIDEST_SPACING: usize = 60;
/// More is a slip in a year of the file, and would fill the memory.
const LONGEST_MINUTES: usize = 400 * 24 * 60;

/// A load of the past, one number a minute.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// The first minute.
    pub began: Timestamp,
    /// Minutes from row to row, most of the time.
    pub spacing: usize,
    /// The load of each minute; `NaN` where it is not known.
    pub loads: Vec<f64>,
    pub gaps: Vec<Gap>,
    /// Lines of a minute that the line before has already; they stand in its place.
    pub repeated: Vec<usize>,
}

/// Rows that are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The line behind it.
    pub line: usize,
    /// The first minute that no row stands for.
    pub from: Timestamp,
    pub minutes: usize,
    /// Those of them whose load is not known: the value before the gap was not held as long.
    pub unknown: usize,
}

/// What is wrong with a trace, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    #[error("it has no rows; write a time and a number in each line, as in `2026-11-01T00:00:00Z,412`")]
    Empty,
    #[error("line {line}: {problem}")]
    Line { line: usize, problem: String },
}

/// One line of the file.
#[derive(Clone, Copy, Debug)]
struct Row {
    line: usize,
    at: Timestamp,
    value: f64,
}

/// Reads `timestamp,value` rows, with or without a head: times in RFC 3339, as `YYYY-MM-DD HH:MM:SS` (UTC) or in seconds
/// since 1970; one row every 1 to 60 minutes. A value holds until the next row, over a gap for an hour more.
///
/// # Errors
/// [`TraceError`] with the line: what is no time or no number, negative values, times that go back, a single row.
pub fn parse(text: &str) -> Result<Trace, TraceError> {
    let (rows, repeated) = rows(text)?;
    let [first, .., last] = rows.as_slice() else { return Err(too_few(&rows)) };
    let spacing = spacing(&rows)?;
    let whole = minutes_between(first.at, last.at) + spacing;
    if whole > LONGEST_MINUTES {
        let problem = format!("it is {} days after the first row: at most 400 are replayed", whole / 1440);
        return Err(TraceError::Line { line: last.line, problem });
    }
    let (mut loads, mut gaps) = (Vec::with_capacity(whole), Vec::new());
    for (index, row) in rows.iter().enumerate() {
        let next = rows.get(index + 1);
        let minutes = next.map_or(spacing, |next| minutes_between(row.at, next.at));
        let held = minutes.min(spacing + HELD_MINUTES);
        loads.extend(std::iter::repeat_n(row.value, held));
        loads.extend(std::iter::repeat_n(f64::NAN, minutes - held));
        if let Some(next) = next.filter(|_| minutes > spacing) {
            let from = later(row.at, spacing);
            gaps.push(Gap { line: next.line, from, minutes: minutes - spacing, unknown: minutes - held });
        }
    }
    Ok(Trace { began: first.at, spacing, loads, gaps, repeated })
}

/// All rows in order, each minute once; and the lines that stand in place of the one before.
fn rows(text: &str) -> Result<(Vec<Row>, Vec<usize>), TraceError> {
    let (mut rows, mut repeated): (Vec<Row>, _) = (Vec::new(), Vec::new());
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    for (position, (index, line)) in lines.enumerate() {
        let line_number = index + 1;
        if position == 0 && is_head(line) {
            continue;
        }
        let problem = |problem: String| TraceError::Line { line: line_number, problem };
        let (at, value) = row(line).map_err(problem)?;
        match rows.last_mut() {
            Some(last) if at < last.at => {
                return Err(problem(format!("{at} is earlier than the line before: sort the rows by time")));
            }
            Some(last) if at == last.at => {
                repeated.push(line_number);
                last.value = value;
            }
            _ => rows.push(Row { line: line_number, at, value }),
        }
    }
    Ok((rows, repeated))
}

/// Whether a first line names columns: nothing in it is a time or a number.
fn is_head(line: &str) -> bool {
    let mut cells = line.split(',').map(cell);
    cells.all(|cell| time(cell).is_none() && cell.parse::<f64>().is_err())
}

fn row(line: &str) -> Result<(Timestamp, f64), String> {
    let cells: Vec<&str> = line.split(',').map(cell).collect();
    let [at, value] = cells.as_slice() else {
        return Err(format!("it has {} columns, not the two `timestamp,value`", cells.len()));
    };
    let at = time(at).ok_or_else(|| {
        format!("{at:?} is no time: write RFC 3339, `YYYY-MM-DD HH:MM:SS` (UTC) or seconds since 1970")
    })?;
    let number: f64 = value.parse().map_err(|_| format!("{value:?} is no number"))?;
    if !number.is_finite() {
        return Err(format!("{value} is no load: leave a row out where nothing is known"));
    }
    if number < 0.0 {
        return Err(format!("{value} is negative, and a load is not"));
    }
    Ok((at, number))
}

fn cell(text: &str) -> &str {
    text.trim().trim_matches('"')
}

/// The minute that a time is in.
fn time(text: &str) -> Option<Timestamp> {
    let seconds = || text.parse::<i64>().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    let zoned = || text.parse::<Timestamp>().ok();
    let utc = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp());
    let exact = seconds().or_else(zoned).or_else(utc)?;
    Timestamp::from_second(exact.as_second().div_euclid(60) * 60).ok()
}

/// Minutes from most rows to the next.
fn spacing(rows: &[Row]) -> Result<usize, TraceError> {
    let mut all: Vec<usize> = rows.windows(2).map(|two| minutes_between(two[0].at, two[1].at)).collect();
    all.sort_unstable();
    // The lower of two in the middle: a gap is longer than what is usual.
    let usual = all.get(all.len().saturating_sub(1) / 2).copied().unwrap_or(1);
    if usual > WIDEST_SPACING {
        let line = rows.get(1).map_or(1, |row| row.line);
        let problem =
            format!("rows are {usual} minutes apart: a replay needs one every {WIDEST_SPACING} minutes");
        return Err(TraceError::Line { line, problem });
    }
    Ok(usual)
}

fn too_few(rows: &[Row]) -> TraceError {
    rows.first().map_or(TraceError::Empty, |only| {
        let problem = "it is the only row: a replay needs two or more, a minute apart at least";
        TraceError::Line { line: only.line, problem: problem.to_owned() }
    })
}

fn minutes_between(from: Timestamp, to: Timestamp) -> usize {
    usize::try_from(to.duration_since(from).as_secs() / 60).unwrap_or_default()
}

fn later(at: Timestamp, minutes: usize) -> Timestamp {
    let seconds = i64::try_from(minutes).unwrap_or(i64::MAX).saturating_mul(60);
    at.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(at)
}

/// The value below which this share of the known loads is; 0 where none is known.
pub fn percentile(loads: &[f64], share: f64) -> f64 {
    let mut sorted: Vec<f64> = loads.iter().copied().filter(|load| load.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let index = (share * sorted.len() as f64) as usize;
    sorted.get(index).or(sorted.last()).copied().unwrap_or_default()
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
