//! The entries of `metadata.managedFields`, as objects have them.

use jiff::Timestamp;
use lamp_api::FieldError;
use serde_json::{Value, json};

use super::encode::{decode, encode};
use super::owners::{Claim, Operation, Owner, Owners};
use super::path::Set;

/// Longest name of a field manager, in bytes.
const LONGEST_NAME: usize = 128;

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        }
    }
}

impl Owners {
    /// # Errors
    /// What is wrong with which entry.
    pub(crate) fn read(value: &Value) -> Result<Owners, FieldError> {
        let mut owners = Owners::default();
        let wrong = |field: String, value: &Value, detail: String| match value {
            Value::String(text) => FieldError::invalid(field, text, detail),
            other => FieldError::invalid(field, format_args!("{other}"), detail),
        };
        let entries = match value {
            Value::Null => return Ok(owners),
            Value::Array(entries) => entries,
            other => {
                return Err(wrong("metadata.managedFields".to_owned(), other, "must be a list".to_owned()));
            }
        };
        for (index, entry) in entries.iter().enumerate() {
            let (owner, claim) = read_entry(entry).map_err(|(field, detail)| {
                let value = entry.get(field).unwrap_or(&Value::Null);
                wrong(format!("metadata.managedFields[{index}].{field}"), value, detail)
            })?;
            owners
                .0
                .entry(owner)
                .and_modify(|known| known.set.extend(claim.set.iter().cloned()))
                .or_insert(claim);
        }
        Ok(owners)
    }

    /// Writes them into an object: appliers first, then by age and name, as Kubernetes sorts them.
    pub(crate) fn write(&self, object: &mut Value) {
        let Some(metadata) = object["metadata"].as_object_mut() else { return };
        let mut sorted: Vec<(&Owner, &Claim)> = self.0.iter().collect();
        sorted.sort_by_key(|(owner, claim)| (owner.operation, claim.time.clone(), *owner));
        let entries: Vec<Value> =
            sorted.into_iter().map(|(owner, claim)| write_entry(owner, claim)).collect();
        if entries.is_empty() {
            metadata.remove("managedFields");
        } else {
            metadata.insert("managedFields".to_owned(), entries.into());
        }
    }
}

fn write_entry(owner: &Owner, claim: &Claim) -> Value {
    let mut entry = json!({
        "manager": owner.manager, "operation": owner.operation.name(), "apiVersion": claim.api_version,
        "fieldsType": "FieldsV1", "fieldsV1": encode(&claim.set)
    });
    if let Some(time) = &claim.time {
        entry["time"] = time.as_str().into();
    }
    if !owner.subresource.is_empty() {
        entry["subresource"] = owner.subresource.as_str().into();
    }
    entry
}

type EntryError = (&'static str, String);

fn read_entry(entry: &Value) -> Result<(Owner, Claim), EntryError> {
    let text = |field: &'static str| match entry.get(field) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(_) => Err((field, "must be a string".to_owned())),
    };
    let operation = match text("operation")? {
        "Apply" => Operation::Apply,
        "Update" => Operation::Update,
        _ => return Err(("operation", "must be `Apply` or `Update`".to_owned())),
    };
    if text("fieldsType")? != "FieldsV1" {
        return Err(("fieldsType", "must be `FieldsV1`".to_owned()));
    }
    require_printable(text("manager")?).map_err(|detail| ("manager", detail))?;
    let time = Some(text("time")?).filter(|time| !time.is_empty());
    if time.is_some_and(|time| time.parse::<Timestamp>().is_err()) {
        return Err(("time", "must be a time such as 2026-11-20T09:30:00Z".to_owned()));
    }
    let set = match entry.get("fieldsV1") {
        None | Some(Value::Null) => Set::new(),
        Some(fields) => decode(fields).map_err(|detail| ("fieldsV1", detail))?,
    };
    let owner = Owner {
        operation,
        manager: text("manager")?.to_owned(),
        subresource: text("subresource")?.to_owned(),
    };
    let api_version = Some(text("apiVersion")?).filter(|version| !version.is_empty());
    let api_version = api_version.ok_or(("apiVersion", "must not be empty".to_owned()))?.to_owned();
    Ok((owner, Claim { api_version, time: time.map(str::to_owned), set }))
}

/// Refuses names of field managers that Kubernetes refuses; the texts are its own.
pub(crate) fn require_printable(name: &str) -> Result<(), String> {
    if name.len() > LONGEST_NAME {
        return Err(format!("may not be more than {LONGEST_NAME} bytes"));
    }
    match name.char_indices().find(|(_, character)| !is_printable(*character)) {
        Some((position, character)) => {
            let code = u32::from(character);
            Err(format!("invalid character U+{code:04X} (at position {position})"))
        }
        None => Ok(()),
    }
}

/// The part of a text that can be the name of a field manager.
pub(crate) fn printable(text: &str) -> String {
    let mut name = String::new();
    for character in text.chars().filter(|character| is_printable(*character)) {
        if name.len() + character.len_utf8() > LONGEST_NAME {
            break;
        }
        name.push(character);
    }
    name
}

fn is_printable(character: char) -> bool {
    character == ' ' || !(character.is_control() || character.is_whitespace())
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::fields::owners::tests::{set, writer};

    #[test]
    fn entries_survive_writing_and_reading() {
        let mut owners = Owners::default();
        owners.record(&writer("b", 1), set("x"), true);
        owners.record(&writer("a", 1), set("y"), true);
        let mut object = json!({"metadata": {}});
        owners.write(&mut object);
        expect![[r#"[{"apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:y":{}}},"manager":"a","operation":"Update","time":"1970-01-01T00:00:01Z"},{"apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:spec":{"f:x":{}}},"manager":"b","operation":"Update","time":"1970-01-01T00:00:01Z"}]"#]]
        .assert_eq(&crate::fields::path::canonical(&object["metadata"]["managedFields"]));
        assert_eq!(Owners::of(&object), owners);
    }

    #[test]
    fn malformed_entries_are_refused_with_their_place() {
        let entry = json!({"manager": "a", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": {}});
        assert!(Owners::read(&json!([entry])).is_ok());
        for (field, value) in [
            ("operation", json!("Delete")),
            ("fieldsType", json!("FieldsV2")),
            ("manager", json!("a\u{7}")),
            ("time", json!("soon")),
            ("fieldsV1", json!({"spec": {}})),
            ("subresource", json!(1)),
            ("apiVersion", json!(null)),
        ] {
            let mut wrong = entry.clone();
            wrong[field] = value;
            let error = Owners::read(&json!([entry, wrong])).unwrap_err();
            assert_eq!(error.field, format!("metadata.managedFields[1].{field}"));
        }
    }

    #[test]
    fn names_are_short_and_printable() {
        assert_eq!(require_printable("kube ctl ü"), Ok(()));
        assert_eq!(require_printable("a\u{7}"), Err("invalid character U+0007 (at position 1)".to_owned()));
        assert!(require_printable(&"x".repeat(129)).unwrap_err().contains("128 bytes"));
        assert_eq!(printable("a\u{7}\u{a0}b"), "ab");
        assert_eq!(printable(&"ü".repeat(100)).len(), 128);
    }
}
