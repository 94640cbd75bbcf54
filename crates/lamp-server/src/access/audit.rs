//! What is written down of a request: who, as whom, from where, what, and how it was answered. Nothing of its body, and no
//! header that may hold a secret.

use axum::extract::Request;
use http::header::USER_AGENT;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use lamp_store::AuditLog;
use serde_json::{Map, Value, json};

use super::attributes::{Attributes, Identity};
use super::request;
use crate::connections::PeerAddress;
use crate::parameters::Parameters;

/// Longer program names are cut.
const AGENT: usize = 128;

pub(super) struct Entry(Map<String, Value>);

impl Entry {
    pub(super) fn of(request: &Request, now: Timestamp) -> Entry {
        let mut entry = Map::new();
        entry.insert("time".to_owned(), now.to_string().into());
        if let Some(PeerAddress(address)) = request.extensions().get() {
            entry.insert("from".to_owned(), address.ip().to_string().into());
        }
        if let Some(agent) = agent(request.headers()) {
            entry.insert("agent".to_owned(), agent.into());
        }
        entry.insert("request".to_owned(), asked(request));
        Entry(entry)
    }

    pub(super) fn sent_by(&mut self, identity: &Identity) {
        self.0.insert("user".to_owned(), identity.name.as_str().into());
        self.0.insert("groups".to_owned(), json!(identity.groups));
    }

    pub(super) fn acting_as(&mut self, identity: &Identity) {
        self.0.insert("as".to_owned(), identity.name.as_str().into());
        self.0.insert("asGroups".to_owned(), json!(identity.groups));
    }

    pub(super) fn record(mut self, log: &AuditLog, code: StatusCode) {
        self.0.insert("code".to_owned(), code.as_u16().into());
        if let Err(error) = log.record(self.0) {
            tracing::error!(%error, "a request could not be written into the audit log");
        }
    }
}

fn agent(headers: &HeaderMap) -> Option<String> {
    Some(headers.get(USER_AGENT)?.to_str().ok()?.chars().take(AGENT).collect())
}

fn asked(request: &Request) -> Value {
    // A query that cannot be read is refused; what it asked for is not known then.
    let parameters = Parameters::of(request.uri()).unwrap_or_default();
    match request::attributes(request.method(), request.uri().path(), &parameters) {
        Attributes::Url { verb, path } => json!({"verb": verb, "path": path}),
        Attributes::Resource { verb, group, resource, subresource, namespace, name } => {
            let parts = [
                ("verb", verb),
                ("group", group),
                ("resource", resource),
                ("subresource", subresource),
                ("namespace", namespace),
                ("name", name),
                ("dryRun", parameters.text("dryRun").unwrap_or_default()),
            ];
            let said = parts.into_iter().filter(|(_, text)| !text.is_empty());
            said.map(|(part, text)| (part.to_owned(), Value::from(text))).collect::<Map<_, _>>().into()
        }
    }
}
