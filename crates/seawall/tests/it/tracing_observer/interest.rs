//! Policies do nothing for `seawall::tracing` if no subscriber wants the level.

use std::{
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use seawall::{
    CircuitBreaker, ManualClock, Retry, Stack,
    circuit_breaker::EventKind,
    observe::{Event, Level as Weight, Observers, of_any_kind},
    time::{Clock, Instant, Timer},
};
use tracing::Level;

use super::{FAILED, Reply, subscriber::Records};

const WEIGHTS: [Weight; 3] = [Weight::Warn, Weight::Info, Weight::Debug];

fn wanted(outbox: &Observers<EventKind>) -> [bool; 3] {
    WEIGHTS.map(|weight| outbox.wants(weight))
}

#[test]
fn tracing_wants_what_a_subscriber_wants() {
    let (direct, of_all, from_info, around) = (Observers::new(), Observers::new(), Observers::new(), Observers::new());
    direct.observe(Weight::Debug, seawall::tracing, || 0);
    of_all.observe(Weight::Debug, of_any_kind(seawall::tracing), || 0);
    from_info.observe(Weight::Info, seawall::tracing, || 0);
    #[expect(clippy::redundant_closure, reason = "a closure is another observer than the function itself")]
    around.observe(Weight::Debug, |event| seawall::tracing(event), || 0);
    for outbox in [&direct, &of_all, &from_info] {
        assert_eq!(wanted(outbox), [false; 3], "no subscriber");
    }
    assert_eq!(wanted(&around), [true; 3], "a closure may do more");
    let levels = [
        (Level::ERROR, [false; 3]),
        (Level::WARN, [true, false, false]),
        (Level::INFO, [true, true, false]),
        (Level::DEBUG, [true; 3]),
    ];
    for (least, expected) in levels {
        let (_records, _guard) = Records::from_level(least);
        assert_eq!(wanted(&direct), expected, "{least}");
        assert_eq!(wanted(&of_all), expected, "{least}");
        assert_eq!(wanted(&from_info), [expected[0], expected[1], false], "{least}");
    }
    assert_eq!(wanted(&direct), [false; 3], "the subscriber has gone");
}

#[test]
fn beside_tracing_another_observer_is_told_of_all() {
    let outbox = Observers::new();
    outbox.observe(Weight::Debug, seawall::tracing, || 0);
    let handle = outbox.observe(Weight::Info, |_: &Event<EventKind>| {}, || 0);
    assert_eq!(wanted(&outbox), [true, true, false]);
    handle.remove();
    assert_eq!(wanted(&outbox), [false; 3]);
}

/// A clock that counts its reads.
#[derive(Clone, Default)]
struct Counting(ManualClock, Arc<AtomicU32>);

impl Clock for Counting {
    fn now(&self) -> Instant {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.now()
    }
}

impl Timer for Counting {
    type Sleep = <ManualClock as Timer>::Sleep;

    fn sleep_until(&self, deadline: Instant) -> Self::Sleep {
        self.0.sleep_until(deadline)
    }
}

#[tokio::test]
async fn a_call_that_succeeds_under_a_traced_retry_reads_no_clock_without_a_subscriber() {
    let clock = Counting::default();
    let retry = Retry::builder("inventory").clock(clock.clone()).build();
    let alone = retry.clone().observed(seawall::tracing);
    let stack = Stack::new().retry(retry).observed(seawall::tracing);
    let calls = || ready(Ok::<_, &str>(1));
    alone.execute(calls).await.unwrap();
    stack.execute(calls).await.unwrap();
    assert_eq!(clock.1.load(Ordering::Relaxed), 0);
}

#[test]
fn lost_and_merged_events_are_recorded_with_the_next() {
    let (records, _guard) = Records::from_level(Level::DEBUG);
    let breaker = CircuitBreaker::builder("inventory").clock(ManualClock::new()).build();
    let inside = breaker.downgrade();
    let first = std::sync::Once::new();
    breaker.on_event(move |_| {
        first.call_once(|| {
            let breaker = inside.upgrade().unwrap();
            (0..33).for_each(|_| {
                breaker.force_open();
                breaker.force_closed();
            });
            breaker.force_open();
            (0..1_025).for_each(|_| drop(breaker.execute_blocking(|| -> Reply { FAILED })));
        });
    });
    breaker.on_event(seawall::tracing);
    breaker.metrics_only();
    let records = records.take();
    let said = ["from=metrics only", "lost=1", "merged=3"].map(|field| records[1].contains(field));
    assert_eq!(said, [true; 3], "{}", records[1]);
    assert!(!records[2].contains("lost=") && !records[2].contains("merged="), "{}", records[2]);
}
