//! What people and other programs do to a site behind its keeper's back, one thing at a time, and what the keeper owes.
//!
//! How each is done, and how it is seen, is in `tests/moto/drift.py`: by another client, against any site.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::account::Account;

/// One way in which a site is broken.
#[derive(Clone, Copy, Debug)]
pub struct Drift {
    /// As in the names of figures.
    pub name: &'static str,
    /// For people.
    pub what: &'static str,
    pub owed: Owed,
}

/// What Lamplighter owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owed {
    /// It is put back within two periods of observation.
    Repair,
    /// It is noticed as fast. AWS itself repairs it; what AWS did not repair in some minutes is repaired then.
    LateRepair,
    /// It is noticed as fast, and said; it is put back when a person consents.
    Consent,
    /// It is noticed as fast, and said, and nothing else.
    Report,
    /// Somebody else owns it: it stays.
    Nothing,
}

const fn drift(name: &'static str, what: &'static str, owed: Owed) -> Drift {
    Drift { name, what, owed }
}

/// Each of them. The emulator launches nothing from a second version of a template: what adds one comes last.
pub const ALL: [Drift; 24] = [
    drift("target-deregistered", "target deregistered", Owed::Repair),
    drift("group-bounds", "group's min and max lowered to 0 and 1", Owed::Repair),
    drift("group-suspended", "group's processes suspended", Owed::Repair),
    drift("group-deleted", "group of the tier web deleted", Owed::Repair),
    drift("listener-deleted", "HTTPS listener deleted", Owed::Repair),
    drift("health-check", "path of the health check changed", Owed::Repair),
    drift("http2-off", "load balancer: HTTP/2 turned off", Owed::Repair),
    drift("multi-zone-off", "database: MultiAZ turned off", Owed::Repair),
    drift("database-class", "database: smaller class", Owed::Consent),
    drift("replica-deleted", "read replica deleted", Owed::Repair),
    drift("parameter-changed", "parameter group: TLS no longer required", Owed::Repair),
    drift("rule-revoked", "rule for the database revoked", Owed::Repair),
    drift("rogue-rule", "rogue rule: port 22 for the world", Owed::Repair),
    drift("nat-deleted", "NAT gateway of a zone deleted", Owed::Repair),
    drift("route-deleted", "default route of a zone deleted", Owed::Repair),
    drift("subnet-untagged", "tags of a subnet removed", Owed::Repair),
    drift("instance-untagged", "tags of an instance removed", Owed::Repair),
    drift("dns-names-off", "network: DNS names turned off", Owed::Repair),
    drift("stray-instance", "stray instance in the network", Owed::Report),
    drift("instance-terminated", "web instance terminated", Owed::LateRepair),
    drift("instance-stopped", "web instance stopped", Owed::LateRepair),
    drift("instance-unhealthy", "instance marked Unhealthy", Owed::LateRepair),
    drift("group-desired", "group's desired capacity raised to 5", Owed::Nothing),
    drift("template-version", "launch template: another default version", Owed::Repair),
];

/// The parts that drifts are about, and their AWS ids: a whole site, whoever keeps it.
pub type Parts = BTreeMap<String, String>;

impl Drift {
    /// Looks, breaks it, and makes sure that this shows. What was there before.
    ///
    /// # Errors
    /// What the other client says, or when nothing is broken afterwards.
    pub fn spoil(&self, account: &Account, parts: &Parts) -> Result<Value> {
        let whole = self.look(account, parts)?;
        self.ask(account, "spoil", parts)?;
        ensure!(self.look(account, parts)? != whole, "{}: nothing is broken", self.name);
        Ok(whole)
    }

    /// What it is about, as it is now.
    ///
    /// # Errors
    /// What the other client says.
    pub fn look(&self, account: &Account, parts: &Parts) -> Result<Value> {
        self.ask(account, "look", parts)
    }

    /// Puts back by hand what the keeper of the site leaves as it is.
    ///
    /// # Errors
    /// What the other client says.
    pub fn mend(&self, account: &Account, parts: &Parts) -> Result<()> {
        self.ask(account, "mend", parts).map(drop)
    }

    fn ask(&self, account: &Account, what: &str, parts: &Parts) -> Result<Value> {
        let site = serde_json::to_string(parts)?;
        account.hand(&[what, self.name, &site]).with_context(|| self.what)
    }
}

/// The parts of a `LampStack`, from its status.
///
/// # Errors
/// When the status names a part without an id.
pub fn parts_of(status: &Value) -> Result<Parts> {
    let rows = status["parts"].as_array().into_iter().flatten();
    rows.map(|row| {
        let (part, id) = (row["part"].as_str(), row["id"].as_str());
        let part = part.context("a part without a name")?;
        let id = id.with_context(|| format!("{part} has no id"))?;
        // The family of parameters is part of the name.
        let part = if part.starts_with("db-parameter-group/") { "db-parameter-group" } else { part };
        Ok((part.to_owned(), id.to_owned()))
    })
    .collect()
}

/// What a status says of the site, without when, nor what the time decides.
pub fn signs(status: &Value) -> Value {
    let rows = |list: &str, fields: &[&str]| -> Vec<Value> {
        let rows = status[list].as_array().into_iter().flatten();
        rows.map(|row| fields.iter().map(|field| row[*field].clone()).collect()).collect()
    };
    serde_json::json!({
        "conditions": rows("conditions", &["type", "status", "reason", "message"]),
        "tiers": rows("tiers", &["name", "desired", "instances", "ready"]),
        "parts": rows("parts", &["part", "id", "state", "reason"]),
        "waiting": rows("waiting", &["part", "reason", "blocked"]),
        "strangers": rows("strangers", &["instance", "name"]),
        "replicas": status.pointer("/database/replicasReady"),
    })
}
