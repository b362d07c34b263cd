//! A call that keeps its error, which has no place for a rejection.

use std::io;

use seawall::CircuitBreaker;

async fn get(id: u32) -> Result<String, io::Error> {
    Ok(format!("stock of {id}: 7"))
}

fn main() {
    let breaker = CircuitBreaker::new("inventory");
    drop(breaker.call(|| get(1)));
}
