//! Which objects are meant: `shop`, `lamp/shop`, `lamp shop`.

use lamp_api::kinds::{self, KindInfo};
use lamp_api::names::is_dns_subdomain;

use crate::exit::Failure;

/// An object by its kind and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) kind: &'static KindInfo,
    pub(crate) name: String,
}

/// The kind that is called so: by its plural, singular or short name, or with its group.
pub(crate) fn kind(text: &str) -> Option<&'static KindInfo> {
    let lower = text.to_ascii_lowercase();
    kinds::KINDS.iter().find(|kind| {
        let group = format!(".{}", kind.group);
        let bare = lower.strip_suffix(&group).unwrap_or(&lower);
        bare == kind.plural || bare == kind.singular || kind.short_names.contains(&bare)
    })
}

/// The name as a part of an address.
///
/// # Errors
/// It is no name of an object.
pub(crate) fn name(text: &str) -> Result<String, Failure> {
    if is_dns_subdomain(text) {
        return Ok(text.to_owned());
    }
    Err(Failure::Usage(format!(
        "{text:?} is no name of an object: names are lower case letters, digits, `-` and `.`"
    )))
}

/// `NAME…`, `TYPE NAME…`, `TYPE/NAME…`; a bare name is one of `default`'s kind.
pub(crate) fn targets(words: &[String], default: &'static KindInfo) -> Result<Vec<Target>, Failure> {
    let (kind_of_all, names) = match words.split_first() {
        Some((first, rest)) if !rest.is_empty() && !first.contains('/') => match kind(first) {
            Some(kind) => (kind, rest),
            None => (default, words),
        },
        _ => (default, words),
    };
    names.iter().map(|word| target(word, kind_of_all)).collect()
}

fn target(word: &str, default: &'static KindInfo) -> Result<Target, Failure> {
    let Some((kind_name, object)) = word.split_once('/') else {
        return Ok(Target { kind: default, name: name(word)? });
    };
    let kind = kind(kind_name).ok_or_else(|| unknown_kind(kind_name))?;
    Ok(Target { kind, name: name(object)? })
}

/// Stacks by name; another kind is refused.
pub(crate) fn stacks(words: &[String]) -> Result<Vec<String>, Failure> {
    let stack = |target: Target| {
        if target.kind == &kinds::LAMPSTACK {
            return Ok(target.name);
        }
        let Target { kind, name } = target;
        Err(Failure::Usage(format!(
            "{}/{name} is no LampStack, and this is done to LampStacks only",
            kind.plural
        )))
    };
    targets(words, &kinds::LAMPSTACK)?.into_iter().map(stack).collect()
}

/// One stack by name.
pub(crate) fn stack(word: &str) -> Result<String, Failure> {
    stacks(&[word.to_owned()]).map(|mut names| names.remove(0))
}

pub(crate) fn unknown_kind(text: &str) -> Failure {
    let known: Vec<&str> = kinds::KINDS.iter().map(|kind| kind.plural).collect();
    Failure::Usage(format!("the server has no kind {text:?}; it has {}", known.join(", ")))
}

/// `lampstack.lamplighter.dev/shop`, `namespace/default`.
pub(crate) fn full_name(kind: &KindInfo, name: &str) -> String {
    format!("{}/{name}", full_kind(kind))
}

/// `lampstack.lamplighter.dev`, `namespace`.
pub(crate) fn full_kind(kind: &KindInfo) -> String {
    if kind.group.is_empty() { kind.singular.to_owned() } else { format!("{}.{}", kind.singular, kind.group) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn objects_are_named_as_kubectl_names_them() {
        let shop = Target { kind: &kinds::LAMPSTACK, name: "shop".into() };
        for line in ["shop", "lamp/shop", "lamp shop", "lampstacks.lamplighter.dev/shop", "LampStack shop"] {
            assert_eq!(
                targets(&words(line), &kinds::LAMPSTACK).unwrap(),
                std::slice::from_ref(&shop),
                "{line}"
            );
        }
        let both = targets(&words("lamp ns/web shop"), &kinds::LAMPSTACK).unwrap();
        assert_eq!(both[0], Target { kind: &kinds::NAMESPACE, name: "web".into() });
        assert_eq!(both[1], shop);
        // A single word is a name, even where it is also the name of a kind.
        assert_eq!(stacks(&words("lamp")).unwrap(), ["lamp"]);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        assert!(stacks(&words("Shop")).unwrap_err().to_string().contains("is no name"));
        assert!(stacks(&words("pods/a")).unwrap_err().to_string().contains("has no kind"));
        assert!(stacks(&words("ns/a")).unwrap_err().to_string().contains("is no LampStack"));
    }
}
