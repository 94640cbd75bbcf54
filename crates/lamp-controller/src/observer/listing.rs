//! One listing of the region, from its first page to its last. Half a listing is none.

use std::collections::BTreeMap;

use lamp_cloud::kinds::launch_template::TemplateData;
use lamp_cloud::{
    Cloud, CloudError, ErrorClass, Instance, InstanceStatus, Kind, Listing, Page, Read, Reading, Resource,
    ResourceId, Zone,
};

use crate::calls::Calls;

/// What the newest version of each launch template launches, with its number.
pub(crate) type Templates = BTreeMap<ResourceId, (u64, TemplateData)>;

/// Every row of one listing, without repetitions.
#[derive(Debug)]
pub(crate) enum Rows {
    Zones(Vec<Zone>),
    Resources(Kind, BTreeMap<ResourceId, Resource>),
    Templates(Templates),
    Instances(BTreeMap<ResourceId, Instance>),
    Statuses(BTreeMap<ResourceId, InstanceStatus>),
}

/// Why something could not be listed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// AWS did not take its own page token back.
    #[error(transparent)]
    TokenRefused(CloudError),
    #[error(transparent)]
    Refused(CloudError),
    #[error("the answer is of another kind")]
    AnotherKind,
    #[error("it has more than {0} pages")]
    TooLong(usize),
}

impl Failure {
    /// Whether it is AWS's own trouble, not what we may do or ask.
    pub(crate) fn is_of_aws(&self) -> bool {
        matches!(self, Self::Refused(error) if error.class == ErrorClass::Transient)
    }
}

/// Lists everything, or says why that failed. A page token that is refused restarts the listing once.
pub(crate) async fn list<C: Cloud>(
    calls: &Calls<C>,
    listing: Listing,
    pages: usize,
) -> Result<Rows, Failure> {
    pages_of(calls, listing, pages, |page| Read::List { listing, page }).await
}

/// The same with calls of another kind, which are answered as the listing is.
pub(crate) async fn pages_of<C: Cloud>(
    calls: &Calls<C>,
    listing: Listing,
    pages: usize,
    read: impl Fn(Option<String>) -> Read + Sync,
) -> Result<Rows, Failure> {
    match walk(calls, listing, pages, &read).await {
        Err(Failure::TokenRefused(_)) => walk(calls, listing, pages, &read).await,
        other => other,
    }
}

async fn walk<C: Cloud>(
    calls: &Calls<C>,
    listing: Listing,
    pages: usize,
    read: &(impl Fn(Option<String>) -> Read + Sync),
) -> Result<Rows, Failure> {
    let mut rows = Rows::none(listing);
    let mut page = None;
    for _ in 0..pages {
        let reading = calls.read(&read(page.clone())).await.map_err(|error| match (&page, error.class) {
            (Some(_), ErrorClass::Invalid) => Failure::TokenRefused(error),
            _ => Failure::Refused(error),
        })?;
        page = rows.add(reading).ok_or(Failure::AnotherKind)?;
        if page.is_none() {
            return Ok(rows);
        }
    }
    Err(Failure::TooLong(pages))
}

/// Every row of a call that answers page by page, or none of them. `page`: `None` where the answer is of another kind.
pub(crate) async fn every_page<C: Cloud, T>(
    calls: &Calls<C>,
    pages: usize,
    read: impl Fn(Option<String>) -> Read,
    page: impl Fn(Reading) -> Option<Page<T>>,
) -> Result<Vec<T>, Failure> {
    let (mut rows, mut from) = (Vec::new(), None);
    for _ in 0..pages {
        let reading = calls.read(&read(from)).await.map_err(Failure::Refused)?;
        let found = page(reading).ok_or(Failure::AnotherKind)?;
        rows.extend(found.items);
        from = found.next;
        if from.is_none() {
            return Ok(rows);
        }
    }
    Err(Failure::TooLong(pages))
}

impl Rows {
    fn none(listing: Listing) -> Self {
        match listing {
            Listing::Zones => Self::Zones(Vec::new()),
            Listing::Resources(kind) => Self::Resources(kind, BTreeMap::new()),
            Listing::LaunchTemplateVersions => Self::Templates(BTreeMap::new()),
            Listing::Instances => Self::Instances(BTreeMap::new()),
            Listing::InstanceStatus => Self::Statuses(BTreeMap::new()),
        }
    }

    /// Adds one page, and says which is the next. `None`: the page is of another listing.
    #[allow(
        clippy::option_option,
        reason = "the outer one says whether the page fits, the inner one whether more comes"
    )]
    fn add(&mut self, reading: Reading) -> Option<Option<String>> {
        match (self, reading) {
            (Self::Zones(rows), Reading::Zones(page)) => {
                rows.extend(page.items);
                rows.sort();
                rows.dedup();
                Some(page.next)
            }
            (Self::Resources(kind, rows), Reading::Resources(page)) => {
                let of_kind = page.items.into_iter().filter(|row| row.kind() == *kind);
                rows.extend(of_kind.map(|row| (row.id.clone(), row)));
                Some(page.next)
            }
            (Self::Templates(rows), Reading::LaunchTemplateVersions(page)) => {
                for (id, version, data) in page.items {
                    if rows.get(&id).is_none_or(|(known, _)| *known < version) {
                        rows.insert(id, (version, data));
                    }
                }
                Some(page.next)
            }
            (Self::Instances(rows), Reading::Instances(page)) => {
                rows.extend(page.items.into_iter().map(|row| (row.id.clone(), row)));
                Some(page.next)
            }
            (Self::Statuses(rows), Reading::InstanceStatus(page)) => {
                rows.extend(page.items.into_iter().map(|row| (row.instance.clone(), row)));
                Some(page.next)
            }
            _ => None,
        }
    }
}
