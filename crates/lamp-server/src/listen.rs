//! Where the API may listen, and which requests it takes there.
//!
//! Plain HTTP has no authentication, so whoever reaches such a port may do everything. It is therefore bound to
//! this machine, and web pages in a browser on this machine are kept out as well. TLS may be served anywhere.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::{HOST, ORIGIN};

/// Why an address cannot be listened on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListenError {
    #[error(
        "{address} can be reached from other machines, and plain HTTP has no authentication: whoever reaches it \
         could change everything; leave out --plain-http to serve TLS, or listen on 127.0.0.1:{port} or [::1]:{port}",
        port = address.port()
    )]
    NotLoopback { address: SocketAddr },
}

/// Refuses plain HTTP on an address that other machines can reach.
///
/// # Errors
/// [`ListenError::NotLoopback`].
pub fn check_listen(address: SocketAddr, is_plain: bool) -> Result<(), ListenError> {
    let is_local = address.ip().to_canonical().is_loopback();
    if is_local || !is_plain { Ok(()) } else { Err(ListenError::NotLoopback { address }) }
}

/// Why a request is refused before it is read, if it is.
///
/// A name in `Host` that is not local means that a web page made its own name point to this machine; a foreign
/// `Origin` means that a web page sends the request.
pub(crate) fn refusal(headers: &HeaderMap) -> Option<String> {
    if let Some(host) = headers.get(HOST) {
        let host = host.to_str().unwrap_or_default();
        if !is_local_name(host) {
            return Some(format!("the API is served to this machine only, not under the name {host:?}"));
        }
    }
    let origin = headers.get(ORIGIN)?.to_str().unwrap_or_default();
    let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
    let foreign = authority.is_empty() || !is_local_name(authority);
    foreign.then(|| format!("requests from web pages of {origin:?} are not taken"))
}

/// `localhost:1879`, `127.0.0.1`, `[::1]:1879`: an address, or the one name that is always local.
fn is_local_name(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split_once(']').map_or("", |(host, _)| host),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    host == "localhost" || host.ends_with(".localhost") || host.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_may_be_listened_on() {
        for good in ["127.0.0.1:1879", "127.1.2.3:0", "[::1]:1879", "[::ffff:127.0.0.1]:1"] {
            assert_eq!(check_listen(good.parse().unwrap(), true), Ok(()), "{good}");
        }
        for bad in ["0.0.0.0:1879", "[::]:1879", "10.0.0.1:1879", "192.168.1.4:80", "[2001:db8::1]:443"] {
            assert!(check_listen(bad.parse().unwrap(), true).is_err(), "{bad}");
            assert_eq!(check_listen(bad.parse().unwrap(), false), Ok(()), "{bad}");
        }
        let text = check_listen("0.0.0.0:1879".parse().unwrap(), true).unwrap_err().to_string();
        assert!(text.contains("leave out --plain-http") && text.contains("127.0.0.1:1879"), "{text}");
    }

    #[test]
    fn web_pages_are_kept_out() {
        let refused = |name: http::HeaderName, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            refusal(&headers).is_some()
        };
        assert!(
            !refused(HOST, "localhost:1879") && !refused(HOST, "127.0.0.1:1879") && !refused(HOST, "[::1]:1")
        );
        assert!(refused(HOST, "evil.example:1879") && refused(HOST, "localhost.evil.example"));
        assert!(refused(ORIGIN, "https://evil.example") && refused(ORIGIN, "null"));
        assert!(!refused(ORIGIN, "http://localhost:3000"));
        assert_eq!(refusal(&HeaderMap::new()), None);
    }
}
