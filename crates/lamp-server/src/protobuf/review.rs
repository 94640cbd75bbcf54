//! The questions about oneself that `kubectl auth` asks; field numbers are those of `k8s.io/api/authorization/v1`.

use serde_json::{Map, Value, json};

use super::{Field, each, envelope, set};

/// Fields of `ResourceAttributes` by number, from 1.
const RESOURCE: [&str; 7] = ["namespace", "verb", "group", "version", "resource", "subresource", "name"];
/// Fields of `NonResourceAttributes`.
const URL: [&str; 2] = ["path", "verb"];

/// Decodes an enveloped review of oneself into its JSON form. `Err` says what is wrong with the message.
pub(crate) fn review(body: &[u8]) -> Result<Value, String> {
    let (api_version, kind, raw) = envelope(body)?;
    let mut spec = Map::new();
    match kind.as_str() {
        "SelfSubjectAccessReview" => within_spec(raw, |number, bytes| {
            let (name, fields) = match number {
                1 => ("resourceAttributes", RESOURCE.as_slice()),
                2 => ("nonResourceAttributes", URL.as_slice()),
                _ => return Ok(()),
            };
            spec.insert(name.to_owned(), texts(bytes, fields)?);
            Ok(())
        })?,
        "SelfSubjectRulesReview" => within_spec(raw, |number, bytes| match number {
            1 => set(&mut spec, "namespace", bytes),
            _ => Ok(()),
        })?,
        "SelfSubjectReview" => {}
        _ => return Err(format!("{api_version} {kind} is not read in this encoding; send it as JSON")),
    }
    Ok(json!({"apiVersion": api_version, "kind": kind, "metadata": {}, "spec": spec}))
}

/// The fields of the second field.
fn within_spec(raw: &[u8], mut visit: impl FnMut(u64, &[u8]) -> Result<(), String>) -> Result<(), String> {
    each(raw, |number, field| match (number, field) {
        (2, Field::Bytes(bytes)) => each(bytes, |number, field| match field {
            Field::Bytes(bytes) => visit(number, bytes),
            Field::Number => Ok(()),
        }),
        _ => Ok(()),
    })
}

/// A message of texts.
fn texts(bytes: &[u8], names: &[&str]) -> Result<Value, String> {
    let mut fields = Map::new();
    each(bytes, |number, field| {
        let name = usize::try_from(number).ok().and_then(|number| names.get(number.checked_sub(1)?));
        match (name, field) {
            (Some(name), Field::Bytes(bytes)) => set(&mut fields, name, bytes),
            _ => Ok(()),
        }
    })?;
    Ok(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    /// Sent by kubectl 1.32 for `auth can-i create lamp -n default`.
    const ACCESS: &str = "6b3873000a320a17617574686f72697a6174696f6e2e6b38732e696f2f7631121753656c665375626a65637441636365737352657669657712540a100a0012001a0022002a0032003800420012360a340a0764656661756c7412066372656174651a0f6c616d706c6967687465722e64657622002a0a6c616d70737461636b7332003a001a08080012001a0020001a002200";
    /// Sent by kubectl 1.32 for `auth can-i --list`.
    const RULES: &str = "6b3873000a310a17617574686f72697a6174696f6e2e6b38732e696f2f7631121653656c665375626a65637452756c657352657669657712230a100a0012001a0022002a0032003800420012090a0764656661756c741a04180022001a002200";
    /// Sent by kubectl 1.32 for `auth whoami`.
    const WHOAMI: &str = "6b3873000a2d0a1861757468656e7469636174696f6e2e6b38732e696f2f7631121153656c665375626a656374526576696577121a0a100a0012001a0022002a0032003800420012060a040a0012001a002200";

    fn captured(hex: &str) -> Vec<u8> {
        HEXLOWER.decode(hex.as_bytes()).unwrap()
    }

    #[test]
    fn captured_reviews() {
        let access = review(&captured(ACCESS)).unwrap();
        assert_eq!(access["kind"], "SelfSubjectAccessReview");
        let attributes = json!({"namespace": "default", "verb": "create", "group": "lamplighter.dev", "resource": "lampstacks"});
        assert_eq!(access["spec"], json!({"resourceAttributes": attributes}));
        assert_eq!(review(&captured(RULES)).unwrap()["spec"], json!({"namespace": "default"}));
        assert_eq!(review(&captured(WHOAMI)).unwrap()["kind"], "SelfSubjectReview");
    }

    #[test]
    fn every_truncation_is_an_error_or_a_review() {
        for hex in [ACCESS, RULES, WHOAMI] {
            let whole = captured(hex);
            for end in 0..whole.len() {
                let _ = review(&whole[..end]);
            }
        }
        assert!(review(b"k8s\0\x0a\x0a\x0a\x02v1\x12\x04Node").is_err());
    }
}
