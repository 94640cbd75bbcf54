//! Pictures of values over time: what is drawn stands here, how in [`terminal`] and [`svg`].

mod axis;
pub(crate) mod svg;
pub(crate) mod terminal;

use jiff::Timestamp;

/// Several panels over the same time.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) title: String,
    /// What there is to know for whoever has only the picture.
    pub(crate) remarks: Vec<String>,
    pub(crate) began: Timestamp,
    pub(crate) minutes: usize,
    pub(crate) panels: Vec<Panel>,
}

/// Values of one unit, one for each minute of the picture.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    pub(crate) title: String,
    pub(crate) unit: String,
    /// Drawn as a filled area.
    pub(crate) area: Option<Curve>,
    /// Drawn as a line of steps.
    pub(crate) steps: Option<Curve>,
    /// A line from left to right.
    pub(crate) level: Option<(String, f64)>,
    /// Minutes that are to be seen at once.
    pub(crate) marks: Option<Marks>,
}

/// A value a minute; `NaN` where it is not known.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) values: Vec<f64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Marks {
    pub(crate) name: String,
    pub(crate) minutes: Vec<bool>,
}

impl Picture {
    /// Where the vertical axis of a panel ends: panels of one unit have the same.
    fn top(&self, panel: &Panel) -> f64 {
        let alike = self.panels.iter().filter(|other| other.unit == panel.unit);
        axis::top(alike.map(Panel::highest).fold(0.0, f64::max))
    }
}

impl Panel {
    fn highest(&self) -> f64 {
        let curves = self.area.iter().chain(&self.steps).flat_map(|curve| curve.values.iter().copied());
        curves.chain(self.level.iter().map(|(_, value)| *value)).fold(0.0, f64::max)
    }
}

impl Curve {
    /// The highest value in each of so many columns; none where nothing is known.
    fn columns(&self, count: usize) -> Vec<Option<f64>> {
        let highest =
            |values: &[f64]| values.iter().copied().filter(|value| value.is_finite()).reduce(f64::max);
        slices(&self.values, count).map(highest).collect()
    }
}

impl Marks {
    /// In which of so many columns there is a mark.
    fn columns(&self, count: usize) -> Vec<bool> {
        slices(&self.minutes, count).map(|minutes| minutes.contains(&true)).collect()
    }
}

/// The values of each of so many columns; where there are more columns than values, one stands in several.
fn slices<T>(values: &[T], count: usize) -> impl Iterator<Item = &[T]> {
    (0..count).map(move |column| {
        let first = column * values.len() / count;
        let end = ((column + 1) * values.len() / count).max(first + 1).min(values.len());
        values.get(first..end).unwrap_or_default()
    })
}

#[cfg(test)]
pub(crate) mod example {
    use super::*;

    /// Ten minutes in which the capacity follows too late.
    pub(crate) fn picture() -> Picture {
        let values = |values: &[f64]| values.to_vec();
        let needed = values(&[2.0, 2.0, 2.4, 5.0, 5.2, 5.0, f64::NAN, 3.0, 3.0, 2.0]);
        let capacity = values(&[3.0, 3.0, 3.0, 3.0, 3.0, 6.0, 6.0, 6.0, 4.0, 4.0]);
        let panel = Panel {
            title: "a.yaml: 2 <minutes> overloaded".to_owned(),
            unit: "instances".to_owned(),
            area: Some(Curve { name: "needed at 60 %".to_owned(), values: needed }),
            steps: Some(Curve { name: "capacity".to_owned(), values: capacity }),
            level: None,
            marks: Some(Marks {
                name: "overloaded".to_owned(),
                minutes: (0..10).map(|minute| minute == 3 || minute == 4).collect(),
            }),
        };
        Picture {
            title: "Capacity & load".to_owned(),
            remarks: vec!["Model: boots in 2 minutes".to_owned()],
            began: "2026-11-20T23:55:00Z".parse().unwrap(),
            minutes: 10,
            panels: vec![panel],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_show_the_highest_and_lose_no_peak() {
        let curve = Curve { name: String::new(), values: vec![1.0, 9.0, 2.0, f64::NAN, f64::NAN] };
        assert_eq!(curve.columns(5), [Some(1.0), Some(9.0), Some(2.0), None, None]);
        assert_eq!(curve.columns(2), [Some(9.0), Some(2.0)]);
        assert_eq!(curve.columns(10)[..4], [Some(1.0), Some(1.0), Some(9.0), Some(9.0)]);
        let marks = Marks { name: String::new(), minutes: vec![false, true, false, false] };
        assert_eq!(marks.columns(2), [true, false]);
        assert!(Curve { name: String::new(), values: Vec::new() }.columns(3).iter().all(Option::is_none));
    }
}
