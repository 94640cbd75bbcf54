//! Flags, variables and keys of `lamplighter serve` are documented as they are.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::files::read;
use lamp_tests::daemon::binary;

/// Flags that have no key: the file cannot name itself.
const WITHOUT_KEY: &str = "--config";

/// A flag as `--help` shows it.
#[derive(Debug)]
struct Flag {
    name: String,
    variable: String,
}

impl Flag {
    /// `--data-dir` is `dataDir` in the file.
    fn key(&self) -> String {
        let mut words = self.name.trim_start_matches('-').split('-');
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |key, word| key + &word[..1].to_uppercase() + &word[1..])
    }
}

/// Every flag that is a setting: those of all commands, `--help` and `--version`, have a short form before them.
fn flags() -> Result<Vec<Flag>> {
    let output =
        Command::new(binary("lamplighter")?).args(["serve", "--help"]).env("COLUMNS", "1000").output()?;
    ensure!(output.status.success(), "lamplighter serve --help ended with {}", output.status);
    let help = String::from_utf8(output.stdout)?;
    let mut flags = Vec::new();
    for paragraph in help.split("\n      --").skip(1) {
        let name = paragraph.split([' ', '\n']).next().unwrap_or_default();
        let variable = paragraph
            .split_once("[env: ")
            .and_then(|(_, rest)| rest.split(['=', ']']).next())
            .with_context(|| format!("--{name} has no environment variable"))?;
        flags.push(Flag { name: format!("--{name}"), variable: variable.to_owned() });
    }
    ensure!(flags.len() >= 10, "found only {flags:?} in\n{help}");
    Ok(flags)
}

/// The first three cells of each row of the table of flags: flag, variable, key.
fn rows() -> Result<Vec<[String; 3]>> {
    let text = read("docs/operations.md")?;
    let (_, table) = text.split_once("| flag | variable | key | default |").context("no table of flags")?;
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|line| {
        let mut cells =
            line.trim_matches('|').split(" |").map(|cell| cell.trim().trim_matches('`').to_owned());
        let mut next = || cells.next().with_context(|| format!("a row is too short: {line}"));
        Ok([next()?, next()?, next()?])
    })
    .collect()
}

#[test]
fn the_table_of_flags_is_that_of_the_program() -> Result<()> {
    let key = |flag: &Flag| if flag.name == WITHOUT_KEY { String::new() } else { flag.key() };
    let mut expected: Vec<_> =
        flags()?.iter().map(|flag| [flag.name.clone(), flag.variable.clone(), key(flag)]).collect();
    let mut documented = rows()?;
    expected.sort();
    documented.sort();
    ensure!(documented == expected, "docs/operations.md says {documented:#?}\nbut there is {expected:#?}");
    Ok(())
}

#[test]
fn the_configuration_file_that_is_installed_shows_every_key_and_no_other() -> Result<()> {
    let known: BTreeSet<_> = flags()?.iter().filter(|flag| flag.name != WITHOUT_KEY).map(Flag::key).collect();
    let file = read("deploy/systemd/lamplighter.yaml")?;
    let key = |line: &str| line.split_once(':').map(|(key, _)| key.to_owned());
    // Settings that do not hold for most are shown as comments.
    let shown: BTreeSet<_> = file.lines().filter_map(|line| key(line.trim_start_matches("# "))).collect();
    let hidden: Vec<_> = known.difference(&shown).collect();
    ensure!(hidden.is_empty(), "deploy/systemd/lamplighter.yaml does not show {hidden:?}");
    let set: BTreeSet<_> = file.lines().filter(|line| !line.starts_with('#')).filter_map(key).collect();
    let unknown: Vec<_> = set.difference(&known).collect();
    ensure!(unknown.is_empty(), "deploy/systemd/lamplighter.yaml sets {unknown:?}, which the daemon refuses");
    Ok(())
}
