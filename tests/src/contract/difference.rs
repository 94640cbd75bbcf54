//! Where the two regions differ, and what judges the story: AWS's word, or the table of differences.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

/// One of the two regions that the story is told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Simulator,
    Endpoint,
}

/// Something in which the two regions differ.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    /// What the story asks for, in its words.
    pub what: &'static str,
    /// What the simulated region does.
    pub simulator: &'static str,
    /// What the endpoint of the tests does.
    pub endpoint: &'static str,
    /// Which of the two does what AWS does.
    pub right: Which,
    /// Where AWS says so: a service and an action of its API reference, for example `EC2 CreateSubnet`.
    pub source: &'static str,
}

impl Difference {
    fn of(&self, which: Which) -> &'static str {
        match which {
            Which::Simulator => self.simulator,
            Which::Endpoint => self.endpoint,
        }
    }
}

/// The table as `docs/simulation.md` shows it.
pub fn markdown(differences: &[Difference]) -> String {
    let head = "| what | simulator | endpoint | right | source |\n|---|---|---|---|---|\n";
    let row = |row: &Difference| {
        let right = match row.right {
            Which::Simulator => "simulator",
            Which::Endpoint => "endpoint",
        };
        let source = page(row.source);
        format!("| {} | {} | {} | {right} | {source} |\n", row.what, row.simulator, row.endpoint)
    };
    differences.iter().map(row).fold(head.to_owned(), |table, row| table + &row)
}

/// A link to the page of AWS's API reference.
fn page(source: &str) -> String {
    let (service, action) = source.split_once(' ').unwrap_or(("", source));
    let reference = match service {
        "EC2" => "AWSEC2/latest/APIReference",
        "ELB" => "elasticloadbalancing/latest/APIReference",
        "ASG" => "autoscaling/ec2/APIReference",
        "RDS" => "AmazonRDS/latest/APIReference",
        "Secrets" => "secretsmanager/latest/apireference",
        "CloudWatch" => "AmazonCloudWatch/latest/APIReference",
        other => other,
    };
    format!("[{action}](https://docs.aws.amazon.com/{reference}/API_{action}.html)")
}

/// Compares what a region does with what it must do.
#[derive(Debug)]
pub(super) struct Judge {
    which: Which,
    differences: &'static [Difference],
    consulted: BTreeSet<&'static str>,
    disagreements: Vec<String>,
}

impl Judge {
    pub(super) fn new(which: Which, differences: &'static [Difference]) -> Self {
        Self { which, differences, consulted: BTreeSet::new(), disagreements: Vec::new() }
    }

    /// Demands of `what` that it be as on AWS, unless the table says that this region does something else: then it
    /// must be exactly that, so that a difference which disappears is noticed. The story goes on in either case.
    pub(super) fn demand(&mut self, what: &str, aws: &str, seen: &str) {
        let difference = self.differences.iter().find(|row| row.what == what);
        if let Some(row) = difference {
            self.consulted.insert(row.what);
            if row.of(row.right) != aws {
                self.disagreements.push(format!("{what}: the story says {aws}, the table {row:?}"));
            }
        }
        let wanted = difference.map_or(aws, |row| row.of(self.which));
        if seen != wanted {
            self.disagreements.push(format!("{what}: {seen}, not {wanted}"));
        }
    }

    /// The story is over: every row of the table must have been asked for.
    pub(super) fn finish(&mut self) {
        let idle = self.differences.iter().filter(|row| !self.consulted.contains(row.what));
        let idle =
            idle.map(|row| format!("{}: nothing in the story asks for this row of the table", row.what));
        self.disagreements.extend(idle);
    }

    /// Whether everything was as demanded.
    ///
    /// # Errors
    /// Every disagreement.
    pub(super) fn verdict(&self) -> Result<()> {
        let all = &self.disagreements;
        ensure!(all.is_empty(), "{:?} disagrees {} times:\n{}", self.which, all.len(), all.join("\n"));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Difference, Judge, Which};

    const TABLE: &[Difference] = &[Difference {
        what: "a subnet with an instance is deleted",
        simulator: "Dependency",
        endpoint: "done",
        right: Which::Simulator,
        source: "DeleteSubnet",
    }];

    fn verdict(which: Which, what: &str, aws: &str, seen: &str) -> String {
        let mut judge = Judge::new(which, TABLE);
        judge.demand(TABLE[0].what, TABLE[0].simulator, TABLE[0].of(which));
        judge.demand(what, aws, seen);
        judge.finish();
        judge.verdict().err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn what_stands_in_no_table_is_as_on_aws() {
        assert_eq!(verdict(Which::Endpoint, "a VPC", "made", "made"), "");
        assert!(verdict(Which::Endpoint, "a VPC", "made", "refused").contains("a VPC: refused, not made"));
    }

    #[test]
    fn a_difference_that_disappears_is_noticed() {
        let what = TABLE[0].what;
        assert_eq!(verdict(Which::Endpoint, what, "Dependency", "done"), "");
        assert!(verdict(Which::Endpoint, what, "Dependency", "Dependency").contains("not done"));
        assert!(verdict(Which::Simulator, what, "Dependency", "done").contains("not Dependency"));
    }

    #[test]
    fn story_and_table_agree_on_what_is_right() {
        assert!(
            verdict(Which::Simulator, TABLE[0].what, "done", "Dependency").contains("the story says done")
        );
    }

    #[test]
    fn a_row_that_nobody_asks_for_is_noticed_at_the_end() {
        let mut judge = Judge::new(Which::Simulator, TABLE);
        assert!(judge.verdict().is_ok());
        judge.finish();
        assert!(judge.verdict().is_err());
    }
}
