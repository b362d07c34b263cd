//! tokio's semaphore, of which bulkheads are made.

use std::pin::pin;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::ROOM;
use crate::contenders::{Answer, Make, OddFails, Seen, bodies, refused, served};

/// `try_acquire` and its permit dropped.
#[must_use]
pub fn permit<A: Answer>() -> Make {
    bodies(with_room, |semaphore| {
        let semaphore = Arc::clone(semaphore);
        served(move |request, seen| ask::<A>(&semaphore, request, seen))
    })
}

/// `try_acquire_owned` and its permit dropped.
#[must_use]
pub fn owned_permit<A: Answer>() -> Make {
    bodies(with_room, |semaphore| {
        let semaphore = Arc::clone(semaphore);
        served(move |request, seen| match &Arc::clone(&semaphore).try_acquire_owned() {
            Ok(_permit) => seen.result::<A, _>(|| A::answer(request)),
            Err(error) => seen.refusal(error),
        })
    })
}

/// `acquire`, polled, and its permit dropped.
#[must_use]
pub fn acquire<A: Answer>() -> Make {
    bodies(with_room, |semaphore| {
        let semaphore = Arc::clone(semaphore);
        served(move |request, seen| seen.permit::<A, _, _>(pin!(semaphore.acquire()), request))
    })
}

/// `acquire_owned`, polled, and its permit dropped.
#[must_use]
pub fn acquire_owned<A: Answer>() -> Make {
    bodies(with_room, |semaphore| {
        let semaphore = Arc::clone(semaphore);
        served(move |request, seen| seen.permit::<A, _, _>(pin!(Arc::clone(&semaphore).acquire_owned()), request))
    })
}

/// `try_acquire` where there is no permit.
#[must_use]
pub fn permit_full() -> Make {
    bodies(
        || Arc::new(Semaphore::new(0)),
        |semaphore| {
            let semaphore = Arc::clone(semaphore);
            refused(move |request, seen| ask::<OddFails>(&semaphore, request, seen))
        },
    )
}

#[inline(always)]
fn ask<A: Answer>(semaphore: &Semaphore, request: u64, seen: &mut Seen) {
    match &semaphore.try_acquire() {
        Ok(_permit) => seen.result::<A, _>(|| A::answer(request)),
        Err(error) => seen.refusal(error),
    }
}

fn with_room() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(ROOM))
}
