//! Reading AWS's answers, in which every field may be missing.

use aws_sdk_ec2::operation::RequestId;
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use lamp_cloud::{Applied, CloudError, ErrorClass, Page, Reference, Resource, ResourceId};

use crate::AwsCloud;
use crate::tags::Whose;

/// What a call of the adapter gives.
pub(crate) type Answer<T> = Result<T, CloudError>;

/// A field without which the answer means nothing.
pub(crate) fn required<T>(operation: &str, field: &str, value: Option<T>) -> Answer<T> {
    value.ok_or_else(|| unintelligible(operation, "IncompleteAnswer", format!("the answer has no {field}")))
}

/// An answer that cannot be used.
pub(crate) fn unintelligible(operation: &str, code: &str, message: impl Into<String>) -> CloudError {
    CloudError::new(ErrorClass::Unintelligible, operation, code, message)
}

/// A request that was refused before it was sent.
pub(crate) fn refused(operation: &str, code: &str, message: impl Into<String>) -> CloudError {
    CloudError::new(ErrorClass::Invalid, operation, code, message)
}

/// A moment, as far as it can be one.
pub(crate) fn timestamp(time: Option<&DateTime>) -> Option<Timestamp> {
    let time = time?;
    Timestamp::new(time.secs(), time.subsec_nanos().try_into().ok()?).ok()
}

/// A count, which AWS gives as a signed number; a missing or negative one is none.
pub(crate) fn count(value: Option<i32>) -> u32 {
    value.and_then(|value| value.try_into().ok()).unwrap_or_default()
}

/// A count for AWS.
pub(crate) fn number(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// References by id.
pub(crate) fn references<S: Into<String>>(ids: impl IntoIterator<Item = S>) -> Vec<Reference> {
    let mut references: Vec<_> = ids.into_iter().map(Reference::id).collect();
    references.sort();
    references
}

/// Ids of references, or a refusal of a request that names something without an id.
pub(crate) fn ids(operation: &str, references: &[Reference]) -> Answer<Vec<String>> {
    references.iter().map(|reference| id(operation, reference)).collect()
}

/// The id of a reference, or a refusal of a request that names something without an id.
pub(crate) fn id(operation: &str, reference: &Reference) -> Answer<ResourceId> {
    reference
        .as_id()
        .map(ToOwned::to_owned)
        .ok_or_else(|| refused(operation, "UnresolvedReference", format!("{reference} has no id yet")))
}

/// One page of a listing: what AWS was asked to filter is filtered again.
pub(crate) fn page_of(
    cloud: &AwsCloud,
    whose: Whose,
    rows: Vec<Resource>,
    next: Option<String>,
) -> Page<Resource> {
    page(rows.into_iter().filter(|row| whose.includes(cloud, &row.tags)).collect(), next)
}

/// One page. AWS also says "no more" with an empty token.
pub(crate) fn page<T>(items: Vec<T>, next: Option<String>) -> Page<T> {
    Page { items, next: next.filter(|token| !token.is_empty()) }
}

/// A mutation that was done.
pub(crate) fn done(answer: &impl RequestId) -> Applied {
    Applied { id: None, request_id: answer.request_id().map(ToOwned::to_owned) }
}

/// A creation that was done; an answer without the id leaves open what was made.
pub(crate) fn created(
    operation: &str,
    id: Option<impl Into<String>>,
    answer: &impl RequestId,
) -> Answer<Applied> {
    let id = required(operation, "id of what was created", id.map(Into::into))?;
    Ok(Applied { id: Some(id), request_id: answer.request_id().map(ToOwned::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_and_nonsense_does_not() {
        let time = DateTime::from_secs_and_nanos(1_700_000_000, 5);
        assert_eq!(timestamp(Some(&time)), Timestamp::new(1_700_000_000, 5).ok());
        assert_eq!(timestamp(Some(&DateTime::from_secs(i64::MAX))), None);
        assert_eq!(timestamp(None), None);
    }

    #[test]
    fn an_empty_token_ends_a_listing() {
        assert_eq!(page(vec![1], Some(String::new())).next, None);
        assert_eq!(page(vec![1], Some("t".into())).next.as_deref(), Some("t"));
    }

    #[test]
    fn an_unresolved_reference_is_refused_before_anything_is_sent() {
        let error = ids("CreateSubnet", &[Reference::id("a"), Reference::part("vpc")]).unwrap_err();
        assert_eq!(error.class, ErrorClass::Invalid);
        assert!(!error.outcome_unknown());
    }
}
