//! The laws of the headers that carry a timeout, over random times and random bytes, and a naive parser beside ours.

use std::{env, str, time::Duration};

use proptest::{collection::vec, prelude::*};
use seawall_core::wire::{InvalidTimeout, grpc_timeout, parse_grpc_timeout, parse_timeout_millis, timeout_millis};

fn cases() -> ProptestConfig {
    let cases = env::var("SEAWALL_CASES").ok().map_or(10_000, |cases| cases.parse().expect("a number"));
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Of any magnitude: each number of bits is as likely as the others.
fn times() -> impl Strategy<Value = Duration> {
    let sized = || (any::<u64>(), 0..=64_u32).prop_map(|(number, less)| number.checked_shr(less).unwrap_or(0));
    let near_a_power_of_ten = (0..24_u32, -2..=2_i128).prop_map(|(place, off)| {
        let nanos = 10_u128.pow(place).saturating_add_signed(off);
        Duration::new((nanos / NANOS) as u64, (nanos % NANOS) as u32)
    });
    prop_oneof![
        4 => (sized(), 0..NANOS as u32).prop_map(|(seconds, nanos)| Duration::new(seconds, nanos)),
        2 => sized().prop_map(Duration::from_nanos),
        4 => near_a_power_of_ten,
        1 => prop_oneof![Just(Duration::ZERO), Just(Duration::MAX)],
    ]
}

/// Bytes of any kind, but most of them almost a header.
fn values() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..40),
        "[0-9]{0,10}[HMSmun]".prop_map(String::into_bytes),
        "[0-9]{0,24}".prop_map(String::into_bytes),
        "[0-9 .+_eHMSmunx-]{0,12}".prop_map(String::into_bytes),
        (vec(b'0'..=b'9', 0..10), any::<u8>()).prop_map(|(digits, unit)| [digits, vec![unit]].concat()),
    ]
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_callee_is_given_what_there_is_but_for_less_than_a_unit(left in times()) {
        let text = grpc_timeout(left);
        let (digits, unit) = text.split_at(text.len() - 1);
        let given = parse_grpc_timeout(&*text).expect("what is written can be read");
        let (finer, unit) = step_of(unit);
        prop_assert!(given <= left, "{left:?} became {given:?}");
        if text.as_str() == "99999999H" {
            prop_assert!(given == Duration::from_secs(99_999_999 * 3_600));
        } else {
            prop_assert!(left - given < unit, "{left:?} became {given:?}");
        }
        prop_assert!(finer.is_none_or(|finer| left.as_nanos() / finer.as_nanos() >= 100_000_000), "{text} is coarse");
        prop_assert!(digits == "0" || !digits.starts_with('0'));
    }

    #[test]
    fn a_callee_is_given_all_but_less_than_a_millisecond(left in times()) {
        let text = timeout_millis(left);
        let given = parse_timeout_millis(&*text).expect("what is written can be read");
        prop_assert!(given <= left, "{left:?} became {given:?}");
        prop_assert!(given == Duration::from_millis(u64::MAX) || left - given < Duration::from_millis(1));
        prop_assert!(text.as_str() == "0" || !text.starts_with('0'));
    }

    #[test]
    fn what_is_passed_on_unspent_is_the_same_at_each_hop(left in times()) {
        let first = grpc_timeout(left);
        let second = grpc_timeout(parse_grpc_timeout(&*first).expect("what is written can be read"));
        prop_assert_eq!(parse_grpc_timeout(&*first), parse_grpc_timeout(&*second));
        let first = timeout_millis(left);
        prop_assert_eq!(first, timeout_millis(parse_timeout_millis(&*first).expect("what is written can be read")));
    }

    #[test]
    fn a_naive_parser_agrees(value in values()) {
        prop_assert_eq!(parse_grpc_timeout(&value).ok(), naive_grpc_timeout(&value));
        prop_assert_eq!(parse_timeout_millis(&value).ok(), naive_millis(&value));
    }

    #[test]
    fn a_refusal_says_where_and_echoes_one_byte_at_most(value in values()) {
        for invalid in [parse_grpc_timeout(&value).err(), parse_timeout_millis(&value).err()].into_iter().flatten() {
            match invalid {
                InvalidTimeout::Empty => prop_assert!(value.is_empty()),
                InvalidTimeout::NotADigit { at } => prop_assert!(!value[at].is_ascii_digit()),
                InvalidTimeout::UnknownUnit(byte) => prop_assert_eq!(value.last(), Some(&byte)),
                InvalidTimeout::NoUnit => prop_assert!(value.iter().all(u8::is_ascii_digit)),
                InvalidTimeout::TooManyDigits => prop_assert!(value[..9].iter().all(u8::is_ascii_digit)),
                other => prop_assert!(false, "{other:?} is not known here"),
            }
            let text = invalid.to_string();
            prop_assert!(text.len() < 64 && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text}");
        }
    }
}

#[test]
fn a_header_of_a_megabyte_is_refused_by_its_beginning() {
    assert_eq!(parse_grpc_timeout(vec![b'1'; 1 << 20]), Err(InvalidTimeout::TooManyDigits));
    assert_eq!(parse_grpc_timeout(vec![0xff; 1 << 20]), Err(InvalidTimeout::NotADigit { at: 0 }));
    assert_eq!(parse_timeout_millis(vec![b'1'; 1 << 20]), Ok(Duration::from_millis(u64::MAX)));
}

// ===== as one would write it down =====

const NANOS: u128 = 1_000_000_000;

/// The unit called `letter`, and before it the next finer one.
fn step_of(letter: &str) -> (Option<Duration>, Duration) {
    let at = UNITS.iter().position(|(unit, _)| *unit == letter).expect("a unit");
    (at.checked_sub(1).map(|at| UNITS[at].1), UNITS[at].1)
}

const UNITS: [(&str, Duration); 6] = [
    ("n", Duration::from_nanos(1)),
    ("u", Duration::from_micros(1)),
    ("m", Duration::from_millis(1)),
    ("S", Duration::from_secs(1)),
    ("M", Duration::from_secs(60)),
    ("H", Duration::from_secs(60 * 60)),
];

fn naive_grpc_timeout(value: &[u8]) -> Option<Duration> {
    let text = str::from_utf8(value).ok()?;
    let (digits, unit) = UNITS.iter().find_map(|(letter, unit)| Some((text.strip_suffix(letter)?, unit)))?;
    let is_number = (1..=8).contains(&digits.len()) && digits.chars().all(|digit| digit.is_ascii_digit());
    is_number.then(|| *unit * digits.parse::<u32>().expect("8 digits fit"))
}

fn naive_millis(value: &[u8]) -> Option<Duration> {
    let text = str::from_utf8(value).ok()?;
    if text.is_empty() || text.contains(|char: char| !char.is_ascii_digit()) {
        return None;
    }
    Some(Duration::from_millis(text.parse().unwrap_or(u64::MAX)))
}
