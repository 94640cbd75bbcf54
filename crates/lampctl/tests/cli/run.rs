//! Starting the program.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// How it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The program, without anything of the environment that it would heed.
pub(crate) fn command(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    for variable in
        ["KUBECONFIG", "LAMPLIGHTER_SERVER", "LAMPLIGHTER_NAMESPACE", "NO_COLOR", "CLICOLOR_FORCE"]
    {
        command.env_remove(variable);
    }
    command.env("HOME", "/nonexistent").args(arguments);
    command
}

pub(crate) fn lampctl() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_lampctl"))
}

/// Runs it against `server` with `input` on standard input.
pub(crate) fn run_with(server: &str, arguments: &[&str], input: &str) -> Ended {
    let mut command = command(lampctl(), arguments);
    command.env("LAMPLIGHTER_SERVER", server);
    finish(command, input)
}

pub(crate) fn run(server: &str, arguments: &[&str]) -> Ended {
    run_with(server, arguments, "")
}

pub(crate) fn finish(mut command: Command, input: &str) -> Ended {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that never reads its input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}
