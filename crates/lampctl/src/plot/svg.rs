//! A picture as SVG: by itself, on white, so that it can be read wherever it is shown.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, ValueFormatter};
use plotters::prelude::*;

use super::{Curve, Marks, Panel, Picture, axis};

const WIDTH: u32 = 1100;
const PANEL_HEIGHT: u32 = 300;
const TITLE_HEIGHT: u32 = 48;
const REMARK_HEIGHT: u32 = 20;
/// More columns than this cannot be told apart.
const COLUMNS: usize = 960;
const TICKS: usize = 12;

const FONT: &str = "sans-serif";
const INK: RGBColor = RGBColor(40, 40, 40);
const AREA: RGBColor = RGBColor(166, 198, 230);
const LINE: RGBColor = RGBColor(16, 64, 128);
const LEVEL: RGBColor = RGBColor(110, 110, 110);
const MARK: RGBColor = RGBColor(214, 50, 40);
const GRID: RGBColor = RGBColor(225, 225, 225);

type Surface<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

/// The picture as the text of a file.
///
/// # Errors
/// What the drawing library says; it has nothing to fail on but the size of the picture.
pub(crate) fn text(picture: &Picture) -> Result<String, String> {
    let mut text = String::new();
    draw(picture, &mut text).map_err(|error| format!("the picture cannot be drawn: {error}"))?;
    Ok(described(&text, picture))
}

fn draw<'a>(picture: &Picture, text: &'a mut String) -> Drawn<'a> {
    let count = |items: usize| u32::try_from(items).unwrap_or(u32::MAX);
    let head = TITLE_HEIGHT + REMARK_HEIGHT * count(picture.remarks.len());
    let height = head + PANEL_HEIGHT * count(picture.panels.len());
    let surface = SVGBackend::with_string(text, (WIDTH, height)).into_drawing_area();
    surface.fill(&WHITE)?;
    let (top, body) = surface.split_vertically(head);
    top.draw(&Text::new(picture.title.clone(), (16, 16), (FONT, 20).into_font().color(&INK)))?;
    for (y, remark) in (44..).step_by(REMARK_HEIGHT as usize).zip(&picture.remarks) {
        top.draw(&Text::new(remark.clone(), (16, y), (FONT, 13).into_font().color(&INK)))?;
    }
    for (panel, area) in picture.panels.iter().zip(body.split_evenly((picture.panels.len(), 1))) {
        draw_panel(picture, panel, &area)?;
    }
    surface.present()
}

fn draw_panel<'a>(picture: &Picture, panel: &Panel, surface: &Surface<'a>) -> Drawn<'a> {
    let (top, minutes) = (picture.top(panel), picture.minutes);
    let times = Times { minutes, ticks: axis::ticks(picture.began, minutes, TICKS) };
    let mut chart = ChartBuilder::on(surface)
        .caption(&panel.title, (FONT, 15).into_font().color(&INK))
        .margin(10)
        .margin_right(30)
        .x_label_area_size(36)
        .y_label_area_size(60)
        .build_cartesian_2d(times, 0.0..top)?;
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .label_style((FONT, 12).into_font().color(&INK))
        .x_desc("time (UTC)")
        .y_desc(panel.unit.as_str())
        .y_labels(6)
        .draw()?;
    let width = minutes as f64 / COLUMNS.min(minutes.max(1)) as f64;
    if let Some(marks) = &panel.marks {
        let bands = bands(marks, minutes).into_iter();
        let band = |(from, to): (usize, usize)| {
            Rectangle::new([(from as f64 * width, 0.0), (to as f64 * width, top)], MARK.mix(0.25).filled())
        };
        let drawn = chart.draw_series(bands.map(band))?;
        drawn.label(&marks.name).legend(|at| key(at, MARK.mix(0.25), 10));
    }
    if let Some(area) = &panel.area {
        for (index, run) in runs(area, minutes).iter().enumerate() {
            let outline = corners(run, width);
            let drawn = chart.draw_series(AreaSeries::new(outline, 0.0, AREA.mix(0.8)))?;
            if index == 0 {
                drawn.label(&area.name).legend(|at| key(at, AREA.mix(0.8), 10));
            }
        }
    }
    if let Some((name, level)) = &panel.level {
        let ends = [(0.0, *level), (minutes as f64, *level)];
        let drawn = chart.draw_series(LineSeries::new(ends, LEVEL.stroke_width(1)))?;
        drawn.label(name).legend(|at| key(at, LEVEL.to_rgba(), 2));
    }
    if let Some(steps) = &panel.steps {
        for (index, run) in runs(steps, minutes).iter().enumerate() {
            let drawn = chart.draw_series(LineSeries::new(corners(run, width), LINE.stroke_width(2)))?;
            if index == 0 {
                drawn.label(&steps.name).legend(|at| key(at, LINE.to_rgba(), 2));
            }
        }
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .label_font((FONT, 12).into_font().color(&INK))
        .background_style(WHITE.mix(0.85))
        .border_style(GRID)
        .draw()?;
    Ok(())
}

/// The horizontal axis: minutes, with ticks at round times.
struct Times {
    minutes: usize,
    ticks: Vec<(usize, String)>,
}

impl Ranged for Times {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, minute: &f64, (left, right): (i32, i32)) -> i32 {
        let share = minute / self.minutes.max(1) as f64;
        left + (share * f64::from(right - left)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.iter().map(|(minute, _)| *minute as f64).collect()
    }

    fn range(&self) -> Range<f64> {
        0.0..self.minutes as f64
    }
}

impl ValueFormatter<f64> for Times {
    fn format_ext(&self, minute: &f64) -> String {
        let tick = self.ticks.iter().find(|(at, _)| (*at as f64 - minute).abs() < 0.5);
        tick.map(|(_, label)| label.clone()).unwrap_or_default()
    }
}

/// What stands beside a name in the legend.
fn key((x, y): (i32, i32), colour: RGBAColor, thickness: i32) -> Rectangle<(i32, i32)> {
    Rectangle::new([(x, y - thickness / 2), (x + 16, y + thickness - thickness / 2)], colour.filled())
}

/// Values that follow each other, with the column of the first.
type Run = (usize, Vec<f64>);

/// A curve in pieces: it is broken where nothing is known.
fn runs(curve: &Curve, minutes: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut open = false;
    for (column, value) in curve.columns(COLUMNS.min(minutes.max(1))).into_iter().enumerate() {
        match value {
            Some(value) if open => runs.iter_mut().last().into_iter().for_each(|run| run.1.push(value)),
            Some(value) => runs.push((column, vec![value])),
            None => {}
        }
        open = value.is_some();
    }
    runs
}

/// The corners of a run as steps; what stays the same has two.
fn corners((first, values): &Run, width: f64) -> Vec<(f64, f64)> {
    let mut corners = Vec::new();
    let mut column = *first;
    for same in values.chunk_by(|one, other| (one - other).abs() < 1e-9) {
        let value = same.first().copied().unwrap_or_default();
        let end = column + same.len();
        corners.extend([(column as f64 * width, value), (end as f64 * width, value)]);
        column = end;
    }
    corners
}

/// Columns in which marks follow each other, from and to.
fn bands(marks: &Marks, minutes: usize) -> Vec<(usize, usize)> {
    let columns = marks.columns(COLUMNS.min(minutes.max(1)));
    let mut bands: Vec<(usize, usize)> = Vec::new();
    for column in columns.iter().enumerate().filter(|(_, mark)| **mark).map(|(column, _)| column) {
        match bands.last_mut() {
            Some((_, end)) if *end == column => *end = column + 1,
            _ => bands.push((column, column + 1)),
        }
    }
    bands
}

/// The picture with its words for those who do not see it.
fn described(svg: &str, picture: &Picture) -> String {
    let panels = picture.panels.iter().map(|panel| panel.title.clone());
    let words: Vec<String> = picture.remarks.iter().cloned().chain(panels).collect();
    let (title, words) = (escaped(&picture.title), escaped(&words.join("\n")));
    svg.replacen(">\n", &format!(">\n<title>{title}</title>\n<desc>{words}</desc>\n"), 1)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    use super::super::example::picture;
    use super::*;

    #[test]
    fn the_picture_stands_by_itself_on_white_with_its_words() {
        let text = text(&picture()).unwrap();
        expect_file!["golden/example.svg"].assert_eq(&text);
        assert!(!text.contains("href") && !text.contains("url("), "it needs nothing else");
        assert!(text.contains("fill=\"#FFFFFF\""), "white");
    }

    #[test]
    fn long_pictures_stay_small() {
        let mut picture = picture();
        picture.minutes = 40_320;
        let noisy = (0..40_320).map(|minute| f64::from(minute % 7));
        picture.panels[0].area.as_mut().unwrap().values = noisy.collect();
        assert!(text(&picture).unwrap().len() < 100_000);
    }

    #[test]
    fn curves_are_broken_where_nothing_is_known() {
        let area = picture().panels[0].area.clone().unwrap();
        let found: Vec<_> = runs(&area, 10).iter().map(|run| (run.0, run.1.len())).collect();
        assert_eq!(found, [(0, 6), (7, 3)]);
        assert_eq!(
            corners(&(2, vec![1.0, 1.0, 3.0]), 10.0),
            [(20.0, 1.0), (40.0, 1.0), (40.0, 3.0), (50.0, 3.0)]
        );
        assert_eq!(bands(picture().panels[0].marks.as_ref().unwrap(), 10), [(3, 5)]);
    }
}
