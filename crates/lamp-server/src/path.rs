//! Which kind, namespace, object and subresource a path names.

use lamp_api::kinds::{self, KindInfo, NAMESPACE};

/// A path below `/api/v1` or `/apis/GROUP/VERSION`, understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResourcePath {
    pub(crate) kind: &'static KindInfo,
    /// `None` for cluster-scoped kinds, and for all namespaces.
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<Subresource>,
}

/// A part of an object with an address of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subresource {
    Status,
}

impl ResourcePath {
    /// Reads a path; a slash at its end makes no difference. `None`: nothing is served there.
    pub(crate) fn parse(path: &str) -> Option<ResourcePath> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        match segments.as_slice() {
            ["api", "v1", rest @ ..] => within("", "v1", rest),
            ["apis", group, version, rest @ ..] if !group.is_empty() => within(group, version, rest),
            _ => None,
        }
    }
}

/// Names are DNS names, so that no escapes are decoded: a path with one names nothing.
fn within(group: &str, version: &str, rest: &[&str]) -> Option<ResourcePath> {
    let kind = |plural: &str| kinds::by_plural(group, plural).filter(|kind| kind.version == version);
    match rest {
        // `/namespaces/NAME/status`, where other kinds have their plural name.
        ["namespaces", name, "status"] if group.is_empty() => below(&NAMESPACE, None, &[name, "status"]),
        ["namespaces", namespace, plural, rest @ ..] => {
            let kind = kind(plural).filter(|kind| kind.namespaced)?;
            below(kind, Some(namespace), rest)
        }
        [plural, rest @ ..] => {
            let kind = kind(plural)?;
            // Without a namespace, objects of a namespaced kind can be listed but not addressed.
            if kind.namespaced && !rest.is_empty() { None } else { below(kind, None, rest) }
        }
        [] => None,
    }
}

fn below(kind: &'static KindInfo, namespace: Option<&str>, rest: &[&str]) -> Option<ResourcePath> {
    let (name, subresource) = match rest {
        [] => (None, None),
        [name] => (Some(*name), None),
        [name, "status"] if kind.has_status => (Some(*name), Some(Subresource::Status)),
        _ => return None,
    };
    let [namespace, name] = [namespace, name].map(|part| part.map(str::to_owned));
    let empty = |part: &Option<String>| part.as_deref() == Some("");
    if empty(&namespace) || empty(&name) {
        None
    } else {
        Some(ResourcePath { kind, namespace, name, subresource })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: Option<(&str, Option<&str>, Option<&str>, bool)>) {
        let parsed = ResourcePath::parse(path);
        let actual = parsed.as_ref().map(|path| {
            (path.kind.plural, path.namespace.as_deref(), path.name.as_deref(), path.subresource.is_some())
        });
        assert_eq!(actual, expected, "{path}");
    }

    #[test]
    fn paths() {
        const OURS: &str = "/apis/lamplighter.dev/v1alpha1";
        let ours = |rest: &str| format!("{OURS}{rest}");
        check(&ours("/lampstacks"), Some(("lampstacks", None, None, false)));
        check(&ours("/lampstacks/"), Some(("lampstacks", None, None, false)));
        check(&ours("/namespaces/a/lampstacks"), Some(("lampstacks", Some("a"), None, false)));
        check(&ours("/namespaces/a/lampstacks/b"), Some(("lampstacks", Some("a"), Some("b"), false)));
        check(&ours("/namespaces/a/lampstacks/b/status"), Some(("lampstacks", Some("a"), Some("b"), true)));
        check("/api/v1/namespaces", Some(("namespaces", None, None, false)));
        check("/api/v1/namespaces/a", Some(("namespaces", None, Some("a"), false)));
        check("/api/v1/namespaces/a/status", Some(("namespaces", None, Some("a"), true)));
        check("/api/v1/namespaces/a/events", Some(("events", Some("a"), None, false)));
        check("/api/v1/events", Some(("events", None, None, false)));
    }

    #[test]
    fn nothing_is_served_elsewhere() {
        for path in [
            "/api/v1",
            "/api/v1/pods",
            "/api/v2/namespaces",
            "/apis/lamplighter.dev/v1/lampstacks",
            "/apis/lamplighter.dev/v1alpha1/lampstacks/b",
            "/apis/lamplighter.dev/v1alpha1/namespaces/a/lampstacks/b/scale",
            "/apis/lamplighter.dev/v1alpha1/namespaces//lampstacks",
            "/api/v1/namespaces/a/events/b/status",
            "/api/v1/namespaces/a/b/c/d/e",
        ] {
            check(path, None);
        }
    }
}
