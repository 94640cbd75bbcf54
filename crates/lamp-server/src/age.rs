//! How long ago something happened, as kubectl prints it.

use jiff::Timestamp;
use serde_json::Value;

/// `37s`, `5m10s`, `3h`, `2d4h`; `<unknown>` for what is no time.
pub(crate) fn since(time: &Value, now: Timestamp) -> String {
    let parsed = time.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    parsed.map_or_else(|| "<unknown>".to_owned(), |time| seconds(now.as_second() - time.as_second()))
}

/// Two units where the first alone would say too little.
fn seconds(total: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const YEAR: i64 = 365 * DAY;
    match total {
        ..-1 => "<invalid>".to_owned(),
        -1..120 => format!("{}s", total.max(0)),
        120..600 => two(total, (MINUTE, "m"), (1, "s")),
        600..10_800 => format!("{}m", total / MINUTE),
        10_800..28_800 => two(total, (HOUR, "h"), (MINUTE, "m")),
        28_800..172_800 => format!("{}h", total / HOUR),
        172_800..691_200 => two(total, (DAY, "d"), (HOUR, "h")),
        691_200..63_072_000 => format!("{}d", total / DAY),
        63_072_000..252_288_000 => two(total, (YEAR, "y"), (DAY, "d")),
        _ => format!("{}y", total / YEAR),
    }
}

fn two(total: i64, large: (i64, &str), small: (i64, &str)) -> String {
    let (count, rest) = (total / large.0, total % large.0 / small.0);
    if rest == 0 { format!("{count}{}", large.1) } else { format!("{count}{}{rest}{}", large.1, small.1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        let table = [
            (-5, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (310, "5m10s"),
            (600, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (11_100, "3h5m"),
            (28_800, "8h"),
            (172_799, "47h"),
            (172_800, "2d"),
            (190_000, "2d4h"),
            (691_200, "8d"),
            (63_072_000, "2y"),
            (63_072_000 + 86_400, "2y1d"),
            (252_288_000, "8y"),
        ];
        for (age, text) in table {
            assert_eq!(seconds(age), text, "{age}");
        }
        assert_eq!(since(&Value::Null, Timestamp::UNIX_EPOCH), "<unknown>");
    }
}
