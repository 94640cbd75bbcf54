//! `lamplighter iam-policy`: what the daemon's role must be allowed, for the daemon as it is.

use std::io::Write;

use anyhow::{Result, ensure};
use lamp_cloud::iam::{Policy, Scope};

use crate::args::IamPolicyArgs;
use crate::config::check_regions;

/// Prints the policy as JSON.
pub(crate) fn run(args: &IamPolicyArgs) -> Result<()> {
    check(args)?;
    let scope =
        Scope { install: args.install.clone(), regions: args.region.clone(), account: args.account.clone() };
    std::io::stdout().write_all(Policy::new(&scope).document()?.as_bytes())?;
    Ok(())
}

// A mistake here would be a policy that allows nothing, or, with a wildcard, too much.
fn check(args: &IamPolicyArgs) -> Result<()> {
    let install = &args.install;
    ensure!(
        lamp_api::names::is_dns_label(install),
        "--install {install:?}: must be a DNS label: at most 63 of a-z, 0-9 and -"
    );
    check_regions(&args.region)?;
    if let Some(account) = &args.account {
        let is_id = account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit());
        ensure!(is_id, "--account {account:?}: must be the twelve digits of an account's id");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_and_misspelt_scopes_are_refused() {
        let args = |install: &str, region: Option<&str>, account: Option<&str>| IamPolicyArgs {
            install: install.to_owned(),
            region: region.map(str::to_owned).into_iter().collect(),
            account: account.map(str::to_owned),
        };
        assert!(check(&args("prod", Some("eu-central-1"), Some("123456789012"))).is_ok());
        assert!(check(&args("*", None, None)).is_err());
        assert!(check(&args("prod", Some("*"), None)).is_err());
        assert!(check(&args("prod", None, Some("12345678901*"))).is_err());
    }
}
