//! What both the simulated region and AWS's endpoint must do: one story, told through the port.
//!
//! The simulator is worth no more than this story proves. Each step makes or changes something, or asks for what AWS
//! refuses, and compares what the region says with what AWS says; nothing in the steps knows which region it is. Where
//! one of the two is known to do something else than AWS, [`DIFFERENCES`] says so, and the story demands exactly that.
//!
//! What the port can do is listed in `deeds`, the fields of each kind are compared in `fields`: a new request, kind,
//! change, reading, metric or field fails the contract until the story tells of it.

mod absence;
mod caller;
mod database;
mod deeds;
mod difference;
mod differences;
mod fields;
mod groups;
mod instances;
mod interfaces;
mod listeners;
mod load_balancing;
mod network;
mod outside;
mod policies;
mod removal;
mod replicas;
mod routes;
mod security;
mod sight;
mod signals;
mod strangers;
mod targets;
mod templates;
mod verbs;

use anyhow::{Context, Result, anyhow};
use lamp_cloud::{Cloud, Kind, Owner, ResourceId};

use caller::Caller;
use difference::Judge;
pub use difference::{Difference, Which, markdown};
pub use differences::DIFFERENCES;
use fields::Values;
pub use outside::Outside;

/// Something that the story made and has not removed yet.
#[derive(Clone, Debug)]
struct Made {
    kind: Kind,
    id: ResourceId,
    /// Its part.
    name: String,
}

/// The story, and what has come of it so far.
#[derive(Debug)]
pub struct Contract<C, O> {
    caller: Caller<C>,
    outside: O,
    judge: Judge,
    values: Values,
    owner: Owner,
    /// Zones that can be used.
    zones: Vec<String>,
    made: Vec<Made>,
}

impl<C: Cloud, O: Outside> Contract<C, O> {
    /// A story to be told to `cloud`, as the installation `install`.
    pub fn new(cloud: C, outside: O, install: &str) -> Self {
        let owner = Owner {
            install: install.to_owned(),
            namespace: "default".to_owned(),
            name: "contract".to_owned(),
            uid: "5f3759df-0000-4000-8000-000000000001".to_owned(),
        };
        Self {
            caller: Caller::new(cloud),
            judge: Judge::new(outside.which(), DIFFERENCES),
            outside,
            values: Values::default(),
            owner,
            zones: Vec::new(),
            made: Vec::new(),
        }
    }

    /// Tells the whole story.
    ///
    /// # Errors
    /// Everything in which the region is not as it must be, and the step at which the story could not go on.
    pub async fn run(mut self) -> Result<()> {
        let told = self.tell().await;
        match (told, self.judge.verdict()) {
            (Ok(()), verdict) => verdict,
            (told, Ok(())) => told,
            (Err(broken), Err(disagreements)) => Err(anyhow!("{broken:#}\n{disagreements}")),
        }
    }

    async fn tell(&mut self) -> Result<()> {
        self.network().await.context("network")?;
        self.security().await.context("security")?;
        self.load_balancing().await.context("load balancing")?;
        self.instances_of_web().await.context("instances")?;
        self.database().await.context("database")?;
        self.signals().await.context("signals")?;
        self.histories().await.context("histories")?;
        self.removal().await.context("removal")?;
        self.every_field_changed()?;
        self.caller.is_complete()?;
        self.judge.finish();
        Ok(())
    }

    /// A field that is never different was not compared.
    fn every_field_changed(&mut self) -> Result<()> {
        for (field, changed) in self.values.changed()? {
            let seen = if changed { "different values" } else { "always the same" };
            self.judge.demand(&format!("what {field} shows"), "different values", seen);
        }
        Ok(())
    }
}
