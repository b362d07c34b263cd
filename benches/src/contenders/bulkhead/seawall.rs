//! seawall: the permit, the plain call without and with a future, the tower service.

use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Waker};

use seawall::{Bulkhead, Error};
use tower::{Layer, ServiceBuilder};

use super::ROOM;
use crate::contenders::{Answer, Echo, Fault, Make, OddFails, Run, Seen, bodies, refused, served};

/// The bulkhead's queue.
#[derive(Clone, Copy, Debug)]
pub enum Queue {
    /// No queue: no call waits.
    None,
    /// An empty queue.
    Empty,
    /// A full queue of a full bulkhead.
    Full,
}

/// `try_acquire` and its permit dropped; by reference.
#[must_use]
pub fn permit<A: Answer>(queue: Queue) -> Make {
    bodies(
        move || Arc::new(with_room(queue)),
        |bulkhead| {
            let bulkhead = Arc::clone(bulkhead);
            served(move |request, seen| ask::<A>(&bulkhead, request, seen))
        },
    )
}

/// `acquire`, polled, and its permit dropped; by reference.
#[must_use]
pub fn acquire<A: Answer>() -> Make {
    bodies(
        || Arc::new(with_room(Queue::None)),
        |bulkhead| {
            let bulkhead = Arc::clone(bulkhead);
            served(move |request, seen| {
                seen.permit::<A, _, _>(pin!(bulkhead.acquire()), request);
            })
        },
    )
}

/// `execute_blocking`, by reference.
#[must_use]
pub fn blocking<A: Answer>() -> Make {
    bodies(
        || Arc::new(with_room(Queue::None)),
        |bulkhead| {
            let bulkhead = Arc::clone(bulkhead);
            served(move |request, seen| seen.result::<A, _>(|| bulkhead.execute_blocking(|| A::answer(request))))
        },
    )
}

/// `execute`; each thread has a clones own.
#[must_use]
pub fn execute<A: Answer>() -> Make {
    bodies(
        || with_room(Queue::None),
        |bulkhead| {
            let bulkhead = bulkhead.clone();
            served(move |request, seen| {
                seen.future::<A, _>(pin!(bulkhead.execute(|| async move { A::answer(request) })));
            })
        },
    )
}

/// The tower service; each thread has a clones own.
#[must_use]
pub fn service<A: Answer>(queue: Queue) -> Make {
    bodies(
        move || with_room(queue),
        |bulkhead| {
            let mut service =
                ServiceBuilder::new().layer(bulkhead.layer()).map_err(Error::Inner).service(Echo::<A>::new());
            served(move |request, seen| seen.service::<A, _>(&mut service, request))
        },
    )
}

/// The tower service over an inner service with an error type that can carry a rejection.
#[must_use]
pub fn service_own_error<A: Answer>() -> Make {
    bodies(
        || with_room(Queue::None),
        |bulkhead| {
            let mut service = bulkhead.layer().layer(Echo::<A>::new());
            served(move |request, seen| seen.service::<A, _>(&mut service, request))
        },
    )
}

/// `try_acquire`, refused.
#[must_use]
pub fn permit_full(queue: Queue) -> Make {
    full(queue, |bulkhead| {
        let bulkhead = bulkhead.clone();
        refused(move |request, seen| ask::<OddFails>(&bulkhead, request, seen))
    })
}

/// `execute_blocking`, refused.
#[must_use]
pub fn blocking_full(queue: Queue) -> Make {
    full(queue, |bulkhead| {
        let bulkhead = bulkhead.clone();
        refused(move |request, seen| {
            seen.result::<OddFails, _>(|| bulkhead.execute_blocking(|| OddFails::answer(request)));
        })
    })
}

/// `execute`, refused.
#[must_use]
pub fn execute_full(queue: Queue) -> Make {
    full(queue, |bulkhead| {
        let bulkhead = bulkhead.clone();
        refused(move |request, seen| {
            seen.future::<OddFails, _>(pin!(bulkhead.execute(|| async move { OddFails::answer(request) })));
        })
    })
}

/// The tower service, refused.
#[must_use]
pub fn service_full(queue: Queue) -> Make {
    full(queue, |bulkhead| {
        let mut service =
            ServiceBuilder::new().layer(bulkhead.layer()).map_err(Error::Inner).service(Echo::<OddFails>::new());
        refused(move |request, seen| seen.service::<OddFails, _>(&mut service, request))
    })
}

/// The tower service over an inner service with its own error type, refused.
#[must_use]
pub fn service_own_error_full(queue: Queue) -> Make {
    full(queue, |bulkhead| {
        let mut service = bulkhead.layer().layer(Echo::<OddFails>::new());
        refused(move |request, seen| seen.service::<OddFails, _>(&mut service, request))
    })
}

#[inline(always)]
fn ask<A: Answer>(bulkhead: &Bulkhead, request: u64, seen: &mut Seen) {
    match &bulkhead.try_acquire() {
        Ok(_permit) => seen.result::<A, _>(|| A::answer(request)),
        Err(rejection) => seen.refusal(rejection),
    }
}

pub(in crate::contenders) fn with_room(queue: Queue) -> Bulkhead {
    let builder = Bulkhead::builder("bench", ROOM);
    match queue {
        Queue::None => builder.build(),
        Queue::Empty => builder.max_queued(ROOM).build(),
        Queue::Full => unreachable!("nobody waits where there is room"),
    }
}

/// Bodies over a bulkhead whose only slot is taken, and stays so for as long as they live.
fn full(queue: Queue, body: impl Fn(&Bulkhead) -> Run + 'static) -> Make {
    Box::new(move |threads| {
        let places = if matches!(queue, Queue::None) { 0 } else { 1 };
        let bulkhead = Bulkhead::builder("bench", 1).max_queued(places).build();
        let taken = bulkhead.try_acquire().expect("there is one slot").into_owned();
        let waiting = matches!(queue, Queue::Full).then(|| waiting(&bulkhead));
        let kept = Arc::new((taken, waiting));
        let kept_by = |mut run: Run| -> Run {
            let kept = Arc::clone(&kept);
            Box::new(move |calls| {
                let _kept = &kept;
                run(calls);
            })
        };
        (0..threads).map(|_| kept_by(body(&bulkhead))).collect()
    })
}

/// A call that has taken its place in the queue.
fn waiting(bulkhead: &Bulkhead) -> Pin<Box<dyn Future<Output = Result<(), Error<Fault>>> + Send + Sync>> {
    let mut call = Box::pin(bulkhead.execute(pending));
    assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending(), "there was a slot");
    assert_eq!(bulkhead.queued(), 1, "there was no place in the queue");
    call
}
