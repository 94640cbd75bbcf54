//! What the README shows of kubectl is what kubectl shows.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use lamp_tests::daemon::Home;

/// The README's daemon is in a hurry as well.
const SPEED: u32 = 120;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Commands, and what the README says that they print.
fn transcript() -> Result<Vec<(String, String)>> {
    let readme = std::fs::read_to_string(root().join("README.md"))?;
    let (_, after) = readme.split_once("<!-- transcript: begin -->").context("no transcript begins")?;
    let (shown, _) = after.split_once("<!-- transcript: end -->").context("the transcript does not end")?;
    let lines = shown.lines().filter(|line| !line.starts_with("```"));
    let mut commands: Vec<(String, String)> = Vec::new();
    for line in lines {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command.to_owned(), String::new())),
            (None, Some((_, output))) => {
                output.push_str(line);
                output.push('\n');
            }
            (None, None) => {}
        }
    }
    Ok(commands)
}

/// Words, without numbers: ages and counts differ from run to run, and long lines are broken in the README.
fn essence(text: &str) -> String {
    let words = text.split_whitespace().map(|word| {
        let is_age = word.starts_with(|c: char| c.is_ascii_digit()) && word.ends_with(['s', 'm', 'h', 'd']);
        if is_age { "AGE".to_owned() } else { word.split(|c: char| c.is_ascii_digit()).collect() }
    });
    words.collect::<Vec<String>>().join(" ")
}

fn run(command: &str, home: &Home) -> Result<String> {
    let output = Command::new("bash")
        .args(["-c", command])
        .current_dir(root())
        .env("KUBECONFIG", home.kubeconfig())
        .env("KUBECACHEDIR", home.data_dir().join("cache"))
        .output()?;
    Ok(String::from_utf8([output.stdout, output.stderr].concat())?)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_readme_shows_of_kubectl_is_what_kubectl_shows() -> Result<()> {
    if Command::new("kubectl").arg("version").arg("--client").output().is_err() {
        println!("kubectl not installed: skipped");
        return Ok(());
    }
    let home = Home::simulated(SPEED)?.secured();
    let daemon = home.start().await?;
    let commands = transcript()?;
    let of_kubectl: Vec<_> = commands.iter().filter(|(command, _)| command.starts_with("kubectl ")).collect();
    ensure!(of_kubectl.len() >= 10, "only {} commands", of_kubectl.len());
    for (command, expected) in of_kubectl {
        let printed = run(command, &home)?;
        let (printed, expected) = (essence(&printed), essence(expected));
        ensure!(printed == expected, "{command}\n{printed}\nis not\n{expected}\n{}", daemon.log());
    }
    Ok(())
}
