//! What observers are told, for how long one call delivers, and who keeps whom alive; of both limiters.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use seawall_core::{
    observe::{Level, ObserverHandle},
    time::ManualClock,
};
use seawall_rate_limit::{Event, EventKind, KeyedRateLimiter, Quota, RateLimiter};
use seawall_testkit::time::SECOND;

const QUOTA: Quota = Quota::per_second(1);

fn counter() -> (Arc<AtomicU32>, impl Fn(&Event) + Clone + Send + Sync + 'static) {
    let count = Arc::new(AtomicU32::new(0));
    let told = count.clone();
    (count, move |_: &Event| _ = told.fetch_add(1, Ordering::Relaxed))
}

#[test]
fn an_observer_that_is_refused_each_time_it_is_told_comes_to_an_end() {
    let (count, observer) = counter();
    let clock = ManualClock::new();
    let limiter = RateLimiter::builder("t", QUOTA).clock(clock.clone()).on_event(observer).build();
    let (inside, so_far) = (limiter.downgrade(), count.clone());
    limiter.on_event(move |_| {
        clock.advance(SECOND / 10_000);
        assert!(so_far.load(Ordering::Relaxed) < 1_000, "it would never end");
        inside.upgrade().unwrap().try_acquire().unwrap_err();
    });
    limiter.try_acquire().unwrap();
    limiter.try_acquire().unwrap_err();
    assert_eq!((count.load(Ordering::Relaxed), limiter.snapshot().events_lost()), (11, 1));
}

#[test]
fn with_one_key_refused_again_and_again_no_call_delivers_without_end() {
    let (count, observer) = counter();
    let clock = ManualClock::new();
    let limiter = KeyedRateLimiter::<u32>::builder("t", QUOTA).on_event(observer).clock(clock.clone()).build();
    let (inside, so_far) = (limiter.downgrade(), count.clone());
    limiter.on_event(move |_| {
        clock.advance(SECOND / 10_000);
        assert!(so_far.load(Ordering::Relaxed) < 1_000, "it would never end");
        inside.upgrade().unwrap().try_acquire(&7).unwrap_err();
    });
    limiter.try_acquire(&7).unwrap();
    limiter.try_acquire(&7).unwrap_err();
    assert_eq!((count.load(Ordering::Relaxed), limiter.events_lost()), (11, 1));
}

#[test]
fn an_observer_from_info_on_is_told_of_changes_alone_until_it_is_removed() {
    let ((one, of_one), (many, of_many)) = (counter(), counter());
    let limiter = RateLimiter::builder("t", QUOTA).clock(ManualClock::new()).build();
    let keyed = KeyedRateLimiter::<u32>::builder("t", QUOTA).clock(ManualClock::new()).build();
    let handles = [limiter.on_event_from(Level::Info, of_one), keyed.on_event_from(Level::Info, of_many)];
    let told = || [&one, &many].map(|count| count.load(Ordering::Relaxed));
    let refuse = || {
        for _ in 0..2 {
            limiter.try_acquire().ok();
            keyed.try_acquire(&1).ok();
        }
    };
    refuse();
    assert_eq!(told(), [0, 0]);
    limiter.set_quota(Quota::per_second(2));
    keyed.set_quota(Quota::per_second(2));
    assert_eq!(told(), [1, 1]);
    handles.into_iter().for_each(ObserverHandle::remove);
    limiter.set_quota(QUOTA);
    keyed.set_quota(QUOTA);
    refuse();
    assert_eq!(told(), [1, 1]);
}

#[test]
fn quotas_that_cannot_wait_are_told_as_one_from_the_oldest_on() {
    let limiter = RateLimiter::builder("t", QUOTA).clock(ManualClock::new()).build();
    let told: Arc<std::sync::Mutex<Vec<(Quota, Quota, u64)>>> = Arc::default();
    let (log, inside, first) = (told.clone(), limiter.downgrade(), std::sync::Once::new());
    limiter.on_event(move |event| {
        let limiter = inside.upgrade().unwrap();
        first.call_once(|| (3..=102).for_each(|count| limiter.set_quota(Quota::per_second(count))));
        let EventKind::QuotaChanged { from, to } = *event.kind() else { return };
        log.lock().unwrap().push((from, to, event.merged()));
    });
    limiter.set_quota(Quota::per_second(2));
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1 + 64);
    assert_eq!((told[1].0, told[1].2), (Quota::per_second(2), 36));
    assert!(told.windows(2).all(|pair| pair[0].1 == pair[1].0), "a chain: {told:?}");
}

#[test]
fn weak_handles_do_not_keep_their_limiters() {
    let limiter = RateLimiter::builder("t", QUOTA).clock(ManualClock::new()).build();
    let keyed = KeyedRateLimiter::<u32>::builder("t", QUOTA).clock(ManualClock::new()).build();
    let (one, many) = (limiter.downgrade(), keyed.downgrade());
    limiter.try_acquire().unwrap();
    keyed.try_acquire(&1).unwrap();
    assert_eq!(one.upgrade().unwrap().available(), 0, "the same bucket");
    assert_eq!(many.upgrade().unwrap().available(&1), 0, "the same buckets");
    drop((limiter, keyed));
    assert!(one.upgrade().is_none() && many.clone().upgrade().is_none());
}
