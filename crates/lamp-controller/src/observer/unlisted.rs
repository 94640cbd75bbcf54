//! What AWS says of recorded resources that no listing shows: each is asked for by its id, which no filter and no lost
//! page can hide. Only plans ask, and only about what they miss.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;
use lamp_cloud::{Cloud, Kind, Read, Reading, Resource, ResourceId};

use super::Order;
use crate::calls::Calls;

/// The answers for each stack, by uid and id.
pub(crate) type Unlisted = BTreeMap<String, BTreeMap<ResourceId, Option<Arc<Resource>>>>;

/// Asks for all that the plans want to know. What cannot be read is left out: it stays unknown.
pub(crate) async fn ask<C: Cloud>(calls: &Calls<C>, order: &Order<'_>) -> Unlisted {
    let mut answers = futures::stream::iter(questions(order))
        .map(|(uid, kind, id)| async move {
            let answer = describe(calls, kind, &id).await;
            (uid, id, answer)
        })
        .buffered(order.concurrency.max(1));
    let mut unlisted = Unlisted::new();
    while let Some((uid, id, answer)) = answers.next().await {
        if let Some(row) = answer {
            unlisted.entry(uid).or_default().insert(id, row.map(Arc::new));
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

async fn describe<C: Cloud>(calls: &Calls<C>, kind: Kind, id: &ResourceId) -> Option<Option<Resource>> {
    match calls.read(&Read::One { kind, id: id.clone() }).await {
        Ok(Reading::One(row)) => Some(row),
        Ok(_) => None,
        Err(error) => {
            tracing::warn!(%error, id, "what no listing shows could not be described in this pass");
            None
        }
    }
}
