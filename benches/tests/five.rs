//! What all five policies around one call may take of memory: none of the heap, and little of the task.

use std::future::ready;
use std::mem::size_of_val;

use seawall_benches::contenders::breaker::seawall::Rule;
use seawall_benches::contenders::five::seawall::{echo, five};
use seawall_benches::contenders::{AlwaysOk, Answer};
use seawall_benches::memory::{Counting, allocations};
use seawall_benches::scenario::{self, Row};
use tower::Service;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_call_through_a_stack_allocates_nothing() {
    let mut stacks = 0;
    for scenario in scenario::fives() {
        // The first row is the bare operation: a runtime may ask for something each time it is entered.
        let bare = blocks(&scenario.rows[0]);
        for row in &scenario.rows {
            let allocated = blocks(row) - bare;
            println!("{}: {}: {} allocations a call", scenario.name, row.name, allocated as f64 / CALLS as f64);
            if row.name.starts_with("seawall stack") {
                stacks += 1;
                assert_eq!(allocated, 0, "{}", row.name);
            }
        }
    }
    assert_eq!(stacks, 16, "they have other names now");
}

#[test]
fn a_calls_future_is_small() {
    let stack = five(Rule::Consecutive);
    let plain = size_of_val(&stack.execute(|| ready(AlwaysOk::answer(1))));
    let request = size_of_val(&echo(&stack).call(1));
    println!("execute {plain} B, tower {request} B");
    assert!(plain <= LARGEST, "{plain}");
    assert!(request <= LARGEST, "{request}");
}

/// How many blocks of memory so many calls ask for.
fn blocks(row: &Row) -> i64 {
    let mut run = row.one();
    // The thread is numbered, and other things are made that are made once.
    run(100);
    allocations(|| run(CALLS)).try_into().expect("a few for each call")
}

const CALLS: u64 = 1_000;

/// Bytes: 400 of the policies, and 8 for which rejections the call met on its way.
const LARGEST: usize = 408;
