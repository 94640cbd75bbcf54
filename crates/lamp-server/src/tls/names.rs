//! Under which names the server is reached.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use rustls_pki_types::DnsName;

use super::TlsError;

/// The host names and addresses that our own certificate is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerNames(BTreeSet<String>);

impl ServerNames {
    /// This machine's own names, its host name, the address that is listened on unless that means all addresses, and `extra`.
    ///
    /// # Errors
    /// [`TlsError::Name`]: one of `extra` is neither an address nor a host name.
    pub fn new(listen: SocketAddr, extra: &[String]) -> Result<ServerNames, TlsError> {
        let local = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let listened = listen.ip().to_canonical();
        let listened = (!listened.is_unspecified()).then(|| listened.to_string());
        let extra: Vec<String> = extra.iter().map(|name| checked(name)).collect::<Result<_, _>>()?;
        Ok(ServerNames(local.into_iter().chain(listened).chain(host_name()).chain(extra).collect()))
    }

    /// In alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub(super) fn are(&self, names: &BTreeSet<String>) -> bool {
        self.0 == *names
    }
}

/// The name in the one form in which it is compared.
fn checked(name: &str) -> Result<String, TlsError> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return Ok(address.to_canonical().to_string());
    }
    let lower = name.to_ascii_lowercase();
    match DnsName::try_from(lower.as_str()) {
        Ok(_) => Ok(lower),
        Err(_) => Err(TlsError::Name { name: name.to_owned() }),
    }
}

/// The host's own name, if a certificate can be for it.
fn host_name() -> Option<String> {
    checked(rustix::system::uname().nodename().to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_has_the_names_under_which_it_is_reached() {
        let names = |listen: &str, extra: &[&str]| {
            let extra: Vec<String> = extra.iter().map(|name| (*name).to_owned()).collect();
            ServerNames::new(listen.parse().unwrap(), &extra)
        };
        let all = names("0.0.0.0:1879", &["Lamp.Example", "2001:DB8::1"]).unwrap();
        for expected in ["localhost", "127.0.0.1", "::1", "lamp.example", "2001:db8::1"] {
            assert!(all.iter().any(|name| name == expected), "{expected}: {all:?}");
        }
        assert!(all.iter().all(|name| name != "0.0.0.0"), "{all:?}");
        assert!(names("10.0.0.7:1", &[]).unwrap().iter().any(|name| name == "10.0.0.7"));
        let refused = names("10.0.0.7:1", &["https://lamp"]).unwrap_err().to_string();
        assert!(refused.contains("\"https://lamp\" is neither"), "{refused}");
    }
}
