//! Future types.

use std::{
    fmt,
    future::Future,
    ops::Deref,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;
use seawall_core::{Mark, attempts::Single};
use seawall_policy::Reject;

use super::{
    chain::Chain,
    operation::{CallTypes, Operation},
};

pin_project! {
    /// A call through the policies of a [`Stack`](super::Stack).
    ///
    /// The policies were asked when this future was made, and the inner call has begun if no policy rejected it or made it wait.
    /// To drop the future early is to drop the call. Each policy then takes back what it gave, the innermost first.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<H, O, X, R>
    where
        X: CallTypes,
        H: Deref,
        H::Target: Chain<X>,
    {
        // Dropped first. By then it has given back what it took.
        #[pin]
        run: <H::Target as Chain<X>>::Run,
        policies: H,
        operation: O,
        reject: Option<R>,
        ended: bool,
    }

    impl<H, O, X, R> PinnedDrop for ResponseFuture<H, O, X, R>
    where
        X: CallTypes,
        H: Deref,
        H::Target: Chain<X>,
    {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            if !*this.ended {
                this.policies.abandon(this.run);
            }
        }
    }
}

impl<H, O, X, R> ResponseFuture<H, O, X, R>
where
    X: CallTypes,
    H: Deref<Target: Chain<X>>,
{
    #[inline(always)]
    pub(super) fn new(run: <H::Target as Chain<X>>::Run, policies: H, operation: O, reject: R) -> Self {
        Self { run, policies, operation, reject: Some(reject), ended: false }
    }

    /// The operation at the end of the chain.
    pub(super) fn operation(&mut self) -> &mut O {
        &mut self.operation
    }
}

impl<H, O, X, R> Future for ResponseFuture<H, O, X, R>
where
    X: CallTypes,
    H: Deref<Target: Chain<X>>,
    O: Operation<X>,
    R: Reject<X::Output, X::Error>,
{
    type Output = Result<X::Output, R::Error>;

    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mark = Mark::here();
        this.policies.poll(this.run, this.operation, Single, cx).map(|end| {
            *this.ended = true;
            match end {
                Ok(result) => R::ran(result, mark),
                Err(rejection) => this.reject.take().expect("a call was polled after it had ended").refused(rejection),
            }
        })
    }
}

// Written manually, because derive would require `Debug` of the user's future.
impl<H, O, X, R> fmt::Debug for ResponseFuture<H, O, X, R>
where
    X: CallTypes,
    H: Deref<Target: Chain<X>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
