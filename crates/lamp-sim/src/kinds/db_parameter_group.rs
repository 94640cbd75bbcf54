//! A database parameter group: there at once, with nothing set; held by its databases.

use std::collections::BTreeMap;

use lamp_cloud::kinds::db_instance::DbInstance;
use lamp_cloud::kinds::db_parameter_group::{Change, DbParameterGroup};
use lamp_cloud::{DeleteOptions, Kind, Reference, ResourceId, State};

use lamp_cloud::kinds::Declared;

use super::{Behaviour, Creation, of_body};
use crate::refusal::Refusal;
use crate::world::World;

/// AWS takes at most 20 parameters in one call.
const PER_CALL: usize = 20;

/// Some parameters with `ApplyType: static` in the families of MySQL 8: their values take effect with a restart.
const STATIC: &[&str] = &[
    "back_log",
    "innodb_buffer_pool_instances",
    "innodb_log_file_size",
    "innodb_read_io_threads",
    "innodb_write_io_threads",
    "lower_case_table_names",
    "performance_schema",
    "skip_name_resolve",
];

impl Behaviour for DbParameterGroup {
    const MISSING: &'static str = "DBParameterGroupNotFound";
    const PAGE: usize = 100;
    const NAMED: bool = true;

    of_body!(DbParameterGroup);

    fn id(&self, _: &World, creation: &Creation<'_>) -> ResourceId {
        creation.name.to_ascii_lowercase()
    }

    fn admit(&self, world: &World, creation: &Creation<'_>) -> Result<(), Refusal> {
        let id = self.id(world, creation);
        if world.resource(Kind::DbParameterGroup, &id).is_some() {
            let message = format!("Parameter group {id} already exists");
            return Err(Refusal::new("DBParameterGroupAlreadyExists", message));
        }
        if !self.family.starts_with("mysql") && !self.family.starts_with("mariadb") {
            let message =
                format!("ParameterGroupFamily {} is not a valid parameter group family", self.family);
            return Err(Refusal::new("InvalidParameterValue", message));
        }
        Ok(())
    }

    fn made(self, _: &World, _: &ResourceId) -> (Self, State) {
        (Self { parameters: Some(BTreeMap::new()), ..self }, State::Ready)
    }

    fn admit_change(&self, _: &World, _: &str, change: &Change) -> Result<(), Refusal> {
        let count = match change {
            Change::Set(parameters) => parameters.len(),
            Change::Reset(names) => names.len(),
        };
        if count > PER_CALL {
            let message = format!("A maximum of {PER_CALL} parameters can be modified in a single request");
            return Err(Refusal::new("InvalidParameterValue", message));
        }
        Ok(())
    }

    fn change(world: &mut World, id: &str, change: &Change) {
        let Some(before) = world.body::<Self>(id).cloned() else { return };
        world.update(id, |body: &mut Self| body.apply(change));
        let after = world.body::<Self>(id).and_then(|group| group.parameters.clone()).unwrap_or_default();
        let before = before.parameters.unwrap_or_default();
        if STATIC.iter().any(|name| before.get(*name) != after.get(*name)) {
            world.await_restart(id);
        }
    }

    fn admit_delete(&self, world: &World, id: &str, _: &DeleteOptions) -> Result<(), Refusal> {
        let group = Reference::id(id);
        match world.each::<DbInstance>().find(|(_, database)| database.parameter_group == group) {
            Some((database, _)) => {
                let message = format!("{} is still a member of parameter group {id}", database.id);
                Err(Refusal::new("InvalidDBParameterGroupState", message))
            }
            None => Ok(()),
        }
    }

    fn listed(&self, _: &World) -> Self {
        Self { parameters: None, ..self.clone() }
    }
}
