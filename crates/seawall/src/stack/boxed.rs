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

/// A stack without its policies in its type, for calls with one type of result. Its clones share the policies.
///
/// Use it if a field or a collection holds stacks of several types. Each call costs two boxes. A [`Stack`] costs none, and its
/// type can be named too.
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

/// A boxed future that can be sent to another thread.
type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A boxed closure.
type BoxCall<T, E> = Box<dyn FnMut() -> BoxFuture<'static, Result<T, E>> + Send>;

/// A stack of any policies.
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
    /// Makes a call through the policies, like [`Stack::execute`].
    ///
    /// # Errors
    ///
    /// Same as [`Stack::execute`]: a policy's rejection, or the call's own error.
    ///
    /// # Panics
    ///
    /// Same as [`Stack::execute`]: if `f`, its future or a classifier panics.
    ///
    /// # Cancel safety
    ///
    /// Same as [`Stack::execute`]: to drop the future is to drop the call, and each policy takes its pass back.
    pub async fn execute<F>(&self, mut f: impl FnMut() -> F + Send + 'static) -> Result<T, Error<E>>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.stack.execute(Box::new(move || Box::pin(f()))).await
    }
}

impl<P> Stack<P> {
    /// Returns a stack of the same policies, without the policies in its type.
    #[allow(private_bounds, reason = "what it asks is that calls of boxed closures can be made, and sent to threads")]
    pub fn boxed<T, E>(self) -> BoxedStack<T, E>
    where
        Self: Execute<T, E> + Send + Sync + 'static,
    {
        BoxedStack { stack: Arc::new(self) }
    }
}

// Written manually, because derive would require `Clone` of the call's result.
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
