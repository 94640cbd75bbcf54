//! Names and tokens: derived, never drawn, so that a repeated request is the same request.

use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};

use crate::{Owner, Part};

/// How every name that [`unique_name`] makes begins.
pub const NAME_PREFIX: &str = "ll-";

/// A name on AWS for a part: readable, unique for the stack, at most 32 characters of `a-z0-9-`, as load balancers
/// and target groups demand.
///
/// `attempt` is 0 for the first; a part that failed and is made again gets another name, because AWS may hold the
/// old one for a while.
pub fn unique_name(owner: &Owner, part: &Part, attempt: u32) -> String {
    let digest = digest(&[&owner.install, &owner.uid, part.as_str(), &attempt.to_string()]);
    let label = |text: &str, length: usize| {
        let clean: String = text
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .collect();
        clean.chars().take(length).collect::<String>().trim_matches('-').to_owned()
    };
    format!("{NAME_PREFIX}{}-{}-{}", label(&owner.name, 9), label(part.as_str(), 10), &digest[..8])
}

/// The client token and intent id of one attempt to make a part: at most 64 ASCII characters.
pub fn token(owner: &Owner, part: &Part, what: &str, attempt: u32) -> String {
    digest(&[&owner.install, &owner.uid, part.as_str(), what, &attempt.to_string()])[..32].to_owned()
}

fn digest(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    BASE32_NOPAD.encode(&hasher.finalize()).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_load_balancers_and_differ_by_attempt() {
        let owner = Owner {
            install: "prod".into(),
            namespace: "default".into(),
            name: "a-very-long-stack-name-indeed".into(),
            uid: "u".into(),
        };
        let part = Part::new("load-balancer/web");
        let name = unique_name(&owner, &part, 0);
        assert!(name.len() <= 32, "{name}");
        assert_ne!(name, unique_name(&owner, &part, 1));
        assert_eq!(name, unique_name(&owner, &part, 0));
        assert!(token(&owner, &part, "create", 0).len() <= 64);
    }
}
