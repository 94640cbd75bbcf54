//! Server-side apply: `patch` with a manifest, which creates the object if there is none.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use lamp_api::admission::{Strictness, admit, screen};
use lamp_api::kinds::KindInfo;
use lamp_store::{Key, StoreError, Stored};
use serde_json::Value;

use super::resource::Call;
use super::update::{self, ATTEMPTS};
use super::{create, writer};
use crate::access::{Attributes, escalation};
use crate::error::ApiError;
use crate::fields::{Apply, Writer};
use crate::objects::{self, Replacement};
use crate::server::Shared;
use crate::{respond, yaml};

/// An apply, understood; it can be tried again if the object changes meanwhile.
struct Application<'a> {
    shared: &'a Shared,
    call: &'a Call,
    key: Key,
    writer: Writer,
    /// What the client sent, without unknown fields.
    config: Value,
    /// Whether to take what others own.
    force: bool,
}

/// What became of one attempt.
enum Attempt {
    Done(StatusCode, Arc<Value>),
    /// Somebody else was faster.
    Lost(ApiError),
}

pub(super) async fn apply(shared: &Shared, call: &Call, body: &[u8]) -> Result<Response, ApiError> {
    let writer = writer::applier(call)?;
    let force = call.parameters.flag("force")? == Some(true);
    let (config, warnings) = config(call, body)?;
    let application = Application { shared, call, key: call.key()?, writer, config, force };
    let (code, object) = application.carry_out().await?;
    Ok(respond::json(code, call.view.object(call.path.kind, &object), &warnings))
}

fn config(call: &Call, body: &[u8]) -> Result<(Value, Vec<String>), ApiError> {
    let parsed = yaml::parse(body)?;
    if !parsed.value["metadata"]["managedFields"].is_null() {
        return Err(ApiError::BadRequest("metadata.managedFields must be nil".to_owned()));
    }
    let name = call.path.name.as_deref().unwrap_or_default();
    let screened = screen(call.path.kind, &parsed, call.parameters.strictness()?)
        .map_err(|rejected| ApiError::from_admission(call.path.kind, name, rejected))?;
    Ok((screened.object, screened.warnings))
}

impl Application<'_> {
    async fn carry_out(&self) -> Result<(StatusCode, Arc<Value>), ApiError> {
        let kind = self.call.path.kind;
        let mut attempts = 1;
        loop {
            let stored = self.shared.dependencies.store.get(&self.key);
            let attempt = match stored.map_err(|error| ApiError::from_store(kind, error))? {
                Some(current) => self.change(&current).await?,
                None => self.create().await?,
            };
            match attempt {
                Attempt::Done(code, object) => return Ok((code, object)),
                Attempt::Lost(_) if attempts < ATTEMPTS => attempts += 1,
                Attempt::Lost(error) => return Err(error),
            }
        }
    }

    /// Creates the object; whoever does that needs the right to create.
    async fn create(&self) -> Result<Attempt, ApiError> {
        let kind = self.call.path.kind;
        if self.call.path.subresource.is_some() {
            return Err(ApiError::NotFound { kind, name: self.key.name.clone() });
        }
        self.call.caller.require(&self.creation())?;
        self.require_no_preconditions()?;
        let apply = Apply::new(kind, &self.writer, &Value::Null, &self.config);
        let mut object = apply.merged();
        objects::name(&self.key.name, &mut object)?;
        objects::prepare_creation(kind, self.call.path.namespace.as_deref(), &mut object)?;
        let mut object = self.admit(&object, None)?;
        apply.owners(&object).write(&mut object);
        match create::finish(self.shared, self.call, self.key.clone(), object, None).await {
            Ok(created) => Ok(Attempt::Done(StatusCode::CREATED, created)),
            Err(taken @ ApiError::AlreadyExists { .. }) => Ok(Attempt::Lost(taken)),
            Err(error) => Err(error),
        }
    }

    fn creation(&self) -> Attributes<'_> {
        let KindInfo { group, plural: resource, .. } = self.call.path.kind;
        let (namespace, name) = (self.key.namespace.as_str(), self.key.name.as_str());
        Attributes::Resource { verb: "create", group, resource, subresource: "", namespace, name }
    }

    /// A client that names a version or a uid means an object that is there.
    fn require_no_preconditions(&self) -> Result<(), ApiError> {
        let metadata = &self.config["metadata"];
        let meant = ["uid", "resourceVersion"].into_iter().find_map(|field| {
            let text = metadata[field].as_str().filter(|text| !text.is_empty())?;
            Some(format!("Precondition failed: {field} in precondition: {text}, but there is no such object"))
        });
        match meant {
            Some(reason) => {
                let name = self.key.name.clone();
                Err(ApiError::Precondition { kind: self.call.path.kind, name, reason })
            }
            None => Ok(()),
        }
    }

    async fn change(&self, current: &Stored) -> Result<Attempt, ApiError> {
        let kind = self.call.path.kind;
        let object = self.applied(current)?;
        if self.call.parameters.dry_run()? {
            return Ok(Attempt::Done(StatusCode::OK, objects::updated(current, object)));
        }
        match self.shared.dependencies.store.update(&self.key, Some(current.revision), object).await {
            Ok(updated) => Ok(Attempt::Done(StatusCode::OK, updated.into_stored().object)),
            Err(lost @ (StoreError::Conflict { .. } | StoreError::NotFound { .. })) => {
                Ok(Attempt::Lost(ApiError::from_store(kind, lost)))
            }
            Err(error) => Err(ApiError::from_store(kind, error)),
        }
    }

    /// The object as it is to be stored.
    fn applied(&self, current: &Stored) -> Result<Value, ApiError> {
        let subresource = self.call.path.subresource;
        let apply = Apply::new(self.call.path.kind, &self.writer, &current.object, &self.config);
        let merged = Replacement { object: apply.merged(), finalizers_are_meant: true };
        let composed = update::compose(self.call, current, merged)?;
        let admitted = self
            .admit(&composed, Some(&current.object))
            .map(|object| objects::settle(self.call.path.kind, subresource, current, object));
        if !self.force {
            // Defaults and spelling are no conflict: what counts is the object as it would be stored.
            let conflicts = apply.conflicts(admitted.as_ref().unwrap_or(&composed));
            if !conflicts.is_empty() {
                return Err(ApiError::ApplyConflict(conflicts));
            }
        }
        let mut object = admitted?;
        escalation::check(&self.call.caller, self.call.path.kind, Some(&current.object), &object)?;
        apply.owners(&object).write(&mut object);
        Ok(object)
    }

    /// What is unknown in the stored object was not sent now.
    fn admit(&self, object: &Value, old: Option<&Value>) -> Result<Value, ApiError> {
        let kind = self.call.path.kind;
        let admitted = admit(kind, object, old, Strictness::Ignore);
        admitted
            .map(|admitted| admitted.object)
            .map_err(|rejected| ApiError::from_admission(kind, &self.key.name, rejected))
    }
}
