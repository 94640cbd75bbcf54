//! Who a client's certificate says that it is, as Kubernetes reads it: the common name is the user, organisations are
//! groups.

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::AttributeTypeAndValue;

use super::inspect;

/// A client that proved who it is by a certificate of a CA that we trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientCertificate {
    /// `CN`.
    pub(crate) user: String,
    /// Each `O`, in the order of the certificate.
    pub(crate) groups: Vec<String>,
    /// A connection may live longer than what it was opened with.
    pub(crate) until: Timestamp,
}

impl ClientCertificate {
    /// Reads a certificate whose chain was verified.
    ///
    /// # Errors
    /// It names nobody, or leaves open whom.
    pub(crate) fn read(certificate: &CertificateDer<'_>) -> Result<ClientCertificate, String> {
        let until = inspect::validity(certificate)?.until;
        let parsed = inspect::parse(certificate)?;
        let names: Vec<String> = parsed.subject().iter_common_name().map(text).collect::<Result<_, _>>()?;
        let groups = parsed.subject().iter_organization().map(text).collect::<Result<_, _>>()?;
        match names.as_slice() {
            [user] => Ok(ClientCertificate { user: user.clone(), groups, until }),
            [] => Err("its subject has no common name (CN)".to_owned()),
            _ => Err("its subject has several common names (CN)".to_owned()),
        }
    }
}

fn text(attribute: &AttributeTypeAndValue<'_>) -> Result<String, String> {
    let text = attribute.as_str().map_err(|error| format!("its subject is no plain text: {error}"))?;
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("its subject has an empty name, or one with control characters".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair};

    use super::*;

    fn read(subject: &[(DnType, &str)]) -> Result<ClientCertificate, String> {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        for (kind, value) in subject {
            parameters.distinguished_name.push(kind.clone(), DnValue::Utf8String((*value).to_owned()));
        }
        let certificate = parameters.self_signed(&KeyPair::generate().unwrap()).unwrap();
        ClientCertificate::read(certificate.der())
    }

    #[test]
    fn the_common_name_is_the_user_and_organisations_are_groups() {
        let found =
            read(&[(DnType::OrganizationName, "system:masters"), (DnType::CommonName, "ann")]).unwrap();
        assert_eq!((found.user.as_str(), found.groups), ("ann", vec!["system:masters".to_owned()]));
        assert_eq!(read(&[(DnType::CommonName, "bob")]).unwrap().groups, Vec::<String>::new());
    }

    #[test]
    fn a_subject_that_names_nobody_is_nobody() {
        assert!(read(&[(DnType::OrganizationName, "team")]).unwrap_err().contains("no common name"));
        assert!(read(&[(DnType::CommonName, "")]).unwrap_err().contains("empty name"));
        assert!(read(&[(DnType::CommonName, "ann\0bob")]).unwrap_err().contains("control characters"));
    }
}
