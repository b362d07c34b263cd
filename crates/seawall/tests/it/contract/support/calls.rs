//! The ways to make a call.

use std::{
    cell::RefCell,
    future::{self, Future},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use futures::{FutureExt, task::noop_waker_ref};
use seawall::Error;
use tower::{Layer, Service};

use super::{Failed, Reply, Whole};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Execute,
    ExecuteWith,
    Call,
    Service,
}

pub(crate) type Boxed<'a> = Pin<Box<dyn Future<Output = Reply> + 'a>>;

impl Way {
    pub(crate) const ALL: [Self; 4] = [Self::Execute, Self::ExecuteWith, Self::Call, Self::Service];

    /// Begins a call. The future outlives the call's end, to show what the future holds.
    pub(crate) fn start<'a, F>(self, stack: &'a Whole, mut f: impl FnMut() -> F + 'a) -> Boxed<'a>
    where
        F: Future<Output = Reply> + 'a,
    {
        match self {
            Self::Execute => flat(stack.execute(f)),
            Self::ExecuteWith => flat(stack.execute_with(move |_| f())),
            Self::Call => Box::pin(stack.call(f)),
            Self::Service => {
                let mut service = stack.layer().clone_all().keep_error().layer(Callee::new(f));
                assert!(service.poll_ready(&mut Context::from_waker(noop_waker_ref())).is_ready());
                Box::pin(service.call(()))
            }
        }
    }
}

/// Not by `map`, which drops the future when it ends.
fn flat<'a>(call: impl Future<Output = Result<u32, Error<Error<Failed>>>> + 'a) -> Boxed<'a> {
    let mut call = Box::pin(call);
    let flat = |reply| match reply {
        Ok(number) => Ok(number),
        Err(Error::Inner(error)) => Err(error),
        Err(Error::Rejected(rejection)) => Err(Error::Rejected(rejection)),
    };
    Box::pin(future::poll_fn(move |cx| call.poll_unpin(cx).map(flat)))
}

/// A service that is always ready, shared by its clones.
pub(crate) struct Callee<F>(Rc<RefCell<F>>);

impl<F> Callee<F> {
    pub(crate) fn new(f: F) -> Self {
        Self(Rc::new(RefCell::new(f)))
    }
}

impl<F> Clone for Callee<F> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<O: FnMut() -> F, F: Future<Output = Reply>> Service<()> for Callee<O> {
    type Response = u32;
    type Error = Error<Failed>;
    type Future = F;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error<Failed>>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> F {
        (self.0.borrow_mut())()
    }
}
