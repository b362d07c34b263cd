//! The plain calls: `execute`, `call`, `execute_blocking` and permits, over one set of slots, by the default clock.

use crate::support;
use std::{future, io, task::Poll};

use crate::support::{
    FAILED, Failed, Reply, Way, assert_idle, flat, panic_words, plain, queued, refused, steps, until_told,
};
use seawall_bulkhead::{Bulkhead, Reason};
use seawall_core::Error;
use tokio::task::yield_now;
use tokio_test::{assert_pending, assert_ready, assert_ready_ok, task};

#[test]
fn a_slot_is_taken_while_the_call_is_in_flight_in_each_way() {
    for way in Way::ALL {
        for bulkhead in [plain(2).build(), queued(2).build()] {
            let mut call = way.begin(&bulkhead, || steps(1, || Ok(())));
            assert_eq!((bulkhead.in_flight(), bulkhead.available(), bulkhead.queued()), (1, 1, 0), "{way:?}");
            assert_ready_ok!(call.poll());
            assert_idle(&bulkhead);
        }
    }
    let bulkhead = plain(2).build();
    let in_flight = bulkhead.execute_blocking(|| Ok::<_, Failed>(bulkhead.in_flight()));
    assert_eq!(in_flight.unwrap(), 1);
    assert_idle(&bulkhead);
}

#[test]
fn a_slot_is_free_in_the_very_poll_that_gives_the_result() {
    for way in Way::ALL {
        for reply in [Ok(()), FAILED] {
            let bulkhead = queued(1).build();
            let mut call = way.begin(&bulkhead, || steps(1, || reply.clone()));
            let mut next = way.begin(&bulkhead, || future::ready(Ok(())));
            assert_eq!(assert_ready!(call.poll()), reply);
            assert!(next.is_woken(), "{way:?}: though the future lives on");
            assert_ready_ok!(next.poll());
            assert_idle(&bulkhead);
            drop(call);
            assert_idle(&bulkhead);
        }
    }
}

#[test]
fn a_blocking_call_that_is_rejected_does_not_run_its_closure() {
    let bulkhead = plain(0).build();
    let reply = bulkhead.execute_blocking(|| -> Reply { panic!("the closure ran") });
    assert_eq!(refused(&flat(reply)), Some(Reason::Full));
}

#[test]
fn a_plain_call_is_let_in_when_it_is_made_and_waits_from_its_first_poll() {
    let bulkhead = queued(1).build();
    let mut first = task::spawn(bulkhead.execute(|| future::ready(Ok::<_, Failed>(1))));
    assert_eq!(bulkhead.in_flight(), 1);
    let mut second = task::spawn(bulkhead.execute(|| future::ready(Ok::<_, Failed>(2))));
    assert_eq!(bulkhead.queued(), 0, "it takes its place when it is polled");
    assert_pending!(second.poll());
    assert_eq!(bulkhead.queued(), 1);
    assert_eq!(assert_ready!(first.poll()), Ok(1));
    assert!(second.is_woken());
    assert_eq!(assert_ready!(second.poll()), Ok(2));

    // What found no room when it was made, and finds some when it is polled, does not wait.
    let taken = bulkhead.try_acquire().unwrap();
    let mut late = task::spawn(bulkhead.execute(|| future::ready(Ok::<_, Failed>(3))));
    drop(taken);
    assert_eq!(assert_ready!(late.poll()), Ok(3));
    assert_idle(&bulkhead);
}

#[test]
fn a_call_that_waits_runs_its_closure_in_the_poll_in_which_its_turn_comes() {
    for way in Way::ALL {
        let bulkhead = queued(1).build();
        let taken = bulkhead.try_acquire().unwrap();
        let (ran, (tell, told)) = (std::cell::Cell::new(false), until_told());
        let mut call = way.begin(&bulkhead, || {
            ran.set(true);
            told
        });
        drop(taken);
        assert!(!ran.get() && call.is_woken(), "{way:?}");
        assert_pending!(call.poll());
        assert!(ran.get(), "{way:?}");
        tell.send(()).unwrap();
        assert_ready_ok!(call.poll());
        assert_idle(&bulkhead);
    }
}

#[test]
fn a_permit_that_is_owned_outlives_the_handle_and_holds_the_same_slots() {
    let bulkhead = plain(3).build();
    let permit = bulkhead.try_acquire_n(2).unwrap();
    assert_eq!(permit.cost(), 2);
    let owned = permit.into_owned();
    assert_eq!((owned.cost(), bulkhead.in_flight()), (2, 2));
    let other = bulkhead.clone();
    drop(bulkhead);
    assert_eq!(other.in_flight(), 2);
    std::thread::spawn(move || drop(owned)).join().unwrap();
    assert_idle(&other);
}

#[test]
fn what_waits_outlives_the_handle() {
    let bulkhead = queued(1).build();
    let taken = bulkhead.try_acquire().unwrap().into_owned();
    let mut call = Way::Execute.begin(&bulkhead, || future::ready(Ok(())));
    drop(bulkhead);
    drop(taken);
    assert_ready_ok!(call.poll());
}

async fn fetch(id: &str) -> Result<usize, io::Error> {
    yield_now().await;
    Ok(id.len())
}

async fn handler(bulkhead: Bulkhead) -> Result<usize, Error<io::Error>> {
    let id = String::from("borrowed");
    bulkhead.execute(|| fetch(&id)).await
}

async fn handler_that_keeps_its_error(bulkhead: Bulkhead) -> Result<usize, Error<io::Error>> {
    let id = String::from("borrowed");
    bulkhead.call(|| async { fetch(&id).await.map_err(Error::Inner) }).await
}

async fn handler_with_a_permit(bulkhead: Bulkhead) -> Result<usize, Error<io::Error>> {
    let id = String::from("borrowed");
    let _permit = bulkhead.acquire().await?;
    fetch(&id).await.map_err(Error::Inner)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_whose_closure_borrows_can_be_spawned() {
    // They wait, too: there are more of them than slots.
    let bulkhead = Bulkhead::builder("spawned", 1).max_queued(100).build();
    for _ in 0..20 {
        let calls = [
            tokio::spawn(handler(bulkhead.clone())),
            tokio::spawn(handler_that_keeps_its_error(bulkhead.clone())),
            tokio::spawn(handler_with_a_permit(bulkhead.clone())),
        ];
        for call in calls {
            assert_eq!(call.await.unwrap().unwrap(), 8);
        }
    }
    assert_idle(&bulkhead);
}

#[tokio::test]
async fn a_million_ready_calls_in_one_task_are_never_refused() {
    // Tokio's budget for a task that does not yield has been taken for "no room" elsewhere.
    let bulkhead = Bulkhead::builder("busy", 1).max_queued(1).max_wait(support::SECOND).build();
    for _ in 0..500_000 {
        bulkhead.execute(|| future::ready(Ok::<_, Failed>(()))).await.expect("there is room");
        drop(bulkhead.acquire().await.expect("there is room"));
    }
    assert_eq!(bulkhead.snapshot().rejected(), 0);
    assert_idle(&bulkhead);
}

#[test]
fn a_future_that_was_refused_says_so_when_it_is_polled_after_its_end() {
    for (bulkhead, expected) in [(plain(0).build(), Reason::Full), (queued(0).build(), Reason::Closed)] {
        let mut call = task::spawn(bulkhead.execute(|| future::ready(Ok::<_, Failed>(()))));
        let reply = match call.poll() {
            Poll::Ready(reply) => reply,
            Poll::Pending => {
                bulkhead.close();
                assert_ready!(call.poll())
            }
        };
        assert_eq!(refused(&reply), Some(expected));
        let words = panic_words(|| call.poll()).expect("it has ended");
        assert!(words.contains("polled after it had ended"), "{words}");
    }
}
