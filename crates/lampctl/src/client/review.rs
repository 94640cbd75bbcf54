//! Questions about who one is and what one may.

use http::Request;
use serde_json::{Value, json};

use super::Server;
use crate::exit::Failure;

impl Server {
    /// Asks for a review of oneself, such as `SelfSubjectReview`; gives its status.
    pub(crate) async fn review(&self, group: &str, kind: &str, spec: &Value) -> Result<Value, Failure> {
        let path = format!("/apis/{group}/v1/{}s", kind.to_lowercase());
        let body = json!({"apiVersion": format!("{group}/v1"), "kind": kind, "spec": spec});
        let impossible = |e| Failure::failed(format!("cannot ask for a {kind}: {e}"));
        let request = Request::post(path).header("content-type", "application/json");
        let request = request.body(body.to_string().into_bytes()).map_err(impossible)?;
        Ok(self.send(request).await?["status"].take())
    }

    /// User name and groups, as the server knows them.
    pub(crate) async fn who(&self) -> Result<Value, Failure> {
        let mut status = self.review("authentication.k8s.io", "SelfSubjectReview", &json!({})).await?;
        Ok(status["userInfo"].take())
    }
}
