//! Events as lines of a table.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;

use crate::age::age;
use crate::printer::style;

/// Headings of [`cells`].
pub(crate) const HEADINGS: [&str; 5] = ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"];

/// When it was seen last.
pub(crate) fn last_seen(event: &Event) -> Option<Timestamp> {
    let times = [event.last_timestamp.as_ref(), event.first_timestamp.as_ref()];
    let exact = event.event_time.as_ref().map(|time| time.0);
    times
        .into_iter()
        .flatten()
        .map(|time| time.0)
        .next()
        .or(exact)
        .or_else(|| event.metadata.creation_timestamp.as_ref().map(|time| time.0))
}

pub(crate) fn cells(event: &Event, now: Timestamp) -> Vec<String> {
    let seen = last_seen(event).map_or_else(|| "<unknown>".to_owned(), |time| age(time, now));
    let times =
        event.count.filter(|count| *count > 1).map(|count| format!(" (x{count})")).unwrap_or_default();
    let kind = event.type_.clone().unwrap_or_default();
    let kind = if kind == lamp_api::event::WARNING { style::attention(&kind) } else { kind };
    let about = &event.involved_object;
    let object = format!(
        "{}/{}",
        about.kind.as_deref().unwrap_or_default().to_lowercase(),
        about.name.as_deref().unwrap_or_default()
    );
    let message = event.message.as_deref().unwrap_or_default().replace('\n', " ");
    vec![format!("{seen}{times}"), kind, event.reason.clone().unwrap_or_default(), object, message]
}
