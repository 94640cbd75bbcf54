//! From the text of a file to objects of kinds that the server has.

use std::rc::Rc;

use lamp_api::kinds::{self, KindInfo};
use serde_json::Value;

use super::sources::{self, Source};
use crate::cli::Files;
use crate::exit::Failure;
use crate::session::Session;
use crate::target;

/// An object as a file says it.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    pub(crate) kind: &'static KindInfo,
    pub(crate) name: String,
    /// Of a kind without namespaces: any.
    pub(crate) namespace: String,
    pub(crate) object: Value,
    pub(crate) source: Rc<Source>,
    /// Which document of the file it is, and which item of a list in it.
    pub(crate) document: usize,
    pub(crate) item: Option<usize>,
}

impl Manifest {
    pub(crate) fn full_name(&self) -> String {
        target::full_name(self.kind, &self.name)
    }
}

/// Everything that the files hold, in their order.
///
/// # Errors
/// No file is named, a file cannot be read or parsed, or it holds what the server does not have.
pub(crate) fn load(files: &Files, session: &Session) -> Result<Vec<Manifest>, Failure> {
    if files.filename.is_empty() {
        return Err(Failure::Usage("name a file with -f FILE; `-f -` reads standard input".to_owned()));
    }
    let given = session.namespace_given.then_some(session.namespace.as_str());
    let mut found = Vec::new();
    for source in sources::read(files)? {
        found.extend(read(&source, given, &session.namespace)?);
    }
    if found.is_empty() {
        return Err(Failure::failed("no objects are in the files given by -f"));
    }
    Ok(found)
}

fn read(source: &Rc<Source>, given: Option<&str>, default: &str) -> Result<Vec<Manifest>, Failure> {
    let mut found = Vec::new();
    for (document, value) in documents(source)?.into_iter().enumerate() {
        let items = match value.get("items") {
            Some(Value::Array(items)) => {
                items.iter().cloned().enumerate().map(|(i, v)| (Some(i), v)).collect()
            }
            _ => vec![(None, value)],
        };
        for (item, object) in items {
            let place = Place { source, document, item };
            found.push(place.manifest(object, given, default)?);
        }
    }
    Ok(found)
}

/// Every document; one without content is `null`, so that positions still count.
pub(crate) fn documents(source: &Source) -> Result<Vec<Value>, Failure> {
    let parsed: Result<Vec<Value>, _> = serde_saphyr::from_multiple(&source.text);
    parsed.map_err(|error| {
        let text = error.render_with_options(serde_saphyr::render_options! {
            source_name: Some(source.name.as_str()),
        });
        Failure::failed(format!("{} cannot be read as YAML\n{text}", source.name))
    })
}

struct Place<'a> {
    source: &'a Rc<Source>,
    document: usize,
    item: Option<usize>,
}

impl Place<'_> {
    fn manifest(&self, mut object: Value, given: Option<&str>, default: &str) -> Result<Manifest, Failure> {
        let kind = self.kind(&object)?;
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        if !lamp_api::names::is_dns_subdomain(&name) {
            return Err(self.wrong("metadata.name", &format!("a {} needs a name of its own", kind.kind)));
        }
        let written = object["metadata"]["namespace"].as_str().map(str::to_owned);
        if let (Some(given), Some(written)) = (given, &written)
            && kind.namespaced
            && given != written
        {
            let text = format!("the namespace is {written:?} here, but --namespace says {given:?}");
            return Err(self.wrong("metadata.namespace", &text));
        }
        let namespace = written.unwrap_or_else(|| default.to_owned());
        if kind.namespaced
            && let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
        {
            metadata.insert("namespace".to_owned(), Value::String(namespace.clone()));
        }
        let source = Rc::clone(self.source);
        Ok(Manifest { kind, name, namespace, object, source, document: self.document, item: self.item })
    }

    fn kind(&self, object: &Value) -> Result<&'static KindInfo, Failure> {
        let text = |field: &str| object[field].as_str().unwrap_or_default();
        let (version, kind) = (text("apiVersion"), text("kind"));
        if kind.is_empty() {
            return Err(self.wrong("kind", "an object says its kind, for example `kind: LampStack`"));
        }
        let known = kinds::KINDS.iter().find(|k| k.kind == kind && k.api_version() == version);
        known.ok_or_else(|| {
            let near = kinds::KINDS.iter().find(|k| k.kind.eq_ignore_ascii_case(kind));
            let hint = near.map(|k| format!("; write apiVersion: {} and kind: {}", k.api_version(), k.kind));
            let field = if near.is_some_and(|k| k.kind == kind) { "apiVersion" } else { "kind" };
            self.wrong(
                field,
                &format!("the server has no {kind:?} in {version:?}{}", hint.unwrap_or_default()),
            )
        })
    }

    fn wrong(&self, field: &str, text: &str) -> Failure {
        let Self { source, document, item } = self;
        let problem = super::snippet::Problem { field: field.to_owned(), message: text.to_owned() };
        Failure::failed(super::snippet::text("this is no object", source, *document, *item, &[problem]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Rc<Source> {
        Rc::new(Source { name: "site.yaml".into(), text: text.into() })
    }

    fn refused(text: &str) -> String {
        let error = read(&source(text), None, "default").unwrap_err().to_string();
        anstream::adapter::strip_str(&error).to_string()
    }

    const SHOP: &str = "apiVersion: lamplighter.dev/v1alpha1\nkind: LampStack\nmetadata: {name: shop}\n";

    #[test]
    fn several_documents_and_lists_are_read() {
        let text = format!(
            "{SHOP}---\napiVersion: v1\nkind: List\nitems:\n- {{apiVersion: v1, kind: Namespace, metadata: {{name: web}}}}\n"
        );
        let found = read(&source(&text), None, "default").unwrap();
        let names: Vec<_> = found.iter().map(Manifest::full_name).collect();
        assert_eq!(names, ["lampstack.lamplighter.dev/shop", "namespace/web"]);
        assert_eq!(found[0].object["metadata"]["namespace"], "default");
        assert!(found[1].object["metadata"].get("namespace").is_none());
        assert_eq!((found[1].document, found[1].item), (1, Some(0)));
    }

    #[test]
    fn empty_documents_do_not_count() {
        let found = read(&source(&format!("# only a remark\n---\n{SHOP}---\n")), None, "default").unwrap();
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn the_namespace_of_the_flag_and_of_the_file_agree() {
        let text = SHOP.replace("{name: shop}", "{name: shop, namespace: web}");
        assert_eq!(read(&source(&text), Some("web"), "web").unwrap()[0].namespace, "web");
        let error = read(&source(&text), Some("other"), "other").unwrap_err().to_string();
        assert!(error.contains("--namespace says \"other\""), "{error}");
    }

    #[test]
    fn broken_yaml_shows_its_place() {
        let error = read(&source("a: [1\nb: 2\n"), None, "default").unwrap_err().to_string();
        assert!(error.contains("site.yaml:2") || error.contains("site.yaml:1"), "{error}");
        let twice = read(&source("a: 1\na: 2\n"), None, "default").unwrap_err().to_string();
        assert!(twice.contains("site.yaml:2:1") && twice.contains("duplicate"), "{twice}");
    }

    #[test]
    fn what_the_server_has_not_is_refused_with_a_hint() {
        let error = refused(&SHOP.replace("v1alpha1", "v1"));
        assert!(error.contains("write apiVersion: lamplighter.dev/v1alpha1"), "{error}");
        assert!(error.contains("site.yaml:1:13"), "{error}");
        let error = refused("# no version\nkind: LampStack\n");
        assert!(error.contains("site.yaml:2:1"), "{error}");
    }
}
