//! A plain call that keeps its error, which has no place for a rejection.

use std::io;

use seawall::{CircuitBreaker, Stack};

async fn get(id: u32) -> Result<String, io::Error> {
    Ok(format!("stock of {id}: 7"))
}

fn main() {
    let stack = Stack::new().circuit_breaker(CircuitBreaker::new("inventory"));
    drop(stack.call(|| get(1)));
}
