use std::{fmt, future::Future, pin::Pin, sync::Arc};

use seawall_core::Error;
use seawall_policy::Opaque;

use super::{
    Stack,
    chain::Chain,
    closure::{Callable, Called},
    mode::Repeats,
    operation::Operation,
};

/// A stack whose policies are not in its type, for calls of one result: shared by its clones.
///
/// It costs two boxes a call. A [`Stack`] costs none, and is nameable too; this one is for where stacks of several kinds
/// stand in one place.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::{io, time::Duration};
/// use seawall::{BoxedStack, Retry, Stack, Timeout};
///
/// struct Stores { near: BoxedStack<u32, io::Error>, far: BoxedStack<u32, io::Error> }
///
/// let stores = Stores {
///     near: Stack::new().timeout(Timeout::new("near", Duration::from_secs(1))).boxed(),
///     far: Stack::new().timeout(Timeout::new("far", Duration::from_secs(9))).retry(Retry::new("far")).boxed(),
/// };
/// for store in [stores.near, stores.far] {
///     assert_eq!(store.execute(|| async { Ok(7) }).await.unwrap(), 7);
/// }
/// # }
/// ```
pub struct BoxedStack<T, E> {
    stack: Arc<dyn Execute<T, E> + Send + Sync>,
}

/// A future that is boxed, and can be sent to another thread.
type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A closure that is boxed.
type BoxCall<T, E> = Box<dyn FnMut() -> BoxFuture<'static, Result<T, E>> + Send>;

/// A stack, whatever its policies.
trait Execute<T, E> {
    fn execute(&self, f: BoxCall<T, E>) -> BoxFuture<'_, Result<T, Error<E>>>;
}

type BoxCalled<T, E> = Called<BoxFuture<'static, Result<T, E>>, T, E, Opaque>;

impl<P, T, E> Execute<T, E> for Stack<P>
where
    P: Repeats + Chain<BoxCalled<T, E>, Run: Send> + Sync,
    BoxCall<T, E>:
        Callable<P::Repeats, Future = BoxFuture<'static, Result<T, E>>, Operation: Operation<BoxCalled<T, E>> + Send>,
    T: 'static,
    E: 'static,
{
    fn execute(&self, f: BoxCall<T, E>) -> BoxFuture<'_, Result<T, Error<E>>> {
        Box::pin(Stack::execute(self, f))
    }
}

impl<T, E> BoxedStack<T, E> {
    /// As [`Stack::execute`].
    ///
    /// # Errors
    ///
    /// As of [`Stack::execute`].
    ///
    /// # Panics
    ///
    /// As of [`Stack::execute`].
    ///
    /// # Cancel safety
    ///
    /// As of [`Stack::execute`].
    pub async fn execute<F>(&self, mut f: impl FnMut() -> F + Send + 'static) -> Result<T, Error<E>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.stack.execute(Box::new(move || Box::pin(f()))).await
    }
}

impl<P> Stack<P> {
    /// The same policies, but not in the type.
    #[allow(private_bounds, reason = "what it asks is that calls of boxed closures can be made, and sent to threads")]
    pub fn boxed<T, E>(self) -> BoxedStack<T, E>
    where
        Self: Execute<T, E> + Send + Sync + 'static,
    {
        BoxedStack { stack: Arc::new(self) }
    }
}

// By hand: derive would ask `Clone` of what is only a call's result.
impl<T, E> Clone for BoxedStack<T, E> {
    fn clone(&self) -> Self {
        Self { stack: self.stack.clone() }
    }
}

impl<T, E> fmt::Debug for BoxedStack<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxedStack").finish_non_exhaustive()
    }
}
