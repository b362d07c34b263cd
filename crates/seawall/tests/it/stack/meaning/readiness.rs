//! A stack's service over an inner service that is not always ready.

use seawall::{Bulkhead, Quota, RateLimiter, Stack};
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};
use tower_test::mock::{self, Mock};

use crate::stack::support::{MILLISECOND, SECOND, exactly, open, three, trips_at};

type Client = Mock<u32, u32>;

#[tokio::test(start_paused = true)]
async fn an_open_circuit_refuses_while_the_inner_service_is_not_ready_and_does_not_touch_it() {
    let breaker = open();
    let stack = Stack::new().rate_limit(RateLimiter::new("l", Quota::per_hour(9))).circuit_breaker(breaker.clone());
    let (mut service, mut handle) = mock::spawn_layer::<_, _, _>(stack.layer().clone_all());
    handle.allow(0);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(1));
    assert!(assert_ready!(call.poll()).is_err());
    drop(call);
    assert_pending!(task::spawn(handle.next_request()).poll());

    breaker.reset();
    assert_pending!(service.poll_ready());
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(2));
    assert_pending!(call.poll());
    let (request, reply) = handle.next_request().await.unwrap();
    assert_eq!(request, 2);
    reply.send_response(3);
    assert_eq!(assert_ready_ok!(call.poll()), 3);
}

#[tokio::test(start_paused = true)]
async fn a_full_limit_refuses_while_the_inner_service_is_not_ready() {
    let limiter = RateLimiter::new("l", Quota::per_hour(1));
    limiter.try_acquire().unwrap();
    let (mut service, mut handle) = mock::spawn_layer::<u32, u32, _>(Stack::new().rate_limit(limiter).layer());
    handle.allow(0);
    assert_ready_ok!(service.poll_ready());
    assert!(assert_ready!(task::spawn(service.call(1)).poll()).is_err());

    let bulkhead = Bulkhead::new("b", 1);
    let held = bulkhead.try_acquire().unwrap();
    let (mut service, mut handle) = mock::spawn_layer::<u32, u32, _>(Stack::new().bulkhead(bulkhead.clone()).layer());
    handle.allow(0);
    assert_ready_ok!(service.poll_ready());
    assert!(assert_ready!(task::spawn(service.call(1)).poll()).is_err());
    drop(held);
    assert_pending!(service.poll_ready());
}

#[tokio::test(start_paused = true)]
async fn what_was_found_refused_and_is_let_in_after_all_goes_by_a_clone_that_is_made_ready_first() {
    let breaker = open();
    let (mut service, mut handle) =
        mock::spawn_layer::<u32, u32, _>(Stack::new().circuit_breaker(breaker.clone()).layer());
    handle.allow(0);
    assert_ready_ok!(service.poll_ready());
    breaker.reset();
    let mut call = task::spawn(service.call(1));
    assert_pending!(call.poll());
    assert_pending!(task::spawn(handle.next_request()).poll());
    handle.allow(1);
    assert!(call.is_woken());
    assert_pending!(call.poll());
    let (request, reply) = handle.next_request().await.unwrap();
    reply.send_response(request + 1);
    assert_eq!(assert_ready_ok!(call.poll()), 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_had_to_wait_leaves_what_was_made_ready_to_the_next_one() {
    let bulkhead = Bulkhead::builder("b", 1).max_queued(1).build();
    let (mut service, mut handle) = mock::spawn_layer::<u32, u32, _>(Stack::new().bulkhead(bulkhead.clone()).layer());
    handle.allow(1);
    let held = bulkhead.try_acquire().unwrap();
    assert_ready_ok!(service.poll_ready());
    handle.allow(0);
    let mut waiting = task::spawn(service.call(1));
    assert_pending!(waiting.poll());
    drop(held);
    // The call's turn has come, but its service is not ready.
    assert_pending!(waiting.poll());
    assert_eq!(bulkhead.in_flight(), 1);
    assert_pending!(task::spawn(handle.next_request()).poll());
    // The service that was polled ready is still ready.
    assert_ready_ok!(service.poll_ready());
    handle.allow(1);
    assert_pending!(waiting.poll());
    let (request, reply) = handle.next_request().await.unwrap();
    reply.send_response(request + 1);
    assert_eq!(assert_ready_ok!(waiting.poll()), 2);
    assert_eq!(bulkhead.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn each_further_attempt_goes_by_a_clone_that_is_made_ready_as_a_part_of_the_attempt() {
    let bulkhead = Bulkhead::new("b", 1);
    let stack = Stack::new().retry(three().backoff(exactly(SECOND)).build()).bulkhead(bulkhead.clone());
    let (mut service, mut handle) = mock::spawn_layer::<u32, u32, _>(stack.layer().clone_all());
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(1));
    assert_pending!(call.poll());
    handle.next_request().await.unwrap().1.send_error("down");
    assert_pending!(call.poll());
    assert_eq!(bulkhead.in_flight(), 0);
    tokio::time::sleep(SECOND + MILLISECOND).await;
    assert_pending!(call.poll());
    assert_eq!(bulkhead.in_flight(), 1);
    assert_pending!(task::spawn(handle.next_request()).poll());
    handle.allow(1);
    assert_pending!(call.poll());
    let (request, reply) = handle.next_request().await.unwrap();
    assert_eq!(request, 1);
    reply.send_response(2);
    assert_eq!(assert_ready_ok!(call.poll()), 2);
}

#[tokio::test(start_paused = true)]
async fn a_retry_waits_an_open_circuit_out_though_the_inner_service_was_not_ready() {
    let stack = Stack::new().retry(three().build()).circuit_breaker(open());
    let (mut service, mut handle) = mock::spawn_layer::<u32, u32, _>(stack.layer().clone_all());
    handle.allow(0);
    assert_ready_ok!(service.poll_ready());
    let mut call = task::spawn(service.call(1));
    assert_pending!(call.poll());
    tokio::time::sleep(5 * SECOND + MILLISECOND).await;
    handle.allow(1);
    assert_pending!(call.poll());
    let (request, reply) = handle.next_request().await.unwrap();
    reply.send_response(request + 1);
    assert_eq!(assert_ready_ok!(call.poll()), 2);
}

#[tokio::test(start_paused = true)]
async fn a_clone_is_not_ready_and_a_call_that_was_not_made_ready_makes_a_clone_so() {
    let (mut service, mut handle) = mock::spawn_layer::<u32, u32, _>(Stack::new().circuit_breaker(trips_at(1)).layer());
    handle.allow(1);
    assert_ready_ok!(service.poll_ready());
    let mut clone: mock::Spawn<seawall::StackService<Client, _>> = service.clone();
    let mut ready = task::spawn(service.call(1));
    assert_pending!(ready.poll());
    // Kept, as a request that is dropped is answered with an error.
    let mut kept = vec![handle.next_request().await.unwrap()];
    // A mock panics if it is called without having been made ready.
    let mut unready = [task::spawn(clone.call(2)), task::spawn(service.call(3))];
    unready.iter_mut().for_each(|call| assert!(call.poll().is_pending()));
    assert_pending!(task::spawn(handle.next_request()).poll());
    for number in [2, 3] {
        handle.allow(1);
        unready.iter_mut().for_each(|call| assert!(call.poll().is_pending()));
        kept.push(handle.next_request().await.unwrap());
        assert_eq!(kept[kept.len() - 1].0, number);
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_in_poll_ready_is_passed_on_and_counts_for_nothing() {
    let (breaker, bulkhead) = (trips_at(1), Bulkhead::new("b", 1));
    let stack = Stack::new().circuit_breaker(breaker.clone()).bulkhead(bulkhead.clone());
    let (mut service, mut handle) = mock::spawn_layer::<u32, u32, _>(stack.layer().clone_all());
    handle.send_error("gone");
    assert!(assert_ready!(service.poll_ready()).is_err());
    assert_eq!((breaker.snapshot().consecutive_failures(), bulkhead.in_flight()), (0, 0));
}
