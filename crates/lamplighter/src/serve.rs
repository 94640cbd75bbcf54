//! `lamplighter serve`: the daemon until it is told to stop.

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

use crate::args::{CloudKind, ServeArgs};
use crate::config::Config;
use crate::simulated::SimulatedRegions;
use crate::telemetry;
use crate::wire::Daemon;

pub(crate) async fn run(args: ServeArgs) -> Result<()> {
    let config = Config::load(&args)?;
    telemetry::start(config.log_format, "info");
    let shutdown = CancellationToken::new();
    let daemon = match config.cloud {
        CloudKind::Aws => Daemon::start_aws(&config, shutdown.clone()).await?,
        CloudKind::Sim => {
            let regions = SimulatedRegions::new(&config);
            Daemon::start_simulated(&config, &regions, shutdown.clone()).await?
        }
    };
    tell_systemd(&[sd_notify::NotifyState::Ready]);
    info!(listen = %config.listen, cloud = ?config.cloud, install = %config.install, "serving");
    let outcome = tokio::select! {
        outcome = wait_for_signal() => outcome,
        () = keep_watchdog_quiet() => Ok(()),
        () = daemon.ended() => Ok(()),
    };
    tell_systemd(&[sd_notify::NotifyState::Stopping]);
    info!("stopping");
    shutdown.cancel();
    daemon.join().await?;
    outcome
}

/// Resolves at the first SIGTERM or SIGINT.
pub(crate) async fn wait_for_signal() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Tells systemd's watchdog, if there is one, that the daemon's event loop is alive. Never ends.
async fn keep_watchdog_quiet() {
    let Some(limit) = sd_notify::watchdog_enabled() else { return std::future::pending().await };
    let mut tick = tokio::time::interval(limit / 2);
    loop {
        tick.tick().await;
        tell_systemd(&[sd_notify::NotifyState::Watchdog]);
    }
}

// Without systemd there is nobody to tell.
fn tell_systemd(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd was not notified");
    }
}
