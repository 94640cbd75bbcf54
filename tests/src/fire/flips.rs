//! Bits that flip in the files of a store that is closed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use super::Report;
use super::check::{judge, lines, start};
use super::told::Told;

/// One round in so many damages files of every kind at once.
const EVERYWHERE: u32 = 10;
/// One round in so many is about a store of several segments.
const LARGE: u32 = 20;

/// A store to be damaged, and what is in it.
struct Template {
    home: TempDir,
    told: Told,
    /// Whether the index has everything that the journal has.
    was_closed: bool,
}

impl Template {
    /// Closed in order after so many writes of so many bytes.
    fn closed(rounds: &str, bytes: &str) -> Result<Template> {
        let home = tempfile::tempdir()?;
        let dir = home.path().join("data");
        let mut child = start("--write", &dir, &["--rounds", rounds, "--bytes", bytes])?;
        let mut told = Told::default();
        lines(&mut child).iter().for_each(|line| told.hear(&line));
        ensure!(child.wait()?.success(), "the store to be damaged could not be written");
        Ok(Template { home, told, was_closed: true })
    }

    /// Killed while it was written.
    fn killed() -> Result<Template> {
        let home = tempfile::tempdir()?;
        let dir = home.path().join("data");
        let mut child = start("--write", &dir, &[])?;
        let said = lines(&mut child);
        let mut told = Told::default();
        said.iter().take(2_000).for_each(|line| told.hear(&line));
        child.kill()?;
        child.wait()?;
        said.iter().for_each(|line| told.hear(&line));
        Ok(Template { home, told, was_closed: false })
    }

    fn copy(&self) -> Result<TempDir> {
        let copy = tempfile::tempdir()?;
        copy_folder(&self.home.path().join("data"), &copy.path().join("data"))?;
        Ok(copy)
    }
}

pub(super) fn run(rounds: u32, seed: u64, report: &mut Report) -> Result<()> {
    if rounds == 0 {
        return Ok(());
    }
    let mut chance = ChaCha8Rng::seed_from_u64(seed ^ 2);
    let (small, killed) = (Template::closed("50", "512")?, Template::killed()?);
    let large = if rounds >= LARGE { Some(Template::closed("400", "4096")?) } else { None };
    for round in 1..=rounds {
        let template = match &large {
            Some(large) if round % LARGE == 0 => large,
            _ if chance.random_bool(0.5) => &small,
            _ => &killed,
        };
        let copy = template.copy()?;
        let dir = copy.path().join("data");
        let hit = hurt(&dir, round % EVERYWHERE == 0, &mut chance)?;
        // What the index does not have yet is in the journal alone.
        let is_segment = |path: &PathBuf| path.extension().is_some_and(|it| it == "log");
        let is_only_copy = !template.was_closed && hit.iter().any(is_segment);
        let may_refuse = hit.len() > 1 || is_only_copy;
        let name = format!("flip {round} in {hit:?}");
        report.acknowledged += template.told.acknowledgements;
        let is_open = judge(&dir, &template.told, may_refuse, &name, report)?;
        if is_open {
            judge(&dir, &template.told, false, &format!("{name}, opened again"), report)?;
        }
    }
    Ok(())
}

/// Flips up to eight bytes in one file, or in one of each folder; which.
fn hurt(dir: &Path, everywhere: bool, chance: &mut ChaCha8Rng) -> Result<Vec<PathBuf>> {
    let folders = ["journal", "objects.sled"];
    let chosen: Vec<&str> =
        if everywhere { folders.to_vec() } else { folders.choose(chance).copied().into_iter().collect() };
    let mut hit = Vec::new();
    for folder in chosen {
        let files: Vec<PathBuf> = files(&dir.join(folder))?;
        let path = files.choose(chance).context("no file to damage")?;
        flip(path, chance)?;
        hit.push(path.strip_prefix(dir)?.to_owned());
    }
    Ok(hit)
}

fn flip(path: &Path, chance: &mut ChaCha8Rng) -> Result<()> {
    let mut bytes = std::fs::read(path)?;
    for _ in 0..chance.random_range(1..=8) {
        let place = chance.random_range(0..bytes.len());
        if let Some(byte) = bytes.get_mut(place) {
            *byte ^= 1 << chance.random_range(0..8);
        }
    }
    Ok(std::fs::write(path, bytes)?)
}

/// The files of a folder that have any bytes.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        if metadata.is_file() && metadata.len() > 0 {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else if entry.file_name() != "ballast" {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
