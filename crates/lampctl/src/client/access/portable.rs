//! Access as another machine can use it.

use std::path::Path;

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::{Access, readable};
use crate::exit::Failure;

impl Access {
    /// `cluster` and `user` of a kubeconfig that works on any machine: what files hold stands in it.
    pub(crate) fn portable(&self) -> Result<(Value, Value), Failure> {
        let unwritable = |error| Failure::failed(format!("the credentials cannot be written: {error}"));
        let mut cluster = serde_json::to_value(&self.cluster).map_err(unwritable)?;
        let mut user = serde_json::to_value(&self.user).map_err(unwritable)?;
        embed(&mut cluster, "certificate-authority")?;
        embed(&mut user, "client-certificate")?;
        embed(&mut user, "client-key")?;
        Ok((cluster, user))
    }
}

/// Puts the content of the file that a field names in its place.
fn embed(fields: &mut Value, name: &str) -> Result<(), Failure> {
    let data = format!("{name}-data");
    let Some(fields) = fields.as_object_mut() else { return Ok(()) };
    fields.retain(|_, value| !value.is_null());
    let Some(Value::String(file)) = fields.remove(name) else { return Ok(()) };
    if !fields.contains_key(&data) {
        fields.insert(data, json!(BASE64.encode(&readable(Path::new(&file))?)));
    }
    Ok(())
}
