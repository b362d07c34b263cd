//! A panic of the caller's code: it surfaces once, the circuit counts one failure, and every pass comes back.

use std::{
    env, process,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use seawall::State;
use tokio_test::{assert_pending, assert_ready_eq, task};

use super::support::{
    CIRCUITS, Circuit, EACH, PROBES, Place, SAVED, TOTAL, WAIT, Way, World, alive, begun, panic_words, set_trap,
    take_log,
};

/// The places from which a panic surfaces when a call is polled.
const PLACES: [Place; 5] = [Place::Closure, Place::Poll, Place::Classifier, Place::RetryIf, Place::Hint];

/// Every way to call, every circuit, and the attempt in which it happens.
fn each() -> impl Iterator<Item = (Way, Circuit, u32)> {
    let circuits = || CIRCUITS.into_iter().flat_map(|circuit| [1, 2].map(|at| (circuit, at)));
    Way::ALL.into_iter().flat_map(move |way| circuits().map(move |(circuit, at)| (way, circuit, at)))
}

/// Asserts that `failed` attempts have failed, that every pass is back, and that the next call succeeds.
fn assert_whole(world: &World, circuit: Circuit, failed: u32, row: &str) {
    world.assert_idle(row);
    assert_eq!(world.limiter.available(), world.shares(), "{row}: a call that was let in has spent its share");
    match circuit {
        Circuit::HalfOpen => assert_eq!(world.places(), (PROBES - failed) as usize, "{row}: places of the circuit"),
        _ => {
            let counts = world.breaker.snapshot().rules()[0].counts;
            assert_eq!(
                (counts.calls, counts.failures),
                (u64::from(failed), u64::from(failed)),
                "{row}: calls and failures"
            );
        }
    }
    set_trap(None);
    let number = begun() + 1;
    assert_ready_eq!(task::spawn(world.begin(Way::Call, 0, 0)).poll(), Ok(number), "{row}: the next one");
    world.assert_idle(row);
}

#[test]
fn a_panic_in_any_attempt_comes_out_fails_once_and_leaves_nothing_taken() {
    let places = || PLACES.into_iter().flat_map(|place| [(place, false), (place, true)]);
    for ((way, circuit, at), (place, waits)) in each().flat_map(|row| places().map(move |place| (row, place))) {
        let row = format!("{way:?}, {circuit:?}, {place:?} in attempt {at}, waits for a slot: {waits}");
        let world = World::new(circuit);
        let mut taken = waits.then(|| world.bulkhead.try_acquire().unwrap());
        set_trap(Some((place, at)));
        let mut call = None;
        let words = panic_words(|| {
            let call = call.insert(task::spawn(world.begin(way, 1, 2)));
            while call.poll().is_pending() {
                taken = None;
                world.clock.advance(WAIT);
            }
        });
        assert!(words.is_some_and(|words| words.contains("boom")), "{row}");
        assert_eq!((begun(), world.bulkhead.in_flight()), (at, 0), "{row}: its slot is free at once");
        if let Some(call) = &mut call {
            // Only a bad executor does this. The poll counts for nothing.
            panic_words(|| call.poll());
        }
        drop(call);
        // If the panic came between two attempts, the next attempt had not been paid.
        assert_eq!(world.budget.balance(), f64::from(SAVED - (begun() - 1)), "{row}: the budget");
        assert_eq!(begun(), at, "{row}: it was not made again");
        assert_whole(&world, circuit, at, &row);
    }
}

#[test]
fn a_call_that_panics_while_it_is_dropped_gives_all_back_and_is_no_failure() {
    for (way, circuit, at) in each() {
        let row = format!("{way:?}, {circuit:?}, in attempt {at}");
        let world = World::new(circuit);
        let mut call = task::spawn(world.begin(way, 2, 3));
        while begun() < at || alive() == 0 {
            assert_pending!(call.poll());
            world.clock.advance(WAIT);
        }
        set_trap(Some((Place::Drop, at)));
        assert!(panic_words(|| drop(call)).is_some_and(|words| words.contains("boom")), "{row}");
        assert_eq!(world.budget.balance(), f64::from(SAVED - (at - 1)), "{row}: the budget");
        assert_whole(&world, circuit, at - 1, &row);
    }
}

#[test]
fn a_call_that_panics_while_it_is_cut_off_by_its_own_limit_has_failed_once() {
    for (way, circuit, at) in each() {
        let row = format!("{way:?}, {circuit:?}, in attempt {at}");
        let world = World::new(circuit);
        let mut call = task::spawn(world.begin(way, u32::MAX, 0));
        for attempt in 1..=at {
            assert_pending!(call.poll());
            assert_eq!(begun(), attempt, "{row}");
            world.clock.advance(EACH);
            if attempt < at {
                // It is cut off, and waits.
                assert_pending!(call.poll());
                world.clock.advance(WAIT);
            }
        }
        set_trap(Some((Place::Drop, at)));
        assert!(panic_words(|| call.poll()).is_some_and(|words| words.contains("boom")), "{row}");
        assert_eq!(world.bulkhead.in_flight(), 0, "{row}: its slot is free at once");
        panic_words(|| call.poll());
        drop(call);
        assert_eq!(world.budget.balance(), f64::from(SAVED - (at - 1)), "{row}: the budget");
        world.clock.advance(TOTAL);
        assert_eq!(begun(), at, "{row}: it was not made again");
        if circuit == Circuit::Closed {
            let counts = world.breaker.snapshot().rules()[0].counts;
            assert_eq!(counts.failures, u64::from(at), "{row}: failures");
        }
        world.assert_idle(&row);
    }
}

#[test]
fn an_observer_that_panics_harms_nobody() {
    for way in Way::ALL {
        let world = World::new(Circuit::Closed);
        for at in 1..=2 {
            set_trap(Some((Place::Observer, at)));
            let mut call = task::spawn(world.begin(way, 0, 2));
            let reply = loop {
                if let Poll::Ready(reply) = call.poll() {
                    break reply;
                }
                world.clock.advance(WAIT);
            };
            assert_eq!(reply, Ok(begun()), "{way:?}");
            world.assert_idle(format_args!("{way:?}"));
        }
        assert_eq!(take_log().len(), 3, "{way:?}: two attempts of the first call are told of, and its end");
    }
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker");
    }
}

/// A call ends by a panic, or a panic drops the call, and then every callback panics too.
fn panic_twice(way: Way, place: Option<Place>) {
    let world = World::new(Circuit::Fragile);
    world.breaker.on_event(|_| panic!("an observer"));
    world.bulkhead.on_event(|_| panic!("an observer"));
    let waker = Waker::from(Arc::new(Panics));
    let mut call = task::spawn(world.begin(way, u32::MAX, 0));
    assert_pending!(call.poll());
    let mut next = Box::pin(world.bulkhead.acquire());
    assert_pending!(next.as_mut().poll(&mut Context::from_waker(&waker)));
    set_trap(place.map(|place| (place, 1)));
    let words = panic_words(|| match place {
        // In its poll, or in its drop.
        Some(Place::Poll) => drop(call.poll()),
        Some(_) => drop(call),
        None => {
            let _call = call;
            panic!("beside a call");
        }
    });
    assert!(words.is_some(), "{way:?}, {place:?}");
    // The next call has the slot, and does not know it yet.
    assert_eq!((world.bulkhead.in_flight(), world.bulkhead.queued()), (1, 0), "{way:?}, {place:?}");
    assert_eq!(world.breaker.state(), State::Open, "{way:?}, {place:?}");
    drop(next);
    world.assert_idle(format_args!("{way:?}, {place:?}"));
}

#[test]
fn what_panics_while_a_call_panics_does_not_abort() {
    const CHILD: &str = "SEAWALL_TEST_CHILD";
    if env::var_os(CHILD).is_some() {
        for place in [Some(Place::Poll), Some(Place::Drop), None] {
            Way::ALL.into_iter().for_each(|way| panic_twice(way, place));
        }
        return;
    }
    // In a process of its own, because an abort would end all other tests.
    let mut child = process::Command::new(env::current_exe().unwrap());
    let name = "contract::panic::what_panics_while_a_call_panics_does_not_abort";
    let output = child.args([name, "--exact"]).env(CHILD, "1").output().unwrap();
    assert!(output.status.success(), "{}\n{}", output.status, String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}
