//! The outcome of planning.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use lamp_api::v1alpha1::{FormerPrimary, LeftAlone, OperationPhase, PartState, PlanEffect, Stranger};
use lamp_cloud::{
    Corrections, Difference, HealingRecord, Kind, Loss, Part, Promotion, Request, ResourceId, Seen, Versions,
};

use crate::Memory;

/// What an action does to its part.
pub type Effect = PlanEffect;

/// The actions that are safe now, and everything else that there is to say.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Independent of each other: any order, or all at once.
    pub actions: Vec<Action>,
    /// Open intents that the observation settled; to be written down before the actions.
    pub settlements: BTreeMap<Part, Settlement>,
    /// Parts that are as the spec says for the first time; to be written down with the settlements.
    pub completed: BTreeSet<Part>,
    /// The corrections to remember of a part, in place of those that its record has; to be written down with the
    /// settlements.
    pub corrections: BTreeMap<Part, BTreeMap<String, Corrections>>,
    /// What the versions of a launch template proved to be, in place of what its record has; to be written down with
    /// the settlements.
    pub versions: BTreeMap<Part, Versions>,
    /// What healing must not forget of a group, in place of what its record has; to be written down with the settlements.
    pub healing: BTreeMap<Part, HealingRecord>,
    /// How instances of the database are seen now, in place of what their records have; to be written down with the
    /// settlements.
    pub seen: BTreeMap<Part, Seen>,
    /// That the primary is lost, or is no more, in place of what its record has; to be written down with the settlements.
    pub losses: BTreeMap<Part, Option<Loss>>,
    /// Which replica takes the place of the primary, in place of what its record has; to be written down with the
    /// settlements, before anything is done about it.
    pub promotions: BTreeMap<Part, Promotion>,
    /// What became of the order, if there is one.
    pub order: Option<OrderReport>,
    /// State of each part, and what it waits for.
    pub parts: BTreeMap<Part, PartReport>,
    pub tiers: BTreeMap<String, TierReport>,
    pub database: Option<DatabaseReport>,
    /// Instances in the stack's network that are none of its own: reported, and never touched.
    pub strangers: Vec<Stranger>,
    /// Differences that are not put back: those that are only reported, and those that others insist on.
    pub left_alone: Vec<LeftAlone>,
    /// Decisions of scaling and healing, also those not to act, with their numbers: (part, action, reason).
    pub decisions: Vec<(Part, String, String)>,
    /// What the next plan needs to remember.
    pub memory: Memory,
    /// What keeps parts from being deleted.
    pub blockers: Vec<Blocker>,
    /// What no listing shows, and decides what follows.
    pub asks: BTreeSet<Ask>,
    /// When time alone changes the plan.
    pub next_look: Option<Timestamp>,
    /// Whether a stack that is being deleted has nothing left on AWS.
    pub finished: bool,
}

/// A question to AWS, answered with the next observation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ask {
    /// What is there under this id? Of a recorded resource that no listing shows, or one to be taken over.
    Resource(Kind, ResourceId),
    /// Which network interfaces stand in this network, whosever they are?
    Interfaces { vpc: ResourceId },
}

/// What keeps a part from being deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    pub part: Part,
    /// AWS's id of the part.
    pub id: ResourceId,
    /// What holds it: AWS's id of a network interface, or the code of AWS's refusal.
    pub by: String,
    /// A sentence that names both.
    pub message: String,
    /// Whether it is somebody else's, and stays until a person removes it.
    pub foreign: bool,
}

/// One mutation, complete: the executor chooses nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    pub part: Part,
    pub kind: Kind,
    pub effect: Effect,
    pub request: Request,
    /// Why, for people.
    pub reason: String,
    /// The fields that it puts right.
    pub changes: Vec<Difference>,
    /// What must be read again, and be so, just before.
    pub precondition: Option<Precondition>,
}

/// A fact that must hold at the moment of the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// The database instance is still a read replica: somebody may have promoted it.
    IsReplica { id: ResourceId },
    /// It is, and no rule of these security groups lets anybody in: that of the primary before it.
    Promotable { id: ResourceId, fences: Vec<ResourceId> },
}

/// What there is to say of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderReport {
    pub phase: OperationPhase,
    /// A sentence.
    pub message: String,
}

/// What an observation says of an open intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The creation took effect: this is its resource. Closes the open intent.
    Created(ResourceId),
    /// It did not take effect, or what it did is planned afresh from observation. Closes the open intent.
    Void,
    /// A resource that carries our tags is taken into the ledger, with consent.
    Adopted(Kind, ResourceId),
    /// The part is gone for good; its record is no longer needed.
    Forget,
    /// The part failed or vanished and is made again under another name and token: closes the open intent, clears
    /// the id, the time of creation and the last outcome, and counts one attempt more.
    NextAttempt,
}

/// What there is to say of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartReport {
    pub kind: Kind,
    pub id: Option<ResourceId>,
    pub state: PartState,
    /// Why it is not ready, in a sentence.
    pub reason: Option<String>,
    /// Whether a person must act before it goes on.
    pub blocked: bool,
}

/// A tier in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TierReport {
    pub desired: u32,
    pub instances: u32,
    pub ready: u32,
    pub endpoint: Option<String>,
    /// Instances being replaced, or wanted but held back, in a sentence.
    pub healing: Option<String>,
    /// Why a person holds it, or single instances of it.
    pub held: Option<String>,
    /// Why nothing is replaced until a person has looked.
    pub needs_person: Option<String>,
    /// How far a new version of its launch template, or the return to the last good one, is.
    pub rollout: Option<String>,
    /// Why its instances are not of the version that the spec asks for, until a person acts.
    pub halted: Option<String>,
}

/// The database in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatabaseReport {
    pub status: String,
    pub endpoint: Option<String>,
    pub version: Option<String>,
    pub secret: Option<ResourceId>,
    pub replicas_desired: u32,
    pub replicas_ready: u32,
    /// Parts of which something waits for a maintenance window, and when that opens.
    pub scheduled: BTreeMap<Part, Timestamp>,
    pub final_snapshot: Option<String>,
    /// What is being done on an order, or because the primary was lost, in a sentence.
    pub operation: Option<String>,
    pub former_primaries: Vec<FormerPrimary>,
    /// CamelCase reasons of parts that say more than their state does.
    pub reasons: BTreeMap<Part, String>,
    /// Replicas that are there and do not count, and why, each in words.
    pub out_of_pool: Vec<String>,
}
