//! What went wrong on the way to the server, in words that say what to do.

use std::error::Error;
use std::io;

use kube::core::Status;
use rustls::{AlertDescription, CertificateError, InvalidMessage};

use super::access::ADMIN_KUBECONFIG;
use crate::exit::Failure;

pub(super) fn translate(address: &str, error: kube::Error) -> Failure {
    match error {
        kube::Error::Api(status) => refused(address, *status),
        kube::Error::Service(_) | kube::Error::HyperError(_) | kube::Error::ReadEvents(_) => {
            if let Some(failure) = secured(&error).and_then(|error| tls(address, error)) {
                return failure;
            }
            Failure::Unreachable { address: address.to_owned(), cause: root(&error) }
        }
        other => Failure::failed(format!("cannot talk to {address}: {other}")),
    }
}

/// A refusal of the server, or of what is in front of it.
pub(super) fn refused(address: &str, status: Status) -> Failure {
    // What servers written in Go say, and ours.
    if status.code == 400 && status.message.contains("HTTP request to an HTTPS server") {
        return Failure::Misunderstood(format!(
            "{address} speaks TLS: write https://{}, or use a kubeconfig, such as {ADMIN_KUBECONFIG}, which root \
             may read",
            address.trim_start_matches("http://")
        ));
    }
    Failure::Api(Box::new(status))
}

fn tls(address: &str, error: &rustls::Error) -> Option<Failure> {
    use rustls::Error::{AlertReceived, InvalidCertificate, InvalidMessage as Invalid};
    Some(match error {
        // The latter where another CA of the same name is trusted.
        InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            Failure::Misunderstood(format!(
                "the certificate of {address} is of a CA that is not trusted here: name that CA with \
             --certificate-authority, which is ca.crt among the daemon's certificates"
            ))
        }
        InvalidCertificate(_) => {
            Failure::Misunderstood(format!("the certificate of {address} is not accepted: {error}"))
        }
        Invalid(InvalidMessage::InvalidContentType) => Failure::Misunderstood(format!(
            "{address} speaks plain HTTP and no TLS: write http://{}",
            address.trim_start_matches("https://")
        )),
        AlertReceived(
            AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::DecryptError,
        ) => Failure::NotAllowed(format!("{address} does not accept the client certificate: {error}")),
        _ => return None,
    })
}

/// What TLS says, wherever it stands among the causes.
fn secured<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        // An error of IO shows what its content is caused by, but not its content.
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}

/// The innermost cause says it best: `Connection refused (os error 111)`.
fn root(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
