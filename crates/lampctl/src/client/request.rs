//! How requests look on the wire.

use http::{HeaderValue, Request};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchParams};
use kube::core::request::Request as Builder;
use lamp_api::kinds::KindInfo;
use serde_json::Value;

use crate::exit::Failure;

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";

/// A page of this many objects is asked for at once.
const PAGE: u32 = 500;

/// Objects of one kind, in one namespace or in all.
#[derive(Clone, Debug)]
pub(crate) struct Selection {
    pub(crate) kind: &'static KindInfo,
    /// None: all namespaces, or a kind without namespaces.
    pub(crate) namespace: Option<String>,
    pub(crate) labels: Option<String>,
    pub(crate) fields: Option<String>,
    /// Whether the server shall answer with a table for a person.
    pub(crate) table: bool,
}

/// How a write is meant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write {
    pub(crate) manager: &'static str,
    /// Do everything but store it.
    pub(crate) dry_run: bool,
}

impl Selection {
    pub(crate) fn new(kind: &'static KindInfo, namespace: &str) -> Self {
        let namespace = kind.namespaced.then(|| namespace.to_owned());
        Self { kind, namespace, labels: None, fields: None, table: false }
    }

    pub(crate) fn named(mut self, name: &str) -> Self {
        self.fields = Some(format!("metadata.name={name}"));
        self
    }

    fn builder(&self) -> Builder {
        let KindInfo { group, version, plural, .. } = self.kind;
        let root =
            if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        let namespace = self.namespace.as_ref().map(|n| format!("/namespaces/{n}")).unwrap_or_default();
        Builder::new(format!("{root}{namespace}/{plural}"))
    }

    pub(crate) fn get(&self, name: &str) -> Result<Request<Vec<u8>>, Failure> {
        self.finish(self.builder().get(name, &kube::api::GetParams::default()))
    }

    pub(crate) fn list(&self, continue_token: Option<&str>) -> Result<Request<Vec<u8>>, Failure> {
        let parameters = ListParams {
            label_selector: self.labels.clone(),
            field_selector: self.fields.clone(),
            limit: Some(PAGE),
            continue_token: continue_token.map(str::to_owned),
            ..ListParams::default()
        };
        self.finish(self.builder().list(&parameters))
    }

    /// Changes after `version`.
    pub(crate) fn watch(&self, version: &str) -> Result<Request<Vec<u8>>, Failure> {
        let parameters = WatchParams {
            label_selector: self.labels.clone(),
            field_selector: self.fields.clone(),
            bookmarks: true,
            ..WatchParams::default()
        };
        self.finish(self.builder().watch(&parameters, version))
    }

    pub(crate) fn create(&self, object: &Value, write: Write) -> Result<Request<Vec<u8>>, Failure> {
        let parameters = PostParams { dry_run: write.dry_run, field_manager: Some(write.manager.to_owned()) };
        strict(self.finish(self.builder().create(&parameters, object.to_string().into_bytes()))?)
    }

    pub(crate) fn merge(&self, name: &str, patch: &Value, write: Write) -> Result<Request<Vec<u8>>, Failure> {
        let parameters = PatchParams {
            dry_run: write.dry_run,
            field_manager: Some(write.manager.to_owned()),
            ..PatchParams::default()
        };
        strict(self.finish(self.builder().patch(name, &parameters, &Patch::Merge(patch)))?)
    }

    pub(crate) fn delete(&self, name: &str) -> Result<Request<Vec<u8>>, Failure> {
        self.finish(self.builder().delete(name, &DeleteParams::background()))
    }

    fn finish(
        &self,
        built: Result<Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<Request<Vec<u8>>, Failure> {
        let unsendable = |e| Failure::failed(format!("cannot ask for {}: {e}", self.kind.plural));
        let mut request = built.map_err(unsendable)?;
        let accept = if self.table { TABLE } else { "application/json" };
        request.headers_mut().insert(http::header::ACCEPT, HeaderValue::from_static(accept));
        Ok(request)
    }
}

/// Unknown fields are refused, not dropped: a typing error must not pass for a setting.
fn strict(mut request: Request<Vec<u8>>) -> Result<Request<Vec<u8>>, Failure> {
    let address = request.uri().to_string();
    let separator = if address.contains('?') { '&' } else { '?' };
    let impossible = |e| Failure::failed(format!("cannot build the address of a request: {e}"));
    *request.uri_mut() = format!("{address}{separator}fieldValidation=Strict").parse().map_err(impossible)?;
    Ok(request)
}

#[cfg(test)]
mod tests {
    use lamp_api::kinds;
    use serde_json::json;

    use super::*;

    #[test]
    fn writes_are_strict_and_name_their_manager() {
        let selection = Selection::new(&kinds::LAMPSTACK, "default");
        let write = Write { manager: "kubectl-client-side-apply", dry_run: true };
        let patch = selection.merge("shop", &json!({}), write).unwrap();
        assert_eq!(patch.uri().path(), "/apis/lamplighter.dev/v1alpha1/namespaces/default/lampstacks/shop");
        let query = patch.uri().query().unwrap();
        for part in ["dryRun=All", "fieldManager=kubectl-client-side-apply", "fieldValidation=Strict"] {
            assert!(query.contains(part), "{query}");
        }
        assert_eq!(patch.headers()["content-type"], "application/merge-patch+json");
    }

    #[test]
    fn a_kind_without_namespaces_has_none_in_its_address() {
        let request = Selection::new(&kinds::NAMESPACE, "default").get("a").unwrap();
        assert_eq!(request.uri().path(), "/api/v1/namespaces/a");
    }
}
