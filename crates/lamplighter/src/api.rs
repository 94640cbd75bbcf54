//! The listeners of the API: how they are secured, and what runs with them.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use jiff::Timestamp;
use lamp_server::{Limits, OwnCertificates, Security, Server, ServerNames, Tls, TlsSources};
use lamp_store::Store;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::admin;
use crate::config::Config;
use crate::wire::Task;

/// The folder of our own certificates, in the data directory.
const CERTIFICATES: &str = "tls";

/// How the API is secured, and how its administrator comes in.
pub(crate) struct Door {
    security: Security,
    keep: Option<admin::Kubeconfig>,
}

impl Door {
    /// Reads or makes certificates, and writes the administrator's kubeconfig where there is none that is good.
    ///
    /// # Errors
    /// Certificates cannot be made or used.
    pub(crate) async fn open(
        config: &Config,
        store: &Store,
        at: SocketAddr,
        clock: lamp_server::Clock,
    ) -> Result<Door> {
        if config.plain_http {
            tracing::warn!(address = %at, "serving plain HTTP: everybody on this machine may do everything");
            return Ok(Door { security: Security::Plain, keep: None });
        }
        // Certificates live by the world's clock, also where a simulated region has one of its own.
        let now = Timestamp::now();
        let names = ServerNames::new(config.listen, &config.tls_names).context("--tls-name")?;
        let own = OwnCertificates::open_or_create(&config.data_dir.join(CERTIFICATES), &names, now)?;
        let authority = config.certificate.is_none().then(|| own.authority_pem().to_owned());
        let sources = TlsSources {
            own,
            files: config.certificate.clone(),
            client_authorities: config.client_authorities.clone(),
        };
        let tls = Tls::open(sources, now)?;
        let kubeconfig = admin::Kubeconfig::new(&config.data_dir, at, authority, store.clone(), clock);
        if let Err(error) = kubeconfig.renew().await {
            // Sites are kept all the same: a full disk must not keep the daemon from starting. It is tried again.
            tracing::error!(
                error = format!("{error:#}"),
                "the administrator's kubeconfig could not be written"
            );
        }
        Ok(Door { security: Security::Tls(tls), keep: Some(kubeconfig) })
    }
}

/// The API, and what keeps it in order.
pub(crate) fn parts(
    server: &Server,
    listener: TcpListener,
    door: &Door,
    shutdown: &CancellationToken,
) -> Vec<Task> {
    let (router, security, stop) = (server.router(), door.security.clone(), shutdown.clone());
    let serving = lamp_server::serve(listener, router, security, Limits::default().connections, stop);
    let (namespaces, cancelled) = (server.clone(), shutdown.clone());
    let mut parts: Vec<Task> = vec![
        Box::pin(async move { serving.await.context("the API failed") }),
        Box::pin(async move {
            tokio::select! {
                () = namespaces.keep_namespaces() => {}
                () = cancelled.cancelled() => {}
            }
            Ok(())
        }),
    ];
    if let Security::Tls(tls) = &door.security {
        let (tls, stop) = (tls.clone(), shutdown.clone());
        parts.push(Box::pin(async move {
            tls.keep(Arc::new(Timestamp::now), stop).await;
            Ok(())
        }));
    }
    if let Some(kubeconfig) = door.keep.clone() {
        let stop = shutdown.clone();
        parts.push(Box::pin(async move {
            kubeconfig.keep(stop).await;
            Ok(())
        }));
    }
    parts
}

/// The metrics, on a listener of their own.
pub(crate) async fn metrics(
    server: &Server,
    address: SocketAddr,
    shutdown: &CancellationToken,
) -> Result<Task> {
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on --metrics-listen {address}"))?;
    let (router, stop) = (server.metrics_router(), shutdown.clone());
    let serving = lamp_server::serve(listener, router, Security::Plain, Limits::default().connections, stop);
    Ok(Box::pin(async move { serving.await.context("the listener of the metrics failed") }))
}
