//! What the adapter must be told. Everything else is the SDK's own: environment, profiles, roles, endpoints.

/// Where, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// For example `eu-central-1`.
    pub region: String,
    /// Name of this installation: only resources tagged with it are seen.
    pub install: String,
}

/// Why no connection to AWS could be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("no AWS region is given: pass --region, or set LAMPLIGHTER_REGION")]
    NoRegion,
    #[error("no name of the installation is given: pass --install, or set LAMPLIGHTER_INSTALL")]
    NoInstall,
    /// The sources tell which provider was asked and what it answered.
    #[error("no AWS credentials: set AWS_PROFILE, the AWS_ACCESS_KEY_ID pair, or attach a role to this host")]
    NoCredentials(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Config {
    pub(crate) fn check(&self) -> Result<(), ConnectError> {
        if self.region.trim().is_empty() {
            return Err(ConnectError::NoRegion);
        }
        if self.install.trim().is_empty() {
            return Err(ConnectError::NoInstall);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_and_an_install_are_needed() {
        let config = |region: &str, install: &str| Config { region: region.into(), install: install.into() };
        assert!(matches!(config(" ", "prod").check(), Err(ConnectError::NoRegion)));
        assert!(matches!(config("eu-central-1", "").check(), Err(ConnectError::NoInstall)));
        assert!(config("eu-central-1", "prod").check().is_ok());
    }
}
