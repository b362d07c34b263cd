//! A closure that can be run once, in a stack with a retry.

use std::io;

use seawall::{Retry, Stack};

async fn put(item: String) -> Result<usize, io::Error> {
    Ok(item.len())
}

fn main() {
    let stack = Stack::new().retry(Retry::new("inventory"));
    let item = String::from("7 apples");
    drop(stack.execute(move || put(item)));
}
