//! What a stack's error says about the attempts that were sent.

use seawall::{Error, Rejection, Stack, Timeout};

use super::support::{Callee, Does, Failed, MILLISECOND, SECOND, exactly, open, some_day, three, trips_at};

#[tokio::test(start_paused = true)]
async fn a_call_to_a_callee_that_hangs_was_sent() {
    let callee = Callee::new([Does::Hangs]);
    let stack = Stack::new().retry(three().build()).timeout(Timeout::new("timeout", SECOND));
    let error = some_day(stack.execute(|| callee.send())).await.unwrap_err();
    assert!(matches!(error, Error::Rejected(Rejection::TimedOut(_))), "{error:?}");
    assert!(error.reached_callee());
    assert_eq!(callee.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_hides_no_error_of_an_attempt_that_was_sent() {
    let callee = Callee::new([Does::Fails(0)]);
    let retry = three().max_attempts(9).backoff(exactly(MILLISECOND)).max_rejection_wait(SECOND).build();
    let stack = Stack::new().retry(retry).circuit_breaker(trips_at(2));
    let error = some_day(stack.execute(|| callee.send())).await.unwrap_err();
    assert_eq!((error, callee.calls()), (Error::Inner(Failed), 2));
    // The next call finds the circuit open, and none of its attempts is sent.
    let error = some_day(stack.execute(|| callee.send())).await.unwrap_err();
    assert!(matches!(error, Error::Rejected(Rejection::CircuitOpen(_))), "{error:?}");
    assert!(!error.reached_callee());
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_after_attempts_that_hung_says_that_they_were_sent() {
    let callee = Callee::new([Does::Hangs]);
    let retry = three().max_attempts(9).backoff(exactly(MILLISECOND)).max_rejection_wait(SECOND).build();
    let stack = Stack::new().retry(retry).circuit_breaker(trips_at(2)).timeout(Timeout::new("timeout", SECOND));
    let error = some_day(stack.execute(|| callee.send())).await.unwrap_err();
    assert!(matches!(error, Error::Rejected(Rejection::CircuitOpen(_))), "{error:?}");
    assert!(error.reached_callee());
    assert_eq!(callee.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_only_met_an_open_circuit_was_not_sent() {
    let callee = Callee::new([Does::Answers(0)]);
    let stack = Stack::new().retry(three().max_rejection_wait(SECOND).build()).circuit_breaker(open());
    let error = some_day(stack.execute(|| callee.send())).await.unwrap_err();
    assert!(!error.reached_callee() && callee.calls() == 0);
}
