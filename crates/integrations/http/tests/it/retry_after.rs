//! What `Retry-After` says, value by value.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{DATE, RETRY_AFTER},
};
use seawall::Hint;
use seawall_http::{hint, parse_retry_after, retry_after, retry_after_value};

/// Of `Sun, 06 Nov 1994 08:49:37 GMT`.
const NOVEMBER: u64 = 784_111_777;

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn headers(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
    fields.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
}

#[test]
fn seconds_are_read() {
    for (value, wait) in [
        ("0", Duration::ZERO),
        ("1", Duration::from_secs(1)),
        ("00000000000000000000000000120", Duration::from_secs(120)),
        ("86400", Duration::from_secs(86_400)),
        ("18446744073709551614", Duration::from_secs(u64::MAX - 1)),
        ("18446744073709551615", Duration::MAX),
        ("18446744073709551616", Duration::MAX),
        ("99999999999999999999999999999999999999999", Duration::MAX),
    ] {
        assert_eq!(parse_retry_after(value, UNIX_EPOCH), Some(wait), "{value}");
    }
}

#[test]
fn what_is_neither_a_number_nor_a_date_says_nothing() {
    let values = [
        "", " ", "-3", "+3", "1.5", "1,5", "1e3", "3 ", " 3", "3\t", "1 0", "0x10", "3s", "NaN", "inf", "٣", "5, 10",
        "3;", "\"3\"", "soon",
    ];
    for value in values {
        assert_eq!(parse_retry_after(value, UNIX_EPOCH), None, "{value:?}");
    }
    assert_eq!(parse_retry_after([b'3', 0xff], UNIX_EPOCH), None);
    assert_eq!(parse_retry_after("9".repeat(10_000) + "\0", UNIX_EPOCH), None);
}

#[test]
fn dates_of_all_three_forms_are_read() {
    let forms = ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"];
    for date in forms {
        assert_eq!(parse_retry_after(date, at(NOVEMBER - 90)), Some(Duration::from_secs(90)), "{date}");
    }
    let last = parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", UNIX_EPOCH);
    assert_eq!(last, Some(Duration::from_secs(253_402_300_799)));
}

#[test]
fn a_date_that_has_passed_is_no_wait() {
    for now in [NOVEMBER, NOVEMBER + 1, u64::from(u32::MAX)] {
        assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", at(now)), Some(Duration::ZERO), "{now}");
    }
}

#[test]
fn a_date_is_not_rounded_down() {
    let now = at(NOVEMBER) - Duration::from_nanos(1);
    assert_eq!(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_nanos(1)));
}

#[test]
fn a_date_that_is_almost_one_says_nothing() {
    for date in [
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:60 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Wed, 29 Feb 2023 08:49:37 GMT",
        "Wed, 31 Dec 1969 23:59:59 GMT",
        "Sun,  06 Nov 1994 08:49:37 GMT",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sunday, 06-Nov-94T08:49:37 GMT",
        "Sun Nov 06 08:49:37 GMT 1994",
        "1994-11-06T08:49:37Z",
    ] {
        assert_eq!(parse_retry_after(date, UNIX_EPOCH), None, "{date}");
    }
}

#[test]
fn of_several_values_the_longest_counts() {
    let of = |values: &[&'static str]| {
        retry_after(&headers(&values.iter().map(|value| (RETRY_AFTER, *value)).collect::<Vec<_>>()), at(NOVEMBER - 90))
    };
    assert_eq!(of(&[]), None);
    assert_eq!(of(&["5", "30", "1"]), Some(Duration::from_secs(30)));
    assert_eq!(of(&["5", "Sun, 06 Nov 1994 08:49:37 GMT"]), Some(Duration::from_secs(90)));
    assert_eq!(of(&["soon", "5", "-7"]), Some(Duration::from_secs(5)));
    assert_eq!(of(&["soon", "-7"]), None);
}

#[test]
fn a_clock_that_is_fast_does_not_shorten_the_wait_for_a_date() {
    let asked = headers(&[(RETRY_AFTER, "Sun, 06 Nov 1994 08:49:37 GMT"), (DATE, "Sun, 06 Nov 1994 08:49:07 GMT")]);
    let wait = |now| retry_after(&asked, at(now));
    assert_eq!(wait(NOVEMBER + 3_600), Some(Duration::from_secs(30)), "by the server's clock");
    assert_eq!(wait(NOVEMBER - 30), Some(Duration::from_secs(30)));
    assert_eq!(wait(NOVEMBER - 60), Some(Duration::from_secs(60)), "by the receiver's");
    let odd = headers(&[(RETRY_AFTER, "Sun, 06 Nov 1994 08:49:37 GMT"), (DATE, "yesterday")]);
    assert_eq!(retry_after(&odd, at(NOVEMBER - 7)), Some(Duration::from_secs(7)));
}

#[test]
fn seconds_do_not_hang_on_any_clock() {
    let asked = headers(&[(RETRY_AFTER, "7"), (DATE, "Sun, 06 Nov 1994 08:49:07 GMT")]);
    assert_eq!(retry_after(&asked, at(NOVEMBER + 1_000_000)), Some(Duration::from_secs(7)));
}

#[test]
fn a_retry_is_told() {
    assert_eq!(hint(&HeaderMap::new()), Hint::None);
    assert_eq!(hint(&headers(&[(RETRY_AFTER, "soon")])), Hint::None);
    assert_eq!(hint(&headers(&[(RETRY_AFTER, "7")])), Hint::After(Duration::from_secs(7)));
    assert_eq!(hint(&headers(&[(RETRY_AFTER, "Sun, 06 Nov 1994 08:49:37 GMT")])), Hint::After(Duration::ZERO));
    let far = hint(&headers(&[(RETRY_AFTER, "Fri, 31 Dec 9999 23:59:59 GMT")]));
    assert!(matches!(far, Hint::After(wait) if wait > Duration::from_secs(86_400)), "{far:?}");
}

#[test]
fn a_wait_is_written_in_seconds_rounded_up() {
    for (wait, text) in [
        (Duration::ZERO, "1"),
        (Duration::from_nanos(1), "1"),
        (Duration::from_secs(1), "1"),
        (Duration::new(1, 1), "2"),
        (Duration::new(59, 999_999_999), "60"),
        (Duration::from_secs(u64::MAX), "18446744073709551615"),
        (Duration::MAX, "18446744073709551615"),
    ] {
        assert_eq!(retry_after_value(wait), text, "{wait:?}");
    }
}
