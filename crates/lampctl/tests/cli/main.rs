//! The program as a user and a script meet it: spawned, against a small server that answers what a test says.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod exit_codes;
mod fake;
mod login;
mod operations;
mod orphans;
mod output;
mod reading;
mod replay;
mod run;
mod writing;
