//! What an AWS call did to the record of its part. Pure.

use jiff::Timestamp;
use lamp_cloud::{Applied, CloudError, ErrorClass, Finished, Intent, LedgerEntry, Outcome, Part, Request};
use lamp_plan::Action;

use crate::ledger::done;

/// How one action ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ending {
    /// It took effect, or what it was to bring about holds already.
    Done(Applied),
    /// It had no effect.
    Failed(CloudError),
    /// Nobody knows; its intent stays open.
    Unknown(CloudError),
    /// It was not sent: the rate budget has no token before then.
    Postponed(Timestamp),
    /// It was not sent: the object changed in between.
    Superseded,
    /// It was not sent: what it relies on does not hold.
    Refused(CloudError),
}

impl Ending {
    /// Whether a call was made.
    pub(crate) fn was_sent(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Failed(_) | Self::Unknown(_))
    }

    /// What went wrong, for the status.
    pub(crate) fn error(&self) -> Option<&CloudError> {
        match self {
            Self::Failed(error) | Self::Unknown(error) | Self::Refused(error) => Some(error),
            Self::Done(_) | Self::Postponed(_) | Self::Superseded => None,
        }
    }
}

/// What the reply to `request` means.
pub(crate) fn ending(request: &Request, reply: Result<Applied, CloudError>) -> Ending {
    let error = match reply {
        Ok(applied) => return Ending::Done(applied),
        Err(error) => error,
    };
    match (request, error.class) {
        // What was to go is gone.
        (
            Request::Delete { .. } | Request::DeregisterTargets { .. } | Request::ReplaceInstance { .. },
            ErrorClass::NotFound,
        ) => Ending::Done(Applied { id: None, request_id: error.request_id }),
        // Something of that name is there: whose it is, an observation says.
        (Request::Create { .. }, ErrorClass::AlreadyExists) => Ending::Unknown(error),
        // The relation holds already.
        (
            Request::Change { .. }
            | Request::Tag { .. }
            | Request::TagInstance { .. }
            | Request::RegisterTargets { .. },
            ErrorClass::AlreadyExists,
        ) => Ending::Done(Applied { id: None, request_id: error.request_id }),
        _ if error.outcome_unknown() => Ending::Unknown(error),
        _ => Ending::Failed(error),
    }
}

/// Whether the open intent of a record allows `request` now. A creation whose outcome is not known may only be
/// repeated as it was.
pub(crate) fn allows(entry: &LedgerEntry, request: &Request) -> bool {
    match &entry.open {
        Some(Intent { request: open @ Request::Create { .. }, .. }) => open == request,
        _ => true,
    }
}

/// The record with the intent to do `action`.
pub(crate) fn opened(entry: &LedgerEntry, action: &Action, now: Timestamp) -> LedgerEntry {
    let repeated = entry.open.as_ref().filter(|open| open.request == action.request);
    let intent = Intent {
        request: action.request.clone(),
        reason: action.reason.clone(),
        started_at: now,
        sent: repeated.map_or(0, |open| open.sent) + 1,
        error: None,
    };
    let is_declared = !matches!(
        action.request,
        Request::ReplaceInstance { .. }
            | Request::TagInstance { .. }
            | Request::RegisterTargets { .. }
            | Request::DeregisterTargets { .. }
    );
    let kind = entry.kind.or(is_declared.then_some(action.kind));
    LedgerEntry { kind, open: Some(intent), ..entry.clone() }
}

/// The record after the call. `before` is that without the intent, `opened` that with it.
pub(crate) fn concluded(opened: LedgerEntry, ending: &Ending, now: Timestamp) -> LedgerEntry {
    let LedgerEntry { open: Some(intent), .. } = &opened else { return opened };
    match ending {
        Ending::Done(applied) => {
            let last = done(intent.request.clone(), intent.reason.clone(), now);
            let created =
                matches!(intent.request, Request::Create { .. }).then(|| applied.id.clone()).flatten();
            let created_at = created.as_ref().map(|_| now).or(opened.created_at);
            let id = created.or(opened.id);
            LedgerEntry { id, created_at, open: None, last: Some(last), ..opened }
        }
        Ending::Failed(error) => {
            let last = Finished {
                request: intent.request.clone(),
                reason: intent.reason.clone(),
                at: now,
                outcome: Outcome::Failed(error.clone()),
                failures: failures(opened.last.as_ref(), &intent.request, error),
            };
            LedgerEntry { open: None, last: Some(last), ..opened }
        }
        Ending::Unknown(error) => {
            let intent = Intent { error: Some(error.clone()), ..intent.clone() };
            LedgerEntry { open: Some(intent), ..opened }
        }
        Ending::Postponed(_) | Ending::Superseded | Ending::Refused(_) => opened,
    }
}

/// Failures of the same request in a row.
fn failures(last: Option<&Finished>, request: &Request, _: &CloudError) -> u32 {
    let same = last.filter(|last| last.request == *request && matches!(last.outcome, Outcome::Failed(_)));
    same.map_or(0, |last| last.failures).saturating_add(1)
}

/// An error of ours about an action that was not sent.
pub(crate) fn not_sent(part: &Part, request: &Request, code: &str, why: &str) -> CloudError {
    CloudError::new(ErrorClass::State, request.operation(), code, format!("{part}: {why}; it was not sent"))
}

#[cfg(test)]
mod tests {
    use lamp_api::v1alpha1::PlanEffect;
    use lamp_cloud::{DeleteOptions, Kind};

    use super::*;

    fn delete() -> Request {
        Request::Delete { kind: Kind::Vpc, id: "vpc-1".to_owned(), options: DeleteOptions::default() }
    }

    fn action(request: Request) -> Action {
        Action {
            part: Part::new("vpc"),
            kind: Kind::Vpc,
            effect: PlanEffect::Delete,
            request,
            reason: "because".to_owned(),
            changes: Vec::new(),
            precondition: None,
        }
    }

    fn create() -> Request {
        let vpc = lamp_cloud::kinds::vpc::Vpc {
            cidr: "10.0.0.0/16".to_owned(),
            dns_support: None,
            dns_hostnames: None,
        };
        Request::Create {
            part: Part::new("vpc"),
            name: "vpc".to_owned(),
            tags: lamp_cloud::Tags::new(),
            token: "t".to_owned(),
            body: vpc.into(),
        }
    }

    fn error(class: ErrorClass) -> CloudError {
        CloudError::new(class, "X", "Code", "message")
    }

    #[test]
    fn deleting_what_is_gone_is_done() {
        let ended = ending(&delete(), Err(error(ErrorClass::NotFound)));
        assert!(matches!(ended, Ending::Done(_)));
    }

    #[test]
    fn a_creation_of_unknown_outcome_stays_open_and_may_only_be_repeated() {
        let now = Timestamp::UNIX_EPOCH;
        let opened_entry = opened(&LedgerEntry::default(), &action(create()), now);
        let ended = ending(&create(), Err(error(ErrorClass::Transient)));
        let entry = concluded(opened_entry, &ended, now);
        assert_eq!(entry.open.as_ref().unwrap().error, Some(error(ErrorClass::Transient)));
        assert!(allows(&entry, &create()));
        assert!(!allows(&entry, &delete()));
        assert_eq!(opened(&entry, &action(create()), now).open.unwrap().sent, 2);
    }

    #[test]
    fn failures_are_counted_in_a_row() {
        let now = Timestamp::UNIX_EPOCH;
        let failed = Ending::Failed(error(ErrorClass::Dependency));
        let mut entry = LedgerEntry::default();
        for count in 1..=3 {
            entry = concluded(opened(&entry, &action(delete()), now), &failed, now);
            assert_eq!(entry.last.as_ref().unwrap().failures, count);
            assert_eq!(entry.open, None);
        }
        let done = concluded(opened(&entry, &action(delete()), now), &Ending::Done(Applied::default()), now);
        assert_eq!(done.last.unwrap().failures, 0);
    }

    #[test]
    fn a_creation_records_its_id() {
        let now = Timestamp::UNIX_EPOCH;
        let applied = Applied { id: Some("vpc-9".to_owned()), request_id: None };
        let entry =
            concluded(opened(&LedgerEntry::default(), &action(create()), now), &Ending::Done(applied), now);
        assert_eq!(
            (entry.id.as_deref(), entry.kind, entry.created_at),
            (Some("vpc-9"), Some(Kind::Vpc), Some(now))
        );
    }
}
