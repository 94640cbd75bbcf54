//! What is in the bytes of one segment: its frames, and where they cannot be read. Pure.

use super::Link;
use super::frame::{self, Start};
use super::segment::{self, SegmentHead};

/// A frame that is whole, and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) sequence: u64,
    pub(crate) offset: usize,
    pub(crate) length: usize,
    pub(crate) previous: Link,
    pub(crate) link: Link,
}

/// What a segment holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    pub(super) frames: Vec<Spot>,
    /// Where bytes are that are no frame.
    pub(super) damaged: Vec<usize>,
    /// Where a frame begins that was not written to its end.
    pub(super) torn: Option<usize>,
    /// Damage comes after the last frame: there was at least one more.
    pub(super) ends_damaged: bool,
    /// The file was not even written to the end of its head.
    pub(super) is_stub: bool,
}

/// Reads a segment. Behind damage it looks for the next whole frame.
pub(super) fn scan(bytes: &[u8]) -> Scan {
    let mut scan = Scan::default();
    if bytes.len() < segment::HEAD {
        scan.is_stub = true;
        return scan;
    }
    if SegmentHead::decode(bytes).is_none() {
        scan.damaged.push(0);
    }
    let mut offset = segment::HEAD;
    loop {
        let rest = bytes.get(offset..).unwrap_or_default();
        match frame::read(rest) {
            Start::Nothing => return scan,
            Start::Whole(frame) => {
                let length = frame.length();
                let (sequence, previous, link) = (frame.sequence, frame.previous, frame.link);
                scan.frames.push(Spot { sequence, offset, length, previous, link });
                offset += length;
            }
            Start::Torn => {
                scan.torn = Some(offset);
                return scan;
            }
            Start::Damaged => {
                scan.damaged.push(offset);
                let last = scan.frames.last().map_or(0, |frame| frame.sequence);
                let Some(next) = next_frame(bytes, offset + 1, last) else {
                    scan.ends_damaged = true;
                    return scan;
                };
                offset = next;
            }
        }
    }
}

/// How far ahead of the last one a sequence is believed while one is looked for.
const PLAUSIBLE: u64 = 1 << 32;

fn next_frame(bytes: &[u8], from: usize, last: u64) -> Option<usize> {
    let is_plausible = |offset: &usize| {
        let claimed = frame::claimed_sequence(bytes.get(*offset..).unwrap_or_default());
        claimed.is_some_and(|sequence| sequence > last && sequence - last < PLAUSIBLE)
    };
    let is_whole =
        |offset: &usize| matches!(frame::read(bytes.get(*offset..).unwrap_or_default()), Start::Whole(_));
    (from..bytes.len()).filter(is_plausible).find(is_whole)
}
