//! Which form of an answer a client wants (`Accept`), and which form its body has (`Content-Type`).

use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};

use crate::error::ApiError;

/// The form of an answer about objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Objects as they are.
    Json,
    /// Rows for people.
    Table,
    /// Metadata alone.
    Partial,
}

/// The form of discovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DiscoveryForm {
    /// Everything in one answer; the version is `v2` or `v2beta1`.
    Aggregated(&'static str),
    /// A list of versions or groups, with one more answer for each.
    Legacy,
}

/// One clause of an `Accept` header. Parameters come in any order.
struct MediaRange<'a> {
    essence: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> MediaRange<'a> {
    fn parse(text: &'a str) -> MediaRange<'a> {
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        MediaRange { essence, parameters: parts.filter_map(|part| part.split_once('=')).collect() }
    }

    fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }

    fn takes_json(&self) -> bool {
        matches!(self.essence, "application/json" | "application/*" | "*/*")
    }
}

/// The clauses in the client's order, which is its preference.
fn accepted(headers: &HeaderMap) -> Vec<MediaRange<'_>> {
    let texts = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let clauses: Vec<&str> =
        texts.flat_map(|text| text.split(',')).map(str::trim).filter(|t| !t.is_empty()).collect();
    if clauses.is_empty() {
        vec![MediaRange::parse("*/*")]
    } else {
        clauses.into_iter().map(MediaRange::parse).collect()
    }
}

/// The first form that the client wants and we have.
pub(crate) fn form(headers: &HeaderMap) -> Result<Form, ApiError> {
    accepted(headers)
        .iter()
        .filter(|range| range.takes_json())
        .find_map(|range| match (range.parameter("as"), range.parameter("g"), range.parameter("v")) {
            (None, _, _) => Some(Form::Json),
            (Some("Table"), Some("meta.k8s.io"), Some("v1" | "v1beta1")) => Some(Form::Table),
            (
                Some("PartialObjectMetadata" | "PartialObjectMetadataList"),
                Some("meta.k8s.io"),
                Some("v1" | "v1beta1"),
            ) => Some(Form::Partial),
            _ => None,
        })
        .ok_or(ApiError::NotAcceptable("application/json, as it is or as=Table or as=PartialObjectMetadata"))
}

pub(crate) fn discovery(headers: &HeaderMap) -> Result<DiscoveryForm, ApiError> {
    accepted(headers)
        .iter()
        .filter(|range| range.takes_json())
        .find_map(|range| match (range.parameter("as"), range.parameter("g"), range.parameter("v")) {
            (None, _, _) => Some(DiscoveryForm::Legacy),
            (Some("APIGroupDiscoveryList"), Some("apidiscovery.k8s.io"), Some("v2")) => {
                Some(DiscoveryForm::Aggregated("v2"))
            }
            (Some("APIGroupDiscoveryList"), Some("apidiscovery.k8s.io"), Some("v2beta1")) => {
                Some(DiscoveryForm::Aggregated("v2beta1"))
            }
            _ => None,
        })
        .ok_or(ApiError::NotAcceptable("application/json, as it is or as=APIGroupDiscoveryList"))
}

/// The form of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyForm {
    Json,
    Yaml,
    Protobuf,
    JsonPatch,
    MergePatch,
    StrategicMergePatch,
    ApplyPatch,
}

/// The form that `Content-Type` names. Without one it is JSON: several clients send none.
pub(crate) fn body(headers: &HeaderMap) -> Result<BodyForm, ApiError> {
    let Some(value) = headers.get(CONTENT_TYPE) else { return Ok(BodyForm::Json) };
    let text = value.to_str().unwrap_or_default();
    match text.split(';').next().unwrap_or_default().trim() {
        "" | "application/json" => Ok(BodyForm::Json),
        "application/yaml" => Ok(BodyForm::Yaml),
        "application/vnd.kubernetes.protobuf" => Ok(BodyForm::Protobuf),
        "application/json-patch+json" => Ok(BodyForm::JsonPatch),
        "application/merge-patch+json" => Ok(BodyForm::MergePatch),
        "application/strategic-merge-patch+json" => Ok(BodyForm::StrategicMergePatch),
        "application/apply-patch+yaml" => Ok(BodyForm::ApplyPatch),
        other => Err(ApiError::UnsupportedMediaType(format!("the body has the unsupported type {other:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(text: &str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT, text.parse().unwrap())])
    }

    #[test]
    fn the_first_form_that_we_have() {
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        assert_eq!(form(&accept(table)).unwrap(), Form::Table);
        assert_eq!(
            form(&accept("application/json;g=meta.k8s.io;v=v1;as=Other,application/json")).unwrap(),
            Form::Json
        );
        assert_eq!(form(&accept("application/vnd.kubernetes.protobuf, */*")).unwrap(), Form::Json);
        let partial = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
        assert_eq!(form(&accept(partial)).unwrap(), Form::Partial);
        assert_eq!(form(&HeaderMap::new()).unwrap(), Form::Json);
        assert!(form(&accept("application/vnd.kubernetes.protobuf")).is_err());
    }

    #[test]
    fn discovery_as_new_clients_and_old_ones_ask() {
        let new = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
        assert_eq!(discovery(&accept(new)).unwrap(), DiscoveryForm::Aggregated("v2"));
        let old =
            "application/json;as=APIGroupDiscoveryList;v=v2beta1;g=apidiscovery.k8s.io,application/json";
        assert_eq!(discovery(&accept(old)).unwrap(), DiscoveryForm::Aggregated("v2beta1"));
        assert_eq!(discovery(&accept("application/json, */*")).unwrap(), DiscoveryForm::Legacy);
    }

    #[test]
    fn a_body_without_a_type_is_json() {
        assert_eq!(body(&HeaderMap::new()).unwrap(), BodyForm::Json);
        let plain = HeaderMap::from_iter([(CONTENT_TYPE, "text/plain".parse().unwrap())]);
        assert!(matches!(body(&plain), Err(ApiError::UnsupportedMediaType(_))));
    }
}
