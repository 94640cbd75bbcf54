//! One resource with everything that AWS shows of it: its tags and details come from calls of their own.

use lamp_cloud::{Body, Cloud, CloudError, Read, Reading, Resource};
use lamp_plan::Priority;

use super::details::{Detail, fill};
use super::listing::Templates;
use crate::calls::Calls;

/// Completes a resource as a listing or a description shows it, for something of this priority.
///
/// # Errors
/// The first call that failed: what is read by halves decides nothing.
pub(crate) async fn whole<C: Cloud>(
    calls: &Calls<C>,
    mut row: Resource,
    templates: &Templates,
    priority: Priority,
) -> Result<Resource, CloudError> {
    let id = row.id.clone();
    if row.kind().tags_are_separate() {
        let read = Read::Tags { kind: row.kind(), ids: vec![id.clone()] };
        if let Reading::Tags(rows) = calls.read_as(&read, priority).await? {
            row.tags =
                rows.into_iter().find(|(tagged, _)| *tagged == id).map(|(_, tags)| tags).unwrap_or_default();
        }
    }
    for detail in Detail::of_body(row.kind()) {
        for read in detail.reads(std::slice::from_ref(&id)) {
            fill(&mut row.body, detail, &calls.read_as(&read, priority).await?);
        }
    }
    if let (Body::LaunchTemplate(template), Some((_, data))) = (&mut row.body, templates.get(&id)) {
        template.data = Some(data.clone());
    }
    Ok(row)
}
