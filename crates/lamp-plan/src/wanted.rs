//! A part that the spec wants.

use lamp_cloud::{Body, Kind, Part};

/// A part, and what it shall be.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    pub part: Part,
    pub kind: Kind,
    /// References name parts. `Err` says what must be known first; until then an existing resource is left as it is.
    pub body: Result<Body, String>,
}

impl Wanted {
    pub fn new(part: Part, body: impl Into<Body>) -> Self {
        let body = body.into();
        Self { part, kind: body.kind(), body: Ok(body) }
    }

    /// A part whose body is known, or that waits for something.
    pub fn or_waiting<B: Into<Body>>(part: Part, kind: Kind, body: Result<B, String>) -> Self {
        Self { part, kind, body: body.map(Into::into) }
    }
}
