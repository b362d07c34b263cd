//! Runtimes for those who make timers.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time;

use super::seen::serve_awaited;
use super::{Make, Run, Seen};

/// The same bodies, made and run in a runtime. Nothing drives it: timers can be made, and do not end.
#[must_use]
pub fn within_runtime(make: Make) -> Make {
    Box::new(move |threads| {
        let _entered = RUNTIME.enter();
        make(threads).into_iter().map(entered).collect()
    })
}

/// The runtime is entered once per batch.
fn entered(mut run: Run) -> Run {
    Box::new(move |calls| {
        let _entered = RUNTIME.enter();
        run(calls);
    })
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    Builder::new_current_thread().enable_time().build().expect("it needs nothing of the system but memory")
});

/// Who turns the runtime in which calls are awaited.
#[derive(Clone, Copy, Debug)]
pub enum Turning {
    /// The thread that makes the calls, whenever one of them is pending.
    Caller,
    /// A thread of the runtime's own, beside those that make calls. It sleeps, unless a timer or a task wakes it.
    Worker,
}

impl Turning {
    /// A runtime with a timer that ends before any of a call's: else each call would be the one that wakes the driver.
    fn runtime(self) -> Runtime {
        let mut builder = match self {
            Turning::Caller => Builder::new_current_thread(),
            Turning::Worker => Builder::new_multi_thread(),
        };
        let runtime = builder.worker_threads(1).enable_all().build().expect("the system has a thread and a few files");
        runtime.spawn(async {
            loop {
                time::sleep(EARLIER).await;
            }
        });
        runtime
    }
}

/// Bodies over what they share, whose calls are awaited in one new runtime, and must all be served.
#[must_use]
pub fn awaited<T, C>(turning: Turning, shared: impl Fn() -> T + 'static, call: impl Fn(&T) -> C + 'static) -> Make
where
    C: AsyncFnMut(u64, &mut Seen) + Send + 'static,
{
    Box::new(move |threads| {
        let runtime = Arc::new(turning.runtime());
        let _entered = runtime.enter();
        let shared = shared();
        let body = |_| -> Run {
            let (runtime, mut call) = (Arc::clone(&runtime), call(&shared));
            Box::new(move |calls| runtime.block_on(serve_awaited(&mut call, calls)))
        };
        (0..threads).map(body).collect()
    })
}

/// Short beside the limits of calls, long beside batches.
const EARLIER: Duration = Duration::from_secs(1);
