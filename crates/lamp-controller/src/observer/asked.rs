//! What AWS says where plans ask: of resources that no listing shows as ours, each by its id, which no filter and no lost
//! page can hide; and of whatever has an address in a network that is to go.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;
use lamp_cloud::{Cloud, Kind, NetworkInterface, Read, Reading, Resource, ResourceId};
use lamp_plan::{Ask, Priority};

use super::Order;
use super::listing::{Templates, every_page};
use super::whole::whole;
use crate::calls::Calls;

/// The answers for one stack. What could not be read is left out: it stays unknown.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// With tags and details; `None`: there is none.
    pub(crate) resources: BTreeMap<(Kind, ResourceId), Option<Arc<Resource>>>,
    /// By network.
    pub(crate) interfaces: BTreeMap<ResourceId, Vec<NetworkInterface>>,
}

enum Answer {
    Resource(Kind, ResourceId, Option<Arc<Resource>>),
    Interfaces(ResourceId, Vec<NetworkInterface>),
}

impl Answers {
    fn take(&mut self, answer: Answer) {
        match answer {
            Answer::Resource(kind, id, row) => drop(self.resources.insert((kind, id), row)),
            Answer::Interfaces(vpc, rows) => drop(self.interfaces.insert(vpc, rows)),
        }
    }
}

/// Asks for all that the plans want to know; the answers by uid.
pub(crate) async fn ask<C: Cloud>(
    calls: &Calls<C>,
    order: &Order<'_>,
    templates: &Templates,
) -> BTreeMap<String, Answers> {
    let of = |(uid, asks): (&String, &BTreeSet<Ask>)| {
        asks.iter().map(|ask| (uid.clone(), ask.clone())).collect::<Vec<_>>()
    };
    let questions: Vec<_> = order.asks.iter().flat_map(of).collect();
    let mut answers = futures::stream::iter(questions)
        .map(|(uid, question)| async move {
            let answer = answer(calls, &question, order, templates).await;
            (uid, question, answer)
        })
        .buffered(order.concurrency.max(1));
    let mut known: BTreeMap<String, Answers> = BTreeMap::new();
    while let Some((uid, question, answer)) = answers.next().await {
        match answer {
            Ok(answer) => known.entry(uid).or_default().take(answer),
            Err(why) => tracing::warn!(?question, why, "AWS did not answer in this pass"),
        }
    }
    known
}

async fn answer<C: Cloud>(
    calls: &Calls<C>,
    question: &Ask,
    order: &Order<'_>,
    templates: &Templates,
) -> Result<Answer, String> {
    match question {
        Ask::Resource(kind, id) => {
            let row = describe(calls, *kind, id, templates).await?;
            Ok(Answer::Resource(*kind, id.clone(), row.map(Arc::new)))
        }
        Ask::Interfaces { vpc } => {
            let rows = interfaces(calls, vpc, order.pages).await?;
            Ok(Answer::Interfaces(vpc.clone(), rows))
        }
    }
}

async fn describe<C: Cloud>(
    calls: &Calls<C>,
    kind: Kind,
    id: &ResourceId,
    templates: &Templates,
) -> Result<Option<Resource>, String> {
    let read = Read::One { kind, id: id.clone() };
    match calls.read(&read).await.map_err(|error| error.to_string())? {
        Reading::One(Some(row)) => {
            whole(calls, row, templates, Priority::Drift).await.map(Some).map_err(|error| error.to_string())
        }
        _ => Ok(None),
    }
}

async fn interfaces<C: Cloud>(
    calls: &Calls<C>,
    vpc: &ResourceId,
    pages: usize,
) -> Result<Vec<NetworkInterface>, String> {
    let read = |page| Read::NetworkInterfaces { vpc: vpc.clone(), page };
    let rows = every_page(calls, pages, read, |reading| match reading {
        Reading::NetworkInterfaces(page) => Some(page),
        _ => None,
    });
    rows.await.map_err(|failure| format!("the network interfaces of {vpc}: {failure}"))
}
