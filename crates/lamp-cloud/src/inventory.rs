//! What the cloud says exists: one observation of a whole region, cut into the slices of its stacks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    Histories, Instance, Kind, Listing, NetworkInterface, Part, Resource, ResourceId, Service, Signals,
    TargetHealth, Zone,
};

/// One listing of one pass: complete, or unknown for a reason. Never half.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Section {
    /// Listed completely by a pass that began then.
    Known { since: Timestamp },
    /// Not known, and why; what was seen before decides nothing.
    Unknown { why: String },
}

/// What all stacks of a region share.
#[derive(Clone, Debug, Default)]
pub struct Region {
    /// When the pass began: everything that happened before is in it, as far as AWS was consistent.
    pub observed_at: Timestamp,
    pub sections: BTreeMap<Listing, Section>,
    pub zones: Vec<Zone>,
    /// Zones whose instances could not be listed, and why, while those of the others could.
    pub unseen_zones: BTreeMap<String, String>,
    pub signals: Signals,
    /// The past of metrics of which a forecast is made; read every few hours.
    pub histories: Arc<Histories>,
    /// Services that fail more often than not, and how: nothing that depends on one is destroyed.
    pub troubled: BTreeMap<Service, String>,
}

impl Region {
    /// Why a listing is not known, if it is not.
    pub fn unknown(&self, listing: Listing) -> Option<&str> {
        match self.sections.get(&listing) {
            Some(Section::Known { .. }) => None,
            Some(Section::Unknown { why }) => Some(why),
            None => Some("not observed yet"),
        }
    }
}

/// One stack's slice of a region. Holds only what carries the stack's tags, and its [`Inventory::unclaimed`].
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    pub region: Arc<Region>,
    /// Resources by part; more than one is a duplicate that a lost reply left behind.
    pub parts: BTreeMap<Part, Vec<Arc<Resource>>>,
    /// For each part that this process saw before and that is not listed now: the first complete pass without it.
    pub missing_since: BTreeMap<Part, Timestamp>,
    /// Instances by the group that launched them.
    pub instances: BTreeMap<ResourceId, Vec<Instance>>,
    /// Instances in the stack's network that do not carry its tags, as last read: members of its groups that lost them,
    /// and strangers. Those that are terminated are left out.
    pub unclaimed: BTreeMap<ResourceId, Instance>,
    /// Health of targets by target group, with the time it was read. Groups that were not read are not here.
    pub targets: BTreeMap<ResourceId, (Timestamp, Vec<TargetHealth>)>,
    /// What AWS says of resources that no listing shows as ours, asked for by their ids; `None`: there is none. Their
    /// tags and details were read as well.
    pub unlisted: BTreeMap<(Kind, ResourceId), Option<Arc<Resource>>>,
    /// What has an address in these networks, whoever made it. Read only where a plan asks for it.
    pub interfaces: BTreeMap<ResourceId, Vec<NetworkInterface>>,
    /// Resources whose details (attributes, listeners, tags) were not read yet.
    pub incomplete: BTreeSet<ResourceId>,
    /// First complete pass of this process, per kind: absence is judged from there.
    pub first_pass: BTreeMap<Kind, Timestamp>,
}

/// What is known of one part.
#[derive(Clone, Debug)]
pub enum Lookup<'a> {
    Present(&'a Arc<Resource>),
    /// More than one; the first is the one to keep.
    Duplicated(&'a [Arc<Resource>]),
    /// Not listed by complete passes since then.
    Absent {
        since: Timestamp,
    },
    /// Nothing can be said, and why.
    Unknown(String),
}

impl Inventory {
    /// What is known of `part`, which is of `kind`.
    pub fn lookup(&self, part: &Part, kind: Kind) -> Lookup<'_> {
        match self.parts.get(part).map(Vec::as_slice) {
            Some([one]) => Lookup::Present(one),
            Some(several) if !several.is_empty() => Lookup::Duplicated(several),
            _ => self.lookup_absent(part, kind),
        }
    }

    fn lookup_absent(&self, part: &Part, kind: Kind) -> Lookup<'_> {
        if let Some(why) = self.region.unknown(kind.listing()) {
            return Lookup::Unknown(format!("{} could not be listed: {why}", kind.name()));
        }
        let since = self
            .missing_since
            .get(part)
            .or_else(|| self.first_pass.get(&kind))
            .copied()
            .unwrap_or(self.region.observed_at);
        Lookup::Absent { since }
    }

    /// The resource that is `part`, if it is there once.
    pub fn present(&self, part: &Part) -> Option<&Arc<Resource>> {
        self.parts.get(part).and_then(|rows| rows.first())
    }

    /// What AWS said of one resource when it was asked for it by its id.
    pub fn described(&self, kind: Kind, id: &ResourceId) -> Option<&Option<Arc<Resource>>> {
        self.unlisted.get(&(kind, id.clone()))
    }

    /// Every resource of the stack.
    pub fn resources(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.parts.values().flatten()
    }

    /// When the region was observed.
    pub fn observed_at(&self) -> Timestamp {
        self.region.observed_at
    }
}
