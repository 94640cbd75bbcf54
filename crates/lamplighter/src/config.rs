//! The configuration in force: flags before environment before file before defaults.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use lamp_controller::Settings;
use lamp_server::CertificateFiles;
use serde::Deserialize;

use crate::args::{CloudKind, LogFormat, ServeArgs};

/// Everything that the daemon needs to know before it starts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Config {
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: SocketAddr,
    /// HTTP without TLS, for everybody on this machine.
    pub(crate) plain_http: bool,
    /// Certificate and key to show instead of our own.
    pub(crate) certificate: Option<CertificateFiles>,
    /// Names that our own certificate is for besides those of the machine.
    pub(crate) tls_names: Vec<String>,
    pub(crate) client_authorities: Option<PathBuf>,
    pub(crate) metrics_listen: Option<SocketAddr>,
    pub(crate) cloud: CloudKind,
    pub(crate) install: String,
    /// Empty: none was named.
    pub(crate) regions: Vec<String>,
    pub(crate) observe_period: Duration,
    pub(crate) rate_percent: u32,
    pub(crate) consistency_window: Duration,
    pub(crate) sim_speed: f64,
    pub(crate) sim_seed: u64,
    pub(crate) log_format: LogFormat,
}

/// The region that is simulated when none is named: that of the specs that come with Lamplighter.
pub(crate) const SIMULATED_REGION: &str = "ap-northeast-2";

/// A configuration file: the flags, under the same names.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct File {
    data_dir: Option<PathBuf>,
    listen: Option<SocketAddr>,
    plain_http: Option<bool>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    tls_name: Option<Names>,
    client_ca: Option<PathBuf>,
    metrics_listen: Option<SocketAddr>,
    cloud: Option<CloudKind>,
    install: Option<String>,
    region: Option<Names>,
    observe_seconds: Option<u64>,
    rate_percent: Option<u32>,
    consistency_seconds: Option<u64>,
    sim_speed: Option<f64>,
    sim_seed: Option<u64>,
    log_format: Option<LogFormat>,
}

/// One name, or a list of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

impl From<Names> for Vec<String> {
    fn from(names: Names) -> Self {
        match names {
            Names::One(name) => vec![name],
            Names::Several(names) => names,
        }
    }
}

impl Config {
    /// How the controller works.
    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings {
            observe_period: self.observe_period,
            rate_percent: self.rate_percent,
            ..Settings::default()
        };
        let window = self.consistency_window;
        settings.plan.consistency_window = window;
        settings.plan.agreement = settings.plan.agreement.min(window);
        settings.plan.change_patience = settings.plan.change_patience.min(window);
        settings
    }

    /// Merges flags (which hold the environment already) with the file that they name.
    pub(crate) fn load(args: &ServeArgs) -> anyhow::Result<Self> {
        let file = args.config.as_deref().map(read).transpose()?.unwrap_or_default();
        let certificate =
            certificate(args.tls_cert.clone().or(file.tls_cert), args.tls_key.clone().or(file.tls_key))?;
        let config = Self {
            data_dir: first(&args.data_dir, file.data_dir, "/var/lib/lamplighter".into()),
            listen: first(&args.listen, file.listen, SocketAddr::from(([127, 0, 0, 1], 1879))),
            plain_http: args.plain_http || file.plain_http.unwrap_or_default(),
            certificate,
            tls_names: names(&args.tls_name, file.tls_name),
            client_authorities: args.client_ca.clone().or(file.client_ca),
            metrics_listen: args.metrics_listen.or(file.metrics_listen),
            cloud: first(&args.cloud, file.cloud, CloudKind::Sim),
            install: first(&args.install, file.install, "default".to_owned()),
            regions: names(&args.region, file.region),
            observe_period: Duration::from_secs(first(&args.observe_seconds, file.observe_seconds, 15)),
            rate_percent: first(&args.rate_percent, file.rate_percent, 50),
            consistency_window: Duration::from_secs(first(
                &args.consistency_seconds,
                file.consistency_seconds,
                300,
            )),
            sim_speed: first(&args.sim_speed, file.sim_speed, 1.0),
            sim_seed: first(&args.sim_seed, file.sim_seed, 1),
            log_format: first(&args.log_format, file.log_format, LogFormat::Text),
        };
        config.validate()?;
        Ok(config)
    }

    fn validate(&self) -> anyhow::Result<()> {
        ensure!(
            lamp_api::names::is_dns_label(&self.install),
            "--install {:?}: must be a DNS label: at most 63 of a-z, 0-9 and -",
            self.install
        );
        check_regions(&self.regions)?;
        ensure!(
            (1..=3600).contains(&self.observe_period.as_secs()),
            "--observe-seconds {}: must be 1 to 3600",
            self.observe_period.as_secs()
        );
        ensure!(
            (1..=10_000).contains(&self.rate_percent),
            "--rate-percent {}: must be 1 to 10000; more than 100 is for emulators, which throttle nobody",
            self.rate_percent
        );
        ensure!(
            (1..=3600).contains(&self.consistency_window.as_secs()),
            "--consistency-seconds {}: must be 1 to 3600",
            self.consistency_window.as_secs()
        );
        ensure!(
            self.sim_speed.is_finite() && (0.1..=100_000.0).contains(&self.sim_speed),
            "--sim-speed {}: must be 0.1 to 100000",
            self.sim_speed
        );
        if let Err(error) = lamp_server::check_listen(self.listen, self.plain_http) {
            bail!("--listen {}: {error}", self.listen);
        }
        let secured = [
            ("--tls-cert", self.certificate.is_some()),
            ("--tls-name", !self.tls_names.is_empty()),
            ("--client-ca", self.client_authorities.is_some()),
        ];
        for (flag, given) in secured {
            ensure!(
                !(self.plain_http && given),
                "{flag} is of no use with --plain-http: leave out one of the two"
            );
        }
        Ok(())
    }
}

fn certificate(
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
) -> anyhow::Result<Option<CertificateFiles>> {
    match (certificate, key) {
        (Some(certificate), Some(key)) => Ok(Some(CertificateFiles { certificate, key })),
        (None, None) => Ok(None),
        (Some(_), None) => bail!("tlsCert stands without tlsKey: a certificate is of no use without its key"),
        (None, Some(_)) => bail!("tlsKey stands without tlsCert: a key is of no use without its certificate"),
    }
}

fn names(flags: &[String], file: Option<Names>) -> Vec<String> {
    if flags.is_empty() { file.map_or_else(Vec::new, Vec::from) } else { flags.to_vec() }
}

/// # Errors
/// What is no region's name, or named twice.
pub(crate) fn check_regions(regions: &[String]) -> anyhow::Result<()> {
    for (index, region) in regions.iter().enumerate() {
        ensure!(
            lamp_api::names::is_dns_label(region),
            "--region {region:?}: must be the name of a region, for example eu-central-1"
        );
        ensure!(!regions[..index].contains(region), "--region {region}: is named twice");
    }
    Ok(())
}

fn first<T: Clone>(flag: &Option<T>, file: Option<T>, default: T) -> T {
    flag.clone().or(file).unwrap_or(default)
}

fn read(path: &Path) -> anyhow::Result<File> {
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read --config {}", path.display()))?;
    serde_saphyr::from_str(&text).map_err(|error| anyhow::anyhow!("--config {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lamplighter.yaml");
        std::fs::write(&path, "install: fromfile\nobserveSeconds: 30\n").unwrap();
        let args =
            ServeArgs { config: Some(path), install: Some("fromflag".to_owned()), ..ServeArgs::default() };
        let config = Config::load(&args).unwrap();
        assert_eq!(config.install, "fromflag");
        assert_eq!(config.observe_period, Duration::from_secs(30));
        assert_eq!(config.cloud, CloudKind::Sim);
    }

    #[test]
    fn regions_are_one_or_several_each_named_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lamplighter.yaml");
        let regions = |text: &str, flags: &[&str]| {
            std::fs::write(&path, text).unwrap();
            let region = flags.iter().map(|region| (*region).to_owned()).collect();
            let args = ServeArgs { config: Some(path.clone()), region, ..ServeArgs::default() };
            Config::load(&args).map(|config| config.regions)
        };
        assert_eq!(regions("region: eu-central-1\n", &[]).unwrap(), ["eu-central-1"]);
        assert_eq!(
            regions("region: [eu-central-1, us-east-1]\n", &[]).unwrap(),
            ["eu-central-1", "us-east-1"]
        );
        assert_eq!(regions("region: eu-central-1\n", &["us-east-1"]).unwrap(), ["us-east-1"]);
        assert_eq!(regions("install: a\n", &[]).unwrap(), [""; 0]);
        let twice = regions("region: [a-1, a-1]\n", &[]).unwrap_err().to_string();
        assert_eq!(twice, "--region a-1: is named twice");
        assert!(
            regions("region: ''\n", &[]).unwrap_err().to_string().contains("must be the name of a region")
        );
    }

    #[test]
    fn an_unknown_key_and_plain_http_on_a_public_address_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lamplighter.yaml");
        std::fs::write(&path, "instal: x\n").unwrap();
        let unknown = Config::load(&ServeArgs { config: Some(path), ..ServeArgs::default() });
        assert!(unknown.unwrap_err().to_string().contains("instal"));
        let public = ServeArgs { listen: Some("0.0.0.0:1879".parse().unwrap()), ..ServeArgs::default() };
        assert!(Config::load(&public).is_ok(), "TLS may be served anywhere");
        let plain = ServeArgs { plain_http: true, ..public };
        assert!(Config::load(&plain).unwrap_err().to_string().contains("--listen"));
    }

    #[test]
    fn a_flag_without_effect_is_refused() {
        let plain = ServeArgs { plain_http: true, ..ServeArgs::default() };
        let named = ServeArgs { tls_name: vec!["lamp.example".to_owned()], ..plain.clone() };
        let refused = Config::load(&named).unwrap_err().to_string();
        assert_eq!(refused, "--tls-name is of no use with --plain-http: leave out one of the two");
        let half = ServeArgs { tls_cert: Some("a.pem".into()), ..ServeArgs::default() };
        assert!(Config::load(&half).unwrap_err().to_string().contains("without tlsKey"));
    }
}
