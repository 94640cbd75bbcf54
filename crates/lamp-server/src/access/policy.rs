//! All roles and bindings, compiled: for each subject the rules that it was granted, where, and until when.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use lamp_api::kinds::{CLUSTER_ROLE, KindInfo, ROLE};
use lamp_api::rbac::{self, PolicyRule, Subject};
use serde_json::{Value, json};

use super::attributes::{Attributes, Identity};
use super::{defaults, rule};

/// The objects that say who may do what. Order does not matter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Objects {
    pub(crate) roles: Vec<Arc<Value>>,
    pub(crate) cluster_roles: Vec<Arc<Value>>,
    pub(crate) role_bindings: Vec<Arc<Value>>,
    pub(crate) cluster_role_bindings: Vec<Arc<Value>>,
}

/// Whether a request is allowed, and by what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// `RBAC: allowed by RoleBinding "team/editors" of ClusterRole "edit" to Group "team"`
    Allowed(String),
    /// No rule allows it.
    Denied,
}

/// Someone who can be granted something.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Grantee {
    User(String),
    Group(String),
}

#[derive(Clone, Debug)]
struct Grant {
    /// `None`: everywhere.
    namespace: Option<String>,
    expires_at: Option<Timestamp>,
    rules: Arc<[PolicyRule]>,
    /// What it is called in a reason.
    title: Arc<str>,
}

/// Roles and bindings, ready to decide.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    grants: HashMap<Grantee, Vec<Grant>>,
    /// By namespace and name.
    roles: HashMap<(String, String), Arc<[PolicyRule]>>,
    /// By namespace, which is empty, and name.
    cluster_roles: HashMap<(String, String), Arc<[PolicyRule]>>,
}

impl Policy {
    pub(crate) fn compile(objects: &Objects) -> Policy {
        let named = |roles: &[Arc<Value>]| -> HashMap<(String, String), Arc<[PolicyRule]>> {
            roles.iter().map(|role| (address(role), rbac::rules(role).into())).collect()
        };
        let mut policy = Policy {
            grants: HashMap::new(),
            roles: named(&objects.roles),
            cluster_roles: named(&objects.cluster_roles),
        };
        for binding in objects.role_bindings.iter().chain(&objects.cluster_role_bindings) {
            let (namespace, _) = address(binding);
            let name = binding["roleRef"]["name"].as_str().unwrap_or_default();
            let role_kind = if binding["roleRef"]["kind"] == ROLE.kind { &ROLE } else { &CLUSTER_ROLE };
            if let Some(rules) = policy.rules(role_kind, &namespace, name) {
                policy.grant(binding, &rules);
            }
        }
        policy
    }

    /// The rules of a `Role` in this namespace, or of a `ClusterRole`. `None`: there is no such role.
    pub(super) fn rules(&self, kind: &KindInfo, namespace: &str, name: &str) -> Option<Arc<[PolicyRule]>> {
        let rules = if *kind == ROLE {
            self.roles.get(&(namespace.to_owned(), name.to_owned()))
        } else {
            self.cluster_roles.get(&(String::new(), name.to_owned()))
        };
        rules.map(Arc::clone)
    }

    /// A binding whose end cannot be read grants nothing.
    fn grant(&mut self, binding: &Value, rules: &Arc<[PolicyRule]>) {
        let Ok(expires_at) = rbac::expires_at(&binding["metadata"]) else { return };
        let (namespace, name) = address(binding);
        let namespace = Some(namespace).filter(|namespace| !namespace.is_empty());
        let text = |field: &str| binding["roleRef"][field].as_str().unwrap_or_default().to_owned();
        let (role_kind, role) = (text("kind"), text("name"));
        for subject in rbac::subjects(binding) {
            let kind = if namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" };
            let place = namespace.as_ref().map_or_else(|| name.clone(), |space| format!("{space}/{name}"));
            let to = format!("{} {:?}", subject.kind, subject.name);
            let title = format!("RBAC: allowed by {kind} {place:?} of {role_kind} {role:?} to {to}").into();
            let Some(grantee) = grantee(subject) else { continue };
            let grant = Grant { namespace: namespace.clone(), expires_at, rules: Arc::clone(rules), title };
            self.grants.entry(grantee).or_default().push(grant);
        }
    }

    pub(crate) fn decide(
        &self,
        identity: &Identity,
        attributes: &Attributes<'_>,
        now: Timestamp,
    ) -> Decision {
        if identity.is_master() {
            return Decision::Allowed("members of system:masters may do everything".to_owned());
        }
        let namespace = match *attributes {
            Attributes::Resource { namespace, .. } => namespace,
            Attributes::Url { .. } => "",
        };
        let mut grants = self.granted(identity, namespace, now);
        let grant = grants.find(|grant| grant.rules.iter().any(|rule| rule::allows(rule, attributes)));
        grant.map_or(Decision::Denied, |grant| Decision::Allowed(grant.title.to_string()))
    }

    /// Everything that the identity may do in a namespace (empty: in all, and outside of them).
    pub(crate) fn rights(&self, identity: &Identity, namespace: &str, now: Timestamp) -> Vec<PolicyRule> {
        if identity.is_master() {
            return rbac::rules(&json!({"rules": defaults::everything()}));
        }
        self.granted(identity, namespace, now).flat_map(|grant| grant.rules.iter().cloned()).collect()
    }

    fn granted<'a>(
        &'a self,
        identity: &'a Identity,
        namespace: &'a str,
        now: Timestamp,
    ) -> impl Iterator<Item = &'a Grant> {
        let user = std::iter::once(Grantee::User(identity.name.clone()));
        let grantees = user.chain(identity.groups.iter().cloned().map(Grantee::Group));
        grantees.filter_map(|grantee| self.grants.get(&grantee)).flatten().filter(move |grant| {
            grant.namespace.as_deref().is_none_or(|only| only == namespace)
                && grant.expires_at.is_none_or(|end| now < end)
        })
    }
}

/// Namespace and name.
fn address(object: &Value) -> (String, String) {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

fn grantee(subject: Subject) -> Option<Grantee> {
    match subject.kind.as_str() {
        "User" => Some(Grantee::User(subject.name)),
        "Group" => Some(Grantee::Group(subject.name)),
        "ServiceAccount" => {
            let namespace = subject.namespace.unwrap_or_default();
            Some(Grantee::User(format!("system:serviceaccount:{namespace}:{}", subject.name)))
        }
        _ => None,
    }
}
