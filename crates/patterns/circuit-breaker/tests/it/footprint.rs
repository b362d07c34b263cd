//! What changes of state cost in memory, and how large the types are that users hold.

use std::{future, io};

use crate::{
    subject::{Breaker, rules},
    support::{OPEN_FOR, fail, fragile, log_changes},
};
use futures::FutureExt;
use seawall_circuit_breaker::{CircuitBreaker, Permit};
use seawall_core::{
    Error, Rejection,
    breaker::{State, Trip},
    time::ManualClock,
};
use seawall_testkit::time::exactly;
use seawall_testkit::{
    Subject,
    alloc::{allocations, held},
    reply::{FAILED, Failed, Reply},
};
use tower::Layer;

// ===== allocations =====

#[test]
fn a_circuit_that_opens_is_tried_and_closes_allocates_nothing() {
    for (way, run) in Breaker::RUNS {
        for rule in rules() {
            let clock = ManualClock::new();
            let rules = CircuitBreaker::builder("t").clock(clock.clone()).trip(rule).trip(Trip::consecutive(1));
            let subject = Breaker { breaker: rules.open_for(exactly(OPEN_FOR)).build(), clock };
            let count = allocations(|| {
                drop(run(&subject, FAILED));
                for probe in [FAILED, Ok(())] {
                    subject.clock.advance(OPEN_FOR);
                    assert_eq!(subject.breaker.state(), State::HalfOpen);
                    drop(run(&subject, probe));
                }
            });
            assert_eq!((count, subject.breaker.state()), (0, State::Closed), "{way}");
            assert_eq!(subject.breaker.snapshot().generation(), 101 * 5, "{way}");
        }
    }
}

#[test]
fn a_call_by_the_default_clock_allocates_nothing() {
    let breaker = CircuitBreaker::builder("t").trip(Trip::slow_rate(1.0, OPEN_FOR)).abandoned_after(OPEN_FOR).build();
    let count = allocations(|| {
        breaker.execute(|| future::ready(Ok::<_, Failed>(()))).now_or_never().unwrap().unwrap();
        drop(breaker.execute(future::pending::<Reply>));
    });
    assert_eq!(count, 0);
}

#[test]
fn a_change_told_to_an_observer_allocates_nothing() {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).build();
    let seen = log_changes(&breaker);
    let count = allocations(|| {
        seen.lock().unwrap().clear();
        fail(&breaker);
        clock.advance(OPEN_FOR);
        breaker.execute_blocking(|| Ok::<_, Failed>(())).unwrap();
    });
    assert_eq!((count, seen.lock().unwrap().len()), (0, 3));
}

// ===== sizes =====

#[test]
fn the_types_that_users_hold_are_small() {
    let breaker = CircuitBreaker::new("t");
    let layer = breaker.layer();
    let rows = [
        ("Permit", size_of::<Permit>(), 32),
        ("Option<Permit>", size_of::<Option<Permit>>(), 32),
        ("Rejection", size_of::<Rejection>(), 64),
        ("Error<io::Error>", size_of::<Error<io::Error>>(), 64),
        ("Result<Permit, Rejection>", size_of::<Result<Permit, Rejection>>(), 64),
        ("CircuitBreaker", size_of_val(&breaker), 24),
        ("CircuitBreakerLayer", size_of_val(&layer), 32),
        ("CircuitBreakerService<()>", size_of_val(&layer.layer(())), 112),
    ];
    for (what, size, bound) in rows {
        assert!(size <= bound, "{what} is {size} bytes, at most {bound} were expected");
    }
}

// ===== memory =====

#[test]
fn a_breaker_with_one_lane_holds_at_most_a_kilobyte() {
    // The builder too is made in there: it makes what the breaker keeps.
    let default = |lanes| held(|| CircuitBreaker::builder("t").lanes(lanes).build()).1;
    let consecutive = held(|| CircuitBreaker::builder("t").trip(Trip::consecutive(5)).lanes(1).build()).1;
    assert!(default(1) <= 1_024, "{}", default(1));
    assert!(consecutive < default(1), "{consecutive}");
    assert_eq!(default(0), default(1));
    assert!(default(8) > 4 * default(1), "{}", default(8));
}
