//! What is kept of a budget for the next process: the buckets whose share AWS made us reduce, as JSON in one record of
//! the store.

use jiff::Timestamp;
use lamp_cloud::Limit;
use lamp_plan::Priority;
use serde::{Deserialize, Serialize};

use super::adaptive::Reduced;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    buckets: Vec<Row>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    service: String,
    bucket: String,
    share: f64,
    as_of: Timestamp,
    tokens: f64,
    filled_at: Timestamp,
    throttled: String,
}

/// The record of these buckets.
pub(super) fn encode<'a>(
    reduced: impl Iterator<Item = (&'a Limit, Reduced)>,
) -> Result<String, serde_json::Error> {
    let row = |(limit, reduced): (&Limit, Reduced)| Row {
        service: limit.service.name().to_owned(),
        bucket: limit.name.to_owned(),
        share: reduced.share,
        as_of: reduced.as_of,
        tokens: reduced.tokens,
        filled_at: reduced.filled_at,
        throttled: reduced.throttled.name().to_owned(),
    };
    serde_json::to_string(&Record { buckets: reduced.map(row).collect() })
}

/// The buckets of a record. Those that AWS has no more, as far as we know, are left out.
pub(super) fn decode(text: &str) -> Result<Vec<(Limit, Reduced)>, serde_json::Error> {
    let record: Record = serde_json::from_str(text)?;
    let limits = Limit::all();
    let known = |row: Row| {
        let limit =
            limits.iter().find(|limit| limit.service.name() == row.service && limit.name == row.bucket)?;
        let throttled = Priority::ALL.into_iter().find(|priority| priority.name() == row.throttled);
        let reduced = Reduced {
            share: row.share,
            as_of: row.as_of,
            tokens: row.tokens,
            filled_at: row.filled_at,
            throttled: throttled.unwrap_or(Priority::Inventory),
        };
        Some((*limit, reduced))
    };
    Ok(record.buckets.into_iter().filter_map(known).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back_and_what_is_unknown_is_left_out() {
        let limits = Limit::all();
        let reduced = Reduced {
            share: 0.125,
            as_of: Timestamp::UNIX_EPOCH,
            tokens: 0.5,
            filled_at: Timestamp::UNIX_EPOCH,
            throttled: Priority::Deploy,
        };
        let text = encode([(&limits[0], reduced)].into_iter()).unwrap();
        assert_eq!(decode(&text).unwrap(), [(limits[0], reduced)]);
        let other = text.replace(limits[0].name, "FlyToTheMoon");
        assert_eq!(decode(&other).unwrap(), []);
        assert!(decode("{}").is_err());
    }
}
