//! Bearer tokens: how they look, and what is kept of them.
//!
//! A token is made by whoever asks for it, and only its digest is sent and stored as an `AccessToken`: the token itself is in
//! no store, log, backup or answer. It is 256 random bits, so that a plain SHA-256 of it cannot be turned round, and names
//! its object, so that it is found without a search.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::FieldError;
use crate::v1alpha1::AccessTokenSpec;

/// What each token begins with, so that it is recognised where it does not belong.
const PREFIX: &str = "lmp_";
/// Random bytes of a token.
pub const SECRET_BYTES: usize = 32;
/// The name of nobody: it cannot be had by a token.
pub const ANONYMOUS: &str = "system:anonymous";

/// The token of the `AccessToken` with this name: `lmp_ci_KH2…`.
pub fn compose(name: &str, secret: &[u8; SECRET_BYTES]) -> String {
    format!("{PREFIX}{name}_{}", BASE64URL_NOPAD.encode(secret))
}

/// The name of the `AccessToken` that this would be the token of. `None`: it is no token of ours.
pub fn name(token: &str) -> Option<&str> {
    // A name has no underscore; a secret may.
    let (name, secret) = token.strip_prefix(PREFIX)?.split_once('_')?;
    let well_formed =
        BASE64URL_NOPAD.decode(secret.as_bytes()).is_ok_and(|bytes| bytes.len() == SECRET_BYTES);
    (well_formed && crate::names::is_dns_label(name)).then_some(name)
}

/// The digest that is stored: SHA-256 of the whole token, in lower-case hexadecimal digits.
pub fn digest(token: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(token.as_bytes()))
}

/// When the token ends.
///
/// # Errors
/// It says no time. Such a token must let nobody in.
pub fn expires_at(spec: &AccessTokenSpec) -> Result<Timestamp, jiff::Error> {
    spec.expires_at.parse()
}

/// What is wrong with an `AccessToken` of the right shape.
pub(crate) fn validate(spec: &AccessTokenSpec, old: Option<&AccessTokenSpec>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let plain = |name: &str| name.len() <= 253 && !name.chars().any(char::is_control);
    match spec.user.as_str() {
        "" => errors.push(FieldError::required("spec.user", "whose token it is")),
        ANONYMOUS => errors.push(FieldError::invalid("spec.user", ANONYMOUS, "is whoever has no token")),
        user if !plain(user) => {
            errors.push(FieldError::invalid("spec.user", user, "must be at most 253 printable characters"));
        }
        _ => {}
    }
    for (index, group) in spec.groups.iter().enumerate() {
        if group.is_empty() || !plain(group) {
            let detail = "must be 1 to 253 printable characters";
            errors.push(FieldError::invalid(format!("spec.groups[{index}]"), group, detail));
        }
    }
    if let Err(error) = expires_at(spec) {
        let detail = format!("must be a time in RFC 3339, for example 2027-01-31T18:00:00Z: {error}");
        errors.push(FieldError::invalid("spec.expiresAt", &spec.expires_at, detail));
    }
    let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    if spec.sha256.len() != 64 || !spec.sha256.chars().all(hexadecimal) {
        // A token that was put here by mistake must not come back in an error.
        let detail = "must be the SHA-256 of the token, 64 lower-case hexadecimal digits: `lampctl token create` makes both";
        errors.push(FieldError::invalid("spec.sha256", Value::Null, detail));
    }
    if old.is_some_and(|old| old != spec) {
        let detail = "is immutable: delete the AccessToken, which revokes the token, and create another";
        errors.push(FieldError::forbidden("spec", detail));
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: [u8; SECRET_BYTES] = [0xfb; SECRET_BYTES];

    #[test]
    fn a_token_names_its_object() {
        let token = compose("ci-2027", &SECRET);
        assert!(token.starts_with("lmp_ci-2027_-_v7"), "{token}");
        assert_eq!(name(&token), Some("ci-2027"));
        assert_eq!(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn what_is_no_token_names_nothing() {
        let token = compose("ci", &SECRET);
        for wrong in [
            "".to_owned(),
            "lmp_".to_owned(),
            "lmp_ci_".to_owned(),
            token.replace("lmp_", "LMP_"),
            token.replace("_ci_", "__"),
            token.replace("_ci_", "_../x_"),
            token[..token.len() - 4].to_owned(),
            format!("{token}AAAA"),
            format!("{token}\n"),
        ] {
            assert_eq!(name(&wrong), None, "{wrong:?}");
        }
    }
}
