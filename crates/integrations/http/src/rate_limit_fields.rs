//! The fields `RateLimit-Policy` and `RateLimit` of draft-ietf-httpapi-ratelimit-headers-11, and those that were in use
//! before.

use std::{fmt, time::Duration};

use http::HeaderValue;
use seawall_core::rate::Quota;

use crate::retry_after::seconds_up;

/// Whether `name` can be a String of Structured Fields (RFC 9651, section 3.3.3): visible ASCII and blanks.
pub(crate) fn is_string(name: &str) -> bool {
    name.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// `RateLimit-Policy`: so many calls in each window of whole seconds.
pub(crate) fn policy(name: &str, quota: Quota) -> HeaderValue {
    let QuotaWindow { calls, seconds } = QuotaWindow::of(quota);
    value(format_args!("{};q={calls};w={seconds}", Quoted(name)))
}

/// `RateLimit` of a call that was refused: nothing is left for as long as `wait`.
///
/// The draft asks that `Retry-After` is no earlier than `t`; here they are the same.
pub(crate) fn limit(name: &str, wait: Duration) -> HeaderValue {
    value(format_args!("{};r=0;t={}", Quoted(name), seconds_up(wait)))
}

/// A quota in whole seconds, as the draft has no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QuotaWindow {
    pub(crate) calls: u64,
    pub(crate) seconds: u64,
}

impl QuotaWindow {
    /// The window is the period, rounded up; the calls are those that fit in it, rounded down, so that who keeps to what is
    /// said keeps to the quota.
    pub(crate) fn of(quota: Quota) -> Self {
        let period = quota.period();
        let seconds = seconds_up(period);
        let calls = u128::from(quota.count()) * u128::from(seconds) * NANOS_PER_SECOND / period.as_nanos();
        Self { calls: u64::try_from(calls).unwrap_or(u64::MAX), seconds }
    }
}

/// A String of Structured Fields.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for part in self.0.split_inclusive(['"', '\\']) {
            match part.strip_suffix(['"', '\\']) {
                Some(plain) => write!(f, "{plain}\\{}", &part[plain.len()..])?,
                None => f.write_str(part)?,
            }
        }
        f.write_str("\"")
    }
}

fn value(text: fmt::Arguments<'_>) -> HeaderValue {
    HeaderValue::try_from(text.to_string()).expect("a name is visible ASCII, and so is the rest")
}

const NANOS_PER_SECOND: u128 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn they_are_written_as_in_the_draft() {
        assert_eq!(policy("permin", Quota::per_minute(50)), r#""permin";q=50;w=60"#);
        assert_eq!(policy("default", Quota::new(100, Duration::from_secs(10)).burst(7)), r#""default";q=100;w=10"#);
        assert_eq!(limit("default", Duration::from_millis(29_001)), r#""default";r=0;t=30"#);
        assert_eq!(limit("default", Duration::ZERO), r#""default";r=0;t=1"#);
    }

    #[test]
    fn a_name_cannot_break_out_of_its_quotes() {
        for (name, quoted) in [
            ("", r#""""#),
            ("a b", r#""a b""#),
            (r#"a";q=9"#, r#""a\";q=9""#),
            (r"\", r#""\\""#),
            (r#"\""#, r#""\\\"""#),
        ] {
            assert!(is_string(name));
            assert_eq!(Quoted(name).to_string(), quoted);
        }
        for name in ["ü", "a\r\nSet-Cookie: b", "\0", "\x7f", "\t"] {
            assert!(!is_string(name), "{name:?}");
        }
    }

    #[test]
    fn a_period_of_no_whole_seconds_is_told_in_whole_ones() {
        let ms = Duration::from_millis;
        for (quota, calls, seconds) in [
            (Quota::every(ms(125)), 8, 1),
            (Quota::every(ms(1_500)), 1, 2),
            (Quota::new(10, ms(1_500)), 13, 2),
            (Quota::every(ms(999)), 1, 1),
            (Quota::per_second(1_000_000_000), 1_000_000_000, 1),
            (Quota::every(Duration::from_nanos(1)), 1_000_000_000, 1),
            (Quota::new(u32::MAX, Quota::MAX_PERIOD), u64::from(u32::MAX), 366 * 86_400),
        ] {
            assert_eq!(QuotaWindow::of(quota), QuotaWindow { calls, seconds }, "{quota}");
        }
    }

    proptest! {
        #[test]
        fn what_is_said_is_never_more_than_the_quota_nor_much_less(
            count in 1_u32..,
            period in 1_u64..=366 * 86_400 * 1_000_000_000,
        ) {
            let count = u64::from(count).min(period);
            let quota = Quota::new(count as u32, Duration::from_nanos(period));
            let QuotaWindow { calls, seconds } = QuotaWindow::of(quota);
            let (window, period) = (u128::from(seconds) * NANOS_PER_SECOND, u128::from(period));
            let (calls, count) = (u128::from(calls), u128::from(count));
            prop_assert!(calls >= 1 && calls * period <= count * window, "{calls} in {seconds} s");
            prop_assert!((calls + 1) * period > count * window, "{calls} in {seconds} s");
            // Integers of Structured Fields have 15 digits.
            prop_assert!(calls < 1_000_000_000_000_000 && seconds < 1_000_000_000_000_000);
        }
    }
}
