//! Where the server is and with which credentials it is asked: from flags, a kubeconfig, or this machine.

mod portable;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf, absolute};

use data_encoding::BASE64;
use kube::Config;
use kube::config::{
    AuthInfo, Cluster, Context, KubeConfigOptions, Kubeconfig, KubeconfigError, NamedAuthInfo, NamedCluster,
    NamedContext,
};

use crate::cli::Global;
use crate::exit::Failure;

/// Where the daemon listens unless it is told otherwise.
pub(crate) const DEFAULT_SERVER: &str = "http://127.0.0.1:1879";

/// What the daemon writes for whoever administers this host.
pub(crate) const ADMIN_KUBECONFIG: &str = "/var/lib/lamplighter/admin.kubeconfig";

/// A server, who asks it, and in which namespace, in the words of a kubeconfig.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    pub(crate) cluster: Cluster,
    pub(crate) user: AuthInfo,
    pub(crate) namespace: Option<String>,
}

impl Access {
    /// `--server` wins; else the kubeconfig, if one is named or kubectl started us; else this machine.
    pub(crate) fn find(global: &Global, plugin: bool) -> Result<Access, Failure> {
        let is_named = global.context.is_some() || global.kubeconfig.is_some();
        let access = match &global.server {
            Some(address) => Access::direct(address),
            None if is_named || plugin => Access::of(named(global)?, global.context.as_deref())?,
            None => Access::local(Path::new(ADMIN_KUBECONFIG))?,
        };
        access.with_flags(global)?.checked(global.token.is_some())
    }

    /// A server and no credentials.
    pub(crate) fn direct(address: &str) -> Access {
        let address = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        let cluster = Cluster { server: Some(address), ..Cluster::default() };
        Access { cluster, user: AuthInfo::default(), namespace: None }
    }

    /// The daemon on this machine: as its administrator, if the caller may read who that is.
    fn local(administrator: &Path) -> Result<Access, Failure> {
        if fs::read(administrator).is_err() {
            return Ok(Access::direct(DEFAULT_SERVER));
        }
        let read = Kubeconfig::read_from(administrator);
        let wrong = |error: KubeconfigError| {
            Failure::failed(format!("{} cannot be understood: {error}", administrator.display()))
        };
        Access::of(read.map_err(wrong)?, None)
    }

    fn of(file: Kubeconfig, context: Option<&str>) -> Result<Access, Failure> {
        let wrong = |what: String| {
            Failure::Usage(format!("the kubeconfig names no server: {what}; name it with --server instead"))
        };
        let Some(name) = context.map(str::to_owned).or(file.current_context) else {
            return Err(wrong("no context is current, and --context names none".to_owned()));
        };
        let found = file.contexts.into_iter().find(|it| it.name == name).and_then(|it| it.context);
        let Context { cluster, user, namespace, .. } =
            found.ok_or_else(|| wrong(format!("it has no context {name:?}")))?;
        let found = file.clusters.into_iter().find(|it| it.name == cluster).and_then(|it| it.cluster);
        let cluster = found.ok_or_else(|| wrong(format!("it has no cluster {cluster:?}")))?;
        if cluster.server.is_none() {
            return Err(wrong(format!("the cluster of its context {name:?} has no server")));
        }
        // A context whose user is nowhere means nobody, as for kubectl.
        let found = user.and_then(|user| file.auth_infos.into_iter().find(|it| it.name == user));
        let user = found.and_then(|it| it.auth_info).unwrap_or_default();
        Ok(Access { cluster, user, namespace })
    }

    /// With what flags say instead, as kubectl understands them.
    pub(crate) fn with_flags(mut self, global: &Global) -> Result<Access, Failure> {
        if let Some(token) = &global.token {
            let AuthInfo { impersonate, impersonate_groups, .. } = self.user;
            let token = Some(token.text().to_owned().into());
            self.user = AuthInfo { token, impersonate, impersonate_groups, ..AuthInfo::default() };
        }
        if let Some(user) = &global.impersonate {
            self.user.impersonate = Some(user.clone());
            self.user.impersonate_groups =
                Some(global.impersonate_groups.clone()).filter(|groups| !groups.is_empty());
        } else if !global.impersonate_groups.is_empty() {
            return Err(Failure::Usage("--as-group needs --as: who shall be in these groups?".to_owned()));
        }
        match (&global.certificate_authority, global.insecure_skip_tls_verify) {
            (Some(_), true) => {
                return Err(Failure::Usage(
                    "--certificate-authority checks the server, and --insecure-skip-tls-verify does not: \
                     leave one out"
                        .to_owned(),
                ));
            }
            (Some(file), false) => self.trust(Some(readable(file)?), None),
            (None, true) => self.trust(None, Some(true)),
            (None, false) => {}
        }
        Ok(self)
    }

    fn trust(&mut self, authority: Option<Vec<u8>>, is_blind: Option<bool>) {
        self.cluster.certificate_authority = None;
        self.cluster.certificate_authority_data = authority.map(|pem| BASE64.encode(&pem));
        self.cluster.insecure_skip_tls_verify = is_blind;
    }

    /// Without credentials where everybody on the way could read them, as kubectl does.
    pub(crate) fn checked(mut self, has_token_flag: bool) -> Result<Access, Failure> {
        let address = self.address();
        if address.starts_with("https://") {
            return Ok(self);
        }
        if !address.starts_with("http://") {
            return Err(Failure::Usage(format!(
                "{address:?} is no address of a server: write https://HOST:PORT"
            )));
        }
        if has_token_flag {
            return Err(Failure::Usage(format!(
                "a token is not sent over plain HTTP, where anybody on the way could read it: write https://{}",
                address.trim_start_matches("http://")
            )));
        }
        let AuthInfo { impersonate, impersonate_uid, impersonate_groups, impersonate_user_extra, .. } =
            self.user;
        self.user = AuthInfo {
            impersonate,
            impersonate_uid,
            impersonate_groups,
            impersonate_user_extra,
            ..AuthInfo::default()
        };
        Ok(self)
    }

    /// `https://lamp.example:1879`.
    pub(crate) fn address(&self) -> String {
        self.cluster.server.as_deref().unwrap_or_default().trim_end_matches('/').to_owned()
    }

    /// What a client is made of.
    pub(crate) async fn config(&self) -> Result<Config, Failure> {
        let context = Context { cluster: "it".to_owned(), user: Some("it".to_owned()), ..Context::default() };
        let context = Context { namespace: self.namespace.clone(), ..context };
        let name = || "it".to_owned();
        let file = Kubeconfig {
            clusters: vec![NamedCluster {
                name: name(),
                cluster: Some(self.cluster.clone()),
                ..NamedCluster::default()
            }],
            auth_infos: vec![NamedAuthInfo {
                name: name(),
                auth_info: Some(self.user.clone()),
                ..NamedAuthInfo::default()
            }],
            contexts: vec![NamedContext { name: name(), context: Some(context), ..NamedContext::default() }],
            current_context: Some(name()),
            ..Kubeconfig::default()
        };
        let address = self.address();
        let wrong = |error: KubeconfigError| {
            Failure::Usage(format!("{address:?} cannot be asked with what is given: {error}"))
        };
        let mut config =
            Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.map_err(wrong)?;
        // Without anything to check, the host's own list of CAs is not needed, and may be missing.
        if config.accept_invalid_certs || address.starts_with("http://") {
            config.root_cert = Some(Vec::new());
        }
        Ok(config)
    }
}

fn readable(file: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(file).map_err(|error| Failure::failed(format!("cannot read {}: {error}", file.display())))
}

fn named(global: &Global) -> Result<Kubeconfig, Failure> {
    let read = match &global.kubeconfig {
        Some(files) => merged(files),
        None => Kubeconfig::read(),
    };
    read.map_err(|error| {
        Failure::Usage(format!("the kubeconfig names no server: {error}; name it with --server instead"))
    })
}

/// `KUBECONFIG` may name several files; the first word on a thing counts. Missing ones are skipped, as kubectl does.
fn merged(files: &std::ffi::OsString) -> Result<Kubeconfig, KubeconfigError> {
    let paths: Vec<PathBuf> = std::env::split_paths(files).filter(|p| !p.as_os_str().is_empty()).collect();
    let several = paths.len() > 1;
    let mut all = Kubeconfig::default();
    for path in paths {
        if !several || path.exists() {
            // Files that it names are found from where it is itself.
            let path = absolute(&path).unwrap_or(path);
            all = all.merge(Kubeconfig::read_from(path)?)?;
        }
    }
    Ok(all)
}
