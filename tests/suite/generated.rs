//! Files that are generated and committed are as the generator makes them today.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use lamp_tests::daemon::binary;
use lamp_tests::generated;

use crate::files::read;

#[test]
fn generated_files_are_fresh() -> Result<()> {
    for (path, text) in generated::files()? {
        let committed = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        ensure!(committed == text, "{}: run `cargo xtask codegen`", path.display());
    }
    Ok(())
}

fn printed_policy(arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(binary("lamplighter")?);
    command.env_remove("LAMPLIGHTER_INSTALL").env_remove("LAMPLIGHTER_REGION");
    let output = command.arg("iam-policy").args(arguments).output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

#[test]
fn the_policy_that_is_installed_is_the_one_that_the_daemon_prints() -> Result<()> {
    ensure!(printed_policy(&[])? == read("deploy/iam/policy.json")?, "they differ");
    Ok(())
}

#[test]
fn each_flag_narrows_the_policy_that_is_printed() -> Result<()> {
    let narrow =
        printed_policy(&["--install", "prod", "--region", "eu-west-1", "--account", "123456789012"])?;
    ensure!(narrow.contains(r#""aws:RequestTag/lamplighter:install": ["#) && !narrow.contains("\"default\""));
    ensure!(narrow.contains("arn:aws:ec2:eu-west-1:123456789012:vpc/*"), "{narrow}");
    ensure!(!narrow.contains(":*:*:"), "a resource of any region or account:\n{narrow}");
    Ok(())
}
