use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use super::Deadline;

pin_project! {
    /// A future inside of a deadline; from [`Deadline::scope`](super::Deadline::scope).
    #[must_use = "futures do nothing unless polled"]
    pub struct Scope<F> {
        #[pin]
        future: F,
        deadline: Deadline,
    }
}

impl<F> Scope<F> {
    pub(super) const fn new(deadline: Deadline, future: F) -> Self {
        Self { future, deadline }
    }
}

impl<F: Future> Future for Scope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _cut = this.deadline.cut();
        this.future.poll(cx)
    }
}

impl<F> fmt::Debug for Scope<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("at", &self.deadline.instant()).finish_non_exhaustive()
    }
}
