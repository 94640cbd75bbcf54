//! One frame: a batch as bytes, proven by checksums and tied to the frame before it. Pure.
//!
//! | bytes | are |
//! |---|---|
//! | 4 | length of the payload |
//! | 4 | CRC-32 of the payload |
//! | 8 | sequence |
//! | 16 | link: the first bytes of the hash of the frame before |
//! | 4 | CRC-32 of all this |
//! | | the payload |
//!
//! Numbers are little endian. The head has a checksum of its own, so that a frame that was not written to its end can be
//! told from one that was damaged: a length is believed only where its checksum holds.

use super::Link;

/// Bytes before the payload.
pub(super) const HEAD: usize = 36;

/// A frame that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) sequence: u64,
    /// The link of the frame before.
    pub(super) previous: Link,
    pub(super) payload: &'a [u8],
    /// Its own link.
    pub(super) link: Link,
}

impl Frame<'_> {
    pub(super) fn length(&self) -> usize {
        HEAD + self.payload.len()
    }
}

/// What bytes begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start<'a> {
    Nothing,
    Whole(Frame<'a>),
    /// A frame whose writing was cut off: nobody was told of it.
    Torn,
    Damaged,
}

/// The frame, and its link.
pub(super) fn encode(sequence: u64, previous: &Link, payload: &[u8]) -> Option<(Vec<u8>, Link)> {
    let length = u32::try_from(payload.len()).ok()?;
    let mut bytes = Vec::with_capacity(HEAD + payload.len());
    bytes.extend(length.to_le_bytes());
    bytes.extend(crc32fast::hash(payload).to_le_bytes());
    bytes.extend(sequence.to_le_bytes());
    bytes.extend(previous);
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes.extend(payload);
    let link = link(&bytes);
    Some((bytes, link))
}

/// What `bytes` begin with.
pub(super) fn read(bytes: &[u8]) -> Start<'_> {
    if bytes.is_empty() {
        return Start::Nothing;
    }
    let Some(head) = Head::read(bytes) else {
        // Space that a file system gave to a file, and that was never written.
        let is_blank = bytes.len() < HEAD || bytes.iter().all(|byte| *byte == 0);
        return if is_blank { Start::Torn } else { Start::Damaged };
    };
    let Some(payload) = bytes.get(HEAD..).and_then(|rest| rest.get(..head.length)) else {
        return Start::Torn;
    };
    if crc32fast::hash(payload) != head.checksum {
        return Start::Damaged;
    }
    let link = link(bytes.get(..HEAD + head.length).unwrap_or_default());
    Start::Whole(Frame { sequence: head.sequence, previous: head.previous, payload, link })
}

/// The sequence that the bytes would have if they were a frame: cheap, and proves nothing.
pub(super) fn claimed_sequence(bytes: &[u8]) -> Option<u64> {
    number(bytes, 8).map(u64::from_le_bytes)
}

struct Head {
    length: usize,
    checksum: u32,
    sequence: u64,
    previous: Link,
}

impl Head {
    fn read(bytes: &[u8]) -> Option<Head> {
        let checksum = number(bytes, HEAD - 4).map(u32::from_le_bytes)?;
        if crc32fast::hash(bytes.get(..HEAD - 4)?) != checksum {
            return None;
        }
        Some(Head {
            length: number(bytes, 0).map(u32::from_le_bytes)?.try_into().ok()?,
            checksum: number(bytes, 4).map(u32::from_le_bytes)?,
            sequence: claimed_sequence(bytes)?,
            previous: number(bytes, 16)?,
        })
    }
}

/// The bytes at a place, if there are so many.
pub(super) fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.get(..N)?.try_into().ok()
}

fn link(frame: &[u8]) -> Link {
    let mut link = Link::default();
    let hash = blake3::hash(frame);
    let size = link.len();
    link.copy_from_slice(&hash.as_bytes()[..size]);
    link
}
