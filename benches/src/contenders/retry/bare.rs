//! What a budget cannot do without, and nothing else: a word that every call counts up.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::contenders::{Answer, Echo, Make, bodies, served};

/// The operation as a future, and an atomic.
#[must_use]
pub fn future<A: Answer>() -> Make {
    bodies(Word::default, |word| {
        let word = word.clone();
        served(move |request, seen| {
            word.count();
            seen.future::<A, _>(pin!(async move { A::answer(request) }));
        })
    })
}

/// The operation as a service, and an atomic.
#[must_use]
pub fn service<A: Answer>() -> Make {
    bodies(Word::default, |word| {
        let (word, mut service) = (word.clone(), Echo::<A>::new());
        served(move |request, seen| {
            word.count();
            seen.service::<A, _>(&mut service, request);
        })
    })
}

/// Alone on its cache lines.
#[derive(Clone, Default)]
struct Word(Arc<CacheAligned>);

#[derive(Default)]
#[repr(align(128))]
struct CacheAligned(AtomicU64);

impl Word {
    fn count(&self) {
        self.0.0.fetch_add(1, Ordering::Relaxed);
    }
}
