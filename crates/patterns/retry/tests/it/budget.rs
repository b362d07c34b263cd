//! What retries are paid from: how much load they add at worst, and that nothing paid is lost.

use std::{
    cell::Cell,
    future::{self, Ready},
    rc::Rc,
    task::{Context, Poll},
    thread,
};

use crate::support::{Failed, Reply, Way, exactly, failed, log, plain, quick, reasons, run, run_blocking};
use seawall_core::{Budget, Error, time::ManualClock};
use seawall_retry::{GaveUp, Retry};
use seawall_testkit::{
    call::ends,
    clock::LeapingClock,
    time::{MILLISECOND, SECOND},
};
use tokio_test::{assert_pending, task};
use tower::{Layer, Service};

const CALLS: u32 = 10_000;

#[test]
fn when_all_fails_the_load_grows_by_the_ratio_and_the_floor() {
    // Time stands still, so the floor is what it gives at the beginning.
    for (budget, most) in [(Budget::default(), 2_010), (Budget::ratio(0.2).floor(0), 2_000)] {
        for way in Way::ALL {
            let budget = budget.clone().burst(100);
            let retry = quick().clock(ManualClock::new()).max_attempts(5).budget(budget).build();
            let attempts: u32 = (0..CALLS).map(|_| run(way, &retry, failed).1).sum();
            assert!((CALLS + most - 1..=CALLS + most).contains(&attempts), "{way:?}: {attempts}");
        }
        let retry = quick().clock(ManualClock::new()).max_attempts(5).budget(budget.burst(100)).build();
        let attempts: u32 = (0..CALLS).map(|_| run_blocking(&retry, failed).1).sum();
        assert!((CALLS + most - 1..=CALLS + most).contains(&attempts), "blocking: {attempts}");
    }
}

#[test]
fn the_default_is_a_fifth_of_the_calls_and_ten_a_second() {
    let clock = LeapingClock::default();
    let retry = Retry::builder("t").clock(clock.clone()).build();
    let attempts: u32 = (0..CALLS)
        .map(|_| {
            clock.advance(MILLISECOND);
            run(Way::Execute, &retry, failed).1
        })
        .sum();
    // Ten seconds of calls, and what their own waits took.
    let waited: u128 = clock.take_waits().iter().map(|wait| wait.as_nanos()).sum();
    let most = 2_000.0 + 10.0 + 10.0 * (10.0 + waited as f64 / 1e9);
    assert!(f64::from(attempts - CALLS) <= most, "{attempts} attempts, at most {most} more than calls");
}

#[test]
fn when_little_fails_every_failure_is_tried_again() {
    for way in Way::ALL {
        let retry = quick().clock(ManualClock::new()).budget(Budget::ratio(0.2).floor(0)).build();
        let fails_first = |number: u32| if number == 1 { failed(1) } else { Ok(number) };
        for call in 0..CALLS {
            let (result, _) = run(way, &retry, |number| if call % 10 == 9 { fails_first(number) } else { Ok(number) });
            assert!(result.is_ok(), "{way:?}, call {call}");
        }
    }
}

#[test]
fn a_call_pays_in_once_however_many_attempts_it_has() {
    for way in Way::ALL {
        let budget = Budget::ratio(0.5).floor(0);
        (0..20).for_each(|_| budget.deposit());
        let retry = quick().budget(budget.clone()).max_attempts(4).build();
        run(way, &retry, failed).0.unwrap_err();
        assert_eq!(budget.balance(), 10.0 + 0.5 - 3.0, "{way:?}");
    }
}

#[test]
fn without_a_budget_left_the_last_result_is_returned_at_once() {
    for way in Way::ALL {
        let (builder, clock) = plain();
        let (log, observer) = log();
        let retry = builder.budget(Budget::ratio(0.0).floor(0)).on_event(observer).build();
        assert_eq!(run(way, &retry, failed), (failed(1), 1), "{way:?}");
        assert_eq!((clock.take_waits(), reasons(&log)), (vec![], vec![GaveUp::Budget]), "{way:?}");
    }
}

#[test]
fn a_retry_is_paid_for_when_it_is_scheduled_and_given_back_if_it_is_dropped() {
    for way in Way::ALL {
        let (clock, budget) = (ManualClock::new(), Budget::ratio(0.0).floor(3).burst(3));
        let builder = quick().clock(clock.clone()).budget(budget.clone()).backoff(exactly(SECOND)).max_attempts(9);
        let retry = builder.build();
        let mut calls: Vec<_> = (0..5).map(|_| task::spawn(way.start(&retry, || future::ready(failed(1))))).collect();
        let waiting = calls.iter_mut().map(|call| call.poll()).filter(Poll::is_pending).count();
        assert_eq!((waiting, budget.balance()), (3, 0.0), "{way:?}");
        calls.clear();
        assert_eq!(budget.balance(), 3.0, "{way:?}");
    }
}

#[test]
fn a_retry_that_has_begun_is_not_given_back() {
    for way in Way::ALL {
        let (clock, budget) = (ManualClock::new(), Budget::ratio(0.0).floor(3).burst(3));
        let retry = quick().clock(clock.clone()).budget(budget.clone()).backoff(exactly(SECOND)).build();
        let attempts = Cell::new(0);
        let attempt = || {
            attempts.set(attempts.get() + 1);
            let first = attempts.get() == 1;
            async move { if first { failed(1) } else { future::pending().await } }
        };
        let mut call = task::spawn(way.start(&retry, attempt));
        assert_pending!(call.poll());
        clock.advance(SECOND);
        assert_pending!(call.poll());
        assert_eq!(attempts.get(), 2, "{way:?}");
        drop(call);
        assert_eq!(budget.balance(), 2.0, "{way:?}");
    }
}

#[test]
fn two_retries_share_one_budget() {
    let budget = Budget::ratio(0.0).floor(3).burst(3);
    let [one, two] = [1, 2].map(|_| quick().clock(ManualClock::new()).budget(budget.clone()).max_attempts(3).build());
    let attempts: Vec<_> = [&one, &two, &one].map(|retry| run(Way::Execute, retry, failed).1).into();
    assert_eq!((attempts, budget.balance()), (vec![3, 2, 1], 0.0));
}

#[test]
fn threads_that_share_a_budget_add_no_more_than_it_holds() {
    const THREADS: u32 = 8;
    let retry = quick().clock(ManualClock::new()).budget(Budget::ratio(0.2).burst(10)).max_attempts(9).build();
    let retry = &retry;
    let attempts: u32 = thread::scope(|scope| {
        let call = |number: u32| run(Way::ALL[number as usize % Way::ALL.len()], retry, failed).1;
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(move || (0..2_000).map(call).sum::<u32>())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    let (calls, retries) = (THREADS * 2_000, attempts - THREADS * 2_000);
    // What comes while it is full is lost: so no less than that only as long as it is emptied at once.
    assert!((calls / 5..=calls / 5 + 10).contains(&retries), "{retries}");
}

#[test]
fn services_of_one_layer_and_the_plain_call_share_one_budget() {
    let retry = quick().clock(ManualClock::new()).budget(Budget::ratio(0.0).floor(3).burst(3)).build();
    let attempts: Vec<_> = Way::ALL.into_iter().map(|way| run(way, &retry, failed).1).collect();
    assert_eq!(attempts, [3, 2, 1, 1, 1, 1]);
}

// ===== requests =====

/// A request that counts how often it was copied.
struct Counted(Rc<Cell<u32>>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.set(self.0.get() + 1);
        Self(self.0.clone())
    }
}

/// Fails always.
#[derive(Clone)]
struct Failing;

impl Service<Counted> for Failing {
    type Response = u32;
    type Error = Error<Failed>;
    type Future = Ready<Reply>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error<Failed>>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Counted) -> Ready<Reply> {
        future::ready(failed(1))
    }
}

#[test]
fn a_request_is_copied_only_while_another_attempt_may_follow() {
    let rows = [
        ("one attempt", 1, Budget::unlimited(), 0),
        ("two attempts", 2, Budget::unlimited(), 1),
        ("four attempts", 4, Budget::unlimited(), 3),
        ("nothing in the budget", 4, Budget::ratio(0.0).floor(0), 0),
        ("one retry in the budget", 4, Budget::ratio(0.0).floor(1).burst(1), 1),
        ("two retries in the budget", 4, Budget::ratio(0.0).floor(2).burst(2), 2),
    ];
    for (row, max, budget, wanted) in rows {
        let retry = quick().clock(ManualClock::new()).max_attempts(max).budget(budget).build();
        let copies = Rc::new(Cell::new(0));
        let mut service = retry.layer().clone_all().layer(Failing);
        assert_eq!(ends(service.call(Counted(copies.clone()))), failed(1));
        assert_eq!(copies.get(), wanted, "{row}");
        let mut service = retry.layer().clone_all().any_error().layer(Failing);
        ends(service.call(Counted(copies))).unwrap_err();
    }
}

#[test]
fn an_empty_budget_that_the_floor_has_filled_meanwhile_lets_the_request_be_copied() {
    let clock = ManualClock::new();
    let retry = quick().clock(clock.clone()).max_attempts(2).budget(Budget::ratio(0.0).floor(1).burst(1)).build();
    let copies = Rc::new(Cell::new(0));
    let mut service = retry.layer().clone_all().layer(Failing);
    for (advance, wanted) in [(0, 1), (0, 1), (1, 2), (0, 2)] {
        clock.advance(advance * SECOND);
        assert_eq!(ends(service.call(Counted(copies.clone()))), failed(1));
        assert_eq!(copies.get(), wanted);
    }
}
