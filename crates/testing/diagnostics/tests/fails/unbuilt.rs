//! A builder where a policy is wanted.

use seawall::{Retry, Stack};

fn main() {
    drop(Stack::new().retry(Retry::builder("inventory").max_attempts(5)));
}
