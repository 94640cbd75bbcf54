//! What a policy is for.

use crate::NAME_PREFIX;

/// Installation, region and account that a policy is limited to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Name of the installation: value of the tag `lamplighter:install`.
    pub install: String,
    /// For example `eu-central-1`; none is every region.
    pub regions: Vec<String>,
    /// Twelve digits; `None` is every account, of which a role can reach only its own.
    pub account: Option<String>,
}

impl Scope {
    /// The ARN of a pattern of the table, for example `ec2:{region}:{account}:vpc/*`.
    pub(super) fn arn(&self, pattern: &str) -> String {
        let region = match self.regions.as_slice() {
            [region] => region,
            // Each region's ARNs would not fit into a policy of AWS's size: a condition names the regions.
            _ => "*",
        };
        let filled = pattern
            .replace("{region}", region)
            .replace("{account}", self.account.as_deref().unwrap_or("*"))
            .replace("{name}", &format!("{NAME_PREFIX}*"));
        format!("arn:{}:{filled}", self.partition())
    }

    fn partition(&self) -> &'static str {
        match self.regions.first() {
            Some(region) if region.starts_with("cn-") => "aws-cn",
            Some(region) if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }

    /// EC2's name where it is given a role.
    pub(super) fn ec2_principal(&self) -> String {
        let suffix = if self.partition() == "aws-cn" { ".cn" } else { "" };
        format!("ec2.amazonaws.com{suffix}")
    }
}
