//! The real daemon over TLS: a first start lets its administrator in, and nobody else.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use kube::api::ListParams;
use lamp_tests::daemon::{Home, binary};

use crate::daemon::secured_stacks;

/// Runs `lampctl` with a kubeconfig.
pub(crate) fn lampctl(kubeconfig: &Path, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(binary("lampctl")?);
    command.args(arguments).env("KUBECONFIG", kubeconfig).env_remove("LAMPLIGHTER_SERVER");
    command.output().context("lampctl does not start")
}

fn printed(output: Output) -> Result<String> {
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// A token for a user, as an administrator has it made.
pub(crate) fn token(home: &Home, name: &str, user: &str) -> Result<String> {
    let made = lampctl(&home.kubeconfig(), &["token", "create", name, "--user", user, "--for", "1h"])?;
    Ok(printed(made)?.trim().to_owned())
}

/// A kubeconfig of somebody with this token, made as they make it.
pub(crate) fn login(home: &Home, folder: &Path, token: &str) -> Result<std::path::PathBuf> {
    let (kubeconfig, file) = (folder.join("kubeconfig"), folder.join("token"));
    std::fs::write(&file, token)?;
    let authority = home.data_dir().join("tls/ca.crt");
    let (file, authority) = (file.display().to_string(), authority.display().to_string());
    let url = home.url();
    let arguments = ["login", &url, "--token-file", &file, "--certificate-authority", &authority];
    printed(lampctl(&kubeconfig, &arguments)?)?;
    Ok(kubeconfig)
}

#[tokio::test]
async fn a_first_start_lets_the_administrator_in_and_later_ones_too() -> Result<()> {
    let home = Home::simulated(1)?.secured();
    let daemon = home.start().await?;
    let mode = std::fs::metadata(home.kubeconfig())?.permissions().mode() & 0o777;
    ensure!(mode == 0o600, "{mode:o}");
    ensure!(daemon.whole_log()?.contains("wrote the administrator's kubeconfig"), "{}", daemon.log());
    let api = secured_stacks(&home).await?;
    api.list(&ListParams::default()).await?;
    let before = std::fs::read_to_string(home.kubeconfig())?;
    daemon.kill()?;
    let _daemon = home.start().await?;
    ensure!(std::fs::read_to_string(home.kubeconfig())? == before, "a kubeconfig that is good was replaced");
    secured_stacks(&home).await?.list(&ListParams::default()).await?;
    Ok(())
}

#[tokio::test]
async fn who_has_no_token_or_no_right_gets_nothing() -> Result<()> {
    let home = Home::simulated(1)?.secured();
    let _daemon = home.start().await?;
    let folder = tempfile::tempdir()?;
    let ann = login(&home, folder.path(), &token(&home, "ann", "ann")?)?;
    ensure!(printed(lampctl(&ann, &["whoami"])?)?.contains("ann"));
    let refused = lampctl(&ann, &["get"])?;
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(refused.status.code() == Some(77), "{refused:?}");
    ensure!(text.contains(r#"User "ann" cannot list resource "lampstacks""#), "{text}");
    printed(lampctl(&home.kubeconfig(), &["delete", "accesstoken/ann", "--yes"])?)?;
    let revoked = lampctl(&ann, &["whoami"])?;
    ensure!(revoked.status.code() == Some(77), "{revoked:?}");
    let address = home.url().replace("https://", "");
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"GET /api/v1/namespaces HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.contains("Client sent an HTTP request to an HTTPS server"), "{answer}");
    Ok(())
}
