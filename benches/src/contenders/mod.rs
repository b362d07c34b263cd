//! Who is measured: each contender behind the same body, "make this call `n` times".
//!
//! A contender makes one body per thread, over one breaker, bulkhead or limiter. The inner operation answers at once and is
//! the same for all; what a body measures is thus what guards it.

mod operation;
mod runtime;
mod seen;

pub mod bare;
pub mod breaker;
pub mod bulkhead;
pub mod five;
pub mod keyed;
pub mod rate;
pub mod retry;
pub mod timeout;

pub use operation::{AlwaysOk, AlwaysOkMoved, Answer, Echo, Fault, OddFails, Refusal};
pub use runtime::{Turning, awaited, within_runtime};
pub use seen::{Seen, refused, served};

/// Runs a body the given number of times. The loop is inside, so the one dynamic call is paid per batch.
pub type Run = Box<dyn FnMut(u64) + Send>;

/// Makes that many bodies over one new contender, a body for each thread.
pub type Make = Box<dyn Fn(usize) -> Vec<Run>>;

/// Bodies over what they share.
fn bodies<T>(shared: impl Fn() -> T + 'static, body: impl Fn(&T) -> Run + 'static) -> Make {
    Box::new(move |threads| {
        let shared = shared();
        (0..threads).map(|_| body(&shared)).collect()
    })
}
