//! A launch template: what an instance is started from. Versions are only ever added.

use serde::{Deserialize, Serialize};

use super::{Declared, Kind, Repeat};
use crate::field::fields;
use crate::operation::changes;
use crate::{Difference, Reference, Service, Tags};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaunchTemplate {
    /// What the newest version launches. In another listing than the template itself.
    pub data: Option<TemplateData>,
    /// The newest version, as observed.
    #[serde(default)]
    pub latest_version: u64,
    /// The version that people who name none get. Wanted is this one, and 0 is the newest. EC2 deletes no version
    /// that is the default one.
    #[serde(default)]
    pub default_version: u64,
}

/// What a version launches. IMDSv2 is required, and the root volume is an encrypted gp3, always.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateData {
    /// `ami-…`, or `resolve:ssm:/…` which AWS resolves at each launch.
    pub image: String,
    pub instance_type: String,
    pub instance_profile: Option<String>,
    pub security_groups: Vec<Reference>,
    /// Script or cloud-config, not encoded.
    pub user_data: String,
    pub root_volume_gib: u32,
    /// Tags of instances and their volumes.
    pub instance_tags: Tags,
    /// `HttpTokens: required`
    pub imds_v2_required: bool,
    pub root_volume_encrypted: bool,
    /// A datapoint of each metric every minute instead of every five, which is what scaling reads. EC2 charges for it.
    #[serde(default)]
    pub detailed_monitoring: bool,
    /// What the version says of itself: [`OUR_VERSION`] where we made it. It launches nothing, so it is not compared.
    #[serde(default)]
    pub description: Option<String>,
}

/// The description of the versions that we make. Those of others say something else, or nothing.
pub const OUR_VERSION: &str = "Made by Lamplighter";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// `CreateLaunchTemplateVersion`
    NewVersion(TemplateData),
    /// `ModifyLaunchTemplate`
    DefaultVersion(u64),
}

impl TemplateData {
    /// All that is launched, as text: equal for equal machines.
    pub fn launched(&self) -> String {
        let data = Self { description: None, ..LaunchTemplate::sorted(self) };
        serde_json::to_string(&data).unwrap_or_default()
    }
}

fields!(TemplateData {
    image: InPlace Spec,
    instance_type: InPlace Spec,
    instance_profile: InPlace Spec,
    security_groups: InPlace Spec,
    user_data: InPlace Spec,
    root_volume_gib: InPlace Spec,
    instance_tags: InPlace Spec,
    imds_v2_required: InPlace Spec,
    root_volume_encrypted: InPlace Spec,
    detailed_monitoring: InPlace Spec,
});

impl LaunchTemplate {
    /// Whether the newest version is known to be none of ours.
    pub fn is_anothers(&self) -> bool {
        self.data.as_ref().is_some_and(|data| data.description.as_deref() != Some(OUR_VERSION))
    }

    /// The version that is to be the default one.
    fn wanted_default(&self, observed: &Self) -> u64 {
        if self.default_version == 0 { observed.latest_version } else { self.default_version }
    }

    fn sorted(data: &TemplateData) -> TemplateData {
        let mut data = data.clone();
        data.security_groups.sort();
        data
    }
}

impl Declared for LaunchTemplate {
    type Change = Change;
    const KIND: Kind = Kind::LaunchTemplate;
    const SERVICE: Service = Service::Ec2;
    const REPEAT: Repeat = Repeat::Safe;
    const CREATE: &'static str = "CreateLaunchTemplate";
    const DELETE: &'static str = "DeleteLaunchTemplate";
    const FIELDS: &'static [&'static str] = FIELDS;

    fn needs(&self) -> Vec<&Reference> {
        self.data.iter().flat_map(|data| &data.security_groups).collect()
    }

    fn references_mut(&mut self) -> Vec<&mut Reference> {
        self.data.iter_mut().flat_map(|data| &mut data.security_groups).collect()
    }

    fn differences(&self, observed: &Self) -> Vec<Difference> {
        match (&self.data, &observed.data) {
            (Some(desired), Some(observed)) => differences(&Self::sorted(desired), &Self::sorted(observed)),
            _ => Vec::new(),
        }
    }

    fn leave(&mut self, observed: &Self, field: &str) {
        if let (Some(desired), Some(observed)) = (&mut self.data, &observed.data) {
            leave(desired, observed, field);
        }
    }

    fn changes(&self, observed: &Self) -> Vec<Change> {
        let resolved = self.needs().iter().all(|reference| reference.as_id().is_some());
        match (&self.data, &observed.data) {
            (Some(wanted), Some(_)) if !self.differences(observed).is_empty() => {
                resolved.then(|| Change::NewVersion(wanted.clone())).into_iter().collect()
            }
            (Some(_), Some(_)) if observed.default_version != self.wanted_default(observed) => {
                vec![Change::DefaultVersion(self.wanted_default(observed))]
            }
            _ => Vec::new(),
        }
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::NewVersion(data) => {
                self.data = Some(data.clone());
                self.latest_version += 1;
            }
            Change::DefaultVersion(version) => self.default_version = *version,
        }
    }

    changes! {
        Change::NewVersion(_) => "CreateLaunchTemplateVersion",
        Change::DefaultVersion(_) => "ModifyLaunchTemplate",
    }
}
