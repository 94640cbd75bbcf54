//! The port to a cloud region, and its vocabulary: inventory, requests, signals, errors, names, ownership tags.
//!
//! Each [`Read`] and each [`Request`] is exactly one AWS call: that is what is budgeted, counted, written down as an
//! intent, and crashed in tests. This crate must not know tokio, the AWS SDK, the store, or how plans are made.
//!
//! Start at [`Cloud`]; the kinds of AWS resources are listed in [`kinds`].

mod clock;
mod error;
mod field;
mod healing_record;
mod history;
pub mod iam;
mod inventory;
pub mod kinds;
mod ledger;
mod limits;
mod live;
mod names;
mod operation;
mod owner;
mod rates;
mod read;
mod reference;
mod request;
mod resource;
mod signals;

use std::future::Future;

pub use clock::Clock;
pub use error::{CloudError, ErrorClass};
pub use field::{Difference, FieldOwner, Mutability};
pub use healing_record::{Chain, HealingRecord, OpenBreaker, Succession};
pub use history::{HISTORY_DAYS, HISTORY_PERIOD, Histories, History, HistoryMetric, HistoryQuery};
pub use inventory::{Inventory, Lookup, Region, Section};
pub use kinds::{Body, Change, Kind};
pub use ledger::{
    Corrections, FailedVersion, Finished, Intent, LedgerEntry, Loss, Outcome, Promotion, PromotionEnd, Seen,
    TemplateVersion, Versions,
};
pub use limits::Limit;
pub use live::{
    Instance, InstanceState, InstanceStatus, LifecycleState, Member, NetworkInterface, ScheduledEvent,
    ScheduledKind, StatusCheck, Target, TargetHealth, TargetState, Zone,
};
pub use names::{NAME_PREFIX, token, unique_name};
pub use operation::Operation;
pub use owner::{Owner, Tags, tag};
pub use rates::{Bucket, Rate, Service};
pub use read::{Listing, Page, Read, Reading};
pub use reference::Reference;
pub use request::{Applied, DeleteOptions, Request};
pub use resource::{Part, Resource, ResourceId, State};
pub use signals::{MetricName, MetricQuery, OtherMetric, Series, Signals};

/// One AWS region, seen and changed call by call.
///
/// Implementations make one attempt per mutation and never retry it: what a lost reply means is decided from the
/// intent that was written down before.
pub trait Cloud: Send + Sync + 'static {
    /// Name of the region, for example `eu-central-1`.
    fn region(&self) -> &str;

    /// Makes one reading call. Rows that do not carry our install tag are left out wherever the call returns tags.
    ///
    /// # Errors
    /// Any class; an error means "unknown", never "absent".
    fn read(&self, read: &Read) -> impl Future<Output = Result<Reading, CloudError>> + Send;

    /// Makes one mutating call.
    ///
    /// # Errors
    /// [`CloudError::outcome_unknown`] tells whether the change may have happened all the same.
    /// `AlreadyExists` for a create with a natural key is an error here; the planner adopts what it finds.
    fn apply(&self, request: &Request) -> impl Future<Output = Result<Applied, CloudError>> + Send;
}
