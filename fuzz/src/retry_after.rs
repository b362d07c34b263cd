use std::{
    str,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::{
    HeaderMap, HeaderValue,
    header::{DATE, RETRY_AFTER},
};
use seawall_core::Hint;
use seawall_http::{hint, parse_retry_after, retry_after as read_all, retry_after_value};

use crate::input::Input;

/// The input's lines as fields `Retry-After`, beside a `Date`; and as a wait that is written to one.
///
/// The first four bytes say what time it is. A line that begins with `@` is a `Date`.
pub fn retry_after(input: &[u8]) {
    let (clock, text) = input.split_at(input.len().min(4));
    let seconds = Input::new(clock).u32();
    // Not at the beginning of a second, as hardly any time is.
    let now = UNIX_EPOCH + Duration::new(seconds.into(), seconds % 1_000_000_000);
    let mut headers = HeaderMap::new();
    let (mut said, mut sent) = (Vec::new(), now);
    for line in text.split(|byte| *byte == b'\n') {
        let (name, line) = match line.split_first() {
            Some((b'@', date)) => (DATE, date),
            _ => (RETRY_AFTER, line),
        };
        let is_date = name == DATE;
        let naive = Said::of(line);
        one_line_is_read_as_a_naive_reader_does(line, naive, now);
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(name, value);
            match naive {
                Some(Said::At(date)) if is_date => sent = sent.min(date),
                Some(naive) if !is_date => said.push(naive),
                _ => {}
            }
        }
    }
    let longest = said.iter().map(|said| said.wait(sent)).max();
    assert_eq!(read_all(&headers, now), longest, "{said:?}");
    nothing_is_early(&said, longest, now);
    match hint(&headers) {
        Hint::None => assert!(longest.is_none()),
        Hint::After(_) => assert!(longest.is_some()),
        other => panic!("{other:?}"),
    }
    what_is_written_is_read(Input::new(input).duration(), now);
}

fn one_line_is_read_as_a_naive_reader_does(line: &[u8], naive: Option<Said>, now: SystemTime) {
    assert_eq!(parse_retry_after(line, now), naive.map(|said| said.wait(now)), "{:?}", String::from_utf8_lossy(line));
}

/// Neither by the receiver's clock nor by the number.
fn nothing_is_early(said: &[Said], wait: Option<Duration>, now: SystemTime) {
    for said in said {
        let wait = wait.expect("something was said");
        match *said {
            Said::In(seconds) => assert!(u128::from(wait.as_secs()) >= seconds.min(u64::MAX.into())),
            Said::At(date) => assert!(now.checked_add(wait).is_none_or(|end| end >= date)),
        }
    }
}

fn what_is_written_is_read(wait: Duration, now: SystemTime) {
    let read = parse_retry_after(retry_after_value(wait), now).expect("what is written can be read");
    assert!(read >= wait && read >= Duration::from_secs(1), "{wait:?} was read as {read:?}");
}

/// What a value says, as a reader finds out who is in no hurry.
#[derive(Debug, Clone, Copy)]
enum Said {
    In(u128),
    At(SystemTime),
}

impl Said {
    fn of(value: &[u8]) -> Option<Self> {
        let text = str::from_utf8(value).ok()?;
        if !text.is_empty() && text.chars().all(|digit| digit.is_ascii_digit()) {
            // Too large for the standard library is as large as it gets.
            return Some(Self::In(text.parse().unwrap_or(u128::MAX)));
        }
        Date::of(text).and_then(Date::time).map(Self::At)
    }

    fn wait(self, now: SystemTime) -> Duration {
        match self {
            Self::In(seconds) => match u64::try_from(seconds) {
                Ok(seconds) if seconds < u64::MAX => Duration::from_secs(seconds),
                _ => Duration::MAX,
            },
            Self::At(date) => date.duration_since(now).unwrap_or(Duration::ZERO),
        }
    }
}

/// The words of a date, whatever its form.
struct Date<'a> {
    weekday: usize,
    day: u64,
    month: &'a str,
    year: u64,
    time: &'a str,
}

impl<'a> Date<'a> {
    fn of(text: &'a str) -> Option<Self> {
        match text.split(' ').collect::<Vec<_>>()[..] {
            [weekday, day, month, year, time, "GMT"] => {
                let weekday = WEEKDAYS.iter().position(|name| weekday.strip_suffix(',') == Some(&name[..3]))?;
                Some(Self { weekday, day: number(day, 2)?, month, year: number(year, 4)?, time })
            }
            [weekday, date, time, "GMT"] => {
                let weekday = WEEKDAYS.iter().position(|name| weekday.strip_suffix(',') == Some(name))?;
                let [day, month, year] = date.split('-').collect::<Vec<_>>()[..] else { return None };
                let year = number(year, 2)?;
                let year = if year < 70 { 2_000 + year } else { 1_900 + year };
                Some(Self { weekday, day: number(day, 2)?, month, year, time })
            }
            [weekday, month, day, time, year] => Self::by_asctime(weekday, month, number(day, 2)?, time, year),
            [weekday, month, "", day, time, year] => Self::by_asctime(weekday, month, number(day, 1)?, time, year),
            _ => None,
        }
    }

    fn by_asctime(weekday: &str, month: &'a str, day: u64, time: &'a str, year: &str) -> Option<Self> {
        let weekday = WEEKDAYS.iter().position(|name| weekday == &name[..3])?;
        Some(Self { weekday, day, month, year: number(year, 4)?, time })
    }

    /// By counting the days, one year and one month after another.
    fn time(self) -> Option<SystemTime> {
        let month = MONTHS.iter().position(|(name, _)| *name == self.month)?;
        let is_leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = |month: usize| MONTHS[month].1 + u64::from(month == 1 && is_leap(self.year));
        if self.year < 1970 || self.day == 0 || self.day > length(month) {
            return None;
        }
        let years: u64 = (1970..self.year).map(|year| 365 + u64::from(is_leap(year))).sum();
        let days = years + (0..month).map(length).sum::<u64>() + self.day - 1;
        let [hour, minute, second] = self.time.split(':').collect::<Vec<_>>()[..] else { return None };
        let (hour, minute, second) = (number(hour, 2)?, number(minute, 2)?, number(second, 2)?);
        // The first day of 1970 was a Thursday.
        if (days + 3) % 7 != self.weekday as u64 || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        Some(UNIX_EPOCH + Duration::from_secs(((days * 24 + hour) * 60 + minute) * 60 + second))
    }
}

/// Of exactly so many digits.
fn number(text: &str, digits: usize) -> Option<u64> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

const MONTHS: [(&str, u64); 12] = [
    ("Jan", 31),
    ("Feb", 28),
    ("Mar", 31),
    ("Apr", 30),
    ("May", 31),
    ("Jun", 30),
    ("Jul", 31),
    ("Aug", 31),
    ("Sep", 30),
    ("Oct", 31),
    ("Nov", 30),
    ("Dec", 31),
];
