//! What a data directory was made for: regions of one account, as one installation. Under another one nothing of what
//! it records would be found, and everything would be made again.

use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use lamp_api::kinds::LAMPSTACK;
use lamp_aws::AwsCloud;
use lamp_store::Store;

const REGION: &str = "region";
const INSTALL: &str = "install";
const ACCOUNT: &str = "account";
/// No region of AWS is called so.
const SIMULATED: &str = "simulated";

/// Writes regions and installation down in a new data directory, and refuses those of another. No regions: simulated
/// ones. A region may be added at any time, and left out once none of its sites is left.
///
/// # Errors
/// The data directory is another's, or cannot be written.
pub(crate) async fn claim(store: &Store, folder: &Path, regions: &[String], install: &str) -> Result<()> {
    let refused = |name: &str, known: &str, given: &str| {
        anyhow!(
            "the data directory {} was made for {name} {known}, not {given}: put --{name} right, or name another \
             directory with --data-dir",
            folder.display()
        )
    };
    match store.meta(INSTALL) {
        None => store.put_meta(INSTALL, install).await?,
        Some(known) if known == install => {}
        Some(known) => return Err(refused(INSTALL, &known, install)),
    }
    let simulated = [SIMULATED.to_owned()];
    let regions = if regions.is_empty() { &simulated[..] } else { regions };
    let given = regions.join(",");
    match store.meta(REGION) {
        None => store.put_meta(REGION, &given).await?,
        Some(known) if known == given => {}
        Some(known) => {
            let is_given = |region: &&str| regions.iter().any(|given| given == region);
            if !known.split(',').any(|region| is_given(&region)) {
                return Err(refused(REGION, &known, &given));
            }
            for region in known.split(',').filter(|region| !is_given(region)) {
                leave(store, folder, region)?;
            }
            store.put_meta(REGION, &given).await?;
        }
    }
    Ok(())
}

/// Refuses to leave a region in which sites stand: nobody would keep them.
fn leave(store: &Store, folder: &Path, region: &str) -> Result<()> {
    let (stacks, _) = store.list(LAMPSTACK.plural, None)?;
    let stand = stacks.iter().filter(|stack| stack.object["spec"]["region"] == region);
    let names: Vec<String> =
        stand.map(|stack| format!("{}/{}", stack.key.namespace, stack.key.name)).collect();
    ensure!(
        names.is_empty(),
        "the data directory {} holds LampStacks of region {region}, which --region does not name ({}): name it as \
         well, or delete them first",
        folder.display(),
        names.join(", ")
    );
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
    use lamp_store::Key;

    use super::*;

    fn store() -> Store {
        Store::in_memory(|| jiff::Timestamp::UNIX_EPOCH)
    }

    async fn claims(store: &Store, regions: &[&str], install: &str) -> Result<()> {
        let regions: Vec<String> = regions.iter().map(|region| (*region).to_owned()).collect();
        claim(store, Path::new("/data"), &regions, install).await
    }

    #[tokio::test]
    async fn a_data_directory_stays_with_its_region_and_installation() {
        let store = store();
        claims(&store, &["eu-central-1"], "prod").await.unwrap();
        claims(&store, &["eu-central-1"], "prod").await.unwrap();
        let refused = claims(&store, &["eu-west-1"], "prod").await.unwrap_err().to_string();
        assert_eq!(
            refused,
            "the data directory /data was made for region eu-central-1, not eu-west-1: put --region right, or name \
             another directory with --data-dir"
        );
        let refused = claims(&store, &["eu-central-1"], "test").await.unwrap_err().to_string();
        assert!(refused.contains("was made for install prod, not test: put --install right"), "{refused}");
    }

    #[tokio::test]
    async fn sites_that_were_tried_out_in_the_simulator_never_come_up_in_aws() {
        let store = store();
        claims(&store, &[], "prod").await.unwrap();
        claims(&store, &[], "prod").await.unwrap();
        let refused = claims(&store, &["eu-central-1"], "prod").await.unwrap_err().to_string();
        assert!(refused.contains("was made for region simulated, not eu-central-1"), "{refused}");
    }

    #[tokio::test]
    async fn a_region_may_be_added_and_left_out_once_nothing_stands_in_it() {
        let store = store();
        claims(&store, &["eu-central-1"], "prod").await.unwrap();
        claims(&store, &["eu-central-1", "eu-west-1", "us-east-1"], "prod").await.unwrap();
        let key = Key::new(LAMPSTACK.plural, "default", "shop");
        let object = serde_json::json!({
            "metadata": {"namespace": "default", "name": "shop"}, "spec": {"region": "us-east-1"},
        });
        store.create(&key, object).await.unwrap();
        let refused = claims(&store, &["eu-central-1"], "prod").await.unwrap_err().to_string();
        assert_eq!(
            refused,
            "the data directory /data holds LampStacks of region us-east-1, which --region does not name (default/shop): \
             name it as well, or delete them first"
        );
        claims(&store, &["us-east-1"], "prod").await.unwrap();
        assert!(claims(&store, &["eu-central-1"], "prod").await.is_err(), "it was left for good");
    }
}
