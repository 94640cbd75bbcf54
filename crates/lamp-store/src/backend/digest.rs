//! A digest of all rows that is kept up to date row by row: the sum of their fingerprints. Pure.

use std::collections::BTreeMap;

use super::Write;
use crate::journal::Rows;

/// Fingerprints of all rows, and their sum. The order of the rows has no meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Digest {
    fingerprints: BTreeMap<Vec<u8>, u128>,
    sum: u128,
}

impl Digest {
    pub(super) fn of(rows: &Rows) -> Digest {
        let mut digest = Digest::default();
        rows.iter().for_each(|(key, value)| digest.put(key, value));
        digest
    }

    pub(super) fn apply(&mut self, writes: &[Write]) {
        for write in writes {
            match write {
                Write::Put(key, value) => self.put(key, value),
                Write::Remove(key) => self.remove(key),
            }
        }
    }

    pub(super) fn sum(&self) -> u128 {
        self.sum
    }

    pub(super) fn rows(&self) -> u64 {
        self.fingerprints.len() as u64
    }

    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.remove(key);
        let fingerprint = fingerprint(key, value);
        self.sum = self.sum.wrapping_add(fingerprint);
        self.fingerprints.insert(key.to_vec(), fingerprint);
    }

    fn remove(&mut self, key: &[u8]) {
        if let Some(before) = self.fingerprints.remove(key) {
            self.sum = self.sum.wrapping_sub(before);
        }
    }
}

fn fingerprint(key: &[u8], value: &[u8]) -> u128 {
    let mut hash = blake3::Hasher::new();
    hash.update(&(key.len() as u64).to_le_bytes());
    hash.update(key);
    hash.update(value);
    let mut short = [0; 16];
    hash.finalize_xof().fill(&mut short);
    u128::from_le_bytes(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &str, value: &str) -> Write {
        Write::Put(key.into(), value.into())
    }

    #[test]
    fn a_digest_depends_on_the_rows_and_not_on_the_way_to_them() {
        let mut one = Digest::default();
        one.apply(&[put("a", "1"), put("b", "2"), put("a", "3"), put("c", "4"), Write::Remove("c".into())]);
        let rows: Rows = [(b"b".to_vec(), b"2".to_vec()), (b"a".to_vec(), b"3".to_vec())].into();
        assert_eq!(one, Digest::of(&rows));
        assert_eq!((one.rows(), one.sum()), (2, Digest::of(&rows).sum()));
    }

    #[test]
    fn where_a_key_ends_matters() {
        let digest = |key: &str, value: &str| Digest::of(&[(key.into(), value.into())].into()).sum();
        assert_ne!(digest("ab", "c"), digest("a", "bc"));
        assert_ne!(digest("a", ""), digest("", "a"));
    }
}
