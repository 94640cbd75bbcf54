use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn wrong(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn a_value_holds_until_the_next_row_and_the_last_as_long_as_the_others() {
    let trace = parse("timestamp,value\n2014-02-14 14:27:00,5\n2014-02-14 14:30:00,7.5\n").unwrap();
    assert_eq!(trace.loads, [5.0, 5.0, 5.0, 7.5, 7.5, 7.5]);
    assert_eq!((trace.began, trace.spacing), (at("2014-02-14T14:27:00Z"), 3));
    assert!(trace.gaps.is_empty() && trace.repeated.is_empty());
}

#[test]
fn times_are_written_in_three_ways_with_or_without_a_head() {
    let loads = |text: &str| {
        let trace = parse(text).unwrap();
        (trace.began, trace.loads)
    };
    let expected = (at("2026-11-01T00:00:00Z"), vec![1.0, 2.0]);
    for text in [
        "2026-11-01T01:00:30+01:00,1\n2026-11-01T01:01:00+01:00,2\n",
        "time,requests\r\n2026-11-01 00:00:00,1\r\n\r\n2026-11-01 00:01:00,2\r\n",
        "\u{feff}1793491200,1\n1793491260,2",
        "\"2026-11-01T00:00:00\",\"1\"\n\"2026-11-01T00:01:00\",\"2\"",
    ] {
        assert_eq!(loads(text), expected, "{text}");
    }
}

#[test]
fn a_gap_is_held_for_an_hour_and_not_known_after_that() {
    let trace =
        parse("2026-11-01 00:00:00,1\n2026-11-01 00:05:00,2\n2026-11-01 00:10:00,3\n2026-11-01 02:00:00,4\n");
    let trace = trace.unwrap();
    assert_eq!((trace.loads.len(), trace.spacing), (125, 5));
    assert_eq!((trace.loads[74], trace.loads[75].is_nan(), trace.loads[120]), (3.0, true, 4.0));
    let gap = Gap { line: 4, from: at("2026-11-01T00:15:00Z"), minutes: 105, unknown: 45 };
    assert_eq!(trace.gaps, [gap]);
}

#[test]
fn a_minute_that_is_written_twice_counts_once_and_is_told() {
    let trace =
        parse("2026-11-01 00:00:00,1\n2026-11-01 00:01:00,2\n2026-11-01 00:01:30,9\n2026-11-01 00:02:00,3\n");
    let trace = trace.unwrap();
    assert_eq!((trace.loads, trace.repeated), (vec![1.0, 9.0, 3.0], vec![3]));
}

#[test]
fn what_is_no_load_is_told_with_its_line() {
    let first = "t,v\n2026-11-01 00:00:00,1\n";
    for (text, expected) in [
        (String::new(), "it has no rows; write a time and a number in each line"),
        ("time,value\n".to_owned(), "it has no rows"),
        (first.to_owned(), "line 2: it is the only row"),
        ("2026-11-01 00:00:00,1\n2026-11-01 00:00:30,2\n".to_owned(), "line 1: it is the only row"),
        ("t,v\nx,1".to_owned(), "line 2: \"x\" is no time: write RFC 3339"),
        (format!("{first}1793491200000,1"), "line 3: \"1793491200000\" is no time"),
        (format!("{first}2026-11-01 00:01:00,many"), "line 3: \"many\" is no number"),
        ("2026-11-01 00:01:00,many".to_owned(), "line 1: \"many\" is no number"),
        (format!("{first}2026-11-01 00:01:00,-1"), "line 3: -1 is negative, and a load is not"),
        (format!("{first}2026-11-01 00:01:00,NaN"), "line 3: NaN is no load: leave a row out"),
        (format!("{first}2026-11-01 00:01:00"), "line 3: it has 1 columns"),
        (format!("{first}2026-10-31 23:59:00,1"), "line 3: 2026-10-31T23:59:00Z is earlier than"),
        (format!("{first}2026-11-01 02:00:00,1"), "line 3: rows are 120 minutes apart"),
        (format!("{first}2026-11-01 00:01:00,1\n2029-01-01 00:00:00,1"), "line 4: it is 792 days after"),
    ] {
        let error = wrong(&text);
        assert!(error.starts_with(expected), "{text:?}: {error}");
    }
}

#[test]
fn percentiles_leave_out_what_is_not_known() {
    let loads = [f64::NAN, 4.0, 1.0, 3.0, 2.0];
    assert_eq!((percentile(&loads, 0.5), percentile(&loads, 0.99)), (3.0, 4.0));
    assert_eq!(percentile(&[f64::NAN], 0.5), 0.0);
}
