//! What a person does who is told to look.

use anyhow::Result;
use lamp_api::annotations;
use lamp_api::conditions::types;
use lamp_cloud::{Kind, ResourceId, State};
use lamp_sim::World;
use lamp_store::Key;

use super::trial::Trial;
use crate::Site;

/// What AWS says to whoever would lift the protection of a replica that failed: only its support can help.
const FAILED_FOR_GOOD: &str = "is not in available state: failed";

/// Whether healing or a rollout holds, consent is asked for, or a replica failed that AWS does not let go.
pub(super) fn is_asked(site: &Site, key: &Key) -> Result<bool> {
    let conditions = site.status(key)?.unwrap_or_default().conditions;
    let asks = |reason: &str| ["HealingHeld", "RolloutHalted"].contains(&reason);
    Ok(conditions.iter().any(|condition| {
        condition.status == "True"
            && (asks(&condition.reason)
                || condition.message.contains("confirm-replace")
                || condition.type_ == types::STALLED && condition.message.contains(FAILED_FOR_GOOD))
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
            if story.contains(FAILED_FOR_GOOD) {
                repair_databases(&mut world);
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

/// AWS's support makes available what failed.
fn repair_databases(world: &mut World) {
    let failed =
        |row: &&lamp_cloud::Resource| row.kind() == Kind::DbInstance && matches!(row.state, State::Failed(_));
    let ids: Vec<ResourceId> =
        world.resources().map(AsRef::as_ref).filter(failed).map(|row| row.id.clone()).collect();
    for id in ids {
        world.set_database_status(&id, "available");
        world.mend_replication(&id);
    }
}
