//! What would be done to AWS, in the order in which a person should read it: what destroys stands last.

use jiff::Timestamp;
use lamp_api::v1alpha1::{PlanEffect, PlanStatus, PlanStep};
use serde_json::{Value, json};

use super::{left_alone_lines, waiting_lines};
use crate::age::{age, present};
use crate::printer::style;
use crate::printer::table::Columns;

/// How many steps of each effect there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) create: usize,
    pub(crate) update: usize,
    pub(crate) replace: usize,
    pub(crate) delete: usize,
}

impl Counts {
    pub(crate) fn of(steps: &[PlanStep]) -> Self {
        let count = |effect| steps.iter().filter(|step| step.effect == effect).count();
        Self {
            create: count(PlanEffect::Create),
            update: count(PlanEffect::Update),
            replace: count(PlanEffect::Replace),
            delete: count(PlanEffect::Delete),
        }
    }

    pub(crate) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// `Plan: 61 to create, 2 to change, 0 to replace, 0 to destroy.`
    fn summary(self) -> String {
        let Self { create, update, replace, delete } = self;
        let danger = |count: usize, text: String| if count > 0 { style::bad(&text) } else { text };
        format!(
            "{} {create} to create, {update} to change, {}, {}.",
            style::heading("Plan:"),
            danger(replace, format!("{replace} to replace")),
            danger(delete, format!("{delete} to destroy")),
        )
    }
}

/// The plan for a person.
pub(crate) fn text(stack: &str, status: &PlanStatus, now: Timestamp) -> String {
    let now = present(now, status.observed_time.iter().map(|time| time.0));
    let observed = status.observed_time.as_ref().map(|time| format!("AWS observed {} ago", age(time.0, now)));
    let observed = style::faint(&observed.unwrap_or_else(|| "AWS not observed".to_owned()));
    let mut out = format!("{}  {observed}\n", style::heading(stack));
    let counts = Counts::of(&status.steps);
    if counts.is_empty() {
        let but = if status.left_alone.is_empty() { "" } else { ", but for what is left alone" };
        out.push_str(&format!("No changes: AWS is as the spec says{but}.\n"));
    }
    let careful = |step: &&PlanStep| matches!(step.effect, PlanEffect::Replace | PlanEffect::Delete);
    let (dangerous, harmless): (Vec<&PlanStep>, Vec<&PlanStep>) = status.steps.iter().partition(careful);
    steps(&mut out, &sorted(harmless));
    if !dangerous.is_empty() {
        let count = counts.replace + counts.delete;
        let heading = format!("Destroys {count} {}:", if count == 1 { "part" } else { "parts" });
        out.push_str(&format!("\n{}\n", style::bad(&heading)));
        steps(&mut out, &sorted(dangerous));
    }
    if !status.blocked.is_empty() {
        out.push_str(&format!("\n{}\n", style::heading("Cannot go on yet:")));
        out.extend(waiting_lines(&status.blocked).into_iter().map(|line| format!("  {line}\n")));
    }
    if !status.left_alone.is_empty() {
        out.push_str(&format!("\n{}\n", style::heading("Left alone:")));
        out.extend(left_alone_lines(&status.left_alone).into_iter().map(|line| format!("  {line}\n")));
    }
    out.push_str(&format!("\n{}\n", counts.summary()));
    out
}

/// By effect, and in their own order where that is the same.
fn sorted(mut steps: Vec<&PlanStep>) -> Vec<&PlanStep> {
    steps.sort_by_key(|step| step.effect);
    steps
}

fn steps(out: &mut String, steps: &[&PlanStep]) {
    let mut columns = Columns::indented(2);
    for step in steps {
        columns.row(vec![
            style::effect(step.effect, &format!("{:>3} {}", style::effect_symbol(step.effect), step.part)),
            step.kind.clone(),
            style::faint(&step.call),
            step.reason.clone(),
        ]);
    }
    for (line, step) in columns.text().lines().zip(steps) {
        out.push_str(&format!("{line}\n"));
        out.extend(step.changes.iter().map(|change| format!("          {change}\n")));
    }
}

/// The plan for a program.
pub(crate) fn json(stack: &str, status: &PlanStatus) -> Value {
    let Counts { create, update, replace, delete } = Counts::of(&status.steps);
    json!({
        "stack": stack,
        "observedTime": status.observed_time,
        "summary": {"create": create, "update": update, "replace": replace, "delete": delete},
        "steps": status.steps,
        "blocked": status.blocked,
        "leftAlone": status.left_alone,
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::view::fixture;

    fn plan() -> PlanStatus {
        let step = |part: &str, kind: &str, effect: &str, call: &str, reason: &str, changes: &[&str]| json!({"part": part, "kind": kind, "effect": effect, "call": call, "reason": reason, "changes": changes});
        serde_json::from_value(json!({
            "phase": "Answered", "observedTime": "2026-11-20T10:04:50Z",
            "steps": [
                step("db-instance/primary", "DbInstance", "Replace", "CreateDBInstance", "encryption cannot change", &["storageEncrypted: false -> true"]),
                step("security-group/web", "SecurityGroup", "Update", "AuthorizeSecurityGroupIngress", "it differs", &["rule 443: absent -> present"]),
                step("vpc", "Vpc", "Create", "CreateVpc", "it is missing", &[]),
                step("nat-gateway/2", "NatGateway", "Delete", "DeleteNatGateway", "no longer in the spec", &[])
            ],
            "blocked": [{"part": "db-instance/primary", "reason": "set lamplighter.dev/confirm-replace", "blocked": true}]
        }))
        .unwrap()
    }

    #[test]
    fn what_destroys_stands_last_and_is_counted() {
        expect![[r#"
            shop  AWS observed 10s ago
                + vpc                  Vpc             CreateVpc                       it is missing
                ~ security-group/web   SecurityGroup   AuthorizeSecurityGroupIngress   it differs
                      rule 443: absent -> present

            Destroys 2 parts:
              -/+ db-instance/primary   DbInstance   CreateDBInstance   encryption cannot change
                      storageEncrypted: false -> true
                - nat-gateway/2         NatGateway   DeleteNatGateway   no longer in the spec

            Cannot go on yet:
              ! db-instance/primary: set lamplighter.dev/confirm-replace (a person must act)

            Plan: 1 to create, 1 to change, 1 to replace, 1 to destroy.
        "#]]
        .assert_eq(&fixture::plain(&text("shop", &plan(), fixture::now())));
        assert!(text("shop", &plan(), fixture::now()).contains("\u{1b}[31m1 to destroy"));
        assert!(text("shop", &plan(), Timestamp::UNIX_EPOCH).contains("AWS observed 0s ago"));
    }

    #[test]
    fn nothing_to_do_is_said_in_words() {
        let text = fixture::plain(&text("shop", &PlanStatus::default(), fixture::now()));
        assert!(text.contains("No changes"), "{text}");
        assert!(text.ends_with("Plan: 0 to create, 0 to change, 0 to replace, 0 to destroy.\n"), "{text}");
    }

    #[test]
    fn what_is_left_alone_is_no_change() {
        let status = PlanStatus { left_alone: vec![fixture::left_alone()], ..PlanStatus::default() };
        let text = fixture::plain(&text("shop", &status, fixture::now()));
        assert!(
            text.contains("No changes: AWS is as the spec says, but for what is left alone.\n"),
            "{text}"
        );
        assert!(text.contains("\nLeft alone:\n  ≠ launch-template/web userData: #!/bin/bash"), "{text}");
        assert_eq!(json("shop", &status)["leftAlone"][0]["reason"], "Reported");
    }

    #[test]
    fn a_program_gets_the_counts() {
        let value = json("shop", &plan());
        assert_eq!(value["summary"], json!({"create": 1, "update": 1, "replace": 1, "delete": 1}));
        assert_eq!(value["steps"].as_array().unwrap().len(), 4);
    }
}
