//! What a data directory was made for: one region of one account, as one installation. Under another one nothing of
//! what it records would be found, and everything would be made again.

use std::path::Path;

use anyhow::{Context, Result, bail};
use lamp_aws::AwsCloud;
use lamp_store::Store;

const REGION: &str = "region";
const INSTALL: &str = "install";
const ACCOUNT: &str = "account";
/// No region of AWS is called so.
const SIMULATED: &str = "simulated";

/// Writes region and installation down in a new data directory, and refuses those of another. No region: the simulated
/// one.
pub(crate) async fn claim(store: &Store, folder: &Path, region: Option<&str>, install: &str) -> Result<()> {
    for (name, value, flag) in
        [(REGION, region.unwrap_or(SIMULATED), "--region"), (INSTALL, install, "--install")]
    {
        match store.meta(name) {
            None => store.put_meta(name, value).await?,
            Some(known) if known == value => {}
            Some(known) => bail!(
                "the data directory {} was made for {name} {known}, not {value}: put {flag} right, or name another \
                 directory with --data-dir",
                folder.display()
            ),
        }
    }
    Ok(())
}

/// The cloud, bound to the account that the data directory was made for; the account of the credentials, the first time.
pub(crate) async fn in_its_account(cloud: AwsCloud, store: &Store) -> Result<AwsCloud> {
    let account = match store.meta(ACCOUNT) {
        Some(account) => account,
        None => {
            let account = cloud.account().await.context("cannot ask AWS whose credentials these are")?;
            store.put_meta(ACCOUNT, &account).await?;
            account
        }
    };
    Ok(cloud.in_account(account))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Store {
        Store::in_memory(|| jiff::Timestamp::UNIX_EPOCH)
    }

    async fn claims(store: &Store, region: Option<&str>, install: &str) -> Result<()> {
        claim(store, Path::new("/data"), region, install).await
    }

    #[tokio::test]
    async fn a_data_directory_stays_with_its_region_and_installation() {
        let store = store();
        claims(&store, Some("eu-central-1"), "prod").await.unwrap();
        claims(&store, Some("eu-central-1"), "prod").await.unwrap();
        let refused = claims(&store, Some("eu-west-1"), "prod").await.unwrap_err().to_string();
        assert_eq!(
            refused,
            "the data directory /data was made for region eu-central-1, not eu-west-1: put --region right, or name \
             another directory with --data-dir"
        );
        let refused = claims(&store, Some("eu-central-1"), "test").await.unwrap_err().to_string();
        assert!(refused.contains("was made for install prod, not test: put --install right"), "{refused}");
    }

    #[tokio::test]
    async fn sites_that_were_tried_out_in_the_simulator_never_come_up_in_aws() {
        let store = store();
        claims(&store, None, "prod").await.unwrap();
        claims(&store, None, "prod").await.unwrap();
        let refused = claims(&store, Some("eu-central-1"), "prod").await.unwrap_err().to_string();
        assert!(refused.contains("was made for region simulated, not eu-central-1"), "{refused}");
    }
}
