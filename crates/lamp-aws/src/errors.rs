//! From the SDK's errors to ours. What a code means stands in one table, [`classes`].
//!
//! The code decides first; the HTTP status only where the code is not known. AWS reports a lack of capacity as a server
//! error, so a judgement by status alone would repeat such calls in vain.

mod classes;

use std::error::Error;
use std::time::Duration;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use lamp_cloud::{CloudError, ErrorClass};

/// What the failure of a call means.
pub(crate) fn failure<E>(operation: &str, error: SdkError<E, HttpResponse>) -> CloudError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let answered = CloudError {
        request_id: error.request_id().map(ToOwned::to_owned),
        retry_after: error.raw_response().and_then(retry_after),
        ..described(operation, &error)
    };
    tracing::debug!(operation, class = ?answered.class, code = answered.code, "AWS call failed");
    answered
}

/// Whether the failure says that what was asked for is not there.
pub(crate) fn is_absent(error: &CloudError) -> bool {
    error.class == ErrorClass::NotFound
}

fn described<E>(operation: &str, error: &SdkError<E, HttpResponse>) -> CloudError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let new = |class, code: &str, message: String| CloudError::new(class, operation, code, message);
    match error {
        SdkError::ServiceError(refusal) => refused(operation, refusal.err(), status.unwrap_or_default()),
        SdkError::TimeoutError(_) => {
            new(ErrorClass::Transient, "Timeout", "AWS did not answer in time".into())
        }
        SdkError::DispatchFailure(failure) if failure.is_timeout() => {
            new(ErrorClass::Transient, "Timeout", "AWS did not answer in time".into())
        }
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(cause) if lacks_credentials(cause) => new(ErrorClass::Denied, "NoCredentials", chain(cause)),
            Some(cause) => new(ErrorClass::Transient, "ConnectFailed", chain(cause)),
            None => new(ErrorClass::Transient, "ConnectFailed", "AWS could not be reached".into()),
        },
        SdkError::ResponseError(_) => {
            new(ErrorClass::Unintelligible, "UnreadableAnswer", "the answer could not be read".into())
        }
        _ if lacks_credentials(error) => new(ErrorClass::Denied, "NoCredentials", chain(error)),
        _ => new(ErrorClass::Invalid, "RequestNotBuilt", "the request lacks what AWS demands".into()),
    }
}

fn refused(operation: &str, error: &impl ProvideErrorMetadata, status: u16) -> CloudError {
    let message = error.message().unwrap_or("no message").to_owned();
    let Some(code) = error.code() else {
        let class = if status >= 500 { ErrorClass::Transient } else { ErrorClass::Unintelligible };
        return CloudError::new(class, operation, format!("Http{status}"), message);
    };
    CloudError::new(classes::classify(code, &message, status), operation, code, message)
}

fn retry_after(response: &HttpResponse) -> Option<Duration> {
    response.headers().get("retry-after")?.trim().parse().ok().map(Duration::from_secs)
}

fn lacks_credentials(error: &(dyn Error + 'static)) -> bool {
    sources(error).any(|cause| cause.is::<CredentialsError>())
}

// The words of every cause. Connection errors and credential errors hold nothing of the request.
fn chain(error: &(dyn Error + 'static)) -> String {
    sources(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause| (*cause).source())
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::operation::create_vpc::CreateVpcError;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    type Failure = SdkError<CreateVpcError, HttpResponse>;

    fn response(status: u16) -> HttpResponse {
        let mut response = HttpResponse::new(
            StatusCode::try_from(status).expect("status"),
            SdkBody::from("top secret body"),
        );
        response.headers_mut().insert("x-amzn-requestid", "request-7");
        response.headers_mut().insert("retry-after", "9");
        response
    }

    fn answered(code: Option<&str>, status: u16) -> CloudError {
        let metadata = ErrorMetadata::builder().message("why");
        let metadata = if let Some(code) = code { metadata.code(code) } else { metadata };
        let error = CreateVpcError::generic(metadata.build());
        failure("CreateVpc", Failure::service_error(error, response(status)))
    }

    #[test]
    fn an_answer_keeps_its_code_message_request_id_and_wait() {
        let error = answered(Some("VpcLimitExceeded"), 400);
        assert_eq!(error.class, ErrorClass::Quota);
        assert_eq!((error.operation.as_str(), error.code.as_str()), ("CreateVpc", "VpcLimitExceeded"));
        assert_eq!((error.message.as_str(), error.request_id.as_deref()), ("why", Some("request-7")));
        assert_eq!(error.retry_after, Some(Duration::from_secs(9)));
    }

    #[test]
    fn an_answer_without_a_code_is_judged_by_its_status() {
        assert_eq!(answered(None, 502).class, ErrorClass::Transient);
        assert_eq!(answered(None, 404).class, ErrorClass::Unintelligible);
        assert!(answered(None, 404).outcome_unknown());
    }

    #[test]
    fn what_never_answered_is_transient() {
        let timeout = failure("CreateVpc", Failure::timeout_error("slow"));
        assert_eq!((timeout.class, timeout.code.as_str()), (ErrorClass::Transient, "Timeout"));
        let slow = failure("CreateVpc", Failure::dispatch_failure(ConnectorError::timeout("slow".into())));
        assert_eq!((slow.class, slow.code.as_str()), (ErrorClass::Transient, "Timeout"));
        let reset = failure("CreateVpc", Failure::dispatch_failure(ConnectorError::io("reset".into())));
        assert_eq!((reset.class, reset.code.as_str()), (ErrorClass::Transient, "ConnectFailed"));
        assert!(reset.message.contains("reset"), "{reset}");
    }

    #[test]
    fn missing_credentials_are_denied_and_nothing_was_sent() {
        let cause = ConnectorError::other(CredentialsError::not_loaded("expired").into(), None);
        let error = failure("CreateVpc", Failure::dispatch_failure(cause));
        assert_eq!((error.class, error.code.as_str()), (ErrorClass::Denied, "NoCredentials"));
        assert!(!error.outcome_unknown());
        let built = failure("CreateVpc", Failure::construction_failure(CredentialsError::not_loaded("none")));
        assert_eq!(built.class, ErrorClass::Denied);
    }

    #[test]
    fn what_cannot_be_understood_or_built_says_so_without_quoting() {
        let garbled = failure("CreateVpc", Failure::response_error("bad xml", response(200)));
        assert_eq!(garbled.class, ErrorClass::Unintelligible);
        assert!(!format!("{garbled:?}").contains("top secret"));
        assert_eq!(garbled.request_id.as_deref(), Some("request-7"));
        let built = failure("CreateVpc", Failure::construction_failure("no name"));
        assert_eq!((built.class, built.outcome_unknown()), (ErrorClass::Invalid, false));
    }
}
