//! What policies would have done, as a person and as a program reads it.

use lamp_plan::replay::Summary;
use serde_json::{Value, json};

use crate::plot::{Curve, Marks, Panel, Picture};
use crate::printer::style;
use crate::printer::table::Columns;
use crate::replay::load::time;
use crate::replay::{Decided, Experiment, Run};

/// The load and the model, the figures beside each other, the plots, and so many of the newest decisions.
pub(crate) fn text(experiment: &Experiment, decisions: usize) -> String {
    let mut out = String::new();
    for line in head(experiment) {
        out.push_str(&format!("{line}\n"));
    }
    out.push_str(&format!("\n{}\n", figures(experiment)));
    out.push_str(&crate::plot::terminal::text(&picture(experiment)));
    for run in &experiment.runs {
        out.push_str(&format!("\n{}", decided(run, decisions)));
    }
    out
}

/// What was tried with what.
fn head(experiment: &Experiment) -> Vec<String> {
    let Experiment { load, model, .. } = experiment;
    let spacing =
        if load.spacing == 1 { "every minute".to_owned() } else { format!("every {} minutes", load.spacing) };
    let mut lines = vec![format!(
        "load: {}, {} from {} to {} UTC, {spacing}; at most {} {unit}, and {} or less for 95 % of the time",
        load.name,
        span(load.minutes()),
        time(load.began),
        time(load.ended()),
        number(load.highest()),
        number(load.high()),
        unit = load.unit,
    )];
    lines.push(format!("model: {}; boots in {} minutes", model.sentence, model.boot_minutes));
    for run in &experiment.runs {
        let policies = run.policies.as_ref();
        lines.extend(policies.map(|(policies, min, max)| {
            format!("{}: {policies}, {min} to {max} {}", run.label, experiment.unit)
        }));
    }
    lines.extend(load.remarks.iter().map(|remark| format!("note: {remark}")));
    lines
}

fn figures(experiment: &Experiment) -> String {
    let mut columns = Columns::default();
    let row = |name: &str, of: &dyn Fn(&Summary) -> String| {
        let cells = experiment.runs.iter().map(|run| of(&run.summary));
        std::iter::once(name.to_owned()).chain(cells).collect::<Vec<String>>()
    };
    let labels = experiment.runs.iter().map(|run| style::heading(&run.label));
    columns.row(std::iter::once(String::new()).chain(labels).collect());
    columns.row(row("overloaded minutes", &|it| it.overloaded_minutes.to_string()));
    columns.row(row(&hours_of(experiment), &|it| format!("{:.1}", it.instance_hours)));
    if let Some(price) = experiment.price_per_hour {
        columns
            .row(row(&format!("cost at {price} an hour"), &|it| format!("{:.2}", it.instance_hours * price)));
    }
    columns.row(row("changes of the capacity", &|it| it.changes.to_string()));
    columns.row(row("highest utilisation", &|it| format!("{:.0} %", it.highest_utilisation * 100.0)));
    if experiment.runs.iter().any(|run| run.summary.unknown_minutes > 0) {
        columns.row(row("minutes without a load", &|it| it.unknown_minutes.to_string()));
    }
    columns.text()
}

fn hours_of(experiment: &Experiment) -> String {
    format!("{} hours", experiment.unit.trim_end_matches('s'))
}

/// The newest decisions of a run, oldest first.
fn decided(run: &Run, most: usize) -> String {
    let all = run.decisions.len();
    let shown = if most == 0 { all } else { most.min(all) };
    let title = match all {
        0 => format!("Decisions: {} changed nothing", run.label),
        _ if shown < all => {
            format!("Decisions of {}: the last {shown} of {all}; --decisions 0 shows all", run.label)
        }
        _ => format!("Decisions of {}", run.label),
    };
    let newest = run.decisions.get(all - shown..).unwrap_or_default();
    format!("{}\n{}", style::heading(&title), decisions(newest))
}

/// Decisions as a table.
pub(crate) fn decisions(decisions: &[Decided]) -> String {
    let mut columns = Columns::indented(2);
    for Decided { at, action, reason } in decisions {
        columns.row(vec![style::faint(&time(*at)), action.clone(), reason.clone()]);
    }
    columns.text()
}

/// A panel for each run: what was needed, what there was, and when it was too little.
pub(crate) fn picture(experiment: &Experiment) -> Picture {
    let load = &experiment.load;
    Picture {
        title: format!("Capacity and load: {}", load.name),
        remarks: head(experiment),
        began: load.began,
        minutes: load.minutes(),
        panels: experiment.runs.iter().map(|run| panel(experiment, run)).collect(),
    }
}

fn panel(experiment: &Experiment, run: &Run) -> Panel {
    let Summary { overloaded_minutes, instance_hours, changes, .. } = run.summary;
    let hours = hours_of(experiment);
    let capacity = run.minutes.iter().map(|minute| f64::from(minute.capacity)).collect();
    Panel {
        title: format!(
            "{}: {overloaded_minutes} overloaded minutes, {instance_hours:.1} {hours}, {changes} changes",
            run.label
        ),
        unit: experiment.unit.to_owned(),
        area: Some(Curve {
            name: format!("needed at {:.0} %", run.share * 100.0),
            values: experiment.model.needed(&experiment.load.loads, run.share),
        }),
        steps: Some(Curve { name: "capacity".to_owned(), values: capacity }),
        level: None,
        marks: Some(Marks {
            name: "overloaded (over 80 % busy)".to_owned(),
            minutes: run.minutes.iter().map(|minute| minute.is_overloaded()).collect(),
        }),
    }
}

/// Everything, for programs.
pub(crate) fn json(experiment: &Experiment) -> Value {
    let Experiment { load, model, unit, price_per_hour, runs } = experiment;
    json!({
        "load": {
            "name": load.name, "began": load.began, "ended": load.ended(), "minutes": load.minutes(),
            "spacingMinutes": load.spacing, "highest": rounded(load.highest()), "percentile95": rounded(load.high()),
        },
        "model": {
            "sentence": model.sentence, "perInstance": rounded(model.per_instance), "bootMinutes": model.boot_minutes,
            "unit": unit,
        },
        "pricePerHour": price_per_hour,
        "notes": load.remarks,
        "runs": runs.iter().map(|run| run_json(run, *price_per_hour)).collect::<Vec<_>>(),
    })
}

fn run_json(run: &Run, price: Option<f64>) -> Value {
    let Summary { overloaded_minutes, instance_hours, changes, highest_utilisation, unknown_minutes } =
        run.summary;
    let decision = |it: &Decided| json!({"time": it.at, "action": it.action, "reason": it.reason});
    let policies = run.policies.as_ref();
    json!({
        "name": run.label,
        "policies": policies.map(|(policies, ..)| policies),
        "min": policies.map(|(_, min, _)| min),
        "max": policies.map(|(.., max)| max),
        "overloadedMinutes": overloaded_minutes,
        "instanceHours": rounded(instance_hours),
        "cost": price.map(|price| rounded(instance_hours * price)),
        "changes": changes,
        "highestUtilisationPercent": rounded(highest_utilisation * 100.0),
        "unknownMinutes": unknown_minutes,
        "decisions": run.decisions.iter().map(decision).collect::<Vec<_>>(),
    })
}

/// To a thousandth: the rest is noise of floating point.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// Three digits, or all of a whole number.
pub(crate) fn number(value: f64) -> String {
    let digits = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// `28 days`, `1 day 2 h`, `3 h`, `50 min`.
fn span(minutes: usize) -> String {
    let (days, hours, rest) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    let plural = if days == 1 { "" } else { "s" };
    let parts =
        [(days, format!("{days} day{plural}")), (hours, format!("{hours} h")), (rest, format!("{rest} min"))];
    let parts: Vec<String> =
        parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, text)| text).collect();
    parts.join(" ")
}

#[cfg(test)]
#[path = "replay_tests.rs"]
mod tests;
