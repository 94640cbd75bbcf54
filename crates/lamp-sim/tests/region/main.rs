//! The simulated region against what AWS documents and shows.

mod site;

mod creation;
