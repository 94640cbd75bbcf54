//! A batch as bytes. Pure.
//!
//! Write after write: one byte (1 puts, 0 removes), the length of the key and the key, and of a put the length of the
//! value and the value. Lengths are four bytes, little endian.

use super::frame::number;
use crate::backend::{Batch, Write};

const REMOVE: u8 = 0;
const PUT: u8 = 1;

/// `None`: a key or a value is longer than four bytes can say.
pub(super) fn encode(batch: &Batch) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for write in &batch.writes {
        match write {
            Write::Put(key, value) => {
                bytes.push(PUT);
                push(&mut bytes, key)?;
                push(&mut bytes, value)?;
            }
            Write::Remove(key) => {
                bytes.push(REMOVE);
                push(&mut bytes, key)?;
            }
        }
    }
    Some(bytes)
}

/// `None`: these bytes are no batch.
pub(super) fn decode(mut bytes: &[u8]) -> Option<Vec<Write>> {
    let mut writes = Vec::new();
    while let Some((kind, rest)) = bytes.split_first() {
        bytes = rest;
        let key = take(&mut bytes)?.to_vec();
        writes.push(match *kind {
            PUT => Write::Put(key, take(&mut bytes)?.to_vec()),
            REMOVE => Write::Remove(key),
            _ => return None,
        });
    }
    Some(writes)
}

/// A length, and so many bytes.
pub(super) fn push(bytes: &mut Vec<u8>, part: &[u8]) -> Option<()> {
    bytes.extend(u32::try_from(part.len()).ok()?.to_le_bytes());
    bytes.extend(part);
    Some(())
}

/// What [`push`] wrote.
pub(super) fn take<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = u32::from_le_bytes(number(bytes, 0)?);
    let rest = bytes.get(4..)?;
    let (part, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(part)
}
