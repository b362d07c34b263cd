//! The operation without anything around it: what the harness itself costs.

use std::pin::pin;

use super::{Answer, Echo, Make, served};

/// The operation, called.
#[must_use]
pub fn call<A: Answer>() -> Make {
    Box::new(|threads| {
        (0..threads).map(|_| served(|request, seen| seen.result::<A, _>(|| A::answer(request)))).collect()
    })
}

/// The operation as a future.
#[must_use]
pub fn future<A: Answer>() -> Make {
    Box::new(|threads| {
        let body = |_| served(|request, seen| seen.future::<A, _>(pin!(async move { A::answer(request) })));
        (0..threads).map(body).collect()
    })
}

/// The operation as a service.
#[must_use]
pub fn service<A: Answer>() -> Make {
    Box::new(|threads| {
        let body = |_| {
            let mut service = Echo::<A>::new();
            served(move |request, seen| seen.service::<A, _>(&mut service, request))
        };
        (0..threads).map(body).collect()
    })
}
