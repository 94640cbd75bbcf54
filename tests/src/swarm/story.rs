//! A run, told: when, who, what.

use jiff::Timestamp;
use lamp_api::v1alpha1::LampStackStatus;
use lamp_sim::{Call, Effect};

use super::coverage::subject;

/// What happened, line by line; a silent one remembers nothing.
#[derive(Clone, Debug, Default)]
pub struct Story {
    lines: Option<Vec<Line>>,
    last: String,
    decided: Vec<String>,
}

#[derive(Clone, Debug)]
struct Line {
    at: Timestamp,
    who: &'static str,
    what: String,
    times: usize,
}

impl Story {
    pub fn silent() -> Self {
        Self::default()
    }

    pub fn told() -> Self {
        Self { lines: Some(Vec::new()), ..Self::default() }
    }

    pub fn is_told(&self) -> bool {
        self.lines.is_some()
    }

    /// Something happened. The same again is counted.
    pub fn tell(&mut self, at: Timestamp, who: &'static str, what: String) {
        let Some(lines) = &mut self.lines else { return };
        match lines.last_mut().filter(|line| line.who == who && line.what == what) {
            Some(line) => line.times += 1,
            None => lines.push(Line { at, who, what, times: 1 }),
        }
    }

    /// A mutation, or a reading that a fault struck.
    pub fn call(&mut self, call: &Call) {
        if !self.is_told() {
            return;
        }
        let answer = call.outcome.as_ref().err().map_or("done", |error| error.code.as_str());
        let what = match call.request().and_then(|request| request.target()) {
            Some(target) => format!("{} {target}", call.operation),
            None => format!("{} {}", call.operation, subject(&call.what)),
        };
        let mut text = format!("{what}: {answer}");
        if let Some(fault) = call.fault {
            let effect = match &call.effect {
                Effect::None => "nothing happened".to_owned(),
                Effect::Done(_) => "it took effect".to_owned(),
                Effect::Later(at) => format!("it takes effect at {at}"),
            };
            text.push_str(&format!(" ({fault:?}; {effect})"));
        }
        self.tell(call.at, "call", text);
    }

    /// The conditions, where they changed, and what was decided since.
    pub fn status(&mut self, at: Timestamp, status: Option<&LampStackStatus>) {
        self.decisions(at, status);
        let text = status.map_or_else(
            || "gone".to_owned(),
            |status| {
                let conditions = status.conditions.iter();
                let said = conditions.map(|one| format!("{}={} {}", one.type_, one.status, one.reason));
                said.collect::<Vec<_>>().join(", ")
            },
        );
        if text != self.last {
            self.tell(at, "status", text.clone());
            self.last = text;
        }
    }

    fn decisions(&mut self, at: Timestamp, status: Option<&LampStackStatus>) {
        let made = status.map(|status| status.decisions.as_slice()).unwrap_or_default();
        let made = made.iter().map(|one| format!("{} {}: {}", one.action, one.part, one.reason));
        let made: Vec<String> = made.collect();
        let new: Vec<String> = made.iter().filter(|one| !self.decided.contains(one)).cloned().collect();
        new.into_iter().rev().for_each(|one| self.tell(at, "decides", one));
        self.decided = made;
    }

    /// The story, with times from its beginning.
    pub fn text(&self) -> String {
        let lines = self.lines.as_deref().unwrap_or_default();
        let began = lines.first().map(|line| line.at);
        let mut text = String::new();
        for line in lines {
            let seconds = began.map_or(0, |began| line.at.duration_since(began).as_secs());
            let times = if line.times > 1 { format!(" x{}", line.times) } else { String::new() };
            let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
            let (who, what) = (line.who, &line.what);
            text.push_str(&format!("{hours:>3}:{minutes:02}:{seconds:02} {who:<7} {what}{times}\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_has_times_from_its_beginning_and_counts_what_repeats() {
        let mut story = Story::told();
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        story.tell(at(0), "blow", "Kill(1)".to_owned());
        story.tell(at(3700), "call", "CreateVpc Vpc: done".to_owned());
        story.tell(at(3701), "call", "CreateVpc Vpc: done".to_owned());
        assert_eq!(story.text(), "  0:00:00 blow    Kill(1)\n  1:01:40 call    CreateVpc Vpc: done x2\n");
        let mut silent = Story::silent();
        silent.tell(at(0), "blow", "Kill(1)".to_owned());
        assert_eq!(silent.text(), "");
    }
}
