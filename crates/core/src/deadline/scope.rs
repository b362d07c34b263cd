use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use super::ambient::Cut;
use crate::time::Instant;

pin_project! {
    /// A future inside of a deadline; from [`Deadline::scope`](super::Deadline::scope).
    #[must_use = "futures do nothing unless polled"]
    pub struct Scope<F> {
        #[pin]
        future: F,
        at: Instant,
    }
}

impl<F> Scope<F> {
    pub(super) const fn new(at: Instant, future: F) -> Self {
        Self { future, at }
    }
}

impl<F: Future> Future for Scope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _cut = Cut::at(*this.at);
        this.future.poll(cx)
    }
}

impl<F> fmt::Debug for Scope<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("at", &self.at).finish_non_exhaustive()
    }
}
