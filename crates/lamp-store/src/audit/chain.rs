//! How a line is tied to those before it. Pure.
//!
//! A line is an object whose last member, `chain`, is BLAKE3 of the chain before it followed by the text of the line up to
//! that member.

use serde_json::{Map, Value};

/// Where a chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// Lines so far.
    pub(super) sequence: u64,
    pub(super) hash: blake3::Hash,
}

const MEMBER: &str = ",\"chain\":\"";
const END: &str = "\"}";
const HEX: usize = 64;

impl Link {
    /// Of a log without a line.
    pub(super) const NONE: Link = Link { sequence: 0, hash: blake3::Hash::from_bytes([0; 32]) };
}

/// The line with its end, and where the chain ends with it.
pub(super) fn line(before: &Link, mut entry: Map<String, Value>) -> (String, Link) {
    let sequence = before.sequence + 1;
    entry.insert("sequence".to_owned(), sequence.into());
    let mut text = Value::Object(entry).to_string();
    // The closing brace comes after the chain.
    text.pop();
    let hash = hash(before, &text);
    text.push_str(MEMBER);
    text.push_str(&hash.to_hex());
    text.push_str(END);
    text.push('\n');
    (text, Link { sequence, hash })
}

fn hash(before: &Link, text: &str) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before.hash.as_bytes());
    hasher.update(text.as_bytes());
    hasher.finalize()
}

/// What a line says of its place in the chain, and its text up to there; without its end of line.
///
/// # Errors
/// It is no line of an audit log, in a sentence.
pub(super) fn read(line: &str) -> Result<(Link, &str), String> {
    let wrong = || "it is no line of an audit log".to_owned();
    let body = line.strip_suffix(END).ok_or_else(wrong)?;
    let split = body.len().checked_sub(HEX).filter(|at| body.is_char_boundary(*at)).ok_or_else(wrong)?;
    let (text, hex) = body.split_at(split);
    let text = text.strip_suffix(MEMBER).ok_or_else(wrong)?;
    let hash = blake3::Hash::from_hex(hex).map_err(|_| wrong())?;
    let value: Value = serde_json::from_str(line).map_err(|_| wrong())?;
    let sequence = value["sequence"].as_u64().ok_or_else(wrong)?;
    Ok((Link { sequence, hash }, text))
}

/// Where the chain ends with this line. The first line of what is kept is taken at its word about what came before.
///
/// # Errors
/// How it does not fit, in a sentence.
pub(super) fn follow(before: Option<&Link>, line: &str) -> Result<Link, String> {
    let (link, text) = read(line)?;
    let Some(before) = before else { return Ok(link) };
    if link.sequence != before.sequence + 1 {
        return Err(format!("line {} is followed by line {}", before.sequence, link.sequence));
    }
    if hash(before, text) == link.hash {
        Ok(link)
    } else {
        Err(format!("line {} was changed", link.sequence))
    }
}
