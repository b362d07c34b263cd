//! A runtime for those who make timers.

use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};

use super::{Make, Run};

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
