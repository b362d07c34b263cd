//! What a closure of a stack may do: be run once where there is no retry, and borrow or clone where there is one.

use std::io;

use seawall::{Bulkhead, CircuitBreaker, Error, Retry, Stack, Timeout};

async fn put(item: String) -> Result<usize, io::Error> {
    Ok(item.len())
}

async fn look(item: &str) -> Result<usize, Error<io::Error>> {
    Ok(item.len())
}

pub(crate) fn main() {
    let once = Stack::new().circuit_breaker(CircuitBreaker::new("t")).bulkhead(Bulkhead::new("t", 1));
    let item = String::from("7 apples");
    let moved = item.clone();
    drop(once.execute(move || put(moved)));
    let again = once.clone().retry(Retry::new("t")).timeout(Timeout::new("timeout", std::time::Duration::from_secs(1)));
    drop(again.execute(|| put(item.clone())));
    drop(again.call(|| look(&item)));
    drop(again.execute_with(|attempt| put(format!("{item}, {}", attempt.number()))));
}
