//! What a request asks for, as Kubernetes reads it from method and address.

use http::Method;

use super::attributes::Attributes;
use crate::parameters::Parameters;

/// What is asked for. Paths are not decoded, as nowhere else: one with an escape names nothing.
pub(super) fn attributes<'a>(method: &Method, path: &'a str, parameters: &'a Parameters) -> Attributes<'a> {
    let trimmed = path.strip_suffix('/').unwrap_or(path);
    let segments: Vec<&'a str> = trimmed.split('/').skip(1).collect();
    match segments.as_slice() {
        ["api", "v1", rest @ ..] if !rest.is_empty() => resource(method, "", rest, parameters),
        ["apis", group, _, rest @ ..] if !rest.is_empty() => resource(method, group, rest, parameters),
        _ => Attributes::Url { verb: url_verb(method), path: trimmed },
    }
}

fn resource<'a>(
    method: &Method,
    group: &'a str,
    rest: &[&'a str],
    parameters: &'a Parameters,
) -> Attributes<'a> {
    let (namespace, rest) = match *rest {
        // A namespace is within itself, so that a binding in it may let someone see it.
        ["namespaces", namespace] | ["namespaces", namespace, "status" | "finalize"] if group.is_empty() => {
            (namespace, rest)
        }
        ["namespaces", namespace, _, ..] => (namespace, &rest[2..]),
        _ => ("", rest),
    };
    let part = |index: usize| rest.get(index).copied().unwrap_or_default();
    let (resource, subresource) = (part(0), part(2));
    // Who may see one object only may list it alone.
    let selected = || parameters.text("fieldSelector").and_then(selected_name).unwrap_or_default();
    let name = if part(1).is_empty() && *method != Method::POST { selected() } else { part(1) };
    let verb = verb(method, !part(1).is_empty(), parameters.is_watch());
    Attributes::Resource { verb, group, resource, subresource, namespace, name }
}

fn verb(method: &Method, named: bool, watch: bool) -> &'static str {
    match (method.as_str(), named) {
        ("GET" | "HEAD", true) => "get",
        ("GET", false) if watch => "watch",
        ("GET" | "HEAD", false) => "list",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", true) => "delete",
        ("DELETE", false) => "deletecollection",
        // Not served: only a wildcard allows it, and it is refused further on.
        _ => "",
    }
}

fn url_verb(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "get",
        "HEAD" => "head",
        "POST" => "post",
        "PUT" => "put",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "",
    }
}

/// `metadata.name=shop`: the name that nothing but one object has.
fn selected_name(selector: &str) -> Option<&str> {
    let (field, name) = selector.split_once('=')?;
    let name = name.strip_prefix('=').unwrap_or(name);
    (field == "metadata.name" && !name.contains([',', '=', '!'])).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(method: &Method, address: &str) -> String {
        let uri: http::Uri = address.parse().unwrap();
        let parameters = Parameters::of(&uri).unwrap();
        match attributes(method, uri.path(), &parameters) {
            Attributes::Url { verb, path } => format!("{verb} {path}"),
            Attributes::Resource { verb, group, resource, subresource, namespace, name } => {
                format!("{verb} {resource}/{subresource} of {group:?} in {namespace:?} named {name:?}")
            }
        }
    }

    #[test]
    fn a_request_is_read_as_kubernetes_reads_it() {
        const OURS: &str = "/apis/lamplighter.dev/v1alpha1";
        let table = [
            (Method::GET, "/version", "get /version"),
            (Method::GET, "/openapi/v3/api/v1", "get /openapi/v3/api/v1"),
            (Method::GET, "/apis/lamplighter.dev/v1alpha1/", "get /apis/lamplighter.dev/v1alpha1"),
            (Method::GET, "/api/v1", "get /api/v1"),
            (Method::GET, "OURS/lampstacks", r#"list lampstacks/ of "lamplighter.dev" in "" named """#),
            (
                Method::HEAD,
                "OURS/lampstacks?watch=1",
                r#"list lampstacks/ of "lamplighter.dev" in "" named """#,
            ),
            (
                Method::GET,
                "OURS/namespaces/a/lampstacks?watch=true",
                r#"watch lampstacks/ of "lamplighter.dev" in "a" named """#,
            ),
            (
                Method::GET,
                "OURS/namespaces/a/lampstacks?fieldSelector=metadata.name%3Db&watch=true",
                r#"watch lampstacks/ of "lamplighter.dev" in "a" named "b""#,
            ),
            (
                Method::DELETE,
                "OURS/namespaces/a/lampstacks?fieldSelector=metadata.name!%3Db",
                r#"deletecollection lampstacks/ of "lamplighter.dev" in "a" named """#,
            ),
            (
                Method::POST,
                "OURS/namespaces/a/lampstacks?fieldSelector=metadata.name%3Db",
                r#"create lampstacks/ of "lamplighter.dev" in "a" named """#,
            ),
            (
                Method::PATCH,
                "OURS/namespaces/a/lampstacks/b/status/",
                r#"patch lampstacks/status of "lamplighter.dev" in "a" named "b""#,
            ),
            (Method::DELETE, "/api/v1/namespaces/a", r#"delete namespaces/ of "" in "a" named "a""#),
            (
                Method::PUT,
                "/api/v1/namespaces/a/status",
                r#"update namespaces/status of "" in "a" named "a""#,
            ),
            (Method::GET, "/api/v1/namespaces/a/events", r#"list events/ of "" in "a" named """#),
            (Method::TRACE, "/api/v1/namespaces/a/events", r#" events/ of "" in "a" named """#),
        ];
        for (method, address, expected) in table {
            assert_eq!(told(&method, &address.replace("OURS", OURS)), expected, "{method} {address}");
        }
    }

    #[test]
    fn what_is_asked_for_is_what_is_served() {
        use lamp_api::kinds::KINDS;

        use crate::path::ResourcePath;

        for kind in KINDS {
            let root = kind.api_version().replace("v1", if kind.group.is_empty() { "api/v1" } else { "v1" });
            let root = if kind.group.is_empty() { root } else { format!("apis/{root}") };
            let within = if kind.namespaced { "namespaces/a/" } else { "" };
            for rest in ["", "/", "/b", "/b/status", "/b/"] {
                let path = format!("/{root}/{within}{}{rest}", kind.plural);
                let Some(served) = ResourcePath::parse(&path) else { continue };
                let parameters = Parameters::default();
                let Attributes::Resource { group, resource, subresource, namespace, name, .. } =
                    attributes(&Method::GET, &path, &parameters)
                else {
                    panic!("{path} is read as no resource");
                };
                assert_eq!((group, resource), (kind.group, kind.plural), "{path}");
                assert_eq!(name, served.name.as_deref().unwrap_or_default(), "{path}");
                assert_eq!(subresource.is_empty(), served.subresource.is_none(), "{path}");
                if kind.namespaced {
                    assert_eq!(Some(namespace), served.namespace.as_deref(), "{path}");
                }
            }
        }
    }
}
