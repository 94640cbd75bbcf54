//! Asks the controller how load and capacity of a part of a stack went lately.

use std::time::Duration;

use lamp_api::kinds;
use lamp_api::v1alpha1::LampStack;
use serde_json::json;

use super::question::Question;
use crate::client::decode;
use crate::exit::Failure;
use crate::replay::{History, Scaled};
use crate::session::Session;

/// The last `hours` of what is scaled in a stack.
pub(super) async fn ask(
    session: &Session,
    stack: &LampStack,
    scaled: &Scaled,
    hours: u32,
    timeout: Duration,
) -> Result<History, Failure> {
    let stack = stack.metadata.name.as_deref().unwrap_or_default();
    let question = Question {
        kind: &kinds::SCALING_HISTORY,
        namespace: &session.namespace,
        subject: stack,
        doing: "reading its metrics",
        spec: json!({"stack": stack, "tier": scaled.tier, "replicas": scaled.tier.is_none(), "hours": hours}),
    };
    let status = decode(question.answer(session, timeout, |failure| failure).await?)?;
    History::of(format!("{} of {stack}", scaled.name()), status)
}
