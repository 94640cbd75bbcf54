//! What a person does who is told to look.

use anyhow::Result;
use lamp_api::annotations;
use lamp_store::Key;

use super::trial::Trial;
use crate::Site;

/// Whether healing or a rollout holds, or consent is asked for.
pub(super) fn is_asked(site: &Site, key: &Key) -> Result<bool> {
    let conditions = site.status(key)?.unwrap_or_default().conditions;
    let asks = |reason: &str| ["HealingHeld", "RolloutHalted"].contains(&reason);
    Ok(conditions.iter().any(|condition| {
        condition.status == "True"
            && (asks(&condition.reason) || condition.message.contains("confirm-replace"))
    }))
}

impl Trial {
    /// Restarts what hangs, consents to what is asked, and says that somebody has looked.
    pub(super) fn act_as_a_person(&mut self) -> Result<()> {
        let story = self.site.story()?;
        self.story.tell(self.now(), "person", format!("looks: {story}"));
        {
            let mut world = self.site.region.world();
            let ids: Vec<String> = world.instances().map(|instance| instance.id.clone()).collect();
            for id in ids {
                world.revive_instance(&id);
            }
        }
        let mut spec = self.base.clone();
        let requested = self.now().to_string();
        spec["metadata"]["annotations"][annotations::RECONCILE_REQUESTED_AT] = requested.into();
        if story.contains("confirm-replace") {
            let stored = self.site.store().get(&self.key)?;
            let generation = stored.map(|stored| stored.object["metadata"]["generation"].to_string());
            spec["metadata"]["annotations"][annotations::CONFIRM_REPLACE] = generation.into();
        }
        if self.is_deleting()? { Ok(()) } else { self.site.apply(&spec).map(drop) }
    }
}
