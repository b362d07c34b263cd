use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use futures::executor::block_on;
use seawall_bulkhead::{Bulkhead, Reason};
use seawall_core::Error;
use tower::{Layer, ServiceExt, service_fn};

use crate::{
    conformance::script::{
        Case,
        Step::{After, Available, Drop, End, Enter, InFlight, InVain, Refused, Resize, Run, Told, Wait, WaitOn},
        ms, slots,
    },
    support::{self, Failed, Reply, assert_idle, refused},
};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("BH-06", "").script(
            || slots(2),
            vec![
                Enter("ab"),
                Refused(Reason::Full),
                End("a"),
                Enter("c"),
                Refused(Reason::Full),
                End("bc"),
                Enter("de"),
                Refused(Reason::Full),
            ],
        ),
        Case::new("BH-07", "")
            .waiting(
                || slots(2).max_queued(9).max_wait(ms(1_000)),
                vec![Enter("ab"), Wait("c"), After(ms(200)), WaitOn("c"), End("a"), Run("c"), Told(vec![])],
            )
            .waiting(
                || slots(2).max_queued(9).max_wait(ms(20)),
                vec![
                    Enter("ab"),
                    Wait("c"),
                    After(ms(20)),
                    InVain('c', Reason::TooLong),
                    Told(vec!["refused: TooLong"]),
                ],
            ),
        Case::new("BH-08", "tried again by hand, in each way").own(attempts_at_a_full_one_are_refused_and_run_nothing),
        Case::new("BH-09", "any time may be waited for, and the threads are not timed")
            .script(
                || slots(10),
                vec![
                    Enter("abcdefghij"),
                    Refused(Reason::Full),
                    InFlight(10),
                    End("a"),
                    InFlight(9),
                    Enter("k"),
                    InFlight(10),
                ],
            )
            .waiting(
                || slots(10).max_queued(9),
                vec![
                    Enter("abcdefghij"),
                    Resize(1),
                    InFlight(10),
                    Wait("k"),
                    End("abcdefghi"),
                    WaitOn("k"),
                    End("j"),
                    Run("k"),
                    Drop("k"),
                    Enter("l"),
                    Available(0),
                ],
            )
            .waiting(
                || slots(1).max_queued(9).max_wait(ms(50)),
                vec![Enter("a"), Wait("b"), After(ms(49)), WaitOn("b"), After(ms(1)), InVain('b', Reason::TooLong)],
            )
            .waiting(
                || slots(1).max_queued(9).max_wait(ms(2 * 3_600_000)),
                vec![Enter("a"), Wait("b"), After(ms(3_600_001)), WaitOn("b"), End("a"), Run("b")],
            )
            .own(eight_threads_on_one_slot_all_finish),
        Case::new("BH-10", "").own(a_hundred_threads_never_exceed_the_limit),
    ]
}

fn attempts_at_a_full_one_are_refused_and_run_nothing() {
    const ATTEMPTS: u64 = 7;
    for way in support::Way::ALL {
        let bulkhead = support::plain(1).build();
        let _taken = bulkhead.try_acquire().unwrap();
        for attempt in 1..=ATTEMPTS {
            let reply = block_on(way.start(&bulkhead, || async { panic!("it ran") }));
            assert_eq!(refused(&reply), Some(Reason::Full));
            assert_eq!(bulkhead.snapshot().rejected(), attempt);
        }
    }
}

fn eight_threads_on_one_slot_all_finish() {
    let bulkhead = Bulkhead::builder("t", 1).max_queued(7).build();
    let (in_flight, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let call = || async {
        assert_eq!(in_flight.fetch_add(1, Ordering::SeqCst), 0);
        thread::yield_now();
        in_flight.fetch_sub(1, Ordering::SeqCst);
        done.fetch_add(1, Ordering::Relaxed);
        Reply::Ok(())
    };
    thread::scope(|scope| {
        for number in 0..8 {
            let (bulkhead, call) = (&bulkhead, &call);
            scope.spawn(move || {
                (0..100).for_each(|_| block_on(support::Way::ALL[number % 4].start(bulkhead, call)).unwrap())
            });
        }
    });
    assert_eq!(done.into_inner(), 800);
    assert_idle(&bulkhead);
}

fn a_hundred_threads_never_exceed_the_limit() {
    const THREADS: usize = 100;
    const CALLS: usize = 1_000;
    const LIMIT: usize = 10;
    let bulkhead = Bulkhead::new("t", LIMIT);
    let (in_flight, ran, rejected) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        assert!(in_flight.fetch_add(1, Ordering::SeqCst) < LIMIT);
        thread::yield_now();
        in_flight.fetch_sub(1, Ordering::SeqCst);
        ran.fetch_add(1, Ordering::Relaxed)
    };
    // One after the other, in each of the ways.
    let call = |number: usize| -> Result<usize, Error<Failed>> {
        let service = || bulkhead.layer().layer(service_fn(|()| async { Ok::<_, Error<Failed>>(work()) }));
        match number % 6 {
            0 => bulkhead.execute_blocking(|| Ok(work())),
            1 => bulkhead.try_acquire().map_err(Error::Rejected).map(|_permit| work()),
            2 => block_on(bulkhead.acquire()).map_err(Error::Rejected).map(|_permit| work()),
            3 => block_on(bulkhead.execute(|| async { Ok(work()) })),
            4 => block_on(bulkhead.call(|| async { Ok::<_, Error<Failed>>(work()) })),
            _ => block_on(service().oneshot(())),
        }
    };
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (call, rejected) = (&call, &rejected);
            scope.spawn(move || {
                for number in 0..CALLS {
                    rejected.fetch_add(usize::from(call(thread + number).is_err()), Ordering::Relaxed);
                }
            });
        }
    });
    let (ran, rejected) = (ran.into_inner(), rejected.into_inner());
    assert_eq!((ran + rejected, bulkhead.snapshot().rejected()), (THREADS * CALLS, rejected as u64));
    assert_idle(&bulkhead);
}
