//! A disk that fills up while a store is written, and has room again later.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use super::Report;
use super::check::{judge, lines, start};
use super::told::Told;

/// How soon a store must go on once there is room.
const RESUMES: Duration = Duration::from_secs(60);
/// How soon a full disk must be noticed.
const NOTICED: Duration = Duration::from_secs(60);
const SIZE: &str = "size=24m";

pub(super) fn run(rounds: u32, seed: u64, report: &mut Report) -> Result<()> {
    let mut chance = ChaCha8Rng::seed_from_u64(seed ^ 1);
    for round in 1..=rounds {
        let disk = Disk::new()?;
        report.full_disks_by = Some(disk.kind());
        let mut play = Play { disk, told: Told::default(), name: format!("full disk {round}") };
        play.round(chance.random_range(0..256), chance.random_bool(0.5), report)?;
        report.acknowledged += play.told.acknowledgements;
    }
    Ok(())
}

/// One round.
struct Play {
    disk: Disk,
    told: Told,
    name: String,
}

impl Play {
    /// `left`: so many KiB stay free. `dies`: the process is killed while the disk is full, and started again.
    fn round(&mut self, left: u64, dies: bool, report: &mut Report) -> Result<()> {
        let (mut child, mut said) = self.start()?;
        self.hear_until(&said, NOTICED, |told| told.acknowledgements > 100);
        self.disk.fill(&child, left)?;
        if !self.hear_until(&said, NOTICED, |told| told.refusals > 20) {
            report.fail(format!("{}: the full disk was not noticed", self.name));
        }
        if dies {
            self.end(&mut child, &said)?;
            // It may be refused, as there is no room, or serve what is there.
            (child, said) = self.start()?;
            self.hear_until(&said, Duration::from_secs(2), |_| false);
        }
        self.disk.empty(&child)?;
        if child.try_wait()?.is_some() {
            (child, said) = self.start()?;
        }
        let before = self.told.acknowledgements;
        if !self.hear_until(&said, RESUMES, |told| told.acknowledgements > before + 20) {
            report.fail(format!("{}: it does not go on when there is room", self.name));
        }
        self.end(&mut child, &said)?;
        judge(&self.disk.data(), &self.told, false, &self.name, report)?;
        Ok(())
    }

    fn start(&self) -> Result<(Child, Receiver<String>)> {
        let mut child = start("--write", &self.disk.data(), &["--bytes", "8192"])?;
        let said = lines(&mut child);
        Ok((child, said))
    }

    fn end(&mut self, child: &mut Child, said: &Receiver<String>) -> Result<()> {
        // It may have ended already.
        let _ = child.kill();
        child.wait()?;
        said.iter().for_each(|line| self.told.hear(&line));
        Ok(())
    }

    /// Listens until something was said; whether it was, in time.
    fn hear_until(&mut self, said: &Receiver<String>, limit: Duration, done: impl Fn(&Told) -> bool) -> bool {
        let deadline = Instant::now() + limit;
        while !done(&self.told) {
            match said.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.told.hear(&line),
                Err(_) => return false,
            }
        }
        true
    }
}

/// A disk of a few megabytes.
enum Disk {
    /// A file system of its own, in memory.
    Mounted { mount: TempDir },
    /// Where nothing may be mounted: files of the process may not grow any more.
    Limited { folder: TempDir },
}

impl Disk {
    fn new() -> Result<Disk> {
        let folder = tempfile::tempdir()?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", SIZE, "tmpfs"])
            .arg(folder.path())
            .stderr(std::process::Stdio::null())
            .status();
        match mounted {
            Ok(status) if status.success() => Ok(Disk::Mounted { mount: folder }),
            _ => Ok(Disk::Limited { folder }),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Disk::Mounted { .. } => "a file system of 24 MiB",
            Disk::Limited { .. } => "a limit of the process (nothing may be mounted)",
        }
    }

    fn folder(&self) -> &Path {
        match self {
            Disk::Mounted { mount } => mount.path(),
            Disk::Limited { folder } => folder.path(),
        }
    }

    fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    /// Leaves no more than `left` KiB.
    fn fill(&self, child: &Child, left: u64) -> Result<()> {
        match self {
            Disk::Mounted { mount } => {
                let mut filler = File::create(mount.path().join("filler"))?;
                let block = [0_u8; 4096];
                // Whoever writes meanwhile takes his share.
                while filler.write_all(&block).is_ok() {}
                let length = filler.metadata()?.len();
                filler.set_len(length.saturating_sub(left * 1024))?;
                Ok(())
            }
            Disk::Limited { .. } => limit(child, "1024"),
        }
    }

    fn empty(&self, child: &Child) -> Result<()> {
        match self {
            Disk::Mounted { mount } => {
                std::fs::remove_file(mount.path().join("filler")).context("the filler is gone")
            }
            // A process that has ended has no limit any more.
            Disk::Limited { .. } => limit(child, "unlimited").or(Ok(())),
        }
    }
}

/// Sets how large files of a process may be, in bytes.
fn limit(child: &Child, bytes: &str) -> Result<()> {
    let pid = child.id().to_string();
    let status =
        Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")]).status()?;
    ensure!(status.success(), "prlimit ended with {status}");
    Ok(())
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Disk::Mounted { mount } = self {
            // A mount that stays is seen by whoever looks at the folder; there is nobody to tell.
            let _ = Command::new("umount").arg(mount.path()).status();
        }
    }
}
