//! The engine, step by step, against the simulated region.

mod answers;
mod calls;
mod coming_up;
mod looping;
mod restraint;
mod support;
