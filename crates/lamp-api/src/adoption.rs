//! The value of the annotation `lamplighter.dev/adopt`: what may be taken over.

use std::collections::BTreeMap;

/// What a person allowed to be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Adopt {
    /// `false`: nothing.
    Nothing,
    /// `true`: whatever carries the stack's tags already.
    Tagged,
    /// One line `part: id` for each resource: exactly these.
    Named(BTreeMap<String, String>),
}

/// Reads the annotation.
///
/// # Errors
/// The line that is none, or that names a part twice.
pub fn parse(value: &str) -> Result<Adopt, String> {
    match value.trim() {
        "false" => return Ok(Adopt::Nothing),
        text if !text.contains(": ") => return Ok(Adopt::Tagged),
        _ => {}
    }
    let mut named = BTreeMap::new();
    for line in value.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (part, id) = line
            .split_once(": ")
            .map(|(part, id)| (part.trim(), id.trim()))
            .filter(|(part, id)| !part.is_empty() && !id.is_empty())
            .ok_or_else(|| format!("{line:?} is no line of the form `part: id`"))?;
        if named.insert(part.to_owned(), id.to_owned()).is_some() {
            return Err(format!("{part} is named twice"));
        }
    }
    Ok(Adopt::Named(named))
}

/// Writes the annotation that names these resources, by part.
pub fn format(named: &BTreeMap<String, String>) -> String {
    named.iter().map(|(part, id)| format!("{part}: {id}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let named: BTreeMap<_, _> = [
            ("vpc".to_owned(), "vpc-1".to_owned()),
            (
                "load-balancer/web".to_owned(),
                "arn:aws:elasticloadbalancing:r:1:loadbalancer/app/w/1".to_owned(),
            ),
        ]
        .into();
        assert_eq!(parse(&format(&named)), Ok(Adopt::Named(named)));
    }

    #[test]
    fn words_allow_all_or_nothing() {
        assert_eq!(parse("true"), Ok(Adopt::Tagged));
        assert_eq!(parse(" false\n"), Ok(Adopt::Nothing));
    }

    #[test]
    fn a_line_that_is_none_is_refused() {
        assert!(parse("vpc: vpc-1\nsubnet/public/1").unwrap_err().contains("subnet/public/1"));
        assert!(parse("vpc: vpc-1\nvpc: vpc-2").unwrap_err().contains("twice"));
        assert!(parse("vpc: \n: vpc-2").is_err());
    }
}
