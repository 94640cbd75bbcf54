//! A picture as text: areas as shade, steps as a line, told apart without colour as well.
//!
//! Lines of dots (braille) show more of one curve, but two of them cannot be told apart where they cross.

use super::{Panel, Picture, axis};
use crate::printer::style;

/// Columns of the plot itself.
const COLUMNS: usize = 72;
const ROWS: usize = 12;
/// Columns left of the plot.
const MARGIN: usize = 7;
/// Times below the plot.
const TICKS: usize = 8;

const SHADE: char = '░';
const LEVEL: char = '┄';
const MARK: char = '▲';

/// All panels, below each other.
pub(crate) fn text(picture: &Picture) -> String {
    picture.panels.iter().map(|panel| panel_text(picture, panel)).collect::<Vec<_>>().join("\n")
}

fn panel_text(picture: &Picture, panel: &Panel) -> String {
    let top = picture.top(panel);
    let mut out = format!("{}\n", style::heading(&panel.title));
    for (index, row) in canvas(panel, top).iter().enumerate() {
        out.push_str(&format!("{}{}\n", scale(index, top), coloured(row)));
    }
    out.push_str(&format!("{:>MARGIN$}{}\n", "0 └", "─".repeat(COLUMNS)));
    if let Some(marks) = panel.marks.as_ref().filter(|marks| marks.minutes.contains(&true)) {
        let row: String =
            marks.columns(COLUMNS).into_iter().map(|mark| if mark { MARK } else { ' ' }).collect();
        out.push_str(&format!("{:MARGIN$}{}\n", "", style::bad(row.trim_end())));
    }
    out.push_str(&format!("{:MARGIN$}{}\n", "", times(picture)));
    out.push_str(&format!("{:MARGIN$}{}\n", "", legend(panel)));
    out
}

/// The rows of a panel, the highest first.
fn canvas(panel: &Panel, top: f64) -> Vec<Vec<char>> {
    let mut rows = vec![vec![' '; COLUMNS]; ROWS];
    let mut set = |column: usize, height: usize, what: char| {
        if let Some(cell) = rows.get_mut(ROWS - 1 - height.min(ROWS - 1)).and_then(|row| row.get_mut(column))
        {
            *cell = what;
        }
    };
    for (column, value) in panel.area.iter().flat_map(|area| area.columns(COLUMNS)).enumerate() {
        let filled = value.and_then(|value| height(value, top)).map_or(0, |height| height + 1);
        (0..filled).for_each(|height| set(column, height, SHADE));
    }
    if let Some(level) = panel.level.as_ref().and_then(|(_, level)| height(*level, top)) {
        (0..COLUMNS).for_each(|column| set(column, level, LEVEL));
    }
    let mut before = None;
    for (column, value) in panel.steps.iter().flat_map(|steps| steps.columns(COLUMNS)).enumerate() {
        let here = value.map(|value| height(value, top).unwrap_or(0));
        if let Some(here) = here {
            step(before.unwrap_or(here), here)
                .into_iter()
                .for_each(|(height, what)| set(column, height, what));
        }
        before = here;
    }
    rows
}

/// The row that a value ends in, counted from below; none for nothing.
fn height(value: f64, top: f64) -> Option<usize> {
    let rows = (value / top * ROWS as f64 - 1e-9).ceil();
    (rows >= 1.0).then(|| (rows as usize).min(ROWS) - 1)
}

/// The characters of one column of a line that comes from one row and goes on in another.
fn step(from: usize, to: usize) -> Vec<(usize, char)> {
    let (leaves, arrives) = if to > from { ('╯', '╭') } else { ('╮', '╰') };
    if from == to {
        return vec![(to, '─')];
    }
    let between = from.min(to) + 1..from.max(to);
    let upright = between.map(|height| (height, '│'));
    upright.chain([(from, leaves), (to, arrives)]).collect()
}

/// What stands left of a row: numbers at the top and in the middle.
fn scale(row: usize, top: f64) -> String {
    let value = match row {
        0 => top,
        row if row == ROWS / 2 => top / 2.0,
        _ => return format!("{:>MARGIN$}", "│"),
    };
    format!("{:>MARGIN$}", format!("{} ┤", number(value)))
}

/// As many digits as fit the margin.
fn number(value: f64) -> String {
    if value >= 100_000.0 {
        format!("{:.0}k", value / 1000.0)
    } else if value < 10.0 && value.fract() != 0.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

/// Runs of one kind in one colour.
fn coloured(row: &[char]) -> String {
    let paint = |run: &[char]| {
        let text: String = run.iter().collect();
        match run.first() {
            Some(&SHADE | &LEVEL) => style::faint(&text),
            Some(' ') | None => text,
            Some(_) => style::line(&text),
        }
    };
    let kind = |c: char| if matches!(c, SHADE | LEVEL | ' ') { c } else { '─' };
    let end = row.iter().rposition(|c| *c != ' ').map_or(0, |last| last + 1);
    let runs = row.get(..end).unwrap_or_default().chunk_by(|one, other| kind(*one) == kind(*other));
    runs.map(paint).collect()
}

/// The times below a plot, each beginning at its column.
fn times(picture: &Picture) -> String {
    let mut line = String::new();
    for (minute, label) in axis::ticks(picture.began, picture.minutes, TICKS) {
        let column = minute * COLUMNS / picture.minutes.max(1);
        let used = line.chars().count();
        if column >= used && column + label.len() <= COLUMNS + 1 {
            line.push_str(&" ".repeat(column - used));
            line.push_str(&label);
            line.push(' ');
        }
    }
    format!("{} UTC", line.trim_end())
}

fn legend(panel: &Panel) -> String {
    let steps = panel.steps.iter().map(|curve| format!("─ {}", curve.name));
    let area = panel.area.iter().map(|curve| format!("{SHADE} {}", curve.name));
    let level = panel.level.iter().map(|(name, _)| format!("{LEVEL} {name}"));
    let marks = panel.marks.iter().map(|marks| format!("{MARK} {}", marks.name));
    let all: Vec<String> = steps.chain(area).chain(level).chain(marks).collect();
    style::faint(&format!("{}   [{}]", all.join("   "), panel.unit))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::super::example::picture;
    use super::*;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn what_is_needed_stands_above_the_capacity_where_it_came_too_late() {
        expect![[r#"
            a.yaml: 2 <minutes> overloaded
                6 ┤                                    ╭─────────────────────╮
                  │                             ░░░░░░░│                     │
                  │                      ░░░░░░░░░░░░░░│░░░░░░░              │
                  │                      ░░░░░░░░░░░░░░│░░░░░░░              │
                  │                      ░░░░░░░░░░░░░░│░░░░░░░              ╰─────────────
                  │                      ░░░░░░░░░░░░░░│░░░░░░░
                3 ┤────────────────────────────────────╯░░░░░░░       ░░░░░░░░░░░░░░
                  │               ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░       ░░░░░░░░░░░░░░
                  │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░       ░░░░░░░░░░░░░░░░░░░░░
                  │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░       ░░░░░░░░░░░░░░░░░░░░░
                  │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░       ░░░░░░░░░░░░░░░░░░░░░
                  │░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░       ░░░░░░░░░░░░░░░░░░░░░
                0 └────────────────────────────────────────────────────────────────────────
                                         ▲▲▲▲▲▲▲▲▲▲▲▲▲▲
                          23:56         23:58          Nov 21        00:02         00:04 UTC
                   ─ capacity   ░ needed at 60 %   ▲ overloaded   [instances]
        "#]]
        .assert_eq(&plain(&text(&picture())));
    }

    #[test]
    fn a_level_is_a_line_and_nothing_known_is_nothing_drawn() {
        let mut picture = picture();
        let panel = &mut picture.panels[0];
        panel.area = None;
        panel.marks = None;
        panel.steps = None;
        panel.level = Some(("target 3".to_owned(), 3.0));
        let shown = plain(&text(&picture));
        assert_eq!(shown.lines().filter(|line| line.contains(&"┄".repeat(COLUMNS))).count(), 1, "{shown}");
        assert!(shown.contains("┄ target 3   [instances]"), "{shown}");
    }
}
