//! Over the real SDK: a site that somebody else made is read, taken over by its tags, and kept as it is.

use anyhow::{Context, Result, ensure};
use lamp_api::v1alpha1::ImportStatus;
use lamp_api::{adoption, annotations};
use lamp_aws::AwsCloud;
use lamp_cloud::{Body, Change, Cloud, Request, ResourceId, Tags};
use lamp_tests::account::REGION;
use lamp_tests::foreign::{self, Hands};
use serde_json::{Value, json};

use crate::site::Site;
use crate::support::connect;

/// A person with access to the account.
struct Person(AwsCloud);

impl Hands for Person {
    async fn make(&mut self, name: &str, tags: Tags, body: Body) -> Result<ResourceId> {
        let (part, token) = (name.into(), name.to_owned());
        let request = Request::Create { part, name: name.to_owned(), tags, token, body };
        let applied = self.0.apply(&request).await.with_context(|| name.to_owned())?;
        // What AWS knows by its name answers without an id.
        Ok(applied.id.unwrap_or_else(|| name.to_owned()))
    }

    async fn change(&mut self, id: &str, change: Change) -> Result<()> {
        let token = format!("{id} {}", change.operation());
        self.0.apply(&Request::Change { id: id.to_owned(), token, change }).await.context(id.to_owned())?;
        Ok(())
    }

    async fn wait(&mut self) -> Result<()> {
        // On the emulator everything is ready at once.
        Ok(())
    }
}

fn manifest(status: &ImportStatus, mode: &str) -> Result<Value> {
    let mut spec = serde_json::to_value(&status.spec)?;
    spec["mode"] = json!(mode);
    let annotations = json!({annotations::ADOPT: adoption::format(&status.adopt)});
    Ok(json!({
        "apiVersion": "lamplighter.dev/v1alpha1",
        "kind": "LampStack",
        "metadata": {"name": "shop", "annotations": annotations},
        "spec": spec,
    }))
}

#[tokio::test]
async fn a_foreign_site_is_read_taken_over_and_kept() -> Result<()> {
    let site = Site::new().await?;
    let mut person = Person(connect(site.emulator.url(), "nobody").await?);
    let vpc = foreign::make(&mut person, REGION).await?;
    let status = site.import(&vpc).await?;
    ensure!(status.spec.is_some(), "{:?}", status.message);
    ensure!(status.problems.is_empty() && status.made.is_empty(), "{:?} {:?}", status.problems, status.made);
    let key = site.apply(&manifest(&status, "Observe")?).await?;
    site.cloud.take();
    for _ in 0..3 {
        site.pass().await?;
    }
    let calls = site.cloud.take();
    ensure!(calls.total_mutations() == 0, "the dry run changes AWS: {:?}", calls.mutations);
    site.apply(&manifest(&status, "Enforce")?).await?;
    site.until_ready(&key).await?;
    let calls = site.cloud.take();
    let others = calls.mutations.keys().filter(|call| !TAGGING.contains(&call.as_str()));
    ensure!(others.count() == 0, "more than tags was set: {:?}", calls.mutations);
    site.is_settled().await?;
    for (part, id) in &status.adopt {
        ensure!(site.part(&key, part)? == *id, "{part} is another one by now");
    }
    Ok(())
}

/// What a takeover calls. The emulator does not register the instances of a group, which healing does.
const TAGGING: [&str; 5] =
    ["CreateTags", "AddTags", "AddTagsToResource", "CreateOrUpdateTags", "RegisterTargets"];
