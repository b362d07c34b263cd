//! What no bulkhead can do without, and nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::contenders::{Answer, Fault, Make, OddFails, bodies, refused, served};

/// An atomic is counted up before the operation, and down after it.
#[must_use]
pub fn two_atomics<A: Answer>() -> Make {
    bodies(Word::default, |word| {
        let word = word.clone();
        served(move |request, seen| {
            word.0.fetch_add(1, Ordering::Acquire);
            seen.result::<A, _>(|| A::answer(request));
            word.0.fetch_sub(1, Ordering::Release);
        })
    })
}

/// An atomic is loaded, and says no.
#[must_use]
pub fn load() -> Make {
    bodies(Word::default, |word| {
        let word = word.clone();
        refused(move |request, seen| match word.0.load(Ordering::Acquire) {
            0 => seen.refusal(&Fault::Refused),
            _ => seen.result::<OddFails, _>(|| OddFails::answer(request)),
        })
    })
}

/// Alone on its cache lines.
#[derive(Clone, Default)]
struct Word(Arc<CacheAligned>);

#[derive(Default)]
#[repr(align(128))]
struct CacheAligned(AtomicU64);

impl std::ops::Deref for CacheAligned {
    type Target = AtomicU64;

    fn deref(&self) -> &AtomicU64 {
        &self.0
    }
}
