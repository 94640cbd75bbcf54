//! A question to the controller: as which spec would a site that exists be kept?

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LampStackSpec, PlanPhase};

/// The id of a network in, the spec of the site in it out. Nothing on AWS is changed. The controller answers in `status`;
/// the object is removed after ten minutes.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "lamplighter.dev",
    version = "v1alpha1",
    kind = "Import",
    plural = "imports",
    singular = "import",
    namespaced,
    status = "ImportStatus",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct ImportSpec {
    /// The VPC that the site stands in, `vpc-…`.
    pub vpc: String,

    /// The region of the VPC. Default: the first region of the daemon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportStatus {
    /// Whether the answer is there.
    #[serde(default)]
    pub phase: PlanPhase,
    /// When AWS was read for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_time: Option<Time>,
    /// The spec of the site: it observes, and keeps the data should the stack be deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<LampStackSpec>,
    /// Which resource would be which part: what the annotation `lamplighter.dev/adopt` says.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub adopt: BTreeMap<String, String>,
    /// What the spec cannot say; a rule of `spec.ignore` leaves it as it is.
    #[serde(default)]
    pub unexpressed: Vec<UnexpressedField>,
    /// Parts that would be made, as the site has nothing of the kind.
    #[serde(default)]
    pub made: Vec<String>,
    /// What stands in the network, or serves it, and would be no part of the stack.
    #[serde(default)]
    pub left_out: Vec<LeftOutResource>,
    /// What a person must put right in the spec before it is accepted.
    #[serde(default)]
    pub problems: Vec<String>,
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A field that the spec cannot say as AWS has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnexpressedField {
    pub part: String,
    /// AWS's id of the resource.
    pub id: String,
    pub field: String,
    /// What the spec would want.
    pub wanted: String,
    /// What AWS has.
    pub found: String,
}

/// A resource that would be no part of the stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeftOutResource {
    /// Kind of the AWS resource.
    pub kind: String,
    pub id: String,
    pub why: String,
}
