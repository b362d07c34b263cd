//! The plain calls: `execute`, `call`, `execute_blocking` and permits, over one state, by the default clock.

use std::{future, io, time::Duration};

use crate::subject::Breaker;
use crate::support::{OPEN_FOR, Way, counted, counting, fail, fragile, succeed};
use seawall_circuit_breaker::CircuitBreaker;
use seawall_core::{
    Error, Outcome, Rejection,
    breaker::{State, Trip},
    time::ManualClock,
};
use seawall_testkit::time::exactly;
use seawall_testkit::{
    Subject,
    panics::panic_message,
    reply::{FAILED, Failed, Reply},
    time::{MILLISECOND, SECOND},
};
use tokio::time::{advance, timeout};

#[test]
fn all_ways_to_call_share_one_state() {
    // As many failures as there are ways: each of them counts, or the circuit stays closed.
    let (clock, ways) = (ManualClock::new(), Breaker::RUNS.len() as u32);
    let shared = CircuitBreaker::builder("shared").clock(clock.clone());
    let breaker = shared.trip(Trip::consecutive(ways)).open_for(exactly(OPEN_FOR)).build();
    let subject = Breaker { breaker, clock };
    for (way, run) in Breaker::RUNS {
        assert_eq!(run(&subject.clone(), FAILED), FAILED, "{way}");
    }
    assert_eq!(subject.breaker.state(), State::Open);
    for (way, run) in Breaker::RUNS {
        let reply = run(&subject.clone(), Ok(()));
        assert!(matches!(reply, Err(Error::Rejected(Rejection::CircuitOpen(_)))), "{way}: {reply:?}");
    }
    assert_eq!(subject.breaker.snapshot().rejected(), u64::from(ways));
}

#[test]
fn a_rejected_blocking_call_does_not_run_its_closure() {
    let breaker = fragile(&ManualClock::new()).build();
    fail(&breaker);
    assert!(breaker.execute_blocking(|| -> Reply { panic!("the closure ran") }).is_err());
}

#[test]
fn a_call_is_admitted_when_it_is_made_not_when_it_is_polled() {
    let breaker = fragile(&ManualClock::new()).build();
    for way in Way::ALL {
        breaker.reset();
        let admitted = way.start(&breaker, || future::ready(Ok(())));
        fail(&breaker);
        let refused = way.start(&breaker, || future::ready(Ok(())));
        breaker.reset();
        assert_eq!(futures::executor::block_on(admitted), Ok(()), "{way:?}");
        assert!(matches!(futures::executor::block_on(refused), Err(Error::Rejected(_))), "{way:?}");
    }
}

#[tokio::test]
async fn the_classifier_decides_what_counts() {
    let by_number = |result: &Result<u32, Failed>| match result {
        Ok(0..100) => Outcome::Success,
        Ok(_) => Outcome::Failure,
        Err(Failed) => Outcome::Ignored,
    };
    let breaker = counting(&ManualClock::new()).classify(by_number).build();
    for (result, expected) in [(Ok(1), (1, 0)), (Ok(500), (2, 1)), (Err(Failed), (2, 1))] {
        let reply = breaker.execute(|| future::ready(result)).await;
        assert_eq!(reply, result.map_err(Error::Inner));
        assert_eq!(counted(&breaker), expected, "{result:?}");
    }
}

#[test]
fn a_permit_counts_as_what_it_is_told() {
    let breaker = counting(&ManualClock::new()).build();
    breaker.try_acquire().unwrap().success();
    assert_eq!(counted(&breaker), (1, 0));
    breaker.try_acquire().unwrap().failure();
    assert_eq!(counted(&breaker), (2, 1));
    breaker.try_acquire().unwrap().ignore();
    assert_eq!(counted(&breaker), (2, 1));
    breaker.try_acquire().unwrap().record(&FAILED);
    assert_eq!(counted(&breaker), (3, 2));
}

#[tokio::test(start_paused = true)]
async fn the_default_breaker_lets_in_exactly_at_the_end_of_its_open_period() {
    let breaker = CircuitBreaker::builder("paused").trip(Trip::consecutive(1)).open_for(exactly(OPEN_FOR)).build();
    let failed = breaker.execute(|| future::ready(Err::<(), _>(Failed))).await;
    assert_eq!(failed, Err(Error::Inner(Failed)));

    advance(OPEN_FOR - MILLISECOND).await;
    let Err(Error::Rejected(rejection)) = breaker.execute(|| future::ready(Ok::<_, Failed>(()))).await else {
        panic!("the open period lasts for another millisecond");
    };
    assert_eq!(rejection.retry_after(), Some(MILLISECOND));

    advance(MILLISECOND).await;
    assert_eq!(breaker.execute(|| future::ready(Ok::<_, Failed>("in"))).await, Ok("in"));
    assert_eq!(breaker.state(), State::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_default_rule_opens_at_half_of_twenty_calls_within_ten_seconds() {
    let breaker = CircuitBreaker::new("defaults");
    let half_fail = |calls: u32| {
        for call in 0..calls {
            if call % 2 == 0 { fail(&breaker) } else { succeed(&breaker) }
        }
    };
    half_fail(19);
    assert_eq!(breaker.state(), State::Closed);
    advance(11 * SECOND).await;
    half_fail(19);
    assert_eq!(breaker.state(), State::Closed, "the first 19 calls are forgotten");
    succeed(&breaker);
    assert_eq!(breaker.state(), State::Open, "a success can be the call that makes the number full");
}

#[tokio::test(start_paused = true)]
async fn a_hang_that_the_callers_own_timeout_cuts_off_is_not_invisible() {
    let breaker =
        CircuitBreaker::builder("hangs").trip(Trip::consecutive(2)).abandoned_after(Duration::from_secs(1)).build();
    for _ in 0..2 {
        let hang = breaker.execute(future::pending::<Result<(), Failed>>);
        assert!(timeout(2 * SECOND, hang).await.is_err());
    }
    assert_eq!(breaker.state(), State::Open);
}

async fn fetch(id: &str) -> Result<usize, io::Error> {
    tokio::task::yield_now().await;
    Ok(id.len())
}

async fn handler(breaker: CircuitBreaker) -> Result<usize, Error<io::Error>> {
    let id = String::from("borrowed");
    breaker.execute(|| fetch(&id)).await
}

async fn handler_that_keeps_its_error(breaker: CircuitBreaker) -> Result<usize, Error<io::Error>> {
    let id = String::from("borrowed");
    breaker.call(|| async { fetch(&id).await.map_err(Error::Inner) }).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_whose_closure_borrows_can_be_spawned() {
    let breaker = CircuitBreaker::new("spawned");
    assert_eq!(tokio::spawn(handler(breaker.clone())).await.unwrap().unwrap(), 8);
    assert_eq!(tokio::spawn(handler_that_keeps_its_error(breaker)).await.unwrap().unwrap(), 8);
}

#[tokio::test]
async fn a_million_ready_calls_in_one_task_are_never_refused() {
    let breaker = CircuitBreaker::new("busy");
    for _ in 0..1_000_000 {
        breaker.execute(|| future::ready(Ok::<_, Failed>(()))).await.expect("no one failed");
    }
    assert_eq!(breaker.snapshot().rejected(), 0);
}

#[test]
fn a_future_that_was_refused_says_so_when_it_is_polled_after_its_end() {
    let breaker = fragile(&ManualClock::new()).build();
    fail(&breaker);
    let mut call = tokio_test::task::spawn(breaker.execute(|| future::ready(Ok::<_, Failed>(()))));
    assert!(call.poll().is_ready());
    let words = panic_message(|| call.poll()).expect("it has ended");
    assert!(words.contains("polled after it had ended"), "{words}");
}
