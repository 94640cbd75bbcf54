//! Flags. Each is also an environment variable, and a key of the configuration file.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use serde::Deserialize;

/// Keeps LAMP sites on AWS as their specs say.
#[derive(Debug, Parser)]
#[command(name = "lamplighter", version, propagate_version = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs the daemon: the API, and the loop that keeps AWS as written.
    Serve(Box<ServeArgs>),
    /// A first look: a simulated region in which a site comes up, loses an instance and heals.
    Demo(DemoArgs),
    /// Prints the IAM policy of the daemon's role: exactly what it can call, within its installation.
    IamPolicy(IamPolicyArgs),
    /// Looks after a data directory while no daemon runs on it.
    Store(StoreArgs),
}

/// A flag that is not given is looked for in the environment, then in `--config`, then its default holds.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ServeArgs {
    /// Directory for everything that the daemon must not lose [default: /var/lib/lamplighter]
    #[arg(long, env = "LAMPLIGHTER_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Address of the API [default: 127.0.0.1:1879]
    #[arg(long, env = "LAMPLIGHTER_LISTEN", value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,

    /// Serve plain HTTP instead of TLS, on loopback only: everybody on this machine may do everything then
    #[arg(long, env = "LAMPLIGHTER_PLAIN_HTTP")]
    pub(crate) plain_http: bool,

    /// Certificate of the API in PEM, with those up to its CA; read again when it changes [default: one of our own]
    #[arg(long, env = "LAMPLIGHTER_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// Key of the certificate in PEM
    #[arg(long, env = "LAMPLIGHTER_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,

    /// More host names and addresses that our own certificate is for, separated by commas
    #[arg(long, env = "LAMPLIGHTER_TLS_NAME", value_name = "NAME", value_delimiter = ',')]
    pub(crate) tls_name: Vec<String>,

    /// CAs in PEM that may sign certificates of clients, besides our own: CN is the user, each O a group
    #[arg(long, env = "LAMPLIGHTER_CLIENT_CA", value_name = "FILE")]
    pub(crate) client_ca: Option<PathBuf>,

    /// A second address that serves /metrics alone, over plain HTTP and without a token [default: none]
    #[arg(long, env = "LAMPLIGHTER_METRICS_LISTEN", value_name = "ADDRESS")]
    pub(crate) metrics_listen: Option<SocketAddr>,

    /// The cloud to keep: the real one, or a simulated region [default: sim]
    #[arg(long, env = "LAMPLIGHTER_CLOUD", value_enum)]
    pub(crate) cloud: Option<CloudKind>,

    /// Name of this installation; two daemons in one AWS account need different names [default: default]
    #[arg(long, env = "LAMPLIGHTER_INSTALL", value_name = "NAME")]
    pub(crate) install: Option<String>,

    /// AWS regions to keep, separated by commas [default: the SDK's own, or ap-northeast-2 when simulated]
    #[arg(long, env = "LAMPLIGHTER_REGION", value_name = "REGION", value_delimiter = ',')]
    pub(crate) region: Vec<String>,

    /// Configuration file (YAML) with the same names as the flags, for example `dataDir: /srv/lamplighter`
    #[arg(long, env = "LAMPLIGHTER_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Time between two observations of AWS, in seconds [default: 15]
    #[arg(long, env = "LAMPLIGHTER_OBSERVE_SECONDS", value_name = "SECONDS")]
    pub(crate) observe_seconds: Option<u64>,

    /// Share of AWS's published call rates to take, in per cent; the rest is for people and other programs [default: 50]
    #[arg(long, env = "LAMPLIGHTER_RATE_PERCENT", value_name = "PER_CENT")]
    pub(crate) rate_percent: Option<u32>,

    /// How long AWS may go on hiding what was just made; less is safe only for emulators [default: 300]
    #[arg(long, env = "LAMPLIGHTER_CONSISTENCY_SECONDS", value_name = "SECONDS")]
    pub(crate) consistency_seconds: Option<u64>,

    /// Simulated seconds per second [default: 1]
    #[arg(long, env = "LAMPLIGHTER_SIM_SPEED", value_name = "N")]
    pub(crate) sim_speed: Option<f64>,

    /// Seed of the simulated region: the same seed behaves the same [default: 1]
    #[arg(long, env = "LAMPLIGHTER_SIM_SEED", value_name = "N")]
    pub(crate) sim_seed: Option<u64>,

    /// Form of the log on standard error [default: text]
    #[arg(long, env = "LAMPLIGHTER_LOG_FORMAT", value_enum)]
    pub(crate) log_format: Option<LogFormat>,
}

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// End, with exit code 0, when the site has healed; otherwise keep serving
    #[arg(long)]
    pub(crate) once: bool,

    /// Address of the API
    #[arg(long, env = "LAMPLIGHTER_LISTEN", default_value = "127.0.0.1:1879", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,

    /// Simulated seconds per second
    #[arg(long, env = "LAMPLIGHTER_SIM_SPEED", default_value_t = 60.0, value_name = "N")]
    pub(crate) sim_speed: f64,

    /// Seed of the simulated region
    #[arg(long, env = "LAMPLIGHTER_SIM_SEED", default_value_t = 1, value_name = "N")]
    pub(crate) sim_seed: u64,
}

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct IamPolicyArgs {
    /// Name of the installation, as given to the daemon
    #[arg(long, env = "LAMPLIGHTER_INSTALL", default_value = "default", value_name = "NAME")]
    pub(crate) install: String,

    /// The regions that the daemon keeps, separated by commas [default: every region]
    #[arg(long, env = "LAMPLIGHTER_REGION", value_name = "REGION", value_delimiter = ',')]
    pub(crate) region: Vec<String>,

    /// The AWS account of the role [default: whichever it is]
    #[arg(long, value_name = "ID")]
    pub(crate) account: Option<String>,
}

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct StoreArgs {
    #[command(subcommand)]
    pub(crate) task: StoreTask,

    /// The data directory, as given to the daemon
    #[arg(
        long,
        global = true,
        env = "LAMPLIGHTER_DATA_DIR",
        default_value = "/var/lib/lamplighter",
        value_name = "DIR"
    )]
    pub(crate) data_dir: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum StoreTask {
    /// Reads everything and changes nothing; exit code 1 if something is damaged or lost
    Verify,
    /// Writes everything into a new file, as lines of JSON with a digest
    Export {
        /// The file
        file: PathBuf,
    },
    /// Makes a data directory of an export; it must not hold a store yet
    Import {
        /// The file
        file: PathBuf,
    },
    /// Makes the store anew from what can still be read, and gives up the rest
    Rebuild,
    /// Lets a store stand that is older than AWS (StoreOlderThanAWS), a restored backup for example
    Confirm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CloudKind {
    Aws,
    Sim,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}
