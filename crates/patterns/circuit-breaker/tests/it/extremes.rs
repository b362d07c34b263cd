//! Numbers at the ends of their ranges, and clocks that jump, stand still or step back.

use std::time::Duration;

use crate::support::{Manual, OPEN_FOR, STATES, counted, fail, fragile, log, steer, succeed};
use seawall_circuit_breaker::CircuitBreaker;
use seawall_core::{
    Backoff, Window,
    breaker::{State, Trip},
    time::{Instant, ManualClock},
};
use seawall_testkit::clock::ProbeClock;
use seawall_testkit::time::{HOUR, TICK, YEAR, exactly};

#[test]
fn open_for_no_time_the_next_call_is_a_probe() {
    let breaker = fragile(&ManualClock::new()).open_for(exactly(Duration::ZERO)).build();
    for _ in 0..3 {
        fail(&breaker);
        assert_eq!(breaker.state(), State::HalfOpen);
    }
    let _probe = breaker.try_acquire().unwrap();
    assert!(breaker.try_acquire().is_err(), "half-open, there is one place");
}

#[test]
fn open_for_ever_only_a_hand_ends_it() {
    for for_ever in [Backoff::constant(Duration::MAX), Backoff::exponential(Duration::MAX)] {
        let clock = ManualClock::new();
        let breaker = fragile(&clock).open_for(for_ever).build();
        let until = log(&breaker, |event| event.change()?.until());
        fail(&breaker);
        clock.advance(100 * YEAR);
        assert_eq!(breaker.try_acquire().unwrap_err().retry_after(), None);
        assert_eq!(*until.lock().unwrap(), [Instant::MAX]);
        breaker.reset();
        succeed(&breaker);
    }
}

#[test]
fn a_window_of_all_time_forgets_nothing() {
    let clock = ManualClock::new();
    let rule = Trip::failure_rate(0.5).over(Window::time(Duration::MAX)).min_calls(4);
    let breaker = CircuitBreaker::builder("t").clock(clock.clone()).trip(rule).build();
    for calls in 1..4 {
        fail(&breaker);
        clock.advance(YEAR);
        assert_eq!(counted(&breaker), (calls, calls));
    }
    succeed(&breaker);
    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn the_shortest_window_holds_the_calls_of_its_millisecond() {
    for buckets in [1, 2, 64] {
        let clock = ManualClock::new();
        let rule = Trip::failure_rate(1.0).over(Window::time_in_buckets(Duration::from_millis(1), buckets));
        let breaker = CircuitBreaker::builder("t").clock(clock.clone()).trip(rule.min_calls(3)).build();
        fail(&breaker);
        fail(&breaker);
        assert_eq!(counted(&breaker), (2, 2), "{buckets} buckets");
        clock.advance(Duration::from_millis(1));
        assert_eq!(counted(&breaker), (0, 0), "{buckets} buckets");
        (0..3).for_each(|_| fail(&breaker));
        assert_eq!(breaker.state(), State::Open, "{buckets} buckets");
    }
}

#[test]
fn a_window_of_one_call_opens_on_one_failure() {
    let rule = Trip::failure_rate(1.0).over(Window::calls(1)).min_calls(1);
    let breaker = CircuitBreaker::builder("t").clock(ManualClock::new()).trip(rule).build();
    (0..3).for_each(|_| succeed(&breaker));
    fail(&breaker);
    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn with_no_lease_a_probe_keeps_its_place_for_that_instant_alone() {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).probe_lease(Duration::ZERO).build();
    steer(&breaker, &clock, State::HalfOpen);
    let _silent = breaker.try_acquire().unwrap();
    assert!(breaker.try_acquire().is_err());
    clock.advance(TICK);
    assert!(breaker.try_acquire().is_ok());
}

#[test]
fn with_an_endless_lease_a_probe_keeps_its_place_until_it_ends() {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).probe_lease(Duration::MAX).build();
    steer(&breaker, &clock, State::HalfOpen);
    let silent = breaker.try_acquire().unwrap();
    clock.advance(100 * YEAR);
    assert!(breaker.try_acquire().is_err());
    drop(silent);
    assert!(breaker.try_acquire().is_ok());
}

#[test]
fn a_sample_that_is_never_reached_never_opens_a_circuit() {
    let rule = || Trip::failure_rate(0.1).min_calls(u32::MAX);
    let build = |rule| CircuitBreaker::builder("t").clock(ManualClock::new()).trip(rule).build();
    let over_time = build(rule());
    (0..10_000).for_each(|_| fail(&over_time));
    assert_eq!((over_time.state(), counted(&over_time)), (State::Closed, (10_000, 10_000)));
    // A window that cannot hold so many calls is judged when it is full.
    let over_calls = build(rule().over(Window::calls(10)));
    (0..9).for_each(|_| fail(&over_calls));
    assert_eq!(over_calls.state(), State::Closed);
    fail(&over_calls);
    assert_eq!(over_calls.state(), State::Open);
}

#[test]
fn as_many_probes_as_there_can_be_are_let_in_and_close_the_circuit() {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).probes(255).build();
    steer(&breaker, &clock, State::HalfOpen);
    let mut probes: Vec<_> = (0..255).map(|_| breaker.try_acquire().expect("a place is free")).collect();
    assert!(breaker.try_acquire().is_err());
    let last = probes.pop().unwrap();
    probes.into_iter().for_each(|probe| probe.success());
    assert_eq!(breaker.state(), State::HalfOpen);
    assert!(breaker.try_acquire().is_err());
    last.success();
    assert_eq!(breaker.state(), State::Closed);
}

/// A breaker with every kind of rule and limit that looks at the time.
fn timed(clock: &ManualClock) -> Manual {
    fragile(clock)
        .trip(Trip::failure_rate(0.5))
        .trip(Trip::slow_rate(0.5, OPEN_FOR).over(Window::calls(10)))
        .abandoned_after(OPEN_FOR)
        .build()
}

#[test]
fn a_clock_that_jumps_leaves_no_circuit_stuck() {
    for jump in [YEAR, 100 * YEAR, Duration::MAX] {
        for state in STATES {
            let clock = ManualClock::new();
            let breaker = timed(&clock);
            steer(&breaker, &clock, state);
            let in_flight = breaker.try_acquire();
            clock.advance(jump);
            // It has run for so long that it counts as a failure, which may open the circuit.
            drop(in_flight);
            clock.advance(jump);
            if state == State::ForcedOpen {
                assert!(breaker.try_acquire().is_err());
            } else {
                succeed(&breaker);
            }
            breaker.reset();
            fail(&breaker);
            clock.advance(jump);
            succeed(&breaker);
            assert_eq!(breaker.state(), State::Closed, "{state}, {jump:?}");
        }
    }
}

#[test]
fn a_window_is_empty_after_a_year() {
    let clock = ManualClock::new();
    let breaker = CircuitBreaker::builder("t").clock(clock.clone()).trip(Trip::failure_rate(0.5).min_calls(3)).build();
    for _ in 0..5 {
        (0..2).for_each(|_| fail(&breaker));
        assert_eq!((breaker.state(), counted(&breaker)), (State::Closed, (2, 2)));
        clock.advance(YEAR);
        assert_eq!(counted(&breaker), (0, 0));
    }
}

#[test]
fn a_clock_that_steps_back_harms_no_call_under_way() {
    for back in [TICK, OPEN_FOR, HOUR] {
        let clock = ProbeClock::default();
        clock.set(2 * HOUR);
        let rule = Trip::failure_rate(1.0).over(Window::calls(10)).min_calls(10).slower_than(OPEN_FOR);
        let breaker = CircuitBreaker::builder("t").clock(clock.clone()).trip(rule).abandoned_after(HOUR).build();
        let over_the_step = [breaker.try_acquire().unwrap(), breaker.try_acquire().unwrap()];
        clock.set(2 * HOUR - back);
        let [ended, dropped] = over_the_step;
        ended.failure();
        drop(dropped);
        assert_eq!(counted(&breaker), (1, 1), "{back:?}: it took no time");
        assert_eq!(breaker.snapshot().age(), Duration::ZERO);
    }
}

/// Lets one call fail, and so many more after a step back; the state then, where four failures open the circuit.
fn fail_over_a_step(back: Duration, after: u32) -> State {
    let clock = ProbeClock::default();
    clock.set(2 * HOUR);
    let rule = Trip::failure_rate(0.5).min_calls(4);
    let breaker = CircuitBreaker::builder("t").clock(clock.clone()).trip(rule).build();
    fail(&breaker);
    clock.set(2 * HOUR - back);
    (0..after).for_each(|_| fail(&breaker));
    breaker.state()
}

#[test]
fn a_result_with_an_earlier_time_is_judged_with_those_of_a_later_one() {
    // As of a thread that reads the clock just before the edge of a bucket, and records just after another one has
    // recorded on the other side of it: where each sees only its own, nobody opens the circuit.
    assert_eq!(fail_over_a_step(TICK, 3), State::Open);
    assert_eq!(fail_over_a_step(OPEN_FOR, 3), State::Open);
}

#[test]
fn a_clock_that_steps_far_back_does_not_blind_a_window_over_time() {
    // What was counted in the future does not count, and what comes now does.
    assert_eq!(fail_over_a_step(HOUR, 3), State::Closed);
    assert_eq!(fail_over_a_step(HOUR, 4), State::Open);
}

#[test]
fn a_circuit_whose_clock_steps_back_is_open_for_its_period_and_no_longer() {
    for back in [TICK, OPEN_FOR, HOUR] {
        let clock = ProbeClock::default();
        clock.set(2 * HOUR);
        let builder = CircuitBreaker::builder("t").clock(clock.clone());
        let breaker = builder.trip(Trip::consecutive(1)).open_for(exactly(OPEN_FOR)).build();
        fail(&breaker);
        clock.set(2 * HOUR - back);
        let wait = breaker.try_acquire().expect_err("it has just opened").retry_after();
        assert_eq!(wait, Some(OPEN_FOR), "after a step of {back:?} back");
        clock.set(2 * HOUR - back + OPEN_FOR);
        assert!(breaker.try_acquire().is_ok(), "after a step of {back:?} back");
    }
}

#[test]
fn a_clock_that_stands_still_changes_nothing_by_itself() {
    let clock = ManualClock::new();
    let breaker = fragile(&clock).build();
    fail(&breaker);
    for _ in 0..1_000 {
        assert_eq!(breaker.try_acquire().unwrap_err().retry_after(), Some(OPEN_FOR));
    }
}
