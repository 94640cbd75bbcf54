//! How certificates are made: ECDSA P-256 throughout.

use data_encoding::HEXLOWER;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData,
};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::{ServerNames, TlsError};

const AUTHORITY_LIFE: SignedDuration = SignedDuration::from_hours(10 * 365 * 24);
const SERVER_LIFE: SignedDuration = SignedDuration::from_hours(365 * 24);
/// Clients' clocks may be behind ours.
const BACKDATED: SignedDuration = SignedDuration::from_hours(1);

/// A certificate and its key in PEM.
pub(super) struct Issued {
    pub(super) certificate: String,
    pub(super) key: String,
}

pub(super) fn new_key() -> Result<KeyPair, TlsError> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(|error| failed(&error))
}

/// The certificate of a CA with this key, in PEM. The key is in its name: clients that met two CAs of one name would
/// complain of a wrong signature, which says nothing of an unknown CA.
pub(super) fn authority(key: &KeyPair, now: Timestamp) -> Result<String, TlsError> {
    let print = Sha256::digest(key.subject_public_key_info());
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = name(&format!("Lamplighter CA {}", HEXLOWER.encode(&print[..4])));
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (parameters.not_before, parameters.not_after) = (at(now - BACKDATED)?, at(now + AUTHORITY_LIFE)?);
    Ok(parameters.self_signed(key).map_err(|error| failed(&error))?.pem())
}

/// A new certificate of the server with a new key, signed by the CA; it ends no later than the CA does.
pub(super) fn server(
    issuer: &Issuer<'_, KeyPair>,
    names: &ServerNames,
    now: Timestamp,
    authority_ends: Timestamp,
) -> Result<Issued, TlsError> {
    let names: Vec<String> = names.iter().map(str::to_owned).collect();
    let mut parameters = CertificateParams::new(names).map_err(|error| failed(&error))?;
    parameters.distinguished_name = name("lamplighter");
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.use_authority_key_identifier_extension = true;
    parameters.not_before = at(now - BACKDATED)?;
    parameters.not_after = at((now + SERVER_LIFE).min(authority_ends))?;
    let key = new_key()?;
    let certificate = parameters.signed_by(&key, issuer).map_err(|error| failed(&error))?;
    Ok(Issued { certificate: certificate.pem(), key: key.serialize_pem() })
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

fn at(time: Timestamp) -> Result<OffsetDateTime, TlsError> {
    OffsetDateTime::from_unix_timestamp(time.as_second()).map_err(|error| TlsError::Issue(error.to_string()))
}

fn failed(error: &rcgen::Error) -> TlsError {
    TlsError::Issue(error.to_string())
}
