//! Asks the controller through a short-lived object, waits for its answer, and removes the object again.

use std::time::Duration;

use jiff::Timestamp;
use lamp_api::kinds::KindInfo;
use lamp_api::v1alpha1::PlanPhase;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Follower, MANAGER, Selection, Write, until};
use crate::exit::Failure;
use crate::session::Session;

/// One question to the controller.
pub(super) struct Question<'a> {
    pub(super) kind: &'static KindInfo,
    pub(super) namespace: &'a str,
    /// What is asked about, for messages.
    pub(super) subject: &'a str,
    /// What the controller does about it, for messages: `planning`.
    pub(super) doing: &'a str,
    pub(super) spec: Value,
}

impl Question<'_> {
    /// Asks, waits and cleans up, however it ends; gives the status with the answer. `explain` puts a refusal of the
    /// question into the terms of whoever wrote it.
    pub(super) async fn answer(
        &self,
        session: &Session,
        timeout: Duration,
        explain: impl Fn(Failure) -> Failure,
    ) -> Result<Value, Failure> {
        let selection = Selection::new(self.kind, self.namespace);
        let name = self.ask(session, &selection).await.map_err(explain)?;
        let answered = tokio::select! {
            answered = self.follow(session, &name, timeout) => answered,
            _ = tokio::signal::ctrl_c() => Err(Failure::Interrupted),
        };
        let removed = session.server.send(selection.delete(&name)?).await;
        if let Err(failure) = removed
            && failure.http_code() != Some(404)
        {
            let kind = self.kind.kind;
            session.talk.warn(&format!(
                "the {kind} {name} stays for ten minutes, it could not be deleted: {failure}"
            ));
        }
        answered
    }

    /// Puts the question; gives the name of its object.
    async fn ask(&self, session: &Session, selection: &Selection) -> Result<String, Failure> {
        let (now, process) = (Timestamp::now().as_nanosecond(), std::process::id());
        let unique = format!("{}-{now:x}-{process:x}", self.kind.singular);
        let object = json!({
            "apiVersion": self.kind.api_version(),
            "kind": self.kind.kind,
            "metadata": {"name": unique, "namespace": self.namespace},
            "spec": self.spec,
        });
        let write = Write { manager: MANAGER, dry_run: false };
        session.server.send(selection.create(&object, write)?).await?;
        Ok(unique)
    }

    async fn follow(&self, session: &Session, name: &str, timeout: Duration) -> Result<Value, Failure> {
        let Self { kind, subject, doing, .. } = self;
        let kind_name = kind.kind;
        let _progress = session.talk.progress(format!("{subject}: {doing}"));
        let work = async {
            let mut follower = Follower::new(&session.server, kind, self.namespace, name);
            while let Some(mut object) = follower.next().await? {
                let status = object["status"].take();
                // One that nobody looked at has no status yet.
                match PlanPhase::deserialize(&status["phase"]).unwrap_or_default() {
                    PlanPhase::Pending => {}
                    PlanPhase::Answered => return Ok(status),
                    PlanPhase::Failed => {
                        let why = status["message"].as_str().unwrap_or("the controller does not say why");
                        return Err(Failure::failed(format!("{subject}: {doing} failed: {why}")));
                    }
                }
            }
            Err(Failure::failed(format!(
                "the {kind_name} {name} of {subject} was deleted before it was answered"
            )))
        };
        let late = || {
            format!(
                "no {} of {subject} after {} s; the controller may be busy or not running: see `lampctl events`",
                kind.singular,
                timeout.as_secs()
            )
        };
        until(timeout, late, work).await
    }
}
