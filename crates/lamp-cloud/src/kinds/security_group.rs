//! A security group with its rules.

use serde::{Deserialize, Serialize};

use super::{Declared, Kind, Repeat};
use crate::field::fields;
use crate::operation::changes;
use crate::{Difference, Reference, Service};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    pub vpc: Reference,
    pub description: String,
    /// In any order.
    pub ingress: Vec<Rule>,
    /// In any order.
    pub egress: Vec<Rule>,
}

/// One rule: who may talk, on which ports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Rule {
    /// `tcp`, or `-1` for everything.
    pub protocol: String,
    /// First and last port; `None` where the protocol has none.
    pub ports: Option<(u16, u16)>,
    pub peer: Peer,
}

/// The other side of a rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Peer {
    Range(String),
    Group(Reference),
}

impl Rule {
    /// TCP on one port.
    pub fn tcp(port: u16, peer: Peer) -> Self {
        Self { protocol: "tcp".to_owned(), ports: Some((port, port)), peer }
    }

    /// The rule that AWS puts on a new group: everything may go out.
    pub fn everything_out() -> Self {
        Self { protocol: "-1".to_owned(), ports: None, peer: Peer::Range("0.0.0.0/0".to_owned()) }
    }

    fn is_resolved(&self) -> bool {
        match &self.peer {
            Peer::Range(_) => true,
            Peer::Group(group) => group.as_id().is_some(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    AuthorizeIngress(Vec<Rule>),
    AuthorizeEgress(Vec<Rule>),
    RevokeIngress(Vec<Rule>),
    RevokeEgress(Vec<Rule>),
}

fields!(SecurityGroup { vpc: Replacement Spec, ingress: InPlace Spec, egress: InPlace Spec });

impl SecurityGroup {
    fn sorted(&self) -> Self {
        let mut sorted = self.clone();
        sorted.ingress.sort();
        sorted.egress.sort();
        sorted
    }
}

/// Rules of `wanted` that `present` lacks, as far as their groups are known.
fn missing(wanted: &[Rule], present: &[Rule]) -> Vec<Rule> {
    wanted.iter().filter(|rule| rule.is_resolved() && !present.contains(rule)).cloned().collect()
}

/// Rules of `present` that nobody wants; none while a wanted rule is not resolved, as it may be that one.
fn surplus(wanted: &[Rule], present: &[Rule]) -> Vec<Rule> {
    let resolved = wanted.iter().all(Rule::is_resolved);
    present
        .iter()
        .filter(|rule| !wanted.contains(rule))
        .filter(|rule| resolved || matches!(rule.peer, Peer::Range(_)))
        .cloned()
        .collect()
}

impl Declared for SecurityGroup {
    type Change = Change;
    const KIND: Kind = Kind::SecurityGroup;
    const SERVICE: Service = Service::Ec2;
    const REPEAT: Repeat = Repeat::Safe;
    const CREATE: &'static str = "CreateSecurityGroup";
    const DELETE: &'static str = "DeleteSecurityGroup";
    const FIELDS: &'static [&'static str] = FIELDS;

    fn needs(&self) -> Vec<&Reference> {
        vec![&self.vpc]
    }

    fn references_mut(&mut self) -> Vec<&mut Reference> {
        let rules = self.ingress.iter_mut().chain(&mut self.egress);
        let groups = rules.filter_map(|rule| match &mut rule.peer {
            Peer::Group(group) => Some(group),
            Peer::Range(_) => None,
        });
        std::iter::once(&mut self.vpc).chain(groups).collect()
    }

    fn differences(&self, observed: &Self) -> Vec<Difference> {
        differences(&self.sorted(), &observed.sorted())
    }

    fn leave(&mut self, observed: &Self, field: &str) {
        leave(self, observed, field);
    }

    // New rules first, so that nothing is cut off that stays allowed.
    fn changes(&self, observed: &Self) -> Vec<Change> {
        [
            Change::AuthorizeIngress(missing(&self.ingress, &observed.ingress)),
            Change::AuthorizeEgress(missing(&self.egress, &observed.egress)),
            Change::RevokeIngress(surplus(&self.ingress, &observed.ingress)),
            Change::RevokeEgress(surplus(&self.egress, &observed.egress)),
        ]
        .into_iter()
        .filter(|change| !change.rules().is_empty())
        .collect()
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::AuthorizeIngress(rules) => self.ingress.extend(missing(rules, &self.ingress.clone())),
            Change::AuthorizeEgress(rules) => self.egress.extend(missing(rules, &self.egress.clone())),
            Change::RevokeIngress(rules) => self.ingress.retain(|rule| !rules.contains(rule)),
            Change::RevokeEgress(rules) => self.egress.retain(|rule| !rules.contains(rule)),
        }
    }

    // Groups that name each other cannot be deleted.
    fn before_delete(&self) -> Vec<Change> {
        let of_groups = |rules: &[Rule]| -> Vec<Rule> {
            rules.iter().filter(|rule| matches!(rule.peer, Peer::Group(_))).cloned().collect()
        };
        [Change::RevokeIngress(of_groups(&self.ingress)), Change::RevokeEgress(of_groups(&self.egress))]
            .into_iter()
            .filter(|change| !change.rules().is_empty())
            .collect()
    }

    changes! {
        Change::AuthorizeIngress(_) => "AuthorizeSecurityGroupIngress",
        Change::AuthorizeEgress(_) => "AuthorizeSecurityGroupEgress",
        Change::RevokeIngress(_) => "RevokeSecurityGroupIngress",
        Change::RevokeEgress(_) => "RevokeSecurityGroupEgress",
    }
}

impl Change {
    /// The rules that it adds or removes.
    pub fn rules(&self) -> &[Rule] {
        match self {
            Self::AuthorizeIngress(rules)
            | Self::AuthorizeEgress(rules)
            | Self::RevokeIngress(rules)
            | Self::RevokeEgress(rules) => rules,
        }
    }
}
