//! Why a stack is as it is: what is not as it should be, what blocks it, what was decided on which numbers.

use jiff::Timestamp;
use lamp_api::v1alpha1::{Decision, LampStack, LampStackStatus, PartState};

use super::{blocker_lines, health, is_good, left_alone_lines, times, title, waiting_lines};
use crate::age::{age, present};
use crate::printer::style;
use crate::printer::table::Columns;

/// The whole answer.
pub(crate) fn text(stack: &LampStack, now: Timestamp) -> String {
    let Some(status) = &stack.status else {
        return format!("{}\n{}\n", title(stack), style::faint("not looked at yet"));
    };
    let now = present(now, times(stack));
    let mut out = format!("{}  {}\n", title(stack), health(status));
    if status.observed_generation < stack.metadata.generation {
        out.push_str(&style::attention("the newest spec is not looked at yet\n"));
    }
    section(&mut out, "Not as it should be", not_good(status, now));
    section(&mut out, "Waiting", waiting_lines(&status.waiting));
    let blockers = status.deletion.iter().flat_map(|deletion| blocker_lines(&deletion.blockers));
    section(&mut out, "In the way of the deletion", blockers.collect());
    section(&mut out, "Failed parts", failed(status));
    section(&mut out, "Left alone", left_alone_lines(&status.left_alone));
    let decisions = decisions(&status.decisions, now);
    if decisions.is_empty() {
        section(&mut out, "Last decisions", vec![style::faint("none")]);
    } else {
        out.push_str(&format!("\n{}\n{decisions}", style::heading("Last decisions")));
    }
    out
}

fn section(out: &mut String, name: &str, lines: Vec<String>) {
    if !lines.is_empty() {
        out.push_str(&format!("\n{}\n", style::heading(name)));
        out.extend(lines.into_iter().map(|line| format!("  {line}\n")));
    }
}

fn not_good(status: &LampStackStatus, now: Timestamp) -> Vec<String> {
    let bad = status.conditions.iter().filter(|condition| !is_good(condition));
    let line = |c: &lamp_api::Condition| {
        let since = age(c.last_transition_time.0, now);
        format!("{}={} since {since}: {} ({})", c.type_, c.status, c.message, c.reason)
    };
    bad.map(line).collect()
}

fn failed(status: &LampStackStatus) -> Vec<String> {
    let bad = |state| matches!(state, PartState::Failed | PartState::Unknown | PartState::Drifted);
    let parts = status.parts.iter().filter(|part| bad(part.state));
    let line = |part: &lamp_api::v1alpha1::PartStatus| {
        let reason = part.reason.as_deref().unwrap_or("no reason is known");
        format!(
            "{} {} {}: {reason}",
            style::state_symbol(part.state),
            part.part,
            style::state_word(part.state)
        )
    };
    parts.map(line).collect()
}

/// The decisions as a table, newest first.
pub(crate) fn decisions(decisions: &[Decision], now: Timestamp) -> String {
    let mut columns = Columns::indented(2);
    for Decision { time, part, action, reason } in decisions {
        let ago = style::faint(&format!("{} ago", age(time.0, now)));
        columns.row(vec![ago, action.clone(), part.clone(), reason.clone()]);
    }
    columns.text()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use lamp_api::v1alpha1::{LeftAlone, LeftAloneReason};

    use super::*;
    use crate::view::fixture;

    #[test]
    fn what_blocks_stands_before_what_was_decided() {
        expect![[r#"
            shop (default, eu-central-1)  Progressing: the database is being made

            Not as it should be
              Ready=False since 2m: the database is being made (Creating)
              Progressing=True since 2m: 3 parts are being made (Creating)
              DatabaseReady=False since 2m: RDS says creating since 2m (Creating)

            Waiting
              ! nat-gateway/1: the quota of NAT gateways (5) is used up: raise it (a person must act)
              ○ db-instance/replica/1: a replica needs an available primary

            Failed parts
              ✖ nat-gateway/1 Failed: AWS refuses: NatGatewayLimitExceeded
              ≠ security-group/web Drifted: port 22 was opened by hand

            Last decisions
              20s ago   ScaleUp   auto-scaling-group/web   CPUUtilization 83 over target 60: 2 -> 3
              2m ago    Create    db-instance/primary      it is missing
        "#]]
        .assert_eq(&fixture::plain(&text(&fixture::stack(), fixture::now())));
    }

    #[test]
    fn what_is_left_alone_is_shown_with_both_values() {
        let mut stack = fixture::stack();
        stack.status.as_mut().unwrap().left_alone.push(fixture::left_alone());
        let text = fixture::plain(&text(&stack, fixture::now()));
        let line = "Left alone\n  ≠ launch-template/web userData: #!/bin/bash, and the spec says #!/bin/sh\n";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn a_quarrel_says_how_often_and_when_it_goes_on() {
        let mut stack = fixture::stack();
        let contended = LeftAlone {
            reason: LeftAloneReason::Contended,
            corrections: Some(4),
            next_attempt_time: Some(lamp_api::Time(fixture::now())),
            ..fixture::left_alone()
        };
        stack.status.as_mut().unwrap().left_alone.push(contended);
        let text = fixture::plain(&text(&stack, fixture::now()));
        let end = "#!/bin/sh; put back 4 times, and changed again; next attempt at 2026-11-20T10:05:00Z\n";
        assert!(text.contains(end), "{text}");
    }

    #[test]
    fn a_clock_that_runs_ahead_is_the_present() {
        let text = fixture::plain(&text(&fixture::stack(), jiff::Timestamp::UNIX_EPOCH));
        assert!(text.contains("Ready=False since 110s"), "{text}");
        assert!(text.contains("10s ago    ScaleUp"), "{text}");
    }

    #[test]
    fn a_spec_that_was_not_looked_at_is_named() {
        let mut stack = fixture::stack();
        stack.metadata.generation = Some(3);
        assert!(text(&stack, fixture::now()).contains("the newest spec is not looked at yet"));
    }
}
