//! Where the server is: `--server`, a kubeconfig, or this machine.

use std::path::PathBuf;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::Server;
use crate::cli::Global;
use crate::exit::Failure;
use crate::progress::Talk;

/// Where the daemon listens unless it is told otherwise.
pub(crate) const DEFAULT_SERVER: &str = "http://127.0.0.1:1879";

/// A daemon on the same host or network answers a connection at once, or is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

impl Server {
    /// `--server` wins; else the kubeconfig, if one is named or kubectl started us; else this machine.
    pub(crate) async fn find(
        global: &Global,
        plugin: bool,
        timeout: Duration,
        talk: Talk,
    ) -> Result<Self, Failure> {
        let named = global.context.is_some() || global.kubeconfig.is_some();
        let mut config = match &global.server {
            Some(address) => direct(address)?,
            None if named || plugin => from_kubeconfig(global).await?,
            None => direct(DEFAULT_SERVER)?,
        };
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        let address = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        if config.cluster_url.scheme_str() != Some("http") {
            return Err(Failure::Usage(format!(
                "{address} is no plain http address, and the daemon serves nothing else yet: \
                 name it like {DEFAULT_SERVER}"
            )));
        }
        let refused = |e: kube::Error| Failure::failed(format!("cannot make a client for {address}: {e}"));
        let client = Client::try_from(config).map_err(refused)?;
        Ok(Self { client, address, timeout, talk })
    }
}

fn direct(address: &str) -> Result<Config, Failure> {
    let with_scheme = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    let wrong =
        |e| Failure::Usage(format!("{address:?} is no address of a server: {e}; write http://HOST:PORT"));
    with_scheme.parse().map(Config::new).map_err(wrong)
}

async fn from_kubeconfig(global: &Global) -> Result<Config, Failure> {
    let options = KubeConfigOptions { context: global.context.clone(), ..KubeConfigOptions::default() };
    let wrong = |e: kube::config::KubeconfigError| {
        Failure::Usage(format!("the kubeconfig names no server: {e}; name it with --server instead"))
    };
    let read = match &global.kubeconfig {
        Some(files) => merged(files),
        None => Kubeconfig::read(),
    };
    let kubeconfig = read.map_err(wrong)?;
    Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(wrong)
}

/// `KUBECONFIG` may name several files; the first word on a thing counts. Missing ones are skipped, as kubectl does.
fn merged(files: &std::ffi::OsString) -> Result<Kubeconfig, kube::config::KubeconfigError> {
    let paths: Vec<PathBuf> = std::env::split_paths(files).filter(|p| !p.as_os_str().is_empty()).collect();
    let several = paths.len() > 1;
    let mut all = Kubeconfig::default();
    for path in paths {
        if !several || path.exists() {
            all = all.merge(Kubeconfig::read_from(path)?)?;
        }
    }
    Ok(all)
}
