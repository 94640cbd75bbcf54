//! Rows as lines of JSON, which a person can read. Pure.
//!
//! The first line names the form, each one after it is a row, and the last one holds a digest of all lines before it.

use serde_json::{Value, json};

use crate::journal::Rows;
use crate::layout;

/// The form.
const VERSION: u64 = 1;
const CHANGE: &[u8] = b"change\0";

/// Every row, with head and digest.
///
/// # Errors
/// The row that cannot be written, in a sentence.
pub(super) fn write(rows: &Rows) -> Result<String, String> {
    let mut text = json!({"lamplighterStore": VERSION, "rows": rows.len()}).to_string();
    text.push('\n');
    for (key, value) in rows {
        text.push_str(&row(key, value).ok_or_else(|| format!("row {} is unknown", key.escape_ascii()))?);
        text.push('\n');
    }
    let digest = blake3::hash(text.as_bytes()).to_hex();
    text.push_str(&json!({"digest": format!("blake3:{digest}")}).to_string());
    text.push('\n');
    Ok(text)
}

/// The rows that [`write`] wrote.
///
/// # Errors
/// What is wrong with the text, in a sentence.
pub(super) fn read(text: &str) -> Result<Rows, String> {
    let body = text.trim_end_matches('\n');
    let (before, last) = body.rsplit_once('\n').ok_or("it is no export of a store")?;
    let digest = parse(last)?["digest"].as_str().map(str::to_owned);
    let digest = digest.ok_or("its last line holds no digest: it was cut off")?;
    let proven = text.get(..=before.len()).unwrap_or_default();
    if digest != format!("blake3:{}", blake3::hash(proven.as_bytes()).to_hex()) {
        return Err("its digest does not match: it was changed or damaged after it was written".to_owned());
    }
    let mut lines = before.lines();
    let head = parse(lines.next().unwrap_or_default())?;
    if head["lamplighterStore"] != json!(VERSION) {
        return Err(format!("it has a form that this version does not know: {head}"));
    }
    let rows: Rows = lines.map(|line| parse_row(&parse(line)?)).collect::<Result<_, _>>()?;
    if head["rows"] == json!(rows.len()) { Ok(rows) } else { Err("rows are missing".to_owned()) }
}

fn parse(line: &str) -> Result<Value, String> {
    serde_json::from_str(line).map_err(|error| format!("a line is no JSON: {error}"))
}

fn row(key: &[u8], value: &[u8]) -> Option<String> {
    layout::parse(key)?;
    let key = match key.strip_prefix(CHANGE) {
        Some(revision) => json!(["change", u64::from_be_bytes(revision.try_into().ok()?)]),
        None => json!(std::str::from_utf8(key).ok()?.split('\0').collect::<Vec<_>>()),
    };
    let value: Value = layout::decode(value).ok()?;
    Some(json!({"key": key, "value": value}).to_string())
}

fn parse_row(line: &Value) -> Result<(Vec<u8>, Vec<u8>), String> {
    let unknown = || format!("a line is no row: {line}");
    let parts = line["key"].as_array().ok_or_else(unknown)?;
    let key = match parts.as_slice() {
        [name, revision] if name == "change" => layout::change_row(revision.as_u64().ok_or_else(unknown)?),
        parts => {
            let parts: Option<Vec<&str>> = parts.iter().map(Value::as_str).collect();
            parts.ok_or_else(unknown)?.join("\0").into_bytes()
        }
    };
    layout::parse(&key).ok_or_else(unknown)?;
    let value = layout::encode("row", &line["value"]).map_err(|error| error.to_string())?;
    Ok((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Rows {
        let value = |value: &Value| layout::encode("row", value).unwrap();
        [
            (layout::FORMAT_ROW.to_vec(), value(&json!(2))),
            (layout::change_row(300), value(&json!({"kind": "Added"}))),
            (layout::ledger_row("uid", "vpc"), value(&json!({"attempt": 1}))),
        ]
        .into()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let text = write(&rows()).unwrap();
        assert!(text.contains(r#"{"key":["change",300],"value":{"kind":"Added"}}"#), "{text}");
        assert_eq!(read(&text), Ok(rows()));
    }

    #[test]
    fn what_was_cut_off_or_changed_is_refused() {
        let text = write(&rows()).unwrap();
        for end in 0..text.len() - 1 {
            assert!(read(&text[..end]).is_err(), "cut at {end}");
        }
        assert!(read(&text.replace("uid", "uuu")).unwrap_err().contains("digest does not match"));
    }
}
