//! The launch template of the tier, and what is recorded of its versions.

use lamp_cloud::kinds::launch_template::LaunchTemplate;
use lamp_cloud::{Body, Inventory, Reference, TemplateVersion, Versions};

use super::{TIER, World, at};
use crate::{Adoption, Ledger, Memory, PlanInput, Settings, parts};

impl World {
    /// The template of the tier, as the spec asks for it.
    pub(super) fn template(&self) -> LaunchTemplate {
        let input = PlanInput {
            owner: &self.owner,
            spec: &self.spec,
            generation: 1,
            deleting: false,
            confirmed: false,
            requested: None,
            order: None,
            adoption: &Adoption::default(),
            holds: &self.holds,
            inventory: &Inventory::default(),
            ledger: &Ledger::new(),
            memory: &Memory::default(),
            settings: &Settings::default(),
            now: at(self.now),
        };
        let wanted = crate::kinds::launch_template::of(&input, &self.spec.tiers[0]).body;
        let newest = self.newest.max(self.version);
        let mut template = LaunchTemplate { data: None, latest_version: newest, default_version: newest };
        // Where the address of a database is not known, nobody knows what is launched.
        if let Ok(Body::LaunchTemplate(wanted)) = wanted {
            template.data = wanted.data;
        }
        for data in template.data.iter_mut() {
            data.security_groups = vec![Reference::id("sg-web")];
        }
        template
    }

    /// What the versions of the template proved to be, as recorded.
    pub(crate) fn versions(&mut self) -> &mut Versions {
        &mut self.ledger.get_mut(&parts::launch_template(TIER)).unwrap().versions
    }

    /// Records that a version, which launched something else, was good.
    pub(crate) fn prove(&mut self, number: u64) {
        let launches = "what the spec asked for before".to_owned();
        self.versions().good = Some(TemplateVersion { number, launches, instance_types: Vec::new() });
    }
}
