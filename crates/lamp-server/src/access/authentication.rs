//! Who sends a request: by a token, else by the certificate of its connection, else by where it comes from.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::Request;
use http::header::AUTHORIZATION;
use jiff::Timestamp;
use lamp_api::access_token;
use lamp_api::kinds::ACCESS_TOKEN;
use lamp_api::v1alpha1::AccessTokenSpec;
use lamp_store::Key;
use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::attributes::Identity;
use crate::connections::{PeerAddress, Transport};
use crate::error::ApiError;
use crate::server::Shared;
use crate::tls::ClientCertificate;

/// The name of whoever is on this machine where plain HTTP is served.
const LOCAL_ADMINISTRATOR: &str = "system:admin";

/// # Errors
/// What the request says of its sender is wrong.
pub(super) fn identify(shared: &Shared, request: &Request) -> Result<Identity, ApiError> {
    let extensions = request.extensions();
    if let Some(credentials) = request.headers().get(AUTHORIZATION) {
        let now = (shared.dependencies.clock)();
        let peer =
            extensions.get::<PeerAddress>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
        let identity = bearer(credentials.as_bytes()).and_then(|token| holder(shared, token, now));
        return identity.map_err(|error| match error {
            ApiError::Unauthorized(_) => shared.access.rates.failure(peer, error),
            error => error,
        });
    }
    if let Some(certificate) = extensions.get::<ClientCertificate>() {
        return Ok(Identity::authenticated(certificate.user.clone(), certificate.groups.clone()));
    }
    match extensions.get::<Transport>() {
        // Clients send no credentials without TLS. Who can reach the port is on the machine, and it was asked for.
        Some(Transport::Plain) => {
            Ok(Identity::authenticated(LOCAL_ADMINISTRATOR.to_owned(), vec![Identity::MASTERS.to_owned()]))
        }
        Some(Transport::Tls) | None => Ok(Identity::anonymous()),
    }
}

/// The token of `Bearer TOKEN`; the scheme is written in any case (RFC 7235, 2.1).
fn bearer(credentials: &[u8]) -> Result<&str, ApiError> {
    let text = std::str::from_utf8(credentials).ok();
    let parts = text.and_then(|text| text.split_once(' '));
    let token =
        parts.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    token.ok_or_else(|| {
        ApiError::Unauthorized("the only credentials in a header are Authorization: Bearer TOKEN".to_owned())
    })
}

/// Whom a token stands for. One that is unknown and one that is wrong are told apart by nobody.
fn holder(shared: &Shared, token: &str, now: Timestamp) -> Result<Identity, ApiError> {
    let unknown = || ApiError::Unauthorized("the token is wrong, or was revoked".to_owned());
    let name = access_token::name(token).ok_or_else(unknown)?;
    let key = Key::new(ACCESS_TOKEN.plural, "", name);
    let stored =
        shared.dependencies.store.get(&key).map_err(|error| ApiError::from_store(&ACCESS_TOKEN, error))?;
    let spec = stored.as_ref().and_then(|stored| AccessTokenSpec::deserialize(&stored.object["spec"]).ok());
    let kept = spec.as_ref().map_or("", |spec| spec.sha256.as_str());
    let is_right = bool::from(access_token::digest(token).as_bytes().ct_eq(kept.as_bytes()));
    let spec = spec.filter(|_| is_right).ok_or_else(unknown)?;
    let ends = access_token::expires_at(&spec).map_err(|_| unknown())?;
    if now >= ends {
        return Err(ApiError::Unauthorized(format!("the token expired at {ends}: have another made")));
    }
    Ok(Identity::authenticated(spec.user, spec.groups))
}
