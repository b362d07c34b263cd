//! As `loom`: a rate limit that is drawn from, waited at, given back to and changed by two threads at once.
use std::time::Duration;

use loom::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};
use seawall_core::{
    Place, Woken,
    rate::{Algorithm, Denied, Limiter, Quota, RateEntry, RateTurn},
    time::Instant,
};

/// What is woken is a number.
type Numbered = Limiter<u32>;

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3_600);

/// So many seconds after the limit was made; within the first hour the clock has been there before.
fn at(seconds: u64) -> Instant {
    Instant::from_nanos(1 << 60) + HOUR + seconds as u32 * SECOND
}

fn one_a_second(burst: u32) -> Numbered {
    Limiter::new(Quota::every(SECOND).burst(burst), Algorithm::Gcra, 1, at(0))
}

/// One permit a second, and as many at once, but none of them is left.
fn emptied(burst: u32) -> Arc<Numbered> {
    let limiter = one_a_second(burst);
    limiter.try_enter(burst, at(0)).expect("it is full");
    Arc::new(limiter)
}

fn spawn<T: 'static>(limiter: &Arc<Numbered>, run: impl FnOnce(&Numbered) -> T + 'static) -> JoinHandle<T> {
    let limiter = limiter.clone();
    thread::spawn(move || run(&limiter))
}

/// At once or not at all, and whom to wake.
fn try_enter(limiter: &Numbered, now: Instant) -> (bool, Vec<u32>) {
    match limiter.try_enter(1, now) {
        Err(Denied::Queued) => {
            let (entered, woken) = limiter.try_enter_behind(1, now);
            (entered.is_ok(), numbers(woken))
        }
        entered => (entered.is_ok(), Vec::new()),
    }
}

fn wait(limiter: &Numbered, now: Instant, waker: u32) -> Option<Place> {
    let (entry, woken) = limiter.enter(1, true, now, Instant::MAX, || waker);
    assert!(woken.is_empty(), "nobody is due");
    match entry.expect("it may wait for ever") {
        RateEntry::Entered(_) => None,
        RateEntry::Waiting(place) => Some(place),
    }
}

fn turn(limiter: &Numbered, place: &mut Option<Place>, now: Instant, waker: u32) -> (RateTurn, Vec<u32>) {
    let (turn, woken) = limiter.turn(place, now, || waker);
    (turn, numbers(woken))
}

fn numbers(woken: Woken<u32>) -> Vec<u32> {
    woken.into_iter().collect()
}

// ===== the word =====

#[test]
fn the_last_permit_passes_once() {
    loom::model(|| {
        let limiter = Arc::new(one_a_second(1));
        let other = spawn(&limiter, |limiter| limiter.try_enter(1, at(0)).is_ok());
        let mine = limiter.try_enter(1, at(0)).is_ok();
        assert!(mine ^ other.join().unwrap());
        assert_eq!(limiter.available(at(0)), 0);
    });
}

#[test]
fn a_refund_and_a_take_are_both_counted() {
    loom::model(|| {
        let limiter = Arc::new(one_a_second(3));
        limiter.try_enter(1, at(0)).expect("it is full");
        let other = spawn(&limiter, |limiter| limiter.refund(1, at(0), at(0)).is_empty());
        assert_eq!(limiter.try_enter(1, at(0)), Ok(()));
        assert!(other.join().unwrap());
        assert_eq!(limiter.available(at(0)), 2);
    });
}

#[test]
fn a_change_of_quota_lets_neither_quota_be_spent_twice() {
    loom::model(|| {
        let limiter = Arc::new(one_a_second(2));
        let slower = Quota::every(HOUR).burst(3);
        let other = spawn(&limiter, |limiter| limiter.try_enter(2, at(0)).is_ok());
        let (former, woken) = limiter.set_quota(slower, at(0));
        assert!(other.join().unwrap(), "two are there before and after");
        assert!(woken.is_empty());
        assert_eq!((former.max_burst(), limiter.quota()), (2, slower));
        // Three at once now, of which two were taken.
        assert_eq!(limiter.available(at(0)), 1);
    });
}

#[test]
fn a_call_goes_by_one_quota_or_the_other() {
    loom::model(|| {
        let limiter = emptied(2);
        let other = spawn(&limiter, |limiter| limiter.try_enter(1, at(2)));
        let _ = limiter.set_quota(Quota::every(HOUR).burst(1), at(1));
        match other.join().unwrap() {
            // Two are back after two seconds.
            Ok(()) => {}
            // Or one of two was back when one at most became the rule, so none of it is: an hour, from the change on.
            Err(Denied::Exhausted { wait }) => assert!(wait.abs_diff(3_599_000_000_000) <= 2, "{wait} is by neither"),
            denied => panic!("{denied:?}"),
        }
    });
}

#[test]
fn a_refusal_goes_by_one_quota_or_the_other() {
    loom::model(|| {
        let limiter = emptied(1);
        let other = spawn(&limiter, |limiter| limiter.try_enter(1, at(0)));
        let _ = limiter.set_quota(Quota::every(HOUR), at(0));
        match other.join().unwrap() {
            Err(Denied::Exhausted { wait }) => {
                assert!(
                    [1, 3_600].iter().any(|&s: &u64| wait.abs_diff(s * 1_000_000_000) <= 2),
                    "{wait} is by neither"
                );
            }
            denied => panic!("{denied:?}"),
        }
    });
}

#[test]
fn who_finds_that_the_clock_stepped_back_keeps_the_new_quota() {
    loom::model(|| {
        let limiter = emptied(1);
        let other = spawn(&limiter, |limiter| limiter.try_enter(1, at(0).before(HOUR)).is_ok());
        let _ = limiter.set_quota(Quota::every(HOUR), at(0).before(HOUR));
        assert!(!other.join().unwrap(), "it was spent");
        assert_eq!((limiter.quota(), limiter.available(at(0).before(HOUR))), (Quota::every(HOUR), 0));
    });
}

#[test]
fn who_finds_that_the_clock_stepped_back_keeps_who_waits() {
    loom::model(|| {
        let limiter = emptied(1);
        let earlier = at(0).before(HOUR);
        let other = spawn(&limiter, move |limiter| try_enter(limiter, earlier).0);
        let place = wait(&limiter, earlier, 7);
        assert!(place.is_some() && !other.join().unwrap(), "it was spent");
        // A newcomer a second later would overtake.
        assert_eq!(limiter.try_enter(1, earlier + SECOND), Err(Denied::Queued));
    });
}

#[test]
fn time_that_begins_anew_lets_one_in() {
    loom::model(|| {
        let limiter = emptied(1);
        let years = Instant::from_nanos(at(0).as_nanos() + (1 << 57));
        let other = spawn(&limiter, move |limiter| limiter.try_enter(1, years).is_ok());
        let mine = limiter.try_enter(1, years).is_ok();
        assert!(mine ^ other.join().unwrap());
    });
}

// ===== the queue =====

#[test]
fn whoever_comes_does_not_overtake_who_waits() {
    // Readings of one clock, a microsecond apart.
    let early = at(1).before(Duration::from_micros(1));
    loom::model(move || {
        let limiter = emptied(1);
        let joined = Arc::new(AtomicBool::new(false));
        let seen = joined.clone();
        let other = spawn(&limiter, move |limiter| {
            let is_behind = seen.load(Ordering::Acquire);
            let (entered, woken) = try_enter(limiter, at(1));
            assert!(!(is_behind && entered), "it has overtaken");
            (entered, woken)
        });
        let mut place = wait(&limiter, early, 7);
        joined.store(true, Ordering::Release);
        let (entered, woken) = other.join().unwrap();
        // One of the two has passed, and who waits knows that it has, or when it will.
        let (found, _) = turn(&limiter, &mut place, at(1), 8);
        match entered {
            true => assert_eq!(found, RateTurn::Waiting { until: at(2) }),
            false => assert_eq!((found, woken), (RateTurn::Entered(at(1)), vec![7])),
        }
    });
}

#[test]
fn of_two_that_may_wait_one_enters() {
    loom::model(|| {
        let limiter = Arc::new(one_a_second(1));
        let other = spawn(&limiter, |limiter| wait(limiter, at(0), 8));
        let mine = wait(&limiter, at(0), 7);
        let mut waiting = match (mine, other.join().unwrap()) {
            (None, Some(place)) | (Some(place), None) => Some(place),
            both => panic!("{both:?}"),
        };
        assert_eq!(limiter.queued(), 1);
        assert_eq!(turn(&limiter, &mut waiting, at(0), 9), (RateTurn::Waiting { until: at(1) }, vec![]));
        assert_eq!(limiter.try_enter(1, at(1)), Err(Denied::Queued));
    });
}

#[test]
fn who_begins_to_wait_as_the_last_one_leaves_is_not_overtaken() {
    loom::model(|| {
        let limiter = emptied(1);
        let first = wait(&limiter, at(0), 7).unwrap();
        let other = spawn(&limiter, |limiter| wait(limiter, at(0), 8).is_some());
        let woken = numbers(limiter.leave(first, at(0)));
        assert!(other.join().unwrap());
        assert!(woken.is_empty() || woken == [8], "{woken:?}");
        assert_eq!((limiter.queued(), limiter.available(at(1))), (1, 0));
        assert_eq!(limiter.try_enter(1, at(1)), Err(Denied::Queued));
    });
}

#[test]
fn a_permit_of_one_who_leaves_goes_to_the_next() {
    loom::model(|| {
        let limiter = emptied(1);
        let (first, mut second) = (wait(&limiter, at(0), 7), wait(&limiter, at(0), 8));
        // The first is let through by a visitor.
        let (entered, woken) = try_enter(&limiter, at(1));
        assert_eq!((entered, woken), (false, vec![7, 8]));
        let other = spawn(&limiter, move |limiter| numbers(limiter.leave(first.unwrap(), at(1))));
        let (found, _) = turn(&limiter, &mut second, at(1), 9);
        let woken = other.join().unwrap();
        match found {
            RateTurn::Entered(_) => assert_eq!(woken, []),
            // It was first, and then let through.
            _ => {
                assert_eq!((found, woken), (RateTurn::Waiting { until: at(2) }, vec![9]));
                assert_eq!(turn(&limiter, &mut second, at(1), 9), (RateTurn::Entered(at(1)), vec![]));
            }
        }
        assert_eq!((limiter.queued(), limiter.available(at(1))), (0, 0));
    });
}

#[test]
fn who_gives_up_as_its_turn_comes_takes_nothing() {
    loom::model(|| {
        let limiter = emptied(1);
        let place = wait(&limiter, at(0), 7).unwrap();
        let other = spawn(&limiter, |limiter| try_enter(limiter, at(1)));
        let own = numbers(limiter.leave(place, at(1)));
        let (entered, woken) = other.join().unwrap();
        // Either of them has let it through. If the visitor has, it was refused itself; but nothing is gone.
        assert_eq!([own, woken].concat(), [7]);
        assert_eq!((limiter.queued(), limiter.available(at(1))), (0, u32::from(!entered)));
    });
}

#[test]
fn two_visitors_let_each_pass_once() {
    loom::model(|| {
        let limiter = emptied(2);
        let (mut first, mut second) = (wait(&limiter, at(0), 7), wait(&limiter, at(0), 8));
        let other = spawn(&limiter, |limiter| try_enter(limiter, at(2)));
        let mine = try_enter(&limiter, at(2));
        let theirs = other.join().unwrap();
        assert!(!mine.0 && !theirs.0, "two were there, and two waited");
        let mut woken = [mine.1, theirs.1].concat();
        woken.sort_unstable();
        assert_eq!(woken, [7, 8]);
        for place in [&mut first, &mut second] {
            assert_eq!(turn(&limiter, place, at(2), 9), (RateTurn::Entered(at(2)), vec![]));
        }
        // Nobody waits any more, and nobody needs the lock.
        assert_eq!(limiter.try_enter(1, at(3)), Ok(()));
    });
}

#[test]
fn a_change_of_quota_tells_who_waits() {
    loom::model(|| {
        let limiter = emptied(1);
        let faster = Quota::every(SECOND / 2);
        let other = spawn(&limiter, move |limiter| numbers(limiter.set_quota(faster, at(0)).1));
        let mut place = wait(&limiter, at(0), 7);
        let (found, _) = turn(&limiter, &mut place, at(0), 8);
        let woken = other.join().unwrap();
        let soon = at(0) + SECOND / 2;
        match found {
            RateTurn::Waiting { until } if until <= soon + 2 * Duration::from_nanos(1) => {}
            // It was told so, and asks again.
            found => assert_eq!((found, woken), (RateTurn::Waiting { until: at(1) }, vec![8])),
        }
    });
}

trait Before {
    fn before(self, by: Duration) -> Self;
}

impl Before for Instant {
    fn before(self, by: Duration) -> Self {
        Self::from_nanos(self.as_nanos() - by.as_nanos() as u64)
    }
}
