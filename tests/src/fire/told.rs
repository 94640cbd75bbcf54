//! What a process that writes has said, line by line.

use std::collections::BTreeMap;

/// What one object or record must be: written up to `acknowledged`, and no further than `tried`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) acknowledged: u64,
    pub(super) tried: u64,
}

/// Everything that was said, by `object 3` or `record 3`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) bounds: BTreeMap<String, Bounds>,
    pub(super) acknowledgements: u64,
    pub(super) refusals: u64,
}

impl Told {
    pub(super) fn hear(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["try", what, writer, number] => {
                let bounds = self.bounds.entry(format!("{what} {writer}")).or_default();
                bounds.tried = bounds.tried.max(number.parse().unwrap_or(0));
            }
            ["ack", what, writer, number] => {
                let bounds = self.bounds.entry(format!("{what} {writer}")).or_default();
                bounds.acknowledged = bounds.acknowledged.max(number.parse().unwrap_or(0));
                self.acknowledgements += 1;
            }
            ["refused"] => self.refusals += 1,
            // `open`, or a line that was cut off.
            _ => {}
        }
    }

    /// What `found` lacks, or has too much of.
    pub(super) fn contradictions(&self, found: &BTreeMap<String, u64>) -> Vec<String> {
        let wrong = self.bounds.iter().filter_map(|(name, bounds)| {
            let value = found.get(name).copied().unwrap_or(0);
            let fits = (bounds.acknowledged..=bounds.tried).contains(&value);
            (!fits).then(|| {
                format!("{name} is {value}: {} was acknowledged, {} tried", bounds.acknowledged, bounds.tried)
            })
        });
        wrong.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_acknowledged_must_be_there_and_nothing_that_was_not_tried() {
        let mut told = Told::default();
        for line in ["open", "try object 1 1", "ack object 1 1", "try object 1 2", "ack obj"] {
            told.hear(line);
        }
        let wrong = |value: u64| told.contradictions(&[("object 1".to_owned(), value)].into()).len();
        assert_eq!([0, 1, 2, 3].map(wrong), [1, 0, 0, 1]);
    }
}
