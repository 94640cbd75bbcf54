//! Everything that one pass listed, filtered to what is ours.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use lamp_cloud::{
    Instance, InstanceStatus, Kind, Listing, NAME_PREFIX, Resource, ResourceId, Section, Tags, Zone, tag,
};

use super::listing::{Rows, Templates};

/// The rows of one pass. A section that is not known has no rows.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    pub(crate) sections: BTreeMap<Listing, Section>,
    pub(crate) zones: Vec<Zone>,
    pub(crate) resources: BTreeMap<Kind, BTreeMap<ResourceId, Resource>>,
    /// Of kinds whose tags come separately: the rows with a name of our making, whosever they are, and those that were
    /// taken over.
    pub(crate) named: BTreeMap<Kind, BTreeSet<ResourceId>>,
    pub(crate) templates: Templates,
    pub(crate) instances: BTreeMap<ResourceId, Instance>,
    /// Zones whose instances could not be listed, and why, while those of the others could.
    pub(crate) unseen_zones: BTreeMap<String, String>,
    pub(crate) statuses: BTreeMap<ResourceId, InstanceStatus>,
}

impl Listed {
    /// Takes the outcome of one listing. Rows without our install tag are left out; where tags come later, rows
    /// without a name of our making that were not taken over either.
    pub(crate) fn take(
        &mut self,
        listing: Listing,
        rows: Result<Rows, String>,
        install: &str,
        adopted: &BTreeSet<(Kind, ResourceId)>,
        now: Timestamp,
    ) {
        let section = match &rows {
            Ok(Rows::Zones(zones)) if zones.is_empty() => {
                Section::Unknown { why: "AWS named no zone at all".to_owned() }
            }
            Ok(_) => Section::Known { since: now },
            Err(why) => Section::Unknown { why: why.clone() },
        };
        self.sections.insert(listing, section);
        match rows {
            Ok(Rows::Zones(zones)) => self.zones = zones,
            Ok(Rows::Resources(kind, rows)) => {
                let ours = rows.into_iter().filter(|(_, row)| may_be_ours(kind, row, install, adopted));
                let ours: BTreeMap<_, _> = ours.collect();
                if kind.tags_are_separate() {
                    self.named.insert(kind, ours.keys().cloned().collect());
                }
                self.resources.insert(kind, ours);
            }
            Ok(Rows::Templates(rows)) => self.templates = rows,
            Ok(Rows::Instances(rows)) => {
                self.instances = rows.into_iter().filter(|(_, row)| is_ours(&row.tags, install)).collect();
            }
            Ok(Rows::Statuses(rows)) => self.statuses = rows,
            Err(_) => {}
        }
    }

    /// Gives up a section: none of its rows decides anything in this pass.
    pub(crate) fn give_up(&mut self, listing: Listing, why: String) {
        self.sections.insert(listing, Section::Unknown { why });
        match listing {
            Listing::Zones => self.zones.clear(),
            Listing::Resources(kind) => {
                self.resources.remove(&kind);
                self.named.remove(&kind);
            }
            Listing::LaunchTemplateVersions => self.templates.clear(),
            Listing::Instances => {
                self.instances.clear();
                self.unseen_zones.clear();
            }
            Listing::InstanceStatus => self.statuses.clear(),
        }
    }

    pub(crate) fn is_known(&self, listing: Listing) -> bool {
        matches!(self.sections.get(&listing), Some(Section::Known { .. }))
    }

    /// Ids of the rows of one kind.
    pub(crate) fn ids(&self, kind: Kind) -> BTreeSet<ResourceId> {
        self.resources.get(&kind).into_iter().flat_map(BTreeMap::keys).cloned().collect()
    }

    /// Ids of the rows that are ours, of listings in which something could get lost.
    pub(crate) fn owned_ids(&self, listing: Listing) -> Option<BTreeSet<ResourceId>> {
        match listing {
            _ if !self.is_known(listing) => None,
            Listing::Resources(kind) => Some(self.ids(kind)),
            Listing::Instances => Some(self.instances.keys().cloned().collect()),
            Listing::Zones | Listing::LaunchTemplateVersions | Listing::InstanceStatus => None,
        }
    }

    /// Every resource.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &Resource> {
        self.resources.values().flat_map(BTreeMap::values)
    }

    /// Completes rows of a kind whose tags came separately, and leaves out those that are not ours after all.
    pub(crate) fn set_tags(&mut self, kind: Kind, tags: &BTreeMap<ResourceId, Tags>, install: &str) {
        let Some(rows) = self.resources.get_mut(&kind) else { return };
        for (id, row) in rows.iter_mut() {
            row.tags = tags.get(id).cloned().unwrap_or_default();
        }
        rows.retain(|_, row| is_ours(&row.tags, install));
    }

    /// Adds to each instance what the listing of status checks and scheduled events said.
    pub(crate) fn join_statuses(&mut self) {
        for (id, instance) in &mut self.instances {
            if let Some(status) = self.statuses.get(id) {
                instance.status = status.check.or(instance.status);
                instance.events.clone_from(&status.events);
            }
        }
    }
}

fn may_be_ours(kind: Kind, row: &Resource, install: &str, adopted: &BTreeSet<(Kind, ResourceId)>) -> bool {
    if kind.tags_are_separate() {
        row.name.starts_with(NAME_PREFIX) || adopted.contains(&(kind, row.id.clone()))
    } else {
        is_ours(&row.tags, install)
    }
}

/// Whether neither the listing of a resource nor its name would show that it is ours.
pub(crate) fn has_another_name(kind: Kind, id: &str) -> bool {
    kind.is_listed() && kind.tags_are_separate() && !id.split('/').any(|piece| piece.starts_with(NAME_PREFIX))
}

/// Whether the tags name our installation: read again on each row, whatever the call was asked to filter.
pub(crate) fn is_ours(tags: &Tags, install: &str) -> bool {
    tags.get(tag::INSTALL).is_some_and(|value| value == install)
}
