//! What may be typed: the global flags and the verbs. Each verb's own flags stand beside its code.

mod global;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{
    apply, can_i, delete, describe, diff, events, get, hold, import, kubeconfig, login, mode, operation,
    orphans, plan, replay, scaling, sync, token, tree, version, wait, whoami, why,
};
use crate::exit;
pub(crate) use global::{Global, Token};

const EXIT_CODES: &str = "Exit codes:
  0   done
  1   failed (diff: there are differences; can-i: no)
  2   plan --detailed-exitcode: there are changes
  3   diff: failed
  64  wrong usage
  69  the daemon cannot be reached
  75  timed out
  77  not allowed, or not logged in";

/// Drives Lamplighter, the daemon that keeps LAMP sites on AWS as one spec says.
#[derive(Debug, Parser)]
#[command(name = "lampctl", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Invocation {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Whether `kubectl` started this as its plugin; then its kubeconfig says where the server is.
    #[arg(skip)]
    pub(crate) plugin: bool,
}

/// The verbs; kubectl's spelling for everything that kubectl has.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Create or change objects from files
    Apply(apply::Apply),
    /// Show objects
    Get(get::Get),
    /// Show a stack with its conditions, parts and events
    Describe(describe::Describe),
    /// Delete stacks, with what they have on AWS
    Delete(delete::Delete),
    /// Compare files with what the daemon has
    Diff(diff::Diff),
    /// Show what would be done to AWS, and why
    Plan(plan::Plan),
    /// Write the LampStack of a site that exists
    Import(import::Import),
    /// List what belongs to no stack, or delete it
    Orphans(orphans::Orphans),
    /// Show a site part by part
    Tree(tree::Tree),
    /// Show the last decisions of a stack with their numbers, and what blocks it
    Why(why::Why),
    /// Show what scaling policies would have done with a recorded load, or with that of a stack
    Replay(replay::Replay),
    /// Show the last scaling decisions of a stack, with plots of metric and capacity
    Scaling(scaling::Scaling),
    /// Wait for a condition, or for the end of a deletion
    Wait(wait::Wait),
    /// Ask for an observation of AWS right now
    Sync(sync::Sync),
    /// Change nothing on AWS until `resume`
    Pause(mode::Pause),
    /// Let the daemon change AWS again
    Resume(mode::Resume),
    /// Let nothing of a stack or tier be replaced, scaled in or rolled out until `release`
    Hold(hold::Hold),
    /// End a hold
    Release(hold::Release),
    /// Let the standby of a database take over
    Failover(operation::Failover),
    /// Let a read replica take the place of a primary that is lost
    Promote(operation::Promote),
    /// Show events, newest last
    Events(events::Events),
    /// Print a kubeconfig for the daemon, for kubectl and every other client
    Kubeconfig(kubeconfig::Kubeconfig),
    /// Make a server and a token the current context of the kubeconfig
    Login(login::Login),
    /// Show who you are to the server
    Whoami(whoami::Whoami),
    /// Tell whether you may do something
    CanI(can_i::CanI),
    /// Make tokens for people and programs
    Token(token::Token),
    /// Show the versions of this program and of the daemon
    Version(version::Version),
}

/// Which files hold the objects.
#[derive(Clone, Debug, Args)]
pub(crate) struct Files {
    /// Files or folders that hold the objects; `-` is standard input
    #[arg(short, long = "filename", value_name = "FILE")]
    pub(crate) filename: Vec<std::path::PathBuf>,
    /// Go through folders below the given ones as well
    #[arg(short = 'R', long, requires = "filename")]
    pub(crate) recursive: bool,
}

/// Reads the arguments; the name shown in usage follows the name of the program.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Invocation, clap::Error> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let plugin = arguments.first().is_some_and(is_plugin);
    let name = if plugin { "kubectl lamp" } else { "lampctl" };
    let mut command = Invocation::command().name(name).bin_name(name);
    let mut matches = command.try_get_matches_from_mut(arguments)?;
    let mut invocation =
        Invocation::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))?;
    invocation.plugin = plugin;
    Ok(invocation)
}

/// kubectl finds its plugins by their file name.
fn is_plugin(program: &OsString) -> bool {
    Path::new(program).file_stem().is_some_and(|stem| stem == "kubectl-lamp")
}

/// Prints what clap has to say; help and version are no failures.
pub(crate) fn refuse(error: &clap::Error) -> ExitCode {
    // Nothing is left to tell to whom the help itself cannot be printed.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(exit::USAGE) } else { ExitCode::SUCCESS }
}

/// `20m`, `1h30m`, `90s`, `0`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let expected = || format!("{text:?} is no duration: write it like 90s, 20m or 1h30m");
    let signed: jiff::SignedDuration = text.parse().map_err(|_| expected())?;
    Duration::try_from(signed).map_err(|_| expected())
}

/// As [`duration`], and `90d`.
pub(crate) fn days(text: &str) -> Result<Duration, String> {
    match text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok()) {
        Some(days) => Ok(Duration::from_secs(u64::from(days) * 24 * 3600)),
        None => duration(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Invocation, clap::Error> {
        parse(line.split(' ').map(OsString::from))
    }

    #[test]
    fn the_definition_is_sound() {
        Invocation::command().debug_assert();
    }

    #[test]
    fn global_flags_stand_before_and_after_the_verb() {
        let before = parsed("lampctl -n shop --server http://a:1 tree web").unwrap();
        let after = parsed("lampctl tree web -n shop --server http://a:1").unwrap();
        assert_eq!(before.global.namespace.as_deref(), Some("shop"));
        assert_eq!(after.global.namespace.as_deref(), Some("shop"));
        assert_eq!(after.global.server.as_deref(), Some("http://a:1"));
    }

    #[test]
    fn the_name_in_usage_follows_the_program() {
        let usage = parsed("/usr/local/bin/kubectl-lamp tree").unwrap_err().to_string();
        assert!(usage.contains("Usage: kubectl lamp tree"), "{usage}");
        assert!(parsed("kubectl-lamp version").unwrap().plugin);
        let usage = parsed("/usr/bin/lampctl tree").unwrap_err().to_string();
        assert!(usage.contains("Usage: lampctl tree"), "{usage}");
    }

    #[test]
    fn durations_are_spelled_as_kubectl_spells_them() {
        assert_eq!(duration("20m"), Ok(Duration::from_secs(1200)));
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        assert!(duration("soon").unwrap_err().contains("is no duration"));
        assert!(duration("-5s").is_err());
        assert_eq!(days("90d"), Ok(Duration::from_secs(90 * 24 * 3600)));
        assert_eq!(days("8h"), Ok(Duration::from_secs(8 * 3600)));
        assert!(days("d").is_err());
    }
}
