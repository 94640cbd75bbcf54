//! What scaling policies would have done: which policies, with which load, and what came of it. How it looks is in `view`.

pub(crate) mod candidate;
pub(crate) mod experiment;
pub(crate) mod history;
pub(crate) mod load;
pub(crate) mod subject;

pub(crate) use candidate::Candidate;
pub(crate) use experiment::{Decided, Experiment, Run};
pub(crate) use history::History;
pub(crate) use load::Load;
pub(crate) use subject::{Scaled, Subject};
