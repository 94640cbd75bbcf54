//! One listing of the region, from its first page to its last. Half a listing is none.

use std::collections::BTreeMap;

use lamp_cloud::kinds::launch_template::TemplateData;
use lamp_cloud::{
    Cloud, CloudError, ErrorClass, Instance, Kind, Listing, Read, Reading, Resource, ResourceId, StatusCheck,
    Zone,
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
    Statuses(BTreeMap<ResourceId, StatusCheck>),
}

#[derive(Debug)]
enum Failure {
    /// AWS did not take its own page token back.
    TokenRefused(CloudError),
    Other(String),
}

/// Lists everything, or says why that failed. A page token that is refused restarts the listing once.
pub(crate) async fn list<C: Cloud>(calls: &Calls<C>, listing: Listing, pages: usize) -> Result<Rows, String> {
    let first = match walk(calls, listing, pages).await {
        Err(Failure::TokenRefused(_)) => walk(calls, listing, pages).await,
        other => other,
    };
    first.map_err(|failure| match failure {
        Failure::TokenRefused(error) => error.to_string(),
        Failure::Other(why) => why,
    })
}

async fn walk<C: Cloud>(calls: &Calls<C>, listing: Listing, pages: usize) -> Result<Rows, Failure> {
    let mut rows = Rows::none(listing);
    let mut page = None;
    for _ in 0..pages {
        let read = Read::List { listing, page: page.clone() };
        let reading = calls.read(&read).await.map_err(|error| match (&page, error.class) {
            (Some(_), ErrorClass::Invalid) => Failure::TokenRefused(error),
            _ => Failure::Other(error.to_string()),
        })?;
        page = rows.add(reading).ok_or_else(|| Failure::Other("the answer is of another kind".to_owned()))?;
        if page.is_none() {
            return Ok(rows);
        }
    }
    Err(Failure::Other(format!("it has more than {pages} pages")))
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
                rows.extend(page.items);
                Some(page.next)
            }
            _ => None,
        }
    }
}
