//! ARNs of RDS resources. RDS takes names everywhere but where it tags; the ARNs of a region differ only in kind and
//! name, so one that was seen gives all others.

use std::sync::OnceLock;

use lamp_cloud::Kind;

/// What all ARNs of RDS resources of this account and region begin with: `arn:aws:rds:eu-central-1:111122223333:`.
#[derive(Default)]
pub(crate) struct RdsArns {
    prefix: OnceLock<String>,
}

impl RdsArns {
    /// Takes note of an ARN that AWS showed.
    pub(crate) fn learn(&self, arn: Option<&str>) {
        if self.prefix.get().is_none()
            && let Some(prefix) = arn.and_then(prefix)
        {
            // Another listing may have been faster; both saw the same.
            let _ = self.prefix.set(prefix.to_owned());
        }
    }

    /// The ARN of a resource, once any has been seen.
    pub(crate) fn get(&self, kind: Kind, name: &str) -> Option<String> {
        let part = match kind {
            Kind::DbInstance => "db",
            Kind::DbSubnetGroup => "subgrp",
            Kind::DbParameterGroup => "pg",
            _ => return None,
        };
        self.prefix.get().map(|prefix| format!("{prefix}{part}:{name}"))
    }
}

fn prefix(arn: &str) -> Option<&str> {
    let (end, _) = arn.match_indices(':').nth(4)?;
    arn.starts_with("arn:").then(|| &arn[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_arn_gives_the_others() {
        let arns = RdsArns::default();
        assert_eq!(arns.get(Kind::DbInstance, "one"), None);
        arns.learn(Some("nonsense"));
        arns.learn(None);
        arns.learn(Some("arn:aws-cn:rds:cn-north-1:111122223333:subgrp:ll-shop"));
        let name = |kind| arns.get(kind, "x");
        assert_eq!(name(Kind::DbInstance).as_deref(), Some("arn:aws-cn:rds:cn-north-1:111122223333:db:x"));
        assert_eq!(
            name(Kind::DbParameterGroup).as_deref(),
            Some("arn:aws-cn:rds:cn-north-1:111122223333:pg:x")
        );
        assert_eq!(name(Kind::Vpc), None);
    }
}
