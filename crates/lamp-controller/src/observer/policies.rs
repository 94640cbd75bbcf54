//! The scaling policies of the groups: one listing of the region shows those of all, so that it is made where a group is
//! new or its policies were changed by us, and otherwise rarely.

use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::kinds::auto_scaling_group::ScalingPolicy;
use lamp_cloud::{Cloud, CloudError, Kind, Read, Reading, ResourceId};

use super::details::{Detail, Details};
use super::listed::Listed;
use super::marks::{Marks, policies_of};
use crate::budget::of_reading;
use crate::calls::Calls;

/// Passes within which policies are read again: five minutes. People who change one seldom do it twice.
const ROTATION: u64 = 20;

/// How long a pass waits for the budget to allow a reading.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// When a reading is due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Due<'a> {
    pub(super) listed: &'a Listed,
    pub(super) details: &'a Details,
    pub(super) marks: &'a Marks,
    pub(super) settle: Duration,
    pub(super) pass: u64,
    pub(super) now: Timestamp,
}

impl Due<'_> {
    /// Whether the policies of some group are not known, may not be as they were read, or were read long ago.
    pub(super) fn is_due(&self) -> bool {
        self.listed.ids(Kind::AutoScalingGroup).iter().any(|id| self.is_outdated(id))
    }

    fn is_outdated(&self, id: &ResourceId) -> bool {
        let cached = self.details.get(id, Detail::ScalingPolicies, self.marks);
        let is_settling = || self.marks.is_settling(&policies_of(id), self.settle, self.now);
        cached.is_none_or(|cached| cached.pass + ROTATION <= self.pass || is_settling())
    }
}

/// Every policy of the region with its group. Half of them are none.
///
/// # Errors
/// The first call that failed.
pub(super) async fn list<C: Cloud>(
    calls: &Calls<C>,
    pages: usize,
    deadline: Timestamp,
) -> Result<Vec<(ResourceId, ScalingPolicy)>, CloudError> {
    let (mut rows, mut page) = (Vec::new(), None);
    for _ in 0..pages {
        let read = Read::ScalingPolicies { page };
        let Reading::ScalingPolicies(found) = calls.read_before(&read, of_reading(&read), deadline).await?
        else {
            return Err(unusable("the answer is of another kind"));
        };
        rows.extend(found.items);
        page = found.next;
        if page.is_none() {
            return Ok(rows);
        }
    }
    Err(unusable("it has too many pages"))
}

fn unusable(why: &str) -> CloudError {
    CloudError::new(lamp_cloud::ErrorClass::Unintelligible, "DescribePolicies", "Unusable", why)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use lamp_cloud::Request;
    use lamp_cloud::kinds::auto_scaling_group::{AutoScalingGroup, Change};

    use super::*;

    const SETTLE: Duration = Duration::from_secs(30);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn group(id: &str) -> (ResourceId, lamp_cloud::Resource) {
        let body = AutoScalingGroup {
            template: lamp_cloud::Reference::id("lt-1"),
            template_version: 1,
            subnets: Vec::new(),
            target_groups: Vec::new(),
            min: 1,
            max: 2,
            desired: 1,
            instance_types: Vec::new(),
            grace_seconds: 60,
            health_check_type: "EC2".to_owned(),
            members: Vec::new(),
            suspended: Vec::new(),
            policies: None,
            foreign_policies: Vec::new(),
        };
        let row = lamp_cloud::Resource {
            id: id.to_owned(),
            name: id.to_owned(),
            tags: lamp_cloud::Tags::new(),
            state: lamp_cloud::State::Ready,
            body: body.into(),
            created_at: None,
        };
        (id.to_owned(), row)
    }

    fn listed(ids: &[&str]) -> Listed {
        let groups: BTreeMap<_, _> = ids.iter().map(|id| group(id)).collect();
        Listed { resources: [(Kind::AutoScalingGroup, groups)].into(), ..Listed::default() }
    }

    fn read_at(listed: &Listed, pass: u64) -> Details {
        let mut details = Details::default();
        details.put_policies(listed.ids(Kind::AutoScalingGroup), Vec::new(), (pass, at(0)));
        details
    }

    fn is_due(listed: &Listed, details: &Details, marks: &Marks, pass: u64, now: i64) -> bool {
        Due { listed, details, marks, settle: SETTLE, pass, now: at(now) }.is_due()
    }

    fn changed(change: Change) -> Marks {
        let mut marks = Marks::default();
        let change = lamp_cloud::Change::AutoScalingGroup(change);
        marks.note(&Request::Change { id: "web".to_owned(), token: String::new(), change }, 5, at(60));
        marks
    }

    #[test]
    fn policies_are_read_once_and_then_every_twentieth_pass() {
        let (none, web) = (Marks::default(), listed(&["web"]));
        assert!(!is_due(&listed(&[]), &Details::default(), &none, 1, 0), "no group, no policy");
        assert!(is_due(&web, &Details::default(), &none, 1, 0));
        let details = read_at(&web, 1);
        assert!((2..21).all(|pass| !is_due(&web, &details, &none, pass, 1000)));
        assert!(is_due(&web, &details, &none, 21, 1000));
        assert!(is_due(&listed(&["web", "app"]), &details, &none, 2, 1000), "one group is new");
    }

    #[test]
    fn only_our_changes_of_policies_make_them_be_read_again() {
        let web = listed(&["web"]);
        let before = read_at(&web, 4);
        assert!(!is_due(&web, &before, &changed(Change::SetDesired(2)), 5, 60));
        let marks = changed(Change::DeletePolicy("lamplighter-cpu".to_owned()));
        assert!(is_due(&web, &before, &marks, 5, 60));
        let after = read_at(&web, 5);
        assert!(is_due(&web, &after, &marks, 6, 75), "AWS may still show what was");
        assert!(!is_due(&web, &after, &marks, 9, 120));
    }

    #[test]
    fn a_mark_lasts_until_policies_were_read() {
        let marked = policies_of("web");
        let web = listed(&["web"]);
        assert!(!read_at(&web, 4).passes(&marked).all(|read| read >= 5));
        assert!(read_at(&web, 5).passes(&marked).all(|read| read >= 5));
        assert_eq!(read_at(&web, 4).passes("web").count(), 0, "they say nothing of the rest of the group");
    }
}
