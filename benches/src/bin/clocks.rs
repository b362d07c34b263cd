//! What reading the time costs, and how finely it is told: the candidates for seawall's clocks, in one run.
//!
//! `read` is the bare read; `since` is a read and its distance from a start, in nanoseconds, which is what a breaker
//! asks for. tokio's clock is measured as a program has it: without the feature `test-util`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use seawall_benches::contenders::Run;
use seawall_benches::measure::{Subject, interleave};
use seawall_benches::report::{Table, ns};

fn main() {
    let clocks = clocks();
    let mut subjects: Vec<Subject<'_>> = clocks.iter().map(|clock| Subject::new(&clock.run, false)).collect();
    interleave(&mut subjects, 400, Duration::from_secs(60));
    let mut table = Table::new(["clock", "ns", "p5", "p95", "of std", "smallest step", "batches"]);
    for (clock, subject) in clocks.iter().zip(&subjects) {
        let Some(cost) = subject.cost() else { continue };
        let ratio = subject.ratio_to(&subjects[0]).map_or_else(String::new, |ratio| format!("{ratio:.2}"));
        let step = clock.since.map_or_else(String::new, |since| format!("{} ns", smallest_step(since)));
        let batches = subject.clean().to_string();
        table.row([clock.name.into(), ns(cost.median), ns(cost.low), ns(cost.high), ratio, step, batches]);
    }
    table.print("reading a clock");
}

/// Nanoseconds since it was made.
type Since = Box<dyn Fn() -> u64>;

struct Clock {
    name: &'static str,
    run: fn() -> Run,
    since: Option<fn() -> Since>,
}

/// Two rows: the bare read `$now`, and `$since`, nanoseconds since `$start`.
macro_rules! clock {
    ($name:literal, $now:expr, |$start:ident| $since:expr) => {
        [
            Clock { name: concat!($name, ", read"), run: || repeat(|| $now), since: None },
            Clock {
                name: concat!($name, ", since"),
                run: || {
                    let $start = $now;
                    repeat(move || $since)
                },
                since: Some(|| {
                    let $start = $now;
                    Box::new(move || $since)
                }),
            },
        ]
    };
}

fn clocks() -> Vec<Clock> {
    [
        clock!("std Instant", Instant::now(), |start| nanos(start.elapsed())),
        clock!("tokio Instant", tokio::time::Instant::now(), |start| nanos(start.elapsed())),
        clock!("rustix MONOTONIC", clock_gettime(ClockId::Monotonic), |start| nanos(
            time(ClockId::Monotonic).saturating_sub(duration(start))
        )),
        clock!("rustix MONOTONIC_COARSE", clock_gettime(ClockId::MonotonicCoarse), |start| nanos(
            time(ClockId::MonotonicCoarse).saturating_sub(duration(start))
        )),
        clock!("coarsetime now", coarsetime::Instant::now(), |start| start.elapsed().as_nanos()),
        clock!("coarsetime now_without_cache_update", coarsetime::Instant::now_without_cache_update(), |start| {
            coarsetime::Instant::now_without_cache_update().duration_since(start).as_nanos()
        }),
        clock!("quanta Instant", quanta::Instant::now(), |start| nanos(start.elapsed())),
        clock!("quanta Clock::raw", CLOCK.with(quanta::Clock::raw), |start| CLOCK
            .with(|clock| { clock.delta_as_nanos(start, clock.raw()) })),
    ]
    .into_iter()
    .flatten()
    .collect()
}

thread_local! {
    static CLOCK: quanta::Clock = quanta::Clock::new();
}

fn repeat<T>(now: impl Fn() -> T + Send + 'static) -> Run {
    Box::new(move |calls| {
        for _ in 0..calls {
            black_box(now());
        }
    })
}

/// The smallest difference between two readings that differ, over 20 ms.
fn smallest_step(since: fn() -> Since) -> u64 {
    let (since, begun) = (since(), Instant::now());
    let (mut smallest, mut last) = (u64::MAX, since());
    while begun.elapsed() < Duration::from_millis(20) {
        let now = since();
        if now > last {
            smallest = smallest.min(now - last);
        }
        last = now;
    }
    smallest
}

fn time(clock: ClockId) -> Duration {
    duration(clock_gettime(clock))
}

fn duration(time: rustix::time::Timespec) -> Duration {
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn nanos(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}
