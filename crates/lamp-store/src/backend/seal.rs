//! The row that says what the index must hold. Pure.

use crate::journal::Link;

/// Key of the row. No row of a store is called so.
pub(super) const SEAL_ROW: &[u8] = b"seal";

/// Written with every batch, in the same atomic write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seal {
    /// The number of the batch.
    pub(super) sequence: u64,
    /// What the next frame of the journal is tied to.
    pub(super) link: Link,
    /// How many rows there are.
    pub(super) rows: u64,
    /// The sum of their fingerprints.
    pub(super) digest: u128,
}

impl Seal {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.sequence.to_le_bytes().to_vec();
        bytes.extend(self.link);
        bytes.extend(self.rows.to_le_bytes());
        bytes.extend(self.digest.to_le_bytes());
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    /// `None`: the bytes are no seal, or a damaged one.
    pub(super) fn decode(bytes: &[u8]) -> Option<Seal> {
        let (body, checksum) = bytes.split_last_chunk::<4>()?;
        if crc32fast::hash(body) != u32::from_le_bytes(*checksum) || body.len() != 48 {
            return None;
        }
        let (sequence, rest) = body.split_first_chunk::<8>()?;
        let (link, rest) = rest.split_first_chunk::<16>()?;
        let (rows, rest) = rest.split_first_chunk::<8>()?;
        let (digest, _) = rest.split_first_chunk::<16>()?;
        Some(Seal {
            sequence: u64::from_le_bytes(*sequence),
            link: *link,
            rows: u64::from_le_bytes(*rows),
            digest: u128::from_le_bytes(*digest),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_is_read_back_and_no_flipped_bit_goes_unnoticed() {
        let seal = Seal { sequence: 7, link: [3; 16], rows: 12, digest: u128::MAX / 3 };
        let bytes = seal.encode();
        assert_eq!(Seal::decode(&bytes), Some(seal));
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Seal::decode(&damaged), None, "bit {bit}");
        }
        assert_eq!(Seal::decode(&bytes[..bytes.len() - 1]), None);
    }
}
