//! recloser: a count window, and no other rule.

use std::pin::pin;
use std::sync::Arc;

use recloser::{AsyncRecloser, Error, Recloser};

use crate::contenders::{Answer, Make, OddFails, Refusal, refused, served};
use crate::scenario::breaker::{ERROR_RATE, OPEN_FOR};

impl<E> Refusal for Error<E> {
    fn refused(&self) -> bool {
        matches!(self, Error::Rejected)
    }
}

/// Plain calls through a closed breaker with this window, which is full.
#[must_use]
pub fn sync<A: Answer>(window: u32) -> Make {
    Box::new(move |threads| {
        let breaker = Arc::new(breaker(window));
        for request in 0..u64::from(window) {
            let _ = breaker.call(|| A::answer(request));
        }
        let body = |_| {
            let breaker = Arc::clone(&breaker);
            served(move |request, seen| seen.result::<A, _>(|| breaker.call(|| A::answer(request))))
        };
        (0..threads).map(body).collect()
    })
}

/// Futures through a closed breaker with this window.
#[must_use]
pub fn future<A: Answer>(window: u32) -> Make {
    Box::new(move |threads| {
        let breaker = AsyncRecloser::from(breaker(window));
        let body = |_| {
            let breaker = breaker.clone();
            served(move |request, seen| seen.future::<A, _>(pin!(breaker.call(async move { A::answer(request) }))))
        };
        (0..threads).map(body).collect()
    })
}

/// Plain calls, refused.
#[must_use]
pub fn sync_open() -> Make {
    Box::new(|threads| {
        let breaker = Arc::new(breaker(1));
        let body = |_| {
            let breaker = Arc::clone(&breaker);
            refused(move |request, seen| seen.result::<OddFails, _>(|| breaker.call(|| OddFails::answer(request))))
        };
        (0..threads).map(body).collect()
    })
}

/// Futures, refused.
#[must_use]
pub fn future_open() -> Make {
    Box::new(|threads| {
        let breaker = AsyncRecloser::from(breaker(1));
        let body = |_| {
            let breaker = breaker.clone();
            refused(move |request, seen| {
                seen.future::<OddFails, _>(pin!(breaker.call(async move { OddFails::answer(request) })))
            })
        };
        (0..threads).map(body).collect()
    })
}

fn breaker(window: u32) -> Recloser {
    Recloser::custom().closed_len(window as usize).error_rate(ERROR_RATE as f32).open_wait(OPEN_FOR).build()
}
