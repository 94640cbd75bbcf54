//! Which service and action a request is for.

use hyper::body::Bytes;
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method};

/// One call, as it came from a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// As in the signature: `ec2`, `elasticloadbalancing`, `rds`, …; empty for a call that is not signed.
    pub service: String,
    /// For example `DescribeVpcs`; of a service that has no actions on the wire (S3, Route 53) the method.
    pub action: String,
    pub body: Bytes,
}

/// How the names of actions that change nothing begin.
const READING: [&str; 6] = ["Describe", "Get", "List", "Lookup", "Search", "BatchGet"];

impl Call {
    pub(super) fn of(head: &Parts, body: Bytes) -> Self {
        let service = service(&head.headers).unwrap_or_default().to_owned();
        let action = target(&head.headers)
            .or_else(|| operation_in_path(head))
            .or_else(|| form_field(&body, "Action"))
            .or_else(|| form_field(head.uri.query().unwrap_or_default().as_bytes(), "Action"))
            .unwrap_or_else(|| head.method.to_string());
        Self { service, action, body }
    }

    /// Whether it changes something.
    pub fn is_change(&self) -> bool {
        let reads = READING.iter().any(|word| self.action.starts_with(word));
        let method = [Method::GET, Method::HEAD].iter().any(|method| *method == self.action.as_str());
        !reads && !method
    }
}

/// `Credential=KEY/DATE/REGION/SERVICE/aws4_request`
fn service(headers: &HeaderMap) -> Option<&str> {
    let authorization = headers.get("authorization")?.to_str().ok()?;
    let (_, credential) = authorization.split_once("Credential=")?;
    let scope = credential.split([',', ' ']).next()?;
    scope.rsplit('/').nth(1)
}

/// `X-Amz-Target: SERVICE.OPERATION` of the JSON protocols.
fn target(headers: &HeaderMap) -> Option<String> {
    let target = headers.get("x-amz-target")?.to_str().ok()?;
    target.rsplit('.').next().map(str::to_owned)
}

/// `/service/SERVICE/operation/OPERATION` of Smithy RPC.
fn operation_in_path(head: &Parts) -> Option<String> {
    head.headers.get("smithy-protocol")?;
    head.uri.path().rsplit('/').next().map(str::to_owned)
}

/// A field of a form, as the query protocols send it. Names of actions are never encoded.
fn form_field(form: &[u8], name: &str) -> Option<String> {
    let text = std::str::from_utf8(form).ok()?;
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next()
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn call(scope: &str, change: impl FnOnce(&mut Request<()>), body: &'static str) -> Call {
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential=test/20261125/eu-west-1/{scope}/aws4_request, SignedHeaders=host"
        );
        let mut request = Request::builder().header("authorization", signature).body(()).unwrap();
        change(&mut request);
        Call::of(&request.into_parts().0, Bytes::from_static(body.as_bytes()))
    }

    fn named(call: &Call) -> (&str, &str, bool) {
        (&call.service, &call.action, call.is_change())
    }

    #[test]
    fn every_protocol_of_aws_names_its_action() {
        let query = call("ec2", |_| {}, "Version=2016-11-15&Action=CreateVpc&CidrBlock=10.0.0.0%2F16");
        assert_eq!(named(&query), ("ec2", "CreateVpc", true));
        let json = |request: &mut Request<()>| {
            request.headers_mut().insert("x-amz-target", "secretsmanager.ListSecrets".parse().unwrap());
        };
        assert_eq!(named(&call("secretsmanager", json, "{}")), ("secretsmanager", "ListSecrets", false));
        let cbor = |request: &mut Request<()>| {
            request.headers_mut().insert("smithy-protocol", "rpc-v2-cbor".parse().unwrap());
            *request.uri_mut() =
                "/service/GraniteServiceVersion20100801/operation/GetMetricData".parse().unwrap();
        };
        assert_eq!(named(&call("monitoring", cbor, "")), ("monitoring", "GetMetricData", false));
        let rest = |request: &mut Request<()>| {
            *request.method_mut() = Method::PUT;
            *request.uri_mut() = "/bucket?versioning".parse().unwrap();
        };
        assert_eq!(named(&call("s3", rest, "<a/>")), ("s3", "PUT", true));
        assert_eq!(named(&call("s3", |_| {}, "")), ("s3", "GET", false));
    }

    #[test]
    fn what_is_not_signed_has_no_service() {
        let request = Request::builder().uri("/?Action=DescribeVpcs").body(()).unwrap();
        let call = Call::of(&request.into_parts().0, Bytes::new());
        assert_eq!(named(&call), ("", "DescribeVpcs", false));
    }
}
