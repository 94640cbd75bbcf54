//! `can-i`: what one may do, as `kubectl auth can-i` asks it.

use clap::Args;
use lamp_api::kinds::KindInfo;
use serde_json::{Value, json};

use super::whoami::words;
use crate::exit::{Failure, Outcome};
use crate::printer::table::Columns;
use crate::session::Session;
use crate::target;

const GROUP: &str = "authorization.k8s.io";

#[derive(Debug, Args)]
pub(crate) struct CanI {
    /// What is to be done: get, list, watch, create, update, patch, delete, destroy, ...
    #[arg(required_unless_present = "list")]
    verb: Option<String>,
    /// To which kind of objects, or to which of them; or a path such as /metrics
    #[arg(value_name = "RESOURCE[/NAME]", required_unless_present = "list")]
    resource: Option<String>,
    /// Of the resource, such as `status`
    #[arg(long, value_name = "NAME")]
    subresource: Option<String>,
    /// In all namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// List everything that is allowed in the namespace
    #[arg(long, conflicts_with_all = ["verb", "resource", "subresource", "all_namespaces"])]
    list: bool,
}

impl CanI {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        if self.list {
            let spec = json!({"namespace": session.namespace});
            let status = session.server.review(GROUP, "SelfSubjectRulesReview", &spec).await?;
            session.out.write(&rights(&status))?;
            return Ok(Outcome::Done);
        }
        let status = session
            .server
            .review(GROUP, "SelfSubjectAccessReview", &self.question(&session.namespace)?)
            .await?;
        let is_allowed = status["allowed"] == true;
        session.out.line(if is_allowed { "yes" } else { "no" })?;
        Ok(if is_allowed { Outcome::Done } else { Outcome::No })
    }

    fn question(&self, namespace: &str) -> Result<Value, Failure> {
        let verb = self.verb.as_deref().unwrap_or_default();
        let resource = self.resource.as_deref().unwrap_or_default();
        if resource.starts_with('/') {
            return Ok(json!({"nonResourceAttributes": {"verb": verb, "path": resource}}));
        }
        let (kind, name) = resource.split_once('/').unwrap_or((resource, ""));
        let mut attributes = attributes(kind)?;
        if self.all_namespaces || attributes["namespaced"] == false {
            attributes["namespace"] = json!("");
        } else {
            attributes["namespace"] = json!(namespace);
        }
        attributes["verb"] = json!(verb);
        attributes["name"] = json!(name);
        attributes["subresource"] = json!(self.subresource.as_deref().unwrap_or_default());
        if let Some(fields) = attributes.as_object_mut() {
            fields.remove("namespaced");
        }
        Ok(json!({"resourceAttributes": attributes}))
    }
}

/// Group and plural of a kind, and whether it has namespaces; `*` is all kinds.
fn attributes(kind: &str) -> Result<Value, Failure> {
    if kind == "*" {
        return Ok(json!({"group": "*", "resource": "*", "namespaced": true}));
    }
    let KindInfo { group, plural, namespaced, .. } =
        target::kind(kind).ok_or_else(|| target::unknown_kind(kind))?;
    Ok(json!({"group": group, "resource": plural, "namespaced": namespaced}))
}

/// The table that `kubectl auth can-i --list` prints.
fn rights(status: &Value) -> String {
    let mut columns = Columns::default();
    let headers = ["RESOURCES", "NON-RESOURCE URLS", "RESOURCE NAMES", "VERBS"];
    columns.row(headers.map(str::to_owned).to_vec());
    let list = |name: &str| status[name].as_array().cloned().unwrap_or_default();
    for rule in list("resourceRules") {
        for resource in resources(&rule) {
            columns.row(vec![
                resource,
                "[]".to_owned(),
                words(&rule["resourceNames"]),
                words(&rule["verbs"]),
            ]);
        }
    }
    for rule in list("nonResourceRules") {
        let urls = words(&rule["nonResourceURLs"]);
        columns.row(vec![String::new(), urls, "[]".to_owned(), words(&rule["verbs"])]);
    }
    columns.text()
}

/// `lampstacks.lamplighter.dev`, for each group and resource of a rule.
fn resources(rule: &Value) -> Vec<String> {
    let texts = |name: &str| -> Vec<String> {
        let list = rule[name].as_array().into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let groups = texts("apiGroups");
    let dotted = |resource: &String, group: &String| {
        if group.is_empty() { resource.clone() } else { format!("{resource}.{group}") }
    };
    texts("resources")
        .iter()
        .flat_map(|resource| groups.iter().map(move |group| dotted(resource, group)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(verb: &str, resource: &str) -> Value {
        let asked = CanI {
            verb: Some(verb.to_owned()),
            resource: Some(resource.to_owned()),
            subresource: None,
            all_namespaces: false,
            list: false,
        };
        asked.question("web").unwrap()
    }

    #[test]
    fn a_question_names_group_plural_and_namespace() {
        let stack = &question("delete", "lamp/shop")["resourceAttributes"];
        assert_eq!(
            *stack,
            json!({"verb": "delete", "group": "lamplighter.dev", "resource": "lampstacks", "subresource": "",
                   "namespace": "web", "name": "shop"})
        );
        assert_eq!(question("get", "ns")["resourceAttributes"]["namespace"], "");
        assert_eq!(question("*", "*")["resourceAttributes"]["group"], "*");
        assert_eq!(
            question("get", "/metrics"),
            json!({"nonResourceAttributes": {"verb": "get", "path": "/metrics"}})
        );
    }

    #[test]
    fn rights_are_listed_one_resource_a_line() {
        let text = rights(&json!({
            "resourceRules": [{"verbs": ["get", "list"], "apiGroups": ["lamplighter.dev", ""],
                               "resources": ["lampstacks"]}],
            "nonResourceRules": [{"verbs": ["get"], "nonResourceURLs": ["/metrics"]}]
        }));
        let lines: Vec<String> =
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(
            lines,
            [
                "RESOURCES NON-RESOURCE URLS RESOURCE NAMES VERBS",
                "lampstacks.lamplighter.dev [] [] [get list]",
                "lampstacks [] [] [get list]",
                "[/metrics] [] [get]"
            ]
        );
    }
}
