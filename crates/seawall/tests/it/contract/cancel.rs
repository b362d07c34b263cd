//! A call that is dropped at any point: the policies take everything back, and observers hear of the drop only afterwards.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Wake, Waker},
};

use seawall::{CircuitBreaker, ManualClock, State};
use tokio_test::{assert_pending, task};

use super::support::{
    BURST, CIRCUITS, Circuit, EACH, PROBES, SAVED, SECOND, TOTAL, Way, World, alive, begun, breaker, limiter, log,
    take_log,
};

/// The script of a call.
#[derive(Debug, Clone, Copy)]
struct Script {
    /// Whether the call waits for its turn at the limiter.
    is_limited: bool,
    /// For how many polls the call waits for a slot.
    full_for: u32,
    /// How long each attempt is pending.
    pending: u32,
    /// How many attempts fail.
    fails: u32,
}

const SCRIPTS: [Script; 6] = [
    Script { is_limited: true, full_for: 0, pending: 2, fails: 0 },
    Script { is_limited: false, full_for: 4, pending: 1, fails: 0 },
    Script { is_limited: false, full_for: 0, pending: 0, fails: 2 },
    Script { is_limited: false, full_for: 0, pending: 3, fails: 1 },
    Script { is_limited: true, full_for: 7, pending: 2, fails: 2 },
    Script { is_limited: false, full_for: 0, pending: 20, fails: 0 },
];

/// The place of a call when it was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Met {
    Limiter,
    Queue,
    FirstAttempt,
    BetweenAttempts,
    LaterAttempt,
}

fn where_it_is(world: &World, has_passed: bool) -> Met {
    match (begun(), alive()) {
        _ if !has_passed => Met::Limiter,
        _ if world.bulkhead.queued() > 0 => Met::Queue,
        (0, _) => Met::Queue,
        (1, 1) => Met::FirstAttempt,
        (_, 1) => Met::LaterAttempt,
        _ => Met::BetweenAttempts,
    }
}

/// Begins a call, polls it `polls` times, and drops it. Returns the call's place, or that it had ended.
fn drop_after(polls: u32, script: Script, way: Way, circuit: Circuit) -> Option<Met> {
    let row = format!("{way:?}, {circuit:?}, {script:?}, dropped after {polls} polls");
    let world = World::new(circuit);
    // The twins get the parts of the call one by one. The call must leave the same counts.
    let twins = (limiter(&world.clock), breaker(&ManualClock::new(), circuit));
    if script.is_limited {
        [&world.limiter, &twins.0].into_iter().for_each(|limiter| limiter.try_acquire_n(BURST).unwrap());
    }
    let mut taken = (script.full_for > 0).then(|| world.bulkhead.try_acquire().unwrap());
    let mut call = task::spawn(world.begin(way, script.pending, script.fails));
    let mut has_passed = !script.is_limited;
    if has_passed {
        twins.0.try_acquire().unwrap();
    }
    for poll in 0..polls {
        if poll >= script.full_for {
            taken = None;
        }
        if call.poll().is_ready() {
            return None;
        }
        if !has_passed && begun() + world.bulkhead.queued() as u32 > 0 {
            has_passed = true;
            twins.0.try_acquire().unwrap();
        }
        // The steps end no wait early, and hit the exact end of each wait.
        world.clock.advance(SECOND / 4);
    }
    let (met, had_begun) = (where_it_is(&world, has_passed), begun());
    let (ended, in_flight) = (had_begun - alive(), alive() == 1);
    take_log();
    drop(call);
    let dropped = if in_flight { vec!["dropped with 1 in flight"] } else { vec![] };
    assert_eq!(take_log(), dropped, "{row}: its slot is its own until it is gone, and nobody is told");
    drop(taken);
    world.assert_idle(&row);
    assert_eq!(begun(), had_begun, "{row}");
    assert_eq!(world.limiter.available(), twins.0.available(), "{row}: the limiter, {met:?}");
    assert_eq!(world.budget.balance(), f64::from(SAVED - had_begun.saturating_sub(1)), "{row}: the budget, {met:?}");
    (0..ended).for_each(|_| twins.1.try_acquire().unwrap().failure());
    assert_same(&world.breaker, &twins.1, &row);
    let places = if circuit == Circuit::HalfOpen { PROBES - ended } else { 100 };
    assert_eq!(world.places(), places as usize, "{row}: places of the circuit, {met:?}");
    Some(met)
}

/// Asserts that both have the same counts.
fn assert_same<C>(breaker: &CircuitBreaker<C, ManualClock>, twin: &CircuitBreaker<C, ManualClock>, row: &str) {
    let seen = [breaker, twin].map(|breaker| {
        let now = breaker.snapshot();
        let counts: Vec<_> = now.rules().iter().map(|rule| rule.counts).collect();
        (now.state(), now.undecided_probes(), now.consecutive_failures(), now.stale(), counts)
    });
    assert_eq!(seen[0], seen[1], "{row}: the circuit");
}

#[test]
fn a_call_dropped_after_any_poll_leaves_nothing_behind() {
    for way in Way::ALL {
        let mut met = BTreeSet::new();
        for (script, circuit) in SCRIPTS.into_iter().flat_map(|script| CIRCUITS.map(|circuit| (script, circuit))) {
            met.extend((0..).map_while(|polls| drop_after(polls, script, way, circuit)));
        }
        let all = [Met::Limiter, Met::Queue, Met::FirstAttempt, Met::BetweenAttempts, Met::LaterAttempt];
        assert_eq!(met, all.into(), "{way:?} was dropped in each of them");
    }
}

#[test]
fn a_call_that_waits_at_the_limiter_gives_its_turn_to_the_next_one() {
    for (way, polls) in Way::ALL.into_iter().flat_map(|way| [0, 1, 2].map(|polls| (way, polls))) {
        let world = World::new(Circuit::Closed);
        world.limiter.try_acquire_n(BURST).unwrap();
        let mut first = task::spawn(world.begin(way, 0, 0));
        (0..polls).for_each(|_| assert_pending!(first.poll()));
        let mut second = task::spawn(world.begin(way, 0, 0));
        assert_pending!(second.poll());
        world.clock.advance(SECOND);
        // The call's turn has come, and the call was not polled since.
        drop(first);
        assert!(second.is_woken(), "{way:?}, {polls}");
        assert_eq!(tokio_test::assert_ready!(second.poll()), Ok(1), "{way:?}, {polls}");
        world.assert_idle(format_args!("{way:?}, {polls}"));
    }
}

/// Logs that it was woken.
struct Logs(AtomicU32);

impl Wake for Logs {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        log("the next one is woken");
    }
}

#[test]
fn the_callers_future_is_gone_before_the_next_one_is_woken_and_anyone_is_told() {
    for (way, polls) in Way::ALL.into_iter().flat_map(|way| [0, 1, 2].map(|polls| (way, polls))) {
        let world = World::new(Circuit::Fragile);
        let mut call = task::spawn(world.begin(way, u32::MAX, 0));
        (0..polls).for_each(|_| assert_pending!(call.poll()));
        let logs = Arc::new(Logs(AtomicU32::new(0)));
        let waker = Waker::from(logs.clone());
        let mut next = Box::pin(world.bulkhead.acquire());
        assert_pending!(next.as_mut().poll(&mut Context::from_waker(&waker)));
        drop(call);
        let seen = take_log();
        assert_eq!(seen.len(), 3, "{way:?}, {polls}: {seen:?}");
        assert_eq!(seen[..2], ["dropped with 1 in flight", "the next one is woken"], "{way:?}, {polls}");
        assert!(seen[2].starts_with("circuit breaker `circuit`: closed -> open"), "{way:?}, {polls}: {seen:?}");
        assert!(seen[2].ends_with(", 0 alive"), "{way:?}, {polls}: {seen:?}");
        assert_eq!((world.breaker.state(), logs.0.load(Ordering::Relaxed)), (State::Open, 1));
        drop(next);
        world.assert_idle(format_args!("{way:?}, {polls}"));
    }
}

#[test]
fn an_attempt_that_takes_too_long_is_gone_before_anyone_is_told_and_failed_once() {
    for way in Way::ALL {
        let world = World::new(Circuit::Closed);
        let mut call = task::spawn(world.begin(way, u32::MAX, 0));
        assert_pending!(call.poll());
        world.clock.advance(EACH);
        assert_pending!(call.poll());
        let seen = take_log();
        let wanted = [
            "dropped with 1 in flight",
            "timeout `each`: not done in 20s, 0 alive",
            "retry `again`: attempt 1: it failed; again in 1s, 0 alive",
        ];
        assert_eq!(seen, wanted, "{way:?}");
        world.assert_idle(format_args!("{way:?}"));
        let counts = world.breaker.snapshot().rules()[0].counts;
        assert_eq!((counts.calls, counts.failures), (1, 1), "{way:?}");
        drop(call);
        assert_eq!(world.budget.balance(), f64::from(SAVED), "{way:?}: what it waited for was not made");
    }
}

#[test]
fn a_call_that_takes_too_long_in_all_leaves_nothing_wherever_it_was() {
    for (way, script) in Way::ALL.into_iter().flat_map(|way| SCRIPTS.map(|script| (way, script))) {
        let row = format!("{way:?}, {script:?}");
        let world = World::new(Circuit::HalfOpen);
        let taken = (script.full_for > 0).then(|| world.bulkhead.try_acquire().unwrap());
        let mut call = task::spawn(world.begin(way, script.pending.max(1), 2));
        assert_pending!(call.poll());
        if taken.is_none() && script.pending < 3 {
            (0..script.pending.max(1)).for_each(|_| assert_pending!(call.poll()));
            assert_eq!((begun(), alive()), (1, 0), "{row}: it waits for its second attempt");
        }
        let in_flight = alive() == 1;
        take_log();
        world.clock.advance(TOTAL);
        // If an attempt's own limit ends at the same time, that limit sees it first.
        let reply = std::iter::from_fn(|| Some(call.poll())).find(std::task::Poll::is_ready).unwrap();
        drop(taken);
        world.assert_idle(&row);
        let seen = take_log();
        assert_eq!(seen.first().is_some_and(|first| first == "dropped with 1 in flight"), in_flight, "{row}: {seen:?}");
        assert!(seen.iter().all(|words| !words.ends_with("1 alive")), "{row}: {seen:?}");
        assert!(tokio_test::assert_ready!(reply).is_err(), "{row}");
        drop(call);
        world.assert_idle(&row);
    }
}
