//! Reading objects that several verbs show.

use lamp_api::kinds::{self, KindInfo};
use lamp_api::v1alpha1::LampStack;
use serde_json::Value;

use crate::client::{Selection, decode};
use crate::exit::Failure;
use crate::session::Session;

/// One object, or None where it does not exist.
pub(super) async fn object(
    session: &Session,
    kind: &'static KindInfo,
    namespace: &str,
    name: &str,
) -> Result<Option<Value>, Failure> {
    match session.server.send(Selection::new(kind, namespace).get(name)?).await {
        Ok(object) => Ok(Some(object)),
        Err(failure) if failure.http_code() == Some(404) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// One stack of the session's namespace.
pub(super) async fn stack(session: &Session, name: &str) -> Result<LampStack, Failure> {
    let request = Selection::new(&kinds::LAMPSTACK, &session.namespace).get(name)?;
    let hint = |failure: Failure| match failure.http_code() {
        Some(404) => Failure::failed(format!(
            "there is no stack {name:?} in the namespace {:?}; `lampctl get lamp -A` lists all",
            session.namespace
        )),
        _ => failure,
    };
    decode(session.server.send(request).await.map_err(hint)?)
}

/// Everything that `selection` names, over all pages, and the version of the list.
pub(super) async fn list(session: &Session, selection: &Selection) -> Result<(Vec<Value>, String), Failure> {
    let (mut items, mut token) = (Vec::new(), None);
    loop {
        let mut page = session.server.send(selection.list(token.as_deref())?).await?;
        if let Some(Value::Array(more)) = page.get_mut("items").map(Value::take) {
            items.extend(more.into_iter().map(|item| stamped(selection.kind, item)));
        }
        token = page["metadata"]["continue"].as_str().filter(|t| !t.is_empty()).map(str::to_owned);
        if token.is_none() {
            let version = page["metadata"]["resourceVersion"].as_str().unwrap_or("0").to_owned();
            return Ok((items, version));
        }
    }
}

/// Items of a list may leave out what the list says already.
fn stamped(kind: &KindInfo, mut item: Value) -> Value {
    if let Some(fields) = item.as_object_mut() {
        fields.entry("apiVersion").or_insert_with(|| Value::String(kind.api_version()));
        fields.entry("kind").or_insert_with(|| Value::String(kind.kind.to_owned()));
    }
    item
}
