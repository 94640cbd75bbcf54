//! Bugs between the daemon and AWS: as an adapter or an SDK would have them.

use lamp_cloud::{Applied, CloudError, Page, Read, Reading, Request, tag};

use super::Bug;

impl Bug {
    /// Whether it sits between the daemon and its region.
    #[cfg(test)]
    pub(super) fn is_of_calls(self) -> bool {
        matches!(
            self,
            Self::TagsStripped
                | Self::MutationsRetried
                | Self::LostReplyIsDone
                | Self::ErrorIsAbsence
                | Self::RateIgnored
        )
    }

    /// How often each reading is made.
    pub(crate) fn readings(self) -> usize {
        if self == Self::RateIgnored { 60 } else { 1 }
    }

    /// What is sent instead of a request.
    pub(crate) fn reworded(self, request: &Request) -> Option<Request> {
        let mut request = request.clone();
        match (self, &mut request) {
            (Self::TagsStripped, Request::Create { tags, .. }) => drop(tags.remove(tag::INTENT)),
            _ => return None,
        }
        Some(request)
    }

    /// Whether the client sends it again by itself.
    pub(crate) fn sends_again(self, applied: &Result<Applied, CloudError>) -> bool {
        self == Self::MutationsRetried && applied.as_ref().is_err_and(CloudError::outcome_unknown)
    }

    /// What the daemon is told of a mutation.
    pub(crate) fn misheard(self, applied: Result<Applied, CloudError>) -> Result<Applied, CloudError> {
        match applied {
            Err(error) if self == Self::LostReplyIsDone && error.outcome_unknown() => Ok(Applied::default()),
            other => other,
        }
    }

    /// What the daemon is told of a reading.
    pub(crate) fn misread(
        self,
        read: &Read,
        reading: Result<Reading, CloudError>,
    ) -> Result<Reading, CloudError> {
        if self != Self::ErrorIsAbsence || reading.is_ok() {
            return reading;
        }
        match read {
            Read::One { .. } => Ok(Reading::One(None)),
            Read::List { listing: lamp_cloud::Listing::Resources(_), .. } | Read::Everyones { .. } => {
                Ok(Reading::Resources(Page { items: Vec::new(), next: None }))
            }
            Read::Listeners { .. } => Ok(Reading::Listeners(Vec::new())),
            Read::TargetHealth { .. } => Ok(Reading::TargetHealth(Vec::new())),
            _ => reading,
        }
    }
}
