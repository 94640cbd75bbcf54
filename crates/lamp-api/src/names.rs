//! Names as the Kubernetes API has them.

/// Whether `name` is a DNS label (RFC 1123): at most 63 of `a-z0-9-`, beginning and ending with a letter or digit.
pub fn is_dns_label(name: &str) -> bool {
    let bytes = name.as_bytes();
    let inner = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    !bytes.is_empty()
        && bytes.len() <= 63
        && bytes.iter().all(inner)
        && bytes.first() != Some(&b'-')
        && bytes.last() != Some(&b'-')
}

/// Whether `name` is a DNS subdomain (RFC 1123): at most 253 characters, labels joined by dots.
pub fn is_dns_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_dns_label)
}

/// Whether `name` may stand between two slashes of a path, which is all that Kubernetes asks of the name of a role or a
/// binding: `system:masters`. At most 253 characters here.
pub fn is_path_segment(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_graphic() && !"/%?#".contains(c);
    !matches!(name, "" | "." | "..") && name.len() <= 253 && name.chars().all(plain)
}

/// Whether `key` may name a label, an annotation or a finalizer: `name`, or `prefix.example/name`.
pub fn is_qualified_name(key: &str) -> bool {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    prefix.is_none_or(is_dns_subdomain) && !name.is_empty() && is_label_value(name)
}

/// Whether `value` may be the value of a label: empty, or at most 63 letters, digits, `-`, `_` and `.`, beginning
/// and ending with a letter or digit.
pub fn is_label_value(value: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let ends = |b: Option<&u8>| b.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = value.as_bytes();
    bytes.len() <= 63 && bytes.iter().copied().all(inner) && ends(bytes.first()) && ends(bytes.last())
}
