//! Identifiers that never repeat, even when the machine's entropy does.

use sha2::{Digest, Sha256};

use crate::key::Revision;

/// The uid of the object created at `revision` in the store `instance`: a UUID of version 8 (RFC 9562), whose bits
/// are a hash of both. Two objects of one store differ in revision, two stores differ in instance.
pub(crate) fn uid(instance: &str, revision: Revision) -> String {
    let mut bytes = digest(&[instance.as_bytes(), &revision.to_be_bytes()]);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = data_encoding::HEXLOWER.encode(&bytes);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// The name of a new store, from randomness and from when and where it was made.
pub(crate) fn new_instance(now: jiff::Timestamp, place: &str) -> String {
    let random = uuid::Uuid::new_v4();
    let bytes = digest(&[random.as_bytes(), &now.as_nanosecond().to_be_bytes(), place.as_bytes()]);
    data_encoding::HEXLOWER.encode(&bytes)
}

fn digest(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let full = hash.finalize();
    let mut short = [0; 16];
    short.copy_from_slice(&full[..16]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_a_version_8_uuid_and_never_repeats() {
        let uids: std::collections::BTreeSet<String> = (0..1000).map(|revision| uid("a", revision)).collect();
        assert_eq!(uids.len(), 1000);
        assert!(uids.iter().all(|uid| uuid::Uuid::parse_str(uid).unwrap().get_version_num() == 8));
        assert_ne!(uid("a", 1), uid("b", 1));
    }
}
