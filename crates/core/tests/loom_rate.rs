//! What can happen where two threads meet at a rate limit, its quota and its queue: every interleaving of them is tried.
//!
//! As `loom`. That keeps only the last access to each atomic in mind, so a thread that only reads is the spawned one.
#![cfg(loom)]

use std::time::Duration;

use loom::{
    sync::Arc,
    thread::{self, JoinHandle},
};
use seawall_core::{
    Place, Woken,
    rate::{Algorithm, Denied, Entry, Limiter, Quota, Turn},
    time::Instant,
};

/// What is woken is a number.
type Numbered = Limiter<u32>;

const START: Instant = Instant::from_nanos(1_000_000_000_000_000_000);
const HOUR: Duration = Duration::from_secs(3_600);
const BOTH: [Algorithm; 2] = [Algorithm::Gcra, Algorithm::SlidingWindow];

fn limiter(quota: Quota) -> Arc<Numbered> {
    Arc::new(Limiter::new(quota, Algorithm::Gcra, 1, START))
}

/// One an hour, and the first one is gone.
fn exhausted(algorithm: Algorithm) -> Arc<Numbered> {
    let limiter = Limiter::new(Quota::per_hour(1), algorithm, 1, START);
    assert_eq!(enter(&limiter, START, 0), None);
    Arc::new(limiter)
}

fn spawn<T: 'static>(limiter: &Arc<Numbered>, run: impl FnOnce(&Numbered) -> T + 'static) -> JoinHandle<T> {
    let limiter = limiter.clone();
    thread::spawn(move || run(&limiter))
}

/// At once or not at all, as the crates above do it; and whom it has woken.
fn try_enter(limiter: &Numbered, now: Instant) -> (bool, Vec<u32>) {
    match limiter.try_enter(1, now) {
        Err(Denied::Queued) => {
            let (entered, woken) = limiter.try_enter_behind(1, now);
            (entered.is_ok(), numbers(woken))
        }
        entered => (entered.is_ok(), Vec::new()),
    }
}

fn enter(limiter: &Numbered, now: Instant, waker: u32) -> Option<Place> {
    match limiter.enter(1, now, Instant::MAX, || waker).0.expect("it may wait for as long as it likes") {
        Entry::Entered => None,
        Entry::Waiting(place) => Some(place),
    }
}

fn turn(limiter: &Numbered, place: &mut Option<Place>, now: Instant, waker: u32) -> (Turn, Vec<u32>) {
    let (turn, woken) = limiter.turn(place, now, || waker);
    (turn, numbers(woken))
}

fn numbers(woken: Woken<u32>) -> Vec<u32> {
    woken.into_iter().collect()
}

#[test]
fn the_last_permit_is_taken_once() {
    loom::model(|| {
        let limiter = limiter(Quota::per_hour(1));
        let other = spawn(&limiter, |limiter| limiter.try_enter(1, START).is_ok());
        let mine = limiter.try_enter(1, START).is_ok();
        assert!(mine ^ other.join().unwrap());
        assert_eq!(limiter.available(START), 0);
    });
}

#[test]
fn the_last_permit_is_taken_once_by_who_has_been_sent_to_the_queue() {
    loom::model(|| {
        let limiter = limiter(Quota::per_hour(1));
        let other = spawn(&limiter, |limiter| limiter.try_enter(1, START).is_ok());
        let mine = limiter.try_enter_behind(1, START).0.is_ok();
        assert!(mine ^ other.join().unwrap());
        assert_eq!(limiter.available(START), 0);
    });
}
