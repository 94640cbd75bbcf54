//! `lamplighter store`: what scripts rely on.

use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use lamp_store::{Key, Store};
use lamp_tests::daemon::{Home, binary};
use serde_json::json;

fn store(arguments: &[&str], dir: &Path) -> Result<Output> {
    let output = Command::new(binary("lamplighter")?)
        .arg("store")
        .args(arguments)
        .arg("--data-dir")
        .arg(dir)
        .output()?;
    Ok(output)
}

/// Carries out a task, and checks how it ended.
fn ends(arguments: &[&str], dir: &Path, code: i32) -> Result<String> {
    let output = store(arguments, dir)?;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.code() == Some(code), "store {arguments:?} ended with {}: {said}", output.status);
    Ok(said)
}

async fn fill(dir: &Path) -> Result<()> {
    let store = Store::open(dir, jiff::Timestamp::now)?;
    for number in 0..5 {
        store.create(&Key::new("lampstacks", "default", format!("s{number}")), json!({"spec": {}})).await?;
    }
    Ok(())
}

fn segment(dir: &Path) -> Result<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir.join("journal"))?.collect::<Result<Vec<_>, _>>()?;
    let paths = entries.into_iter().map(|entry| entry.path());
    paths.into_iter().find(|path| path.extension().is_some_and(|it| it == "log")).context("no segment")
}

#[tokio::test]
async fn each_task_does_what_it_says_and_ends_with_its_code() -> Result<()> {
    let home = tempfile::tempdir()?;
    let (dir, copy, export) =
        (home.path().join("data"), home.path().join("copy"), home.path().join("export"));
    fill(&dir).await?;
    let export = export.to_str().context("a path")?;
    ensure!(ends(&["verify"], &dir, 0)?.contains("5 lampstacks"), "what is in it");
    ends(&["export", export], &dir, 0)?;
    ends(&["import", export], &copy, 0)?;
    ensure!(ends(&["import", export], &copy, 1)?.contains("holds a store already"), "nothing is overwritten");
    ensure!(ends(&["verify"], &copy, 0)?.contains("5 lampstacks"), "it is the same");
    ensure!(ends(&["confirm"], &copy, 0)?.contains("nothing is to be confirmed"), "it is not old");

    let segment = segment(&dir)?;
    let mut bytes = std::fs::read(&segment)?;
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&segment, bytes)?;
    ensure!(ends(&["verify"], &dir, 1)?.contains("nothing of it is lost"), "the index has it");
    std::fs::remove_dir_all(dir.join("objects.sled"))?;
    ensure!(ends(&["verify"], &dir, 1)?.contains("store rebuild"), "it says what to do");
    ends(&["export", &format!("{export}-2")], &dir, 1)?;
    ensure!(ends(&["rebuild"], &dir, 0)?.contains("the last 1 batches"), "it says what is lost");
    ends(&["verify"], &dir, 0)?;
    ends(&["mend"], &dir, 64)?;
    ends(&["verify"], &home.path().join("nowhere"), 1)?;
    Ok(())
}

#[tokio::test]
async fn a_directory_that_a_daemon_has_is_refused_with_75() -> Result<()> {
    let home = Home::simulated(1)?;
    let _daemon = home.start().await?;
    let said = ends(&["verify"], &home.data_dir(), 75)?;
    ensure!(said.contains("is in use by another daemon"), "{said}");
    Ok(())
}
