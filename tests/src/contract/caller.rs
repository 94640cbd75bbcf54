//! The only way from the story to the region. It remembers what was done, so that nothing the port can do is left out.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use lamp_cloud::{Applied, Change, Cloud, CloudError, Kind, Read, Reading, Request};

use super::deeds::{self, Deed};

#[derive(Debug)]
pub(super) struct Caller<C> {
    cloud: C,
    done: BTreeSet<Deed>,
    /// The last change of each sort.
    changes: BTreeMap<Deed, Change>,
}

impl<C: Cloud> Caller<C> {
    pub(super) fn new(cloud: C) -> Self {
        Self { cloud, done: BTreeSet::new(), changes: BTreeMap::new() }
    }

    pub(super) fn region(&self) -> &str {
        self.cloud.region()
    }

    pub(super) async fn apply(&mut self, request: &Request) -> Result<Applied, CloudError> {
        if let Request::Change { change, .. } = request {
            self.changes.insert(deeds::of_change(change), change.clone());
        }
        let answer = self.cloud.apply(request).await;
        let deed = deeds::of_request(request);
        match &answer {
            Ok(_) => self.promise(deed),
            Err(error) => {
                if deed == deeds::ONLY_REFUSED {
                    self.promise(deed);
                }
                self.promise(deeds::of_refusal(error.class));
            }
        }
        answer
    }

    pub(super) async fn read(&mut self, read: &Read) -> Result<Reading, CloudError> {
        let answer = self.cloud.read(read).await;
        match &answer {
            Ok(_) => self.done.extend(deeds::of_read(read)),
            Err(error) => self.promise(deeds::of_refusal(error.class)),
        }
        answer
    }

    /// The story has told of this.
    pub(super) fn promise(&mut self, deed: Deed) {
        self.done.insert(deed);
    }

    /// The last change of each sort that a kind got.
    pub(super) fn changes_of(&self, kind: Kind) -> Vec<Change> {
        self.changes.values().filter(|change| change.kind() == kind).cloned().collect()
    }

    /// Whether nothing was left out.
    ///
    /// # Errors
    /// What the port can do and the story did not.
    pub(super) fn is_complete(&self) -> Result<()> {
        let missing: Vec<Deed> = deeds::all().difference(&self.done).cloned().collect();
        ensure!(missing.is_empty(), "the story leaves out: {}", missing.join(", "));
        Ok(())
    }
}
