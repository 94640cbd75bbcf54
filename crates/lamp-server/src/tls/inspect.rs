//! What stands in a certificate.

use std::collections::BTreeSet;
use std::net::IpAddr;

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;
use x509_parser::prelude::{ASN1Time, X509Certificate};

/// From when until when a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

pub(super) fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, String> {
    let (_, parsed) = parse_x509_certificate(certificate)
        .map_err(|error| format!("it is no X.509 certificate: {error}"))?;
    Ok(parsed)
}

pub(super) fn validity(certificate: &CertificateDer<'_>) -> Result<Validity, String> {
    let parsed = parse(certificate)?;
    let time = |time: ASN1Time| {
        Timestamp::from_second(time.timestamp()).map_err(|error| format!("its validity has no end: {error}"))
    };
    Ok(Validity { from: time(parsed.validity().not_before)?, until: time(parsed.validity().not_after)? })
}

/// The names and addresses that a server's certificate is for.
pub(super) fn names(certificate: &CertificateDer<'_>) -> Result<BTreeSet<String>, String> {
    let parsed = parse(certificate)?;
    let extension = parsed.subject_alternative_name().map_err(|error| error.to_string())?;
    let names = extension.iter().flat_map(|extension| &extension.value.general_names);
    Ok(names.filter_map(name).collect())
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let four = <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    four.or_else(|| <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from))
}
