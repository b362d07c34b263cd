//! Random slots, and what happens to them.

use std::time::Duration;

use proptest::{prelude::*, sample::Index};
use seawall_core::slots::Order;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    Advance(Duration),
    TryEnter(u32),
    Enter(u32, bool),
    Exit(Index),
    SlotTurn(Index),
    Leave(Index),
    Resize(usize),
    Close,
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => duration().prop_map(Op::Advance),
        6 => cost().prop_map(Op::TryEnter),
        16 => (cost(), prop::bool::weighted(0.8)).prop_map(|(cost, bounded)| Op::Enter(cost, bounded)),
        10 => any::<Index>().prop_map(Op::Exit),
        6 => any::<Index>().prop_map(Op::SlotTurn),
        6 => any::<Index>().prop_map(Op::Leave),
        4 => limit().prop_map(Op::Resize),
        // Most histories have none.
        1 => prop::bool::weighted(0.3).prop_map(|close| if close { Op::Close } else { Op::TryEnter(1) }),
    ]
}

pub(crate) fn limit() -> impl Strategy<Value = usize> {
    prop_oneof![1 => Just(0_usize), 12 => 1..6_usize, 1 => Just(usize::MAX)]
}

pub(crate) fn max_queued() -> impl Strategy<Value = usize> {
    prop_oneof![1 => Just(0_usize), 6 => 1..6_usize, 1 => Just(usize::MAX)]
}

pub(crate) fn order() -> impl Strategy<Value = Order> {
    let codel = (duration(), duration()).prop_map(|(target, interval)| Order::CoDel { target, interval });
    prop_oneof![Just(Order::Fifo), Just(Order::Lifo), codel]
}

fn cost() -> impl Strategy<Value = u32> {
    prop_oneof![1 => Just(0_u32), 12 => Just(1_u32), 8 => 2..5_u32, 1 => Just(u32::MAX)]
}

fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![1 => Just(Duration::ZERO), 20 => (1..12_u64).prop_map(Duration::from_nanos), 1 => Just(Duration::MAX)]
}
