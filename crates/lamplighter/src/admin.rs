//! The administrator's kubeconfig: written at the first start, and kept good, so that whoever may read the data directory
//! can always come in.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use base64::prelude::{BASE64_STANDARD, Engine};
use jiff::{SignedDuration, Timestamp};
use lamp_api::access_token::{self, SECRET_BYTES};
use lamp_api::kinds::ACCESS_TOKEN;
use lamp_api::v1alpha1::AccessTokenSpec;
use lamp_server::Clock;
use lamp_store::{Key, Preconditions, Store, StoreError};
use rand::TryRngCore;
use rand::rngs::OsRng;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// The file, in the data directory.
const FILE: &str = "admin.kubeconfig";
/// Its `AccessToken`.
const TOKEN: &str = "admin-kubeconfig";
/// Whom the token stands for.
const USER: &str = "system:admin";
const GROUP: &str = "system:masters";
/// How long a token is good for.
const LIFE: SignedDuration = SignedDuration::from_hours(365 * 24);
/// What ends sooner is replaced now.
const RENEWED_BEFORE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How often the file is looked at; the days of a simulated region are short.
const LOOK_EVERY: Duration = Duration::from_secs(600);

/// What the file says but for its token, and where it is.
#[derive(Clone)]
pub(crate) struct Kubeconfig {
    file: PathBuf,
    server: String,
    /// The CA that signed the server's certificate, in PEM. `None`: one that the system knows.
    authority: Option<String>,
    store: Store,
    /// The one by which tokens end.
    clock: Clock,
}

impl Kubeconfig {
    pub(crate) fn new(
        folder: &Path,
        listen: SocketAddr,
        authority: Option<String>,
        store: Store,
        clock: Clock,
    ) -> Kubeconfig {
        let address = match listen.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            address => address,
        };
        let server = format!("https://{}", SocketAddr::new(address, listen.port()));
        Kubeconfig { file: folder.join(FILE), server, authority, store, clock }
    }

    /// Looks at the file until shutdown.
    pub(crate) async fn keep(&self, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = shutdown.cancelled() => return,
            }
            if let Err(error) = self.renew().await {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the administrator's kubeconfig could not be renewed"
                );
            }
        }
    }

    /// Writes the file where it is missing, is for another address, or its token is about to end.
    ///
    /// # Errors
    /// It cannot be written, or the store takes no token.
    pub(crate) async fn renew(&self) -> Result<()> {
        let now = (self.clock)();
        if let Some(token) = self.token_in_file()
            && self.is_good(&token, now)?
        {
            let content = self.content(&token);
            return if self.is_written(&content) { Ok(()) } else { self.write(&content) };
        }
        let token = self.issue(now).await?;
        self.write(&self.content(&token))?;
        tracing::info!(file = %self.file.display(), "wrote the administrator's kubeconfig: export KUBECONFIG={}", self.file.display());
        Ok(())
    }

    fn token_in_file(&self) -> Option<String> {
        let text = std::fs::read_to_string(&self.file).ok()?;
        let config: Value = serde_saphyr::from_str(&text).ok()?;
        config["users"][0]["user"]["token"].as_str().map(str::to_owned)
    }

    /// Whether the token lets somebody in as administrator, and goes on to for a while.
    fn is_good(&self, token: &str, now: Timestamp) -> Result<bool> {
        let Some(stored) = self.store.get(&key())? else { return Ok(false) };
        let Ok(spec) = AccessTokenSpec::deserialize(&stored.object["spec"]) else { return Ok(false) };
        let lasts = access_token::expires_at(&spec).is_ok_and(|end| end > now + RENEWED_BEFORE);
        Ok(lasts && spec.user == USER && spec.groups == [GROUP] && spec.sha256 == access_token::digest(token))
    }

    fn is_written(&self, content: &str) -> bool {
        std::fs::read_to_string(&self.file).is_ok_and(|text| text == content)
    }

    /// A new token, in place of the one before.
    async fn issue(&self, now: Timestamp) -> Result<String> {
        let mut secret = [0; SECRET_BYTES];
        OsRng.try_fill_bytes(&mut secret).context("the system gives no random bytes")?;
        let token = access_token::compose(TOKEN, &secret);
        let ends = (now + LIFE).round(jiff::Unit::Second).context("the clock is beyond all times")?;
        let object = json!({
            "apiVersion": ACCESS_TOKEN.api_version(), "kind": ACCESS_TOKEN.kind, "metadata": {"name": TOKEN},
            "spec": {
                "user": USER, "groups": [GROUP], "expiresAt": ends.to_string(), "sha256": access_token::digest(&token)
            }
        });
        match self.store.delete(&key(), Preconditions::default()).await {
            Ok(_) | Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error).context("the administrator's last token cannot be revoked"),
        }
        self.store.create(&key(), object).await.context("the administrator's token cannot be stored")?;
        Ok(token)
    }

    fn content(&self, token: &str) -> String {
        const NAME: &str = "lamplighter";
        let mut cluster = json!({"server": self.server});
        if let Some(authority) = &self.authority {
            cluster["certificate-authority-data"] = BASE64_STANDARD.encode(authority).into();
        }
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": NAME,
            "clusters": [{"name": NAME, "cluster": cluster}],
            "users": [{"name": NAME, "user": {"token": token}}],
            "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME, "namespace": "default"}}]
        });
        // JSON is YAML.
        format!("{config:#}\n")
    }

    /// All or nothing, and for nobody else's eyes.
    fn write(&self, content: &str) -> Result<()> {
        let failed = || format!("cannot write {}", self.file.display());
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).with_context(failed)?;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o600)).with_context(failed)?;
        file.write_all(content.as_bytes()).with_context(failed)?;
        file.as_file().sync_all().with_context(failed)?;
        file.persist(&self.file).with_context(failed)?;
        Ok(())
    }
}

fn key() -> Key {
    Key::new(ACCESS_TOKEN.plural, "", TOKEN)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn token(config: &Kubeconfig) -> String {
        config.token_in_file().unwrap()
    }

    #[tokio::test]
    async fn a_first_start_writes_it_and_later_ones_keep_it_while_it_is_good() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::in_memory(|| Timestamp::UNIX_EPOCH);
        let config = |port, now| {
            let listen = SocketAddr::from(([0, 0, 0, 0], port));
            Kubeconfig::new(
                folder.path(),
                listen,
                Some("PEM".to_owned()),
                store.clone(),
                Arc::new(move || at(now)),
            )
        };
        let renewed = async |port, now| {
            let config = config(port, now);
            config.renew().await.unwrap();
            token(&config)
        };
        let first = renewed(1, "2026-01-01T00:00:00Z").await;
        let file = folder.path().join(FILE);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let stored = store.get(&key()).unwrap().unwrap().object.to_string();
        assert!(!stored.contains(&first) && !stored.contains(&first[22..]), "{stored}");
        assert_eq!(renewed(2, "2026-11-01T00:00:00Z").await, first);
        assert!(std::fs::read_to_string(&file).unwrap().contains("https://127.0.0.1:2"));
        assert_ne!(renewed(2, "2026-12-15T00:00:00Z").await, first, "it would have ended within a month");
    }

    #[tokio::test]
    async fn what_was_revoked_or_spoiled_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::in_memory(|| Timestamp::UNIX_EPOCH);
        let listen = SocketAddr::from(([127, 0, 0, 1], 1));
        let clock = Arc::new(|| at("2026-01-01T00:00:00Z"));
        let config = Kubeconfig::new(folder.path(), listen, None, store.clone(), clock);
        config.renew().await.unwrap();
        let first = token(&config);
        store.delete(&key(), Preconditions::default()).await.unwrap();
        config.renew().await.unwrap();
        let second = token(&config);
        assert_ne!(first, second);
        std::fs::write(folder.path().join(FILE), "{").unwrap();
        config.renew().await.unwrap();
        assert_ne!(token(&config), second);
    }
}
