//! The protobuf messages that clients send to us: `kubectl create namespace NAME` and `kubectl auth` have no JSON form since
//! 1.32. The reviews of the latter are in `review`.
//!
//! An envelope (`k8s\0`, then `Unknown`) around a `Namespace`; field numbers are those of `k8s.io/api/core/v1`
//! and `k8s.io/apimachinery`. Empty strings are sent explicitly and mean "not set". Fields that no namespace of
//! ours has are skipped.

mod review;

use serde_json::{Map, Value, json};

pub(crate) use review::review;

const MAGIC: &[u8] = b"k8s\0";

/// What a field holds.
enum Field<'a> {
    Bytes(&'a [u8]),
    /// A number, which no field that we read is.
    Number,
}

/// `apiVersion`, `kind` and the message within the envelope.
fn envelope(body: &[u8]) -> Result<(String, String, &[u8]), String> {
    let envelope = body.strip_prefix(MAGIC).ok_or("it does not begin with the Kubernetes envelope")?;
    let mut raw: &[u8] = &[];
    let (mut api_version, mut kind) = (String::new(), String::new());
    each(envelope, |number, field| match (number, field) {
        (1, Field::Bytes(bytes)) => each(bytes, |number, field| match (number, field) {
            (1, Field::Bytes(bytes)) => text(bytes).map(|text| api_version = text),
            (2, Field::Bytes(bytes)) => text(bytes).map(|text| kind = text),
            _ => Ok(()),
        }),
        (2, Field::Bytes(bytes)) => {
            raw = bytes;
            Ok(())
        }
        _ => Ok(()),
    })?;
    Ok((api_version, kind, raw))
}

/// Decodes an enveloped `Namespace` into its JSON form. `Err` says what is wrong with the message.
pub(crate) fn namespace(body: &[u8]) -> Result<Value, String> {
    let (api_version, kind, raw) = envelope(body)?;
    if (api_version.as_str(), kind.as_str()) != ("v1", "Namespace") {
        return Err(format!("{api_version} {kind} is not read in this encoding; send it as JSON"));
    }
    let mut metadata = Map::new();
    each(raw, |number, field| match (number, field) {
        (1, Field::Bytes(bytes)) => object_meta(bytes, &mut metadata),
        _ => Ok(()),
    })?;
    Ok(json!({"apiVersion": api_version, "kind": kind, "metadata": metadata}))
}

fn object_meta(bytes: &[u8], metadata: &mut Map<String, Value>) -> Result<(), String> {
    each(bytes, |number, field| {
        let Field::Bytes(bytes) = field else { return Ok(()) };
        match number {
            1 => set(metadata, "name", bytes),
            2 => set(metadata, "generateName", bytes),
            3 => set(metadata, "namespace", bytes),
            6 => set(metadata, "resourceVersion", bytes),
            11 => entry(metadata, "labels", bytes),
            12 => entry(metadata, "annotations", bytes),
            14 => finalizer(metadata, bytes),
            _ => Ok(()),
        }
    })
}

fn set(metadata: &mut Map<String, Value>, name: &str, bytes: &[u8]) -> Result<(), String> {
    let text = text(bytes)?;
    if !text.is_empty() {
        metadata.insert(name.to_owned(), Value::String(text));
    }
    Ok(())
}

/// One entry of a map of strings.
fn entry(metadata: &mut Map<String, Value>, name: &str, bytes: &[u8]) -> Result<(), String> {
    let (mut key, mut value) = (String::new(), String::new());
    each(bytes, |number, field| match (number, field) {
        (1, Field::Bytes(bytes)) => text(bytes).map(|text| key = text),
        (2, Field::Bytes(bytes)) => text(bytes).map(|text| value = text),
        _ => Ok(()),
    })?;
    metadata.entry(name).or_insert_with(|| json!({}))[key] = Value::String(value);
    Ok(())
}

fn finalizer(metadata: &mut Map<String, Value>, bytes: &[u8]) -> Result<(), String> {
    let text = text(bytes)?;
    if let Some(list) = metadata.entry("finalizers").or_insert_with(|| json!([])).as_array_mut() {
        list.push(Value::String(text));
    }
    Ok(())
}

fn text(bytes: &[u8]) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| "a text in it is not UTF-8".to_owned())
}

/// Calls `visit` with each field of a message.
fn each<'a>(
    mut message: &'a [u8],
    mut visit: impl FnMut(u64, Field<'a>) -> Result<(), String>,
) -> Result<(), String> {
    while !message.is_empty() {
        let tag = varint(&mut message)?;
        let field = match tag & 7 {
            0 => varint(&mut message).map(|_| Field::Number)?,
            1 => take(&mut message, 8).map(|_| Field::Number)?,
            5 => take(&mut message, 4).map(|_| Field::Number)?,
            2 => {
                let length = varint(&mut message)?;
                Field::Bytes(take(&mut message, length)?)
            }
            other => return Err(format!("it has a field of the unknown wire type {other}")),
        };
        visit(tag >> 3, field)?;
    }
    Ok(())
}

fn varint(message: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first().ok_or("it ends within a number")?;
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err("it has a number of more than 64 bits".to_owned())
}

fn take<'a>(message: &mut &'a [u8], length: u64) -> Result<&'a [u8], String> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let (taken, rest) = message.split_at_checked(length).ok_or("it ends within a field")?;
    *message = rest;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    /// Sent by kubectl 1.32 for `kubectl create namespace hexns`.
    const CAPTURED: &str = "6b3873000a0f0a02763112094e616d657370616365121d0a150a056865786e7312001a0022002a0032003800420012001a020a001a002200";

    #[test]
    fn a_captured_namespace() {
        let namespace = namespace(&HEXLOWER.decode(CAPTURED.as_bytes()).unwrap()).unwrap();
        assert_eq!(
            namespace,
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "hexns"}})
        );
    }

    #[test]
    fn labels_and_finalizers() {
        let mut meta = Map::new();
        let bytes = b"\x5a\x06\x0a\x01a\x12\x01b\x72\x01f\x5a\x06\x0a\x01c\x12\x01d";
        object_meta(bytes, &mut meta).unwrap();
        assert_eq!(Value::Object(meta), json!({"labels": {"a": "b", "c": "d"}, "finalizers": ["f"]}));
    }

    #[test]
    fn every_truncation_is_an_error_or_a_namespace() {
        let whole = HEXLOWER.decode(CAPTURED.as_bytes()).unwrap();
        for end in 0..whole.len() {
            let _ = namespace(&whole[..end]);
        }
        assert!(
            namespace(b"").is_err()
                && namespace(b"k8s\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff").is_err()
        );
        assert!(namespace(b"k8s\0\x0a\x0a\x0a\x02v1\x12\x04Node").is_err());
    }
}
