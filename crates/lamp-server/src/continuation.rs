//! Where the next page of a list begins. It never expires: a page starts after a key, whatever happened meanwhile.

use data_encoding::BASE64URL_NOPAD;
use lamp_store::{Key, Revision};
use serde::{Deserialize, Serialize};

use crate::error::ApiError;

/// The content of a `continue` token, opaque to clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Continuation {
    /// The revision of the first page: a watch from there misses nothing of any page.
    pub(crate) revision: Revision,
    /// The last object of the page before.
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Continuation {
    pub(crate) fn after(key: &Key, revision: Revision) -> Continuation {
        Continuation { revision, namespace: key.namespace.clone(), name: key.name.clone() }
    }

    pub(crate) fn encode(&self) -> Result<String, ApiError> {
        let json = serde_json::to_vec(self).map_err(|error| ApiError::Internal(error.to_string()))?;
        Ok(BASE64URL_NOPAD.encode(&json))
    }

    pub(crate) fn decode(token: &str) -> Result<Continuation, ApiError> {
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).ok();
        let decoded = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        decoded.ok_or_else(|| ApiError::BadRequest("continue key is not valid".to_owned()))
    }

    /// Whether an object belongs to the pages that are still to come.
    pub(crate) fn is_before(&self, key: &Key) -> bool {
        (self.namespace.as_str(), self.name.as_str()) < (key.namespace.as_str(), key.name.as_str())
    }
}
