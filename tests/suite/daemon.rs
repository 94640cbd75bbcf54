//! Kubernetes clients of a daemon.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use kube::api::Api;
use kube::config::{KubeConfigOptions, Kubeconfig};
use lamp_api::conditions::{is_true, types};
use lamp_api::v1alpha1::LampStack;
use lamp_tests::daemon::Home;

/// A client of its API.
pub(crate) fn client(home: &Home) -> Result<kube::Client> {
    Ok(kube::Client::try_from(kube::Config::new(home.url().parse()?))?)
}

/// The stacks of the namespace `default`, by the administrator's kubeconfig.
pub(crate) async fn secured_stacks(home: &Home) -> Result<Api<LampStack>> {
    let kubeconfig = Kubeconfig::read_from(home.kubeconfig())?;
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Api::namespaced(kube::Client::try_from(config)?, "default"))
}

/// The stacks of the namespace `default`.
pub(crate) fn stacks(home: &Home) -> Result<Api<LampStack>> {
    Ok(Api::namespaced(client(home)?, "default"))
}

/// Whether a stack is Ready at its newest generation.
pub(crate) fn is_ready(stack: &LampStack) -> bool {
    let Some(status) = &stack.status else { return false };
    status.observed_generation == stack.metadata.generation && is_true(&status.conditions, types::READY)
}

/// Waits until a stack is Ready, at most for so long.
pub(crate) async fn until_ready(api: &Api<LampStack>, name: &str, patience: Duration) -> Result<()> {
    let began = Instant::now();
    loop {
        let stack = api.get(name).await?;
        if is_ready(&stack) {
            return Ok(());
        }
        let status = stack.status.unwrap_or_default();
        ensure!(began.elapsed() < patience, "{name} is not Ready: {} {:?}", status.summary, status.waiting);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
