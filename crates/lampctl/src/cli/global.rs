//! The flags of all verbs: where the server is, who asks it, and how it is told.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::duration;

/// Flags that every verb takes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Address of the daemon's API [default: that of /var/lib/lamplighter/admin.kubeconfig if it can be read, else
    /// http://127.0.0.1:1879]
    #[arg(short, long, global = true, env = "LAMPLIGHTER_SERVER", value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Context of the kubeconfig to use
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// The kubeconfig file to use
    #[arg(long, global = true, env = "KUBECONFIG", value_name = "FILE")]
    pub(crate) kubeconfig: Option<OsString>,
    /// Bearer token; others on this host may see it, so prefer `login`
    #[arg(long, global = true, value_name = "TOKEN")]
    pub(crate) token: Option<Token>,
    /// File with the CA that signed the server's certificate, in PEM
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) certificate_authority: Option<PathBuf>,
    /// Ask whatever answers, without a check of its certificate
    #[arg(long, global = true)]
    pub(crate) insecure_skip_tls_verify: bool,
    /// Ask as this user, if one may
    #[arg(long = "as", global = true, value_name = "USER")]
    pub(crate) impersonate: Option<String>,
    /// Ask as a member of this group; may be repeated
    #[arg(long = "as-group", global = true, value_name = "GROUP")]
    pub(crate) impersonate_groups: Vec<String>,
    /// Namespace of the objects [default: the context's, or "default"]
    #[arg(short, long, global = true, env = "LAMPLIGHTER_NAMESPACE", value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// How long one request may take; 0 means no limit
    #[arg(long, global = true, default_value = "30s", value_parser = duration, value_name = "DURATION")]
    pub(crate) request_timeout: Duration,
    /// No progress and no remarks on standard error; errors still show
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// When to colour
    #[arg(long, global = true, default_value = "auto", value_name = "WHEN")]
    pub(crate) color: clap::ColorChoice,
}

/// A bearer token. It is not shown where anything is printed for debugging.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Token {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}
