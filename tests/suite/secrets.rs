//! Canaries: secrets that are known to the test, and looked for wherever something is written down or answered.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use kube::api::{Api, PostParams};
use lamp_api::v1alpha1::{AccessToken, LampStack};
use lamp_tests::account::Account;
use lamp_tests::daemon::{HURRIED, Home};
use lamp_tests::specs;
use serde_json::json;

use crate::daemon::{secured_stacks, until_ready};
use crate::secured::{lampctl, login, token};

const INSTALL: &str = "canary";
const PATIENCE: Duration = Duration::from_secs(240);

/// Every file below the folder, but for the administrator's kubeconfig, which is there to hold a token.
fn files(folder: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(self::files(&path)?);
        } else if !path.ends_with("admin.kubeconfig") {
            files.push((path.display().to_string(), std::fs::read(&path)?));
        }
    }
    Ok(files)
}

fn holds(haystack: &[u8], canary: &str) -> bool {
    haystack.windows(canary.len()).any(|window| window == canary.as_bytes())
}

/// What clients are answered and shown.
fn outputs(home: &Home, ann: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let admin = home.kubeconfig();
    let lines = [
        (admin.as_path(), "get lamp -A -o yaml"),
        (&admin, "get accesstokens -o yaml"),
        (&admin, "get events -A -o yaml"),
        (&admin, "describe lamp shop"),
        (&admin, "plan shop"),
        (ann, "get lamp -A"),
        (ann, "whoami"),
        (ann, "can-i --list"),
    ];
    let shown = lines.into_iter().map(|(kubeconfig, line)| {
        let words: Vec<&str> = line.split(' ').collect();
        let output = lampctl(kubeconfig, &words)?;
        Ok((line.to_owned(), [output.stdout, output.stderr].concat()))
    });
    shown.collect()
}

/// What is answered to somebody who puts a secret to the wrong place.
async fn refusal(tokens: &Api<AccessToken>, canary: &str) -> Result<(String, Vec<u8>)> {
    let spec = json!({"user": "a", "expiresAt": "2999-01-01T00:00:00Z", "sha256": canary});
    let misplaced: AccessToken =
        serde_json::from_value(json!({"metadata": {"name": "wrong"}, "spec": spec}))?;
    let refused = tokens.create(&PostParams::default(), &misplaced).await;
    let refused = refused.err().context("a secret was taken for a digest")?;
    Ok(("a refusal".to_owned(), format!("{refused:?}").into_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_written_down_or_answered_anywhere() -> Result<()> {
    let account = Account::new()?;
    let home = Home::on_endpoint(account.url(), INSTALL, &HURRIED)?.secured();
    let daemon = home.start().await?;
    let folder = tempfile::tempdir()?;
    let canary = token(&home, "ann", "ann")?;
    let ann = login(&home, folder.path(), &canary)?;
    let api = secured_stacks(&home).await?;
    let stack: LampStack = serde_json::from_value(account.with_certificate(specs::load("lamp")?)?)?;
    api.create(&PostParams::default(), &stack).await?;
    until_ready(&api, "shop", PATIENCE).await.with_context(|| daemon.log())?;

    let passwords: Vec<String> = serde_json::from_value(account.hand(&["secrets"])?)?;
    ensure!(!passwords.is_empty(), "the site's database has no secret: nothing was tried");
    let administrator = std::fs::read_to_string(home.kubeconfig())?;
    let kubeconfig: serde_json::Value = serde_json::from_str(&administrator)?;
    let administrator = kubeconfig["users"][0]["user"]["token"].as_str().context("no token")?;
    // The name of a token is no secret; what follows is.
    let mut canaries = vec![
        canary.trim_start_matches("lmp_ann_").to_owned(),
        administrator.trim_start_matches("lmp_admin-kubeconfig_").to_owned(),
    ];
    canaries.extend(passwords.iter().flat_map(|password| inner(password)));
    ensure!(canaries.len() > 2 && canaries.iter().all(|canary| canary.len() >= 12), "no secrets to look for");

    let mut places = outputs(&home, &ann)?;
    let tokens: Api<AccessToken> = Api::all(api.into_client());
    for canary in &canaries {
        places.push(refusal(&tokens, canary).await?);
    }
    places.extend(files(&home.data_dir())?);
    let log = daemon.whole_log()?;
    ensure!(log.len() > 100_000, "the log says little: {} bytes", log.len());
    places.push(("the log".to_owned(), log.into_bytes()));
    for (index, canary) in canaries.iter().enumerate() {
        let found = places.iter().find(|(_, content)| holds(content, canary));
        ensure!(
            found.is_none(),
            "secret {index} of {} is in {:?}",
            canaries.len(),
            found.map(|(place, _)| place)
        );
    }
    Ok(())
}

/// The secret itself, or the texts in it where it is JSON.
fn inner(value: &str) -> Vec<String> {
    match serde_json::from_str::<serde_json::Value>(value) {
        Ok(serde_json::Value::Object(fields)) => {
            let password = fields.get("password").and_then(|it| it.as_str());
            password.map(str::to_owned).into_iter().collect()
        }
        _ => vec![value.to_owned()],
    }
}
