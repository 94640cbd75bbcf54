//! Who is the primary, and whether it has room: promotions, disks that fill.

use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::Kind;
use lamp_cloud::kinds::Declared;
use lamp_cloud::kinds::db_instance::{Change, DbInstance};

use crate::agenda::Step;
use crate::world::World;

impl World {
    /// `PromoteReadReplica`: for some minutes it is being changed, and replicates no more.
    pub(crate) fn begin_promotion(&mut self, id: &str, backup_retention_days: u32) {
        let Some(database) = self.databases.get_mut(id) else { return };
        database.promoting = Some(backup_retention_days);
        self.force_status(id, "modifying");
        let span = self.config.durations.promotion;
        self.plan_step(Kind::DbInstance, id, Step::Promoted, span);
    }

    /// It can be written from now on, and has backups of its own.
    pub(super) fn promotion_ends(&mut self, id: &str) {
        let Some(backup_retention_days) =
            self.databases.get_mut(id).and_then(|database| database.promoting.take())
        else {
            return;
        };
        if !self.lives(Kind::DbInstance, id) {
            return;
        }
        self.promote(id);
        let (now, change) = (self.now, Change::Promote { backup_retention_days });
        self.update(id, |body: &mut DbInstance| {
            body.apply(&change);
            body.facts.latest_restorable = (backup_retention_days > 0).then_some(now);
        });
        self.force_status(id, "available");
    }

    /// Somebody stores so much at once that this share of the volume is used.
    pub(crate) fn fill_to(&mut self, id: &str, share: f64) {
        let Some(volume) = self.body::<DbInstance>(id).map(|body| f64::from(body.storage_gib)) else {
            return;
        };
        let stored = self.stored_gib(id, self.now).unwrap_or_default();
        let before = self.databases.get(id).and_then(|database| database.filled).map_or(0.0, |(_, gib)| gib);
        let (now, more) = (self.now, before + volume * share - stored);
        if let Some(database) = self.databases.get_mut(id) {
            database.filled = Some((now, more));
        }
        if share >= 1.0 {
            self.storage_is_full(id);
        }
        self.plan_growth(id);
    }

    /// RDS stops an instance whose disk is full from writing.
    pub(super) fn storage_is_full(&mut self, id: &str) {
        let full = self.full_at(id).is_some_and(|at| at <= self.now);
        let serves = self
            .body::<DbInstance>(id)
            .is_some_and(|body| matches!(body.facts.status.as_str(), "available" | "storage-optimization"));
        if full && serves {
            self.force_status(id, "storage-full");
        }
    }

    /// When nothing of a volume is free.
    pub(super) fn full_at(&self, id: &str) -> Option<Timestamp> {
        let volume = f64::from(self.body::<DbInstance>(id)?.storage_gib);
        let free = (volume - self.stored_gib(id, self.now)?).max(0.0);
        let days = free / self.config.load.stored_gib_per_day;
        (days < 3650.0).then(|| self.now + Duration::from_secs_f64(days * 86_400.0))
    }
}
