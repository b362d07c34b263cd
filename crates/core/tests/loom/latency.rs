//! As `loom`: latencies that are recorded and asked for while an epoch begins.
use std::time::Duration;

use loom::{
    sync::Arc,
    thread::{self, JoinHandle},
};
use seawall_core::{
    latency::{Adaptive, Histogram, LatencyLimit},
    time::Instant,
};

const WINDOW: Duration = Duration::from_millis(16);

/// In the first bucket, in the second, and in one of the others. In a model, what is longer than 2 us is in the last.
const SHORT: Duration = Duration::from_nanos(1);
const SHORT_EDGE: Duration = Duration::from_nanos(1_024);
const LONG: Duration = Duration::from_nanos(1_100);
const LONGER: Duration = Duration::from_nanos(1_900);

fn spawn<S: Send + Sync + 'static, T: 'static>(shared: &Arc<S>, run: impl FnOnce(&S) -> T + 'static) -> JoinHandle<T> {
    let shared = shared.clone();
    thread::spawn(move || run(&shared))
}

/// In that epoch.
fn at(epoch: u32) -> Instant {
    Instant::ORIGIN + epoch * WINDOW
}

/// With a call in the epoch 0, in the cell that the epoch 2 will use.
fn used() -> Arc<Histogram> {
    let histogram = Histogram::new(WINDOW);
    histogram.record(SHORT, at(0));
    Arc::new(histogram)
}

#[test]
fn two_first_calls_of_an_epoch_are_both_counted() {
    loom::model(|| {
        let histogram = used();
        let other = spawn(&histogram, |histogram| histogram.record(SHORT, at(2)));
        histogram.record(SHORT, at(2));
        other.join().unwrap();
        assert_eq!(histogram.count(at(2)), 2);
    });
}

#[test]
fn two_calls_of_one_epoch_are_both_counted() {
    loom::model(|| {
        let histogram = used();
        let other = spawn(&histogram, |histogram| histogram.record(SHORT, at(0)));
        histogram.record(SHORT, at(0));
        other.join().unwrap();
        assert_eq!(histogram.count(at(0)), 3);
    });
}

#[test]
fn a_late_call_takes_nothing_from_a_new_epoch() {
    loom::model(|| {
        let histogram = used();
        let other = spawn(&histogram, |histogram| histogram.record(SHORT, at(0)));
        histogram.record(SHORT, at(2));
        other.join().unwrap();
        // It came before the epoch and is forgotten, or after and counts in it.
        assert!((1..=2).contains(&histogram.count(at(2))));
        histogram.record(SHORT, at(2));
        assert!((2..=3).contains(&histogram.count(at(2))));
    });
}

#[test]
fn a_question_sees_one_epoch() {
    loom::model(|| {
        let histogram = used();
        histogram.record(LONG, at(0));
        // Not the other way round: of a thread that only reads, loom forgets what it read.
        let other = spawn(&histogram, |histogram| histogram.quantile(0.0, at(1)));
        // With this both are forgotten, a moment before it counts itself. Half of that is the long one alone.
        histogram.record(SHORT, at(2));
        assert!(matches!(other.join().unwrap(), None | Some(SHORT_EDGE)));
        assert_eq!(histogram.count(at(2)), 1);
    });
}

#[test]
fn a_late_reckoning_does_not_stay() {
    loom::model(|| {
        let limit = LatencyLimit::new(Adaptive::quantile(1.0).factor(1.0).floor(SHORT).window(WINDOW).min_calls(1));
        limit.record(SHORT, at(0));
        let limit = Arc::new(limit);
        let tick = |ticks: u32| Instant::ORIGIN + ticks * WINDOW / 16;
        let other = spawn(&limit, move |limit| limit.limit(tick(1)));
        limit.record(LONGER, tick(2));
        limit.limit(tick(2));
        let theirs = other.join().unwrap();
        assert!(theirs >= SHORT_EDGE, "a limit it is");
        assert_eq!(limit.limit(tick(2)), Duration::from_nanos(1_920));
    });
}
