//! How long ago something was, as kubectl writes it.

use jiff::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// `37s`, `5m10s`, `3h20m`, `2d4h`, `400d`.
pub(crate) fn age(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - then.as_second();
    match seconds {
        ..-1 => "<invalid>".to_owned(),
        -1..120 => format!("{}s", seconds.max(0)),
        120..600 => two(seconds, (MINUTE, "m"), (1, "s")),
        600..10_800 => format!("{}m", seconds / MINUTE),
        10_800..28_800 => two(seconds, (HOUR, "h"), (MINUTE, "m")),
        28_800..172_800 => format!("{}h", seconds / HOUR),
        172_800..691_200 => two(seconds, (DAY, "d"), (HOUR, "h")),
        691_200..63_072_000 => format!("{}d", seconds / DAY),
        63_072_000..252_288_000 => two(seconds, (YEAR, "y"), (DAY, "d")),
        _ => format!("{}y", seconds / YEAR),
    }
}

/// The time from which ages are told: `wall`, or the newest time in an answer where that is later. The clock of a
/// simulated region runs ahead of ours.
pub(crate) fn present(wall: Timestamp, told: impl IntoIterator<Item = Timestamp>) -> Timestamp {
    told.into_iter().fold(wall, Timestamp::max)
}

fn two(seconds: i64, large: (i64, &str), small: (i64, &str)) -> String {
    let rest = seconds % large.0 / small.0;
    let head = format!("{}{}", seconds / large.0, large.1);
    if rest == 0 { head } else { format!("{head}{rest}{}", small.1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_from_the_later_clock() {
        let (early, late) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(60).unwrap());
        assert_eq!(present(late, [early]), late);
        assert_eq!(present(early, [early, late]), late);
        assert_eq!(present(early, []), early);
    }

    #[test]
    fn ages_are_those_of_kubectl() {
        let cases = [(0, "0s"), (119, "119s"), (120, "2m"), (310, "5m10s"), (7200, "120m"), (10_860, "3h1m")];
        let then = Timestamp::UNIX_EPOCH;
        for (seconds, expected) in cases {
            assert_eq!(age(then, Timestamp::from_second(seconds).unwrap()), expected);
        }
        assert_eq!(age(Timestamp::from_second(172_800).unwrap(), then), "<invalid>");
        assert_eq!(age(then, Timestamp::from_second(187_200).unwrap()), "2d4h");
    }
}
