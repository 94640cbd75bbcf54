//! The head of a segment: which frame comes first in it, and what that one is tied to. Pure.

use super::Link;
use super::frame::number;

/// The last byte is the version of the journal's form.
const MAGIC: [u8; 8] = *b"lamplog\x01";

/// Bytes before the first frame.
pub(super) const HEAD: usize = 36;

/// What a segment begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHead {
    pub(super) first: u64,
    pub(super) previous: Link,
}

impl SegmentHead {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.first.to_le_bytes());
        bytes.extend(self.previous);
        bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    /// `None`: the bytes are no head, or a damaged one.
    pub(super) fn decode(bytes: &[u8]) -> Option<SegmentHead> {
        let checksum = u32::from_le_bytes(number(bytes, HEAD - 4)?);
        let intact = bytes.starts_with(&MAGIC) && crc32fast::hash(bytes.get(..HEAD - 4)?) == checksum;
        intact.then_some(SegmentHead {
            first: u64::from_le_bytes(number(bytes, 8)?),
            previous: number(bytes, 16)?,
        })
    }
}
