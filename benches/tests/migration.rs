//! The code of `docs/migration.md`, theirs and ours: it compiles, and both sides come to what the page says.

#![allow(clippy::unwrap_used, reason = "these are tests")]

#[path = "migration/claims.rs"]
mod claims;
#[path = "migration/governor.rs"]
mod governor;
#[path = "migration/retries.rs"]
mod retries;
#[path = "migration/stack.rs"]
mod stack;
#[path = "migration/tower_resilience.rs"]
mod tower_resilience;

use std::cell::Cell;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tower::Service;

/// What a page's code may fail with.
type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Runs a page's code, in real time: with tokio's `test-util`, the benches would measure another clock.
fn run<T>(code: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(code)
}

/// A callee that fails at first, and counts its calls.
#[derive(Clone, Default)]
struct Callee {
    calls: Arc<AtomicU32>,
    failures: u32,
}

impl Callee {
    fn failing(failures: u32) -> Self {
        Self { failures, ..Self::default() }
    }

    fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    fn answer(&self) -> io::Result<String> {
        let earlier = self.calls.fetch_add(1, Ordering::Relaxed);
        if earlier < self.failures { Err(io::Error::other("down")) } else { Ok("stock: 7".into()) }
    }

    async fn fetch(&self) -> io::Result<String> {
        self.answer()
    }

    fn service(
        &self,
    ) -> impl Service<String, Response = String, Error = io::Error, Future: Send> + Clone + Send + 'static {
        let callee = self.clone();
        tower::service_fn(move |_: String| {
            let callee = callee.clone();
            async move { callee.answer() }
        })
    }

    /// One that takes its time.
    fn slow() -> impl Service<String, Response = String, Error = io::Error, Future: Send> + Clone + Send + 'static {
        tower::service_fn(async |_: String| {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Ok("stock: 7".into())
        })
    }
}

/// What the page's code says to its user.
#[derive(Default)]
struct Told(Cell<&'static str>);

impl Told {
    fn tell(&self, what: &'static str) {
        self.0.set(what);
    }

    fn told(&self) -> &'static str {
        self.0.get()
    }
}

/// All blocks of the page stand in the tests, line by line and in one piece.
#[test]
fn the_page_shows_what_is_tested_here() {
    let page = include_str!("../../docs/migration.md");
    let trimmed = |text: &str| -> Vec<String> {
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect()
    };
    let tests = [
        include_str!("migration/governor.rs"),
        include_str!("migration/retries.rs"),
        include_str!("migration/stack.rs"),
        include_str!("migration/tower_resilience.rs"),
    ]
    .map(trimmed);
    let blocks: Vec<&str> = page.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 18, "{} blocks", blocks.len());
    for block in blocks {
        let lines = trimmed(block);
        let is_tested = tests.iter().any(|test| test.windows(lines.len()).any(|window| window == lines));
        assert!(is_tested, "not tested:\n{block}");
    }
}

/// That a service's error cannot happen.
fn never<T>(result: Result<T, Infallible>) -> T {
    result.unwrap_or_else(|never| match never {})
}
