//! Several policies of one kind, nested.

use std::{
    cell::RefCell,
    future,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use seawall::{Attempt, Budget, Bulkhead, Deadline, Retry, Stack, Timeout, retry::Cause};
use tokio::time::{self, Instant};
use tokio_test::{assert_pending, task};

use crate::stack::support::{
    Callee, Does, Failed, MILLISECOND, SECOND, Way, exactly, send, some_day, three, trips_at, words,
};

#[tokio::test(start_paused = true)]
async fn a_call_is_told_which_attempt_of_the_innermost_retry_it_is() {
    let told = RefCell::new(Vec::new());
    let tell = |attempt: Attempt| {
        told.borrow_mut().push((attempt.number(), attempt.elapsed().as_millis(), attempt.previous()));
        future::ready(Err::<(), _>(Failed))
    };
    let quick = three().max_attempts(2).backoff(exactly(100 * MILLISECOND)).build();
    let stack = Stack::new().circuit_breaker(trips_at(9)).retry(three().max_attempts(2).build());
    let failed = Some(Cause::Failed);
    assert!(some_day(stack.execute_with(tell)).await.is_err());
    assert_eq!(told.take(), [(1, 0, None), (2, 1_000, failed)]);
    assert!(some_day(stack.retry(quick).timeout(Timeout::new("timeout", SECOND)).execute_with(tell)).await.is_err());
    assert_eq!(told.take(), [(1, 0, None), (2, 100, failed), (1, 0, None), (2, 100, failed)]);
    assert!(Stack::new().execute_with(tell).await.is_err());
    assert!(Stack::new().bulkhead(Bulkhead::new("b", 1)).execute_with(tell).await.is_err());
    assert_eq!(told.take(), [(1, 0, None); 2]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_attempt_counts_and_says_why_the_next_one_is_made() {
    let stack = Stack::new().retry(three().build()).circuit_breaker(crate::stack::support::open());
    let attempt = some_day(stack.execute_with(|attempt| future::ready(Ok::<_, Failed>(attempt)))).await.unwrap();
    assert_eq!((attempt.number(), attempt.previous()), (2, Some(Cause::Rejected(5 * SECOND))));
}

#[tokio::test(start_paused = true)]
async fn two_retries_multiply_and_each_is_paid_for_by_its_own_budget() {
    for way in Way::BOTH {
        let budgets = [Budget::ratio(1.0).floor(0), Budget::ratio(1.0).floor(0)];
        budgets.iter().for_each(|budget| (0..20).for_each(|_| budget.deposit()));
        let [outer, inner] = budgets.clone().map(|budget| three().budget(budget).build());
        let callee = Callee::new([Does::Fails(0)]);
        assert_eq!(words(&some_day(send!(way, Stack::new().retry(outer).retry(inner), callee)).await), "failed");
        assert_eq!(callee.calls(), 9, "{way:?}");
        // One call and two retries; three calls and six retries.
        assert_eq!(budgets.map(|budget| budget.balance()), [19.0, 17.0], "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_retries_of_one_budget_add_no_more_than_it_has() {
    for way in Way::BOTH {
        let budget = Budget::ratio(0.0).floor(5).burst(5);
        let retry = || three().backoff(exactly(MILLISECOND)).budget(budget.clone()).build();
        let callee = Callee::new([Does::Fails(0)]);
        assert_eq!(words(&some_day(send!(way, Stack::new().retry(retry()).retry(retry()), callee)).await), "failed");
        assert_eq!((callee.calls(), budget.balance()), (6, 0.0), "{way:?}");
    }
}

/// MX-06: the callee fails in two ways by turns, and each retry handles one way.
#[tokio::test(start_paused = true)]
async fn of_two_retries_each_sees_to_its_own_failures() {
    let only = |odd: bool, attempts: u32| {
        let plan = move |_: &Attempt, result: &Result<(), u32>| result.is_err_and(|number| (number % 2 == 1) == odd);
        Retry::builder("only").max_attempts(attempts).backoff(exactly(MILLISECOND)).retry_if(plan).build()
    };
    let calls = RefCell::new(0);
    let fails = || {
        *calls.borrow_mut() += 1;
        future::ready(Err::<(), u32>(*calls.borrow()))
    };
    assert!(some_day(Stack::new().retry(only(false, 3)).retry(only(true, 2)).execute(fails)).await.is_err());
    // Two attempts in each of three: the inner retry restarts with each attempt of the outer retry. In the reference it does
    // not, and there are five.
    assert_eq!(*calls.borrow(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_both_retries_wait_gets_back_what_it_paid_once() {
    for way in Way::BOTH {
        let budgets = [Budget::ratio(1.0).floor(0), Budget::ratio(1.0).floor(0)];
        budgets.iter().for_each(|budget| (0..20).for_each(|_| budget.deposit()));
        let [outer, inner] = budgets.clone().map(|budget| three().budget(budget).build());
        let (bulkhead, callee) = (Bulkhead::new("b", 2), Callee::new([Does::Fails(0)]));
        let stack = Stack::new().bulkhead(bulkhead.clone()).retry(outer).retry(inner);
        let mut call = task::spawn(send!(way, stack, callee));
        let balances = || budgets.clone().map(|budget| budget.balance());
        assert_pending!(call.poll());
        assert_eq!((balances(), bulkhead.in_flight()), ([21.0, 20.0], 1), "{way:?}");
        drop(call);
        assert_eq!((balances(), bulkhead.in_flight()), ([21.0, 21.0], 0), "{way:?}");

        // In the outer retry's pause, after the inner retry's three attempts; and by a timeout whose future stays alive.
        let retry = |budget: &Budget| three().budget(budget.clone()).build();
        let stack = Stack::new().timeout(Timeout::new("timeout", 2_500 * MILLISECOND));
        let stack = stack
            .retry(three().budget(budgets[0].clone()).backoff(exactly(SECOND / 4)).build())
            .retry(retry(&budgets[1]));
        let mut call = task::spawn(send!(way, stack, callee));
        assert_pending!(call.poll());
        for _ in 0..2 {
            time::advance(SECOND).await;
            assert_pending!(call.poll());
        }
        // Three attempts, of which two were paid for, and now a quarter of a second's pause.
        assert_eq!(balances(), [21.0, 20.0], "{way:?}");
        drop(call);
        assert_eq!(balances(), [22.0, 20.0], "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_that_ends_a_pause_gives_back_what_the_pause_was_paid_with_once() {
    for way in Way::BOTH {
        let budget = Budget::ratio(1.0).floor(0);
        (0..20).for_each(|_| budget.deposit());
        let stack =
            Stack::new().timeout(Timeout::new("timeout", 10 * SECOND)).retry(three().budget(budget.clone()).build());
        let mut call = task::spawn(send!(way, stack, Callee::new([Does::Fails(0)])));
        assert_pending!(call.poll());
        assert_eq!(budget.balance(), 20.0);
        // A deadline that is set after the pause was planned.
        time::advance(SECOND / 2).await;
        let polled = Deadline::after(Default::default()).scope_blocking(|| call.poll());
        assert!(polled.is_ready(), "{way:?}");
        assert_eq!(budget.balance(), 21.0, "{way:?}");
        drop(call);
        assert_eq!(budget.balance(), 21.0, "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_timeouts_the_shorter_one_ends_the_call_and_says_so() {
    for way in Way::BOTH {
        for (outer, inner, name) in [(1, 2, "outer"), (2, 1, "inner"), (1, 1, "inner")] {
            let told = Arc::new(AtomicU32::new(0));
            let count = told.clone();
            let outer =
                Timeout::builder("outer", outer * SECOND).on_event(move |_| _ = count.fetch_add(1, Ordering::Relaxed));
            let stack = Stack::new().timeout(outer.build()).timeout(Timeout::builder("inner", inner * SECOND).build());
            let began = Instant::now();
            let reply = some_day(send!(way, stack, Callee::new([Does::Hangs]))).await;
            assert_eq!((words(&reply), began.elapsed()), ("timed out", SECOND), "{way:?}");
            assert_eq!(reply.unwrap_err().rejection().unwrap().policy(), name, "{way:?}");
            assert_eq!(told.load(Ordering::Relaxed), u32::from(name == "outer"), "{way:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_bulkheads_the_outer_one_gives_back_what_the_inner_one_refuses() {
    for way in Way::BOTH {
        let (wide, narrow) = (Bulkhead::new("wide", 3), Bulkhead::new("narrow", 2));
        let (stack, callee) =
            (Stack::new().bulkhead(wide.clone()).bulkhead(narrow.clone()), Callee::new([Does::Hangs]));
        let mut calls = [0; 3].map(|_| task::spawn(send!(way, stack, callee)));
        assert!([&wide, &narrow].iter().all(|bulkhead| bulkhead.in_flight() == 0));
        assert_pending!(calls[0].poll());
        assert_pending!(calls[1].poll());
        assert!(calls[2].poll().is_ready());
        assert_eq!((wide.in_flight(), narrow.in_flight()), (2, 2), "{way:?}");
        drop(calls);
        assert_eq!((wide.in_flight(), narrow.in_flight(), callee.in_flight()), (0, 0, 0), "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bulkhead_around_a_retry_holds_its_slot_in_the_pause_and_one_inside_does_not() {
    for way in Way::BOTH {
        let (around, inside) = (Bulkhead::new("around", 1), Bulkhead::new("inside", 1));
        let stack = Stack::new().bulkhead(around.clone()).retry(three().build()).bulkhead(inside.clone());
        let callee = Callee::new([Does::Fails(0)]);
        let mut call = task::spawn(send!(way, stack, callee));
        assert_pending!(call.poll());
        assert_eq!((callee.calls(), around.in_flight(), inside.in_flight()), (1, 1, 0), "{way:?}");
    }
}
