//! Kubernetes' own client for Rust against the real daemon: whoever writes a controller or a dashboard gets what a
//! Kubernetes API server gives.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::{Stream, StreamExt, TryStreamExt};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::WatchStreamExt;
use kube::runtime::wait::{await_condition, conditions};
use kube::runtime::watcher::{self, watcher};
use kube::{Resource, ResourceExt};
use lamp_api::v1alpha1::{LampStack, Mode, PartState};
use lamp_tests::specs;
use serde_json::{Value, json};

use crate::daemon;
use lamp_tests::daemon::{Daemon, Home};

/// How long the daemon may take for what needs no simulated time to speak of.
const PATIENCE: Duration = Duration::from_secs(60);
/// A finalizer of somebody else's.
const HOLD: &str = "example.com/hold";

fn create() -> PostParams {
    PostParams::default()
}

fn patch() -> PatchParams {
    PatchParams::default()
}

/// A stack that the controller leaves alone after its first word.
fn paused(name: &str) -> Result<LampStack> {
    let mut stack: LampStack = serde_json::from_value(specs::load("whatisthetime")?)?;
    stack.metadata.name = Some(name.to_owned());
    stack.metadata.labels = Some([("site".to_owned(), name.to_owned())].into());
    stack.spec.mode = Mode::Paused;
    Ok(stack)
}

/// A daemon, its stacks, and one of them, `shop`, of which the controller has said that it is paused.
async fn with_shop() -> Result<(Home, Daemon, Api<LampStack>)> {
    let home = Home::simulated(1)?.secured();
    let daemon = home.start().await?;
    let api = daemon::secured_stacks(&home).await?;
    api.create(&create(), &paused("shop")?).await?;
    until(&api, "shop", |stack| stack.status.as_ref().is_some_and(|status| !status.conditions.is_empty()))
        .await?;
    Ok((home, daemon, api))
}

async fn until(api: &Api<LampStack>, name: &str, done: impl Fn(&LampStack) -> bool) -> Result<LampStack> {
    let condition = move |stack: Option<&LampStack>| stack.is_some_and(&done);
    let waited = tokio::time::timeout(PATIENCE, await_condition(api.clone(), name, condition)).await;
    let found = waited.with_context(|| format!("{name} is not so after {PATIENCE:?}"))??;
    found.with_context(|| format!("{name} is gone"))
}

/// The code and the message of a refusal.
fn refusal<T: std::fmt::Debug>(answer: kube::Result<T>) -> (u16, String) {
    match answer {
        Err(kube::Error::Api(status)) => (status.code, status.message),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn objects_are_created_read_listed_and_patched() -> Result<()> {
    let (_home, _daemon, api) = with_shop().await?;
    let blog = api.create(&create(), &paused("blog")?).await?;
    ensure!(api.get("blog").await?.uid() == blog.uid());
    ensure!(refusal(api.create(&create(), &paused("blog")?).await).0 == 409);
    ensure!(api.get_opt("nope").await?.is_none());

    let all = api.list(&ListParams::default()).await?;
    ensure!(all.iter().map(ResourceExt::name_any).collect::<Vec<_>>() == ["blog", "shop"]);
    let some = api.list(&ListParams::default().labels("site!=blog")).await?;
    ensure!(some.iter().map(ResourceExt::name_any).collect::<Vec<_>>() == ["shop"]);
    let page = api.list(&ListParams::default().limit(1)).await?;
    let next = page.metadata.continue_.context("no next page")?;
    let page = api.list(&ListParams::default().limit(1).continue_token(&next)).await?;
    ensure!(page.iter().map(ResourceExt::name_any).collect::<Vec<_>>() == ["shop"]);

    let merge = json!({"spec": {"network": {"natGateways": "None"}}, "metadata": {"labels": {"site": null}}});
    let merged = api.patch("shop", &patch(), &Patch::Merge(merge)).await?;
    ensure!(merged.metadata.generation == Some(2) && merged.labels().is_empty());
    let by_name = json!({"spec": {"tiers": [{"name": "web", "port": 8080}]}});
    let merged = api.patch("shop", &patch(), &Patch::Strategic(by_name)).await?;
    ensure!(merged.spec.tiers[0].port == 8080 && merged.spec.tiers[0].instance_types == ["t3.micro"]);
    Ok(())
}

#[tokio::test]
async fn a_json_patch_is_applied_whole_or_not_at_all() -> Result<()> {
    let (_home, _daemon, api) = with_shop().await?;
    let max = |max: u32| json!({"op": "replace", "path": "/spec/tiers/0/capacity/max", "value": max});
    let expect = |max: u32| json!({"op": "test", "path": "/spec/tiers/0/capacity/max", "value": max});
    let patched = api.patch("shop", &patch(), &operations(json!([expect(6), max(9)]))?).await?;
    ensure!(patched.spec.tiers[0].capacity.max == 9);
    let stale = api.patch("shop", &patch(), &operations(json!([max(12), expect(6)]))?).await;
    ensure!(refusal(stale).0 == 422);
    ensure!(api.get("shop").await?.spec.tiers[0].capacity.max == 9);
    Ok(())
}

fn operations(list: Value) -> Result<Patch<()>> {
    Ok(Patch::Json(serde_json::from_value(list)?))
}

#[tokio::test]
async fn a_stale_replacement_is_a_conflict_and_a_fresh_one_is_not() -> Result<()> {
    let (_home, _daemon, api) = with_shop().await?;
    let mut stale = api.get("shop").await?;
    let label = json!({"metadata": {"labels": {"site": "other"}}});
    api.patch("shop", &patch(), &Patch::Merge(label)).await?;
    stale.spec.tiers[0].port = 8080;
    let (code, message) = refusal(api.replace("shop", &create(), &stale).await);
    ensure!(code == 409 && message.contains("the object has been modified"), "{code} {message}");
    // The controller has its own word to say in between, after which it is fresh no more.
    let replaced = loop {
        let mut fresh = api.get("shop").await?;
        fresh.spec.tiers[0].port = 8080;
        match api.replace("shop", &create(), &fresh).await {
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            replaced => break replaced?,
        }
    };
    ensure!(replaced.spec.tiers[0].port == 8080 && replaced.labels()["site"] == "other");
    Ok(())
}

#[tokio::test]
async fn status_and_spec_do_not_touch_each_other() -> Result<()> {
    let (_home, _daemon, api) = with_shop().await?;
    // What a paused stack's controller keeps of its status, so that nobody writes it but this test.
    let url = |url: &str| json!({"status": {"url": url}, "spec": {"mode": "Enforce"}});
    let written = api.patch_status("shop", &patch(), &Patch::Merge(url("http://true.example"))).await?;
    ensure!(written.spec.mode == Mode::Paused && written.metadata.generation == Some(1));
    let mut lie = written;
    lie.status.as_mut().context("no status")?.url = Some("http://lie.example".to_owned());
    lie.spec.tiers[0].port = 8080;
    // The controller may answer the write of the status with its own word; then there is a newer version.
    lie.metadata.resource_version = None;
    let replaced = api.replace("shop", &create(), &lie).await?;
    ensure!(replaced.metadata.generation == Some(2) && replaced.spec.tiers[0].port == 8080);
    let status = api.get_status("shop").await?.status.context("no status")?;
    ensure!(status.url.as_deref() == Some("http://true.example"), "{status:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_is_named_field_by_field() -> Result<()> {
    let (_home, _daemon, api) = with_shop().await?;
    let mut misspelt = serde_json::to_value(paused("blog")?)?;
    misspelt["spec"]["tiers"][0]["instanceType"] = json!("t3.micro");
    let mut request = kube::core::Request::new(LampStack::url_path(&(), Some("default")))
        .create(&create(), serde_json::to_vec(&misspelt)?)?;
    *request.uri_mut() = format!("{}fieldValidation=Strict", request.uri()).parse()?;
    let (code, message) = refusal(api.clone().into_client().request::<LampStack>(request).await);
    ensure!(code == 400, "{code} {message}");
    ensure!(message.contains(r#"unknown field "spec.tiers[0].instanceType""#), "{message}");
    ensure!(api.get_opt("blog").await?.is_none(), "what was refused is there");

    let mut invalid = paused("blog")?;
    invalid.spec.network.cidr = "10.0.0.0/30".to_owned();
    invalid.spec.tiers[0].capacity.max = 1;
    let Err(kube::Error::Api(status)) = api.create(&create(), &invalid).await else {
        anyhow::bail!("an invalid stack was taken");
    };
    let fields: Vec<_> = status.details.iter().flat_map(|d| &d.causes).map(|cause| &cause.field).collect();
    ensure!(status.code == 422 && fields.len() >= 2, "{} {fields:?}", status.code);
    ensure!(fields.iter().any(|field| *field == "spec.network.cidr"), "{fields:?}");
    Ok(())
}

/// Ours is removed when nothing is left on AWS, and somebody else's by whoever put it there.
#[tokio::test]
async fn finalizers_hold_a_deleted_stack() -> Result<()> {
    let home = Home::simulated(1000)?;
    let _daemon = home.start().await?;
    let api = daemon::stacks(&home)?;
    let mut stack = paused("shop")?;
    stack.spec.mode = Mode::Enforce;
    stack.metadata.finalizers = Some(vec![HOLD.to_owned()]);
    let created = api.create(&create(), &stack).await?;
    let exists = |stack: &LampStack| {
        stack.status.as_ref().is_some_and(|status| status.parts.iter().any(|part| part.id.is_some()))
    };
    until(&api, "shop", exists).await?;
    let held = api.delete("shop", &DeleteParams::default()).await?.left().context("it is gone at once")?;
    ensure!(held.metadata.deletion_timestamp.is_some());
    ensure!(held.finalizers() == [HOLD, lamp_api::FINALIZER], "{:?}", held.finalizers());
    let last = until(&api, "shop", |stack| stack.finalizers() == [HOLD]).await?;
    let left = last.status.context("no status")?.parts;
    // The last word is that of the pass before the one which found nothing left.
    ensure!(left.iter().all(|part| part.state == PartState::Deleting), "still on AWS: {left:?}");
    let release = operations(json!([{"op": "remove", "path": "/metadata/finalizers"}]))?;
    api.patch("shop", &patch(), &release).await?;
    let uid = created.uid().context("no uid")?;
    let gone = await_condition(api.clone(), "shop", conditions::is_deleted(&uid));
    tokio::time::timeout(PATIENCE, gone).await.context("it is still there")??;
    ensure!(api.get_opt("shop").await?.is_none());
    Ok(())
}

/// The next event that says something of `name`.
async fn hears_of(
    events: &mut (impl Stream<Item = watcher::Result<watcher::Event<LampStack>>> + Unpin),
    name: &str,
    lists: &mut u32,
) -> Result<LampStack> {
    let next = async {
        loop {
            match events.next().await.context("the watch ended")? {
                Ok(watcher::Event::Init) => *lists += 1,
                Ok(watcher::Event::Apply(stack) | watcher::Event::InitApply(stack))
                    if stack.name_any() == name =>
                {
                    return Ok(stack);
                }
                // While the daemon is down, the watcher says so again and again.
                Ok(_) | Err(_) => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, next).await.with_context(|| format!("nothing is heard of {name}"))?
}

#[tokio::test]
async fn a_watcher_goes_on_where_it_was_when_the_daemon_was_killed() -> Result<()> {
    let (home, daemon, api) = with_shop().await?;
    let mut events = Box::pin(watcher(api.clone(), watcher::Config::default()).default_backoff());
    let mut lists = 0;
    hears_of(&mut events, "shop", &mut lists).await?;
    daemon.kill()?;
    let notices = async { while events.try_next().await.is_ok() {} };
    tokio::time::timeout(PATIENCE, notices).await.context("the watcher does not notice")?;
    let _daemon = home.start().await?;
    // The watcher may still be waiting before it connects again: this is in the history by then.
    api.create(&create(), &paused("blog")?).await?;
    hears_of(&mut events, "blog", &mut lists).await?;
    ensure!(lists == 1, "it listed {lists} times: the history did not survive");
    Ok(())
}
