//! Waiting for an object, and knowing when waiting is in vain.

use std::str::FromStr;
use std::time::Duration;

use lamp_api::conditions::{DELETION_STUCK, types};
use lamp_api::kinds::{self, KindInfo};
use lamp_api::v1alpha1::{Blocker, LampStack, Waiting};
use serde_json::Value;

use crate::client::{Follower, until};
use crate::exit::Failure;
use crate::printer::format::json_text;
use crate::session::Session;
use crate::target;
use crate::view::{blocker_lines, waiting_lines};

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// `condition=Ready`, `condition=Degraded=False`
    Condition { kind: String, status: String },
    /// `delete`
    Deleted,
    /// `create`
    Created,
    /// The controller acted upon this value of the reconcile request.
    Handled(String),
}

impl Goal {
    pub(super) fn ready() -> Self {
        Self::Condition { kind: types::READY.to_owned(), status: "True".to_owned() }
    }
}

impl FromStr for Goal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let condition =
            text.strip_prefix("condition=").map(|rest| rest.split_once('=').unwrap_or((rest, "True")));
        match (text, condition) {
            ("delete", _) => Ok(Self::Deleted),
            ("create", _) => Ok(Self::Created),
            (_, Some((kind, status))) if !kind.is_empty() && !status.is_empty() => {
                Ok(Self::Condition { kind: kind.to_owned(), status: status.to_owned() })
            }
            _ => Err("use condition=NAME, condition=NAME=STATUS, delete or create".to_owned()),
        }
    }
}

impl std::fmt::Display for Goal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Condition { kind, status } => write!(f, "{kind}={status}"),
            Self::Deleted => f.write_str("its end"),
            Self::Created => f.write_str("its creation"),
            Self::Handled(_) => f.write_str("the reconcile that was asked for"),
        }
    }
}

/// What a look at the object says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Met,
    NotYet,
    Missing,
    /// A person must act first.
    Stalled(String),
}

/// Waits for `goal`, showing how things go; `timeout` 0 means for ever.
///
/// # Errors
/// It took too long, the object is not there, or it is stalled, so that waiting is in vain.
pub(super) async fn await_goal(
    session: &Session,
    (kind, namespace, name): (&'static KindInfo, &str, &str),
    goal: &Goal,
    timeout: Duration,
) -> Result<(), Failure> {
    let progress = session.talk.progress(format!("{name}: waiting for {goal}"));
    let last = std::cell::RefCell::new(None);
    let work = async {
        let mut follower = Follower::new(&session.server, kind, namespace, name);
        loop {
            let object = follower.next().await?;
            match verdict(goal, object.as_ref()) {
                Verdict::Met => return Ok(()),
                Verdict::Missing => return Err(missing(kind, name)),
                Verdict::Stalled(why) => {
                    let full = target::full_name(kind, name);
                    return Err(Failure::failed(format!(
                        "{full} is stalled, so waiting for {goal} is in vain\n{why}"
                    )));
                }
                Verdict::NotYet => {}
            }
            let stack = object.clone().and_then(|object| serde_json::from_value::<LampStack>(object).ok());
            if let Some(stack) = stack.filter(|_| kind == &kinds::LAMPSTACK) {
                progress.show_stack(name, &stack);
            }
            *last.borrow_mut() = object;
        }
    };
    let late = || {
        let summary = last.borrow().as_ref().and_then(|o| o["status"]["summary"].as_str().map(str::to_owned));
        let state = summary.filter(|s| !s.is_empty()).map(|s| format!(": {s}")).unwrap_or_default();
        let full = target::full_name(kind, name);
        format!(
            "timed out after {} waiting for {goal} of {full}{state}\nIt goes on without us; `lampctl why {name}` \
             says what it waits for.",
            shown(timeout)
        )
    };
    until(timeout, late, work).await
}

/// `20m`, `1s`, `300ms`; what is left of a limit is shown as whole seconds.
fn shown(limit: Duration) -> String {
    let whole = if limit < Duration::from_millis(900) { limit.as_millis() } else { 0 };
    if whole > 0 {
        return format!("{whole}ms");
    }
    let seconds = i64::try_from(limit.as_millis().div_ceil(1000)).unwrap_or(i64::MAX);
    let (minutes, rest) = (seconds / 60, seconds % 60);
    match (minutes, rest) {
        (0, _) => format!("{rest}s"),
        (_, 0) => format!("{minutes}m"),
        _ => format!("{minutes}m{rest}s"),
    }
}

fn missing(kind: &KindInfo, name: &str) -> Failure {
    Failure::failed(format!("there is no {} {name:?}", kind.kind))
}

fn verdict(goal: &Goal, object: Option<&Value>) -> Verdict {
    let Some(object) = object else {
        return match goal {
            Goal::Deleted => Verdict::Met,
            Goal::Created => Verdict::NotYet,
            Goal::Condition { .. } | Goal::Handled(_) => Verdict::Missing,
        };
    };
    let met = match goal {
        Goal::Created => true,
        Goal::Deleted => false,
        Goal::Handled(value) => object["status"]["lastHandledReconcileAt"].as_str() == Some(value),
        Goal::Condition { kind, status } => {
            condition(object, kind).is_some_and(|c| c["status"].as_str() == Some(status))
        }
    };
    let about_stall = matches!(goal, Goal::Handled(_))
        || matches!(goal, Goal::Condition { kind, .. } if kind == types::STALLED);
    // What is stuck may go by itself yet; only what needs a person ends the waiting.
    let needs_person = |stalled: &Value| stalled["status"] == "True" && stalled["reason"] != DELETION_STUCK;
    match condition(object, types::STALLED) {
        _ if met => Verdict::Met,
        Some(stalled) if !about_stall && needs_person(stalled) => Verdict::Stalled(blocker(object, stalled)),
        _ => Verdict::NotYet,
    }
}

/// The condition, if it speaks for the newest spec.
fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object["status"]["conditions"].as_array()?;
    let found = conditions.iter().find(|c| c["type"].as_str() == Some(kind))?;
    let observed = found["observedGeneration"].as_i64().or(object["status"]["observedGeneration"].as_i64());
    let wanted = object["metadata"]["generation"].as_i64();
    let current = observed.is_none() || wanted.is_none() || observed >= wanted;
    current.then_some(found)
}

fn blocker(object: &Value, stalled: &Value) -> String {
    let text = |field: &str| stalled[field].as_str().unwrap_or_default();
    let waiting: Vec<Waiting> =
        serde_json::from_value(object["status"]["waiting"].clone()).unwrap_or_default();
    let mut lines = vec![format!("{}: {}", text("reason"), text("message"))];
    // Blockers of a deletion say the same as the parts that wait for them, and more.
    let blockers: Vec<Blocker> =
        serde_json::from_value(object["status"]["deletion"]["blockers"].clone()).unwrap_or_default();
    let named = |part: &str| blockers.iter().any(|blocker| blocker.part == part);
    let blocked: Vec<Waiting> = waiting.into_iter().filter(|one| one.blocked && !named(&one.part)).collect();
    lines.extend(waiting_lines(&blocked));
    lines.extend(blocker_lines(&blockers));
    if lines == [": "] {
        lines = vec![json_text(stalled)];
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::view::fixture::plain;

    fn object(kind: &str, status: &str, observed: i64) -> Value {
        json!({"metadata": {"generation": 2}, "status": {
            "conditions": [{"type": kind, "status": status, "reason": "Quota", "message": "no room",
                            "observedGeneration": observed}],
            "waiting": [{"part": "nat-gateway/1", "reason": "raise the quota", "blocked": true},
                        {"part": "vpc", "reason": "just so"}]}})
    }

    #[test]
    fn limits_are_shown_as_they_are_typed() {
        let shown = |millis| shown(Duration::from_millis(millis));
        assert_eq!(
            [shown(300), shown(999), shown(90_000), shown(1_200_000)],
            ["300ms", "1s", "1m30s", "20m"]
        );
    }

    #[test]
    fn goals_are_spelled_as_kubectl_spells_them() {
        assert_eq!("condition=Ready".parse(), Ok(Goal::ready()));
        let degraded = Goal::Condition { kind: "Degraded".into(), status: "False".into() };
        assert_eq!("condition=Degraded=False".parse(), Ok(degraded));
        assert_eq!("delete".parse(), Ok(Goal::Deleted));
        assert!("ready".parse::<Goal>().is_err());
        assert!("condition=".parse::<Goal>().is_err());
    }

    #[test]
    fn a_condition_counts_when_it_speaks_for_the_newest_spec() {
        assert_eq!(verdict(&Goal::ready(), Some(&object("Ready", "True", 2))), Verdict::Met);
        assert_eq!(verdict(&Goal::ready(), Some(&object("Ready", "True", 1))), Verdict::NotYet);
        assert_eq!(verdict(&Goal::ready(), Some(&object("Ready", "False", 2))), Verdict::NotYet);
        assert_eq!(verdict(&Goal::ready(), None), Verdict::Missing);
    }

    #[test]
    fn a_stalled_stack_ends_the_waiting_and_names_the_blocker() {
        for goal in [Goal::ready(), Goal::Deleted] {
            let Verdict::Stalled(why) = verdict(&goal, Some(&object("Stalled", "True", 2))) else {
                panic!("{goal} does not see the stall");
            };
            assert_eq!(plain(&why), "Quota: no room\n! nat-gateway/1: raise the quota (a person must act)");
            assert_eq!(verdict(&goal, Some(&object("Stalled", "True", 1))), Verdict::NotYet);
        }
        let asked = "condition=Stalled".parse().unwrap();
        assert_eq!(verdict(&asked, Some(&object("Stalled", "True", 2))), Verdict::Met);
    }

    #[test]
    fn a_blocked_deletion_names_its_blockers_and_a_stuck_one_is_waited_for() {
        let mut blocked = object("Stalled", "True", 2);
        blocked["status"]["conditions"][0]["reason"] = json!("DeletionBlocked");
        blocked["status"]["waiting"] = json!([{"part": "vpc", "reason": "held by eni-1", "blocked": true}]);
        blocked["status"]["deletion"]["blockers"] = json!([
            {"part": "vpc", "id": "vpc-1", "by": "eni-1", "message": "vpc-1 (vpc) is held by eni-1", "foreign": true}]);
        let Verdict::Stalled(why) = verdict(&Goal::Deleted, Some(&blocked)) else { panic!() };
        assert_eq!(plain(&why), "DeletionBlocked: no room\n! vpc-1 (vpc) is held by eni-1");
        blocked["status"]["conditions"][0]["reason"] = json!("DeletionStuck");
        assert_eq!(verdict(&Goal::Deleted, Some(&blocked)), Verdict::NotYet);
    }

    #[test]
    fn a_deletion_ends_when_the_object_is_gone() {
        assert_eq!(verdict(&Goal::Deleted, None), Verdict::Met);
        assert_eq!(verdict(&Goal::Deleted, Some(&object("Ready", "True", 2))), Verdict::NotYet);
        assert_eq!(verdict(&Goal::Created, None), Verdict::NotYet);
    }

    #[test]
    fn a_request_is_handled_when_the_status_repeats_it() {
        let handled = json!({"status": {"lastHandledReconcileAt": "t1"}});
        assert_eq!(verdict(&Goal::Handled("t1".into()), Some(&handled)), Verdict::Met);
        assert_eq!(verdict(&Goal::Handled("t2".into()), Some(&handled)), Verdict::NotYet);
    }
}
