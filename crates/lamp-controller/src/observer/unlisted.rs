//! What AWS says of resources that no listing shows as ours: each is asked for by its id, which no filter and no lost
//! page can hide. Only plans ask: about what they miss, and about what is to be taken over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;
use lamp_cloud::{Cloud, CloudError, Kind, Read, Reading, Resource, ResourceId};

use super::Order;
use super::listing::Templates;
use super::whole::whole;
use crate::calls::Calls;

/// The answers for each stack, by uid.
pub(crate) type Unlisted = BTreeMap<String, BTreeMap<(Kind, ResourceId), Option<Arc<Resource>>>>;

/// Asks for all that the plans want to know. What cannot be read is left out: it stays unknown.
pub(crate) async fn ask<C: Cloud>(calls: &Calls<C>, order: &Order<'_>, templates: &Templates) -> Unlisted {
    let mut answers = futures::stream::iter(questions(order))
        .map(|(uid, kind, id)| async move {
            let answer = describe(calls, kind, &id, templates).await;
            (uid, (kind, id), answer)
        })
        .buffered(order.concurrency.max(1));
    let mut unlisted = Unlisted::new();
    while let Some((uid, asked, answer)) = answers.next().await {
        match answer {
            Ok(row) => drop(unlisted.entry(uid).or_default().insert(asked, row.map(Arc::new))),
            Err(error) => {
                let id = asked.1;
                tracing::warn!(%error, id, "what no listing shows could not be described in this pass");
            }
        }
    }
    unlisted
}

fn questions(order: &Order<'_>) -> Vec<(String, Kind, ResourceId)> {
    let of = |(uid, asks): (&String, &BTreeSet<(Kind, ResourceId)>)| {
        asks.iter().map(|(kind, id)| (uid.clone(), *kind, id.clone())).collect::<Vec<_>>()
    };
    order.asks.iter().flat_map(of).collect()
}

async fn describe<C: Cloud>(
    calls: &Calls<C>,
    kind: Kind,
    id: &ResourceId,
    templates: &Templates,
) -> Result<Option<Resource>, CloudError> {
    match calls.read(&Read::One { kind, id: id.clone() }).await? {
        Reading::One(Some(row)) => whole(calls, row, templates).await.map(Some),
        _ => Ok(None),
    }
}
