//! What any controller needs: a queue of keys, a runner, an informer. Nothing here knows what a key stands for.

mod informer;
mod queue;
mod runner;

pub(crate) use informer::Informer;
pub(crate) use queue::Queue;
pub(crate) use runner::{Ended, Runner};
