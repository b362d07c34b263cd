//! The slots against a naive model, over random histories: weighted calls, cancelled waits, resizing, closing, in all
//! orders. And what the model does not say: laws, and cases.

mod naive;
mod script;

use std::{cell::Cell, time::Duration};

use naive::{Ended, Model};
use proptest::{collection::vec, prelude::*};
use script::{Op, limit, max_queued, op, order};
use seawall_core::{
    Caller,
    slots::{MAX_LIMIT, Order, Place, Reason, Refusal, SlotEntry, SlotTurn, Slots, SlotsConfig, Woken},
    time::Instant,
};

const START: Instant = Instant::ORIGIN;

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_machine_does_what_the_model_does(
        (limit, max_queued, order) in (limit(), max_queued(), order()),
        ops in vec(op(), 1..80),
    ) {
        run(limit, max_queued, order, &ops)?;
    }

    /// Those who wait come, among them one that gives up when some calls have ended; then all is as without it.
    #[test]
    fn a_wait_that_was_given_up_is_as_if_it_had_never_been(
        order in prop_oneof![Just(Order::Fifo), Just(Order::Lifo)],
        costs in vec(1..4_u32, 1..8),
        ghost in (0..8_usize, 1..4_u32),
        ended in 0..5_usize,
    ) {
        prop_assert_eq!(after(order, &costs, Some(ghost), ended), after(order, &costs, None, ended));
    }
}

/// 10,000, or what `SEAWALL_CASES` says.
fn cases() -> u32 {
    std::env::var("SEAWALL_CASES").ok().map_or(10_000, |cases| cases.parse().expect("SEAWALL_CASES is a number"))
}

// ===== against the model =====

fn run(limit: usize, max_queued: usize, order: Order, ops: &[Op]) -> Result<(), TestCaseError> {
    let slots = Slots::new(SlotsConfig::new(limit).max_queued(max_queued).order(order));
    let mut model = Model::new(limit, max_queued, order);
    let mut held: Vec<u32> = Vec::new();
    let mut places: Vec<(Place, usize, u32)> = Vec::new();
    let (mut now, mut refusals) = (START, 0);
    for (number, op) in ops.iter().enumerate() {
        let waker = number;
        match *op {
            Op::Advance(by) => now = now + by,
            Op::TryEnter(cost) => {
                let expected = model.try_enter(cost);
                let entered = slots.try_enter(cost);
                same_refusal(entered.err(), expected.err(), cost, &model)?;
                if entered.is_ok() {
                    held.push(cost);
                } else {
                    slots.count_refused(&now);
                    refusals += 1;
                }
            }
            Op::Enter(cost, bounded) => {
                let expected = model.enter(cost, bounded, now, number, waker);
                match (slots.enter(cost, bounded, now, || waker), expected) {
                    (Ok(SlotEntry::Entered), Ok(true)) => held.push(cost),
                    (Ok(SlotEntry::Waiting(place)), Ok(false)) => places.push((place, number, cost)),
                    (Err(refusal), Err(reason)) => same_refusal(Some(refusal), Some(reason), cost, &model)?,
                    (entered, expected) => prop_assert!(false, "machine {entered:?}, model {expected:?}"),
                }
            }
            Op::Exit(which) if !held.is_empty() => {
                let cost = held.swap_remove(which.index(held.len()));
                same_woken(slots.exit(cost, &now), model.exit(cost, now))?;
            }
            Op::SlotTurn(which) if !places.is_empty() => {
                let (place, joined, cost) = places.swap_remove(which.index(places.len()));
                let (mut place, expected) = (Some(place), model.turn(joined, waker));
                match (slots.turn(&mut place, || waker), expected) {
                    (SlotTurn::Waiting, None) => places.push((place.take().expect("it goes on"), joined, cost)),
                    (SlotTurn::Entered, Some(Ended::Entered)) => held.push(cost),
                    (SlotTurn::Refused(refusal), Some(Ended::Refused(reason))) => {
                        same_refusal(Some(refusal), Some(reason), cost, &model)?;
                    }
                    (turn, expected) => prop_assert!(false, "machine {turn:?}, model {expected:?}"),
                }
                prop_assert!(place.is_none());
            }
            Op::Leave(which) if !places.is_empty() => {
                let (place, joined, _) = places.swap_remove(which.index(places.len()));
                let (woken, own) = model.leave(joined, now);
                let left = slots.leave(place, &now);
                prop_assert_eq!(left.waker, own);
                same_woken(left.woken, woken)?;
            }
            Op::Resize(limit) => {
                let former = model.limit;
                let woken = model.resize(limit, now);
                let (resized, machine) = slots.resize(limit, &now);
                prop_assert_eq!(resized, former);
                same_woken(machine, woken)?;
            }
            Op::Close => same_woken(slots.close(), model.close())?,
            Op::Exit(_) | Op::SlotTurn(_) | Op::Leave(_) => {}
        }
        compare(&slots, &model, now)?;
        prop_assert_eq!(slots.refused(), refusals);
    }

    // All leave, and no slot is lost.
    for (place, ..) in places {
        let _ = slots.leave(place, &now);
    }
    for cost in held {
        let _ = slots.exit(cost, &now);
    }
    prop_assert_eq!((slots.in_flight(), slots.queued(), slots.available()), (0, 0, slots.limit()));
    Ok(())
}

/// All that can be asked, asked of both; and the laws.
fn compare(slots: &Slots<usize>, model: &Model, now: Instant) -> Result<(), TestCaseError> {
    for cost in 0..5 {
        same_refusal(slots.would_reject(cost), model.would_reject(cost), cost, model)?;
        same_refusal(Some(slots.too_long(cost)), Some(Reason::TooLong), cost, model)?;
    }
    prop_assert_eq!(slots.limit(), model.limit);
    prop_assert_eq!(slots.in_flight(), model.in_flight);
    prop_assert_eq!(slots.available(), model.limit.saturating_sub(model.in_flight));
    prop_assert_eq!(slots.queued(), model.queued());
    prop_assert_eq!(slots.is_closed(), model.closed);
    // Under `CoDel` whose turn it is changes with time, and is looked at when something happens.
    if matches!(model.order, Order::Fifo | Order::Lifo) {
        prop_assert!(!model.head(now).is_some_and(|head| model.fits(head.cost)), "nobody waits while it fits");
    }
    Ok(())
}

fn same_refusal(
    refusal: Option<Refusal>,
    reason: Option<Reason>,
    cost: u32,
    model: &Model,
) -> Result<(), TestCaseError> {
    let facts = |refusal: Refusal| (refusal.reason(), refusal.limit(), refusal.in_flight(), refusal.cost());
    prop_assert_eq!(refusal.map(facts), reason.map(|reason| (reason, model.limit, model.in_flight, cost)));
    Ok(())
}

fn same_woken(woken: Woken<usize>, expected: Vec<usize>) -> Result<(), TestCaseError> {
    prop_assert_eq!(woken.len(), expected.len());
    prop_assert_eq!(woken.into_iter().collect::<Vec<_>>(), expected);
    Ok(())
}

// ===== laws =====

/// All slots are taken, as many wait as `costs` says and perhaps a ghost among them, so many calls end, the ghost goes.
/// Who then was let in, in order, and what is in flight and waiting.
fn after(order: Order, costs: &[u32], ghost: Option<(usize, u32)>, ended: usize) -> (Vec<usize>, usize, usize) {
    let slots = Slots::new(SlotsConfig::new(5).max_queued(costs.len()).order(order));
    slots.try_enter(5).expect("it is free");
    let mut places = Vec::new();
    let mut gone = None;
    for (number, cost) in costs.iter().enumerate() {
        if let Some((_, cost)) = ghost.filter(|(at, _)| *at == number) {
            gone = Some(wait(&slots, cost, false, usize::MAX));
        }
        places.push(wait(&slots, *cost, true, number));
    }
    let mut woken: Vec<usize> = (0..ended).flat_map(|_| slots.exit(1, &START)).collect();
    if let Some(place) = gone {
        woken.extend(slots.leave(place, &START).woken);
        woken.retain(|number| *number != usize::MAX);
    }
    (woken, slots.in_flight(), slots.queued())
}

fn wait<W>(slots: &Slots<W>, cost: u32, bounded: bool, waker: W) -> Place {
    wait_since(slots, START, cost, bounded, waker)
}

fn wait_since<W>(slots: &Slots<W>, now: Instant, cost: u32, bounded: bool, waker: W) -> Place {
    match slots.enter(cost, bounded, now, || waker) {
        Ok(SlotEntry::Waiting(place)) => place,
        other => panic!("it does not wait: {other:?}"),
    }
}

/// Slots of which none is free.
fn taken(config: SlotsConfig) -> Slots<usize> {
    let slots = Slots::new(config);
    (0..slots.limit()).for_each(|_| slots.try_enter(1).expect("it is free"));
    slots
}

fn reason(entry: Result<SlotEntry, Refusal>) -> Option<Reason> {
    entry.err().map(|refusal| refusal.reason())
}

fn woken(woken: Woken<usize>) -> Vec<usize> {
    woken.into_iter().collect()
}

fn nanos(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

// ===== cases =====

#[test]
fn those_who_wait_are_served_in_order() {
    for (order, served) in [(Order::Fifo, [0, 1, 2]), (Order::Lifo, [2, 1, 0]), (Order::codel(), [0, 1, 2])] {
        let slots = taken(SlotsConfig::new(1).max_queued(3).order(order));
        let _places = [0, 1, 2].map(|number| wait(&slots, 1, true, number));
        let woken: Vec<_> = (0..3).flat_map(|_| slots.exit(1, &START)).collect();
        assert_eq!(woken, served, "{order:?}");
    }
}

#[test]
fn a_slot_that_is_handed_on_cannot_be_snatched() {
    let slots = taken(SlotsConfig::new(1).max_queued(1));
    let mut place = Some(wait(&slots, 1, true, 0));
    assert_eq!(woken(slots.exit(1, &START)), [0]);
    assert_eq!(slots.try_enter(1).map_err(|refusal| refusal.reason()), Err(Reason::Full));
    assert_eq!(slots.turn(&mut place, || 1), SlotTurn::Entered);
    assert_eq!(slots.in_flight(), 1);
}

#[test]
fn nobody_overtakes_a_heavy_call_that_waits() {
    let slots = Slots::new(SlotsConfig::new(3).max_queued(2));
    slots.try_enter(2).unwrap();
    let heavy = wait(&slots, 2, true, 0);
    assert_eq!(slots.available(), 1);
    assert_eq!(slots.try_enter(1).map_err(|refusal| refusal.reason()), Err(Reason::Full));
    let mut light = Some(wait(&slots, 1, true, 1));
    // But when it has gone, who waited behind it has its turn at once.
    let left = slots.leave(heavy, &START);
    assert_eq!((woken(left.woken), left.waker), (vec![1], Some(0)));
    assert_eq!(slots.turn(&mut light, || 2), SlotTurn::Entered);
}

#[test]
fn the_newest_may_pass_a_heavy_call_where_it_has_the_turn() {
    let slots = Slots::new(SlotsConfig::new(3).max_queued(2).order(Order::Lifo));
    slots.try_enter(2).unwrap();
    let _heavy = wait(&slots, 2, true, 0);
    assert!(slots.try_enter(1).is_err(), "without waiting nobody is overtaken");
    assert_eq!(slots.enter(1, true, START, || 1), Ok(SlotEntry::Entered));
}

#[test]
fn a_full_queue_refuses_the_newcomer_in_any_order() {
    for order in [Order::Fifo, Order::Lifo, Order::codel()] {
        let slots = taken(SlotsConfig::new(1).max_queued(1).order(order));
        let _place = wait(&slots, 1, true, 0);
        assert_eq!(reason(slots.enter(1, true, START, || 1)), Some(Reason::QueueFull));
        // Who is not bounded takes none of the queue's places, nor is it refused for want of one.
        let _patient = [2, 3].map(|number| wait(&slots, 1, false, number));
        assert_eq!((slots.queued(), slots.in_flight()), (3, 1));
    }
}

#[test]
fn without_a_queue_calls_are_refused_as_there_is_no_room() {
    let slots = taken(SlotsConfig::new(1));
    let refusal = slots.enter(1, true, START, || unreachable!("nobody waits")).unwrap_err();
    assert_eq!((refusal.reason(), refusal.limit(), refusal.in_flight(), refusal.cost()), (Reason::Full, 1, 1, 1));
    assert!(size_of::<Refusal>() <= 32 && size_of::<Result<(), Refusal>>() <= 32);
}

#[test]
fn what_costs_more_than_there_is_never_fits_and_is_told_so() {
    let slots = Slots::new(SlotsConfig::new(3).max_queued(1));
    assert_eq!(reason(slots.enter(4, false, START, || 0)), Some(Reason::TooLarge));
    assert_eq!(slots.would_reject(3), None);
}

#[test]
fn what_costs_nothing_enters_until_it_is_closed() {
    let slots = taken(SlotsConfig::new(1).max_queued(1));
    let _place = wait(&slots, 1, true, 0);
    slots.try_enter(0).unwrap();
    assert!(slots.exit(0, &START).is_empty());
    let _ = slots.resize(0, &START);
    slots.try_enter(0).unwrap();
    let _ = slots.close();
    assert_eq!(slots.would_reject(0).map(|refusal| refusal.reason()), Some(Reason::Closed));
}

#[test]
fn no_slots_at_all_is_a_pause() {
    let slots = Slots::new(SlotsConfig::new(0).max_queued(1));
    assert_eq!(slots.would_reject(7).map(|refusal| refusal.reason()), Some(Reason::Full));
    let mut place = Some(wait(&slots, 2, true, 0));
    assert_eq!(slots.resize(2, &START).1.into_iter().collect::<Vec<_>>(), [0]);
    assert_eq!(slots.turn(&mut place, || 1), SlotTurn::Entered);
}

#[test]
fn a_lower_limit_lets_nobody_in_until_enough_have_left() {
    let slots = taken(SlotsConfig::new(3).max_queued(1));
    assert_eq!(slots.resize(1, &START).0, 3);
    assert_eq!((slots.in_flight(), slots.available()), (3, 0));
    let _place = wait(&slots, 1, true, 0);
    assert!(slots.exit(1, &START).is_empty());
    assert!(slots.exit(1, &START).is_empty());
    assert_eq!(woken(slots.exit(1, &START)), [0]);
}

#[test]
fn a_higher_limit_lets_in_at_once_as_many_as_fit() {
    let slots = taken(SlotsConfig::new(1).max_queued(3));
    let _places = [0, 1, 2].map(|number| wait(&slots, 1, true, number));
    let (former, now_in) = slots.resize(3, &START);
    assert_eq!((former, woken(now_in)), (1, vec![0, 1]));
    assert_eq!((slots.in_flight(), slots.queued()), (3, 1));
}

#[test]
fn who_waits_for_more_than_there_is_by_now_is_told_so() {
    let slots = taken(SlotsConfig::new(3).max_queued(2));
    let (mut heavy, mut light) = (Some(wait(&slots, 3, true, 0)), Some(wait(&slots, 2, true, 1)));
    assert_eq!(woken(slots.resize(2, &START).1), [0]);
    assert!(matches!(slots.turn(&mut heavy, || 2), SlotTurn::Refused(refusal) if refusal.reason() == Reason::TooLarge));
    assert_eq!(slots.turn(&mut light, || 3), SlotTurn::Waiting);
}

#[test]
fn the_highest_limit_is_more_than_anyone_needs() {
    let slots = Slots::<usize>::new(SlotsConfig::new(usize::MAX));
    (0..3).for_each(|_| slots.try_enter(u32::MAX).unwrap());
    assert_eq!((slots.limit(), slots.in_flight()), (MAX_LIMIT, 3 * u32::MAX as usize));
    assert_eq!(slots.resize(0, &START).0, MAX_LIMIT);
    (0..3).for_each(|_| assert!(slots.exit(u32::MAX, &START).is_empty()));
    assert_eq!(slots.resize(usize::MAX, &START).0, 0);
    assert_eq!(slots.available(), MAX_LIMIT);
}

#[test]
fn closing_refuses_who_waits_and_leaves_calls_in_flight_alone() {
    let slots = taken(SlotsConfig::new(2).max_queued(2));
    let (mut handed, mut waiting) = (Some(wait(&slots, 1, true, 0)), Some(wait(&slots, 1, true, 1)));
    assert_eq!(woken(slots.exit(1, &START)), [0]);
    assert_eq!(woken(slots.close()), [1]);
    assert_eq!(reason(slots.enter(1, true, START, || 2)), Some(Reason::Closed));
    // What was handed over before is as good as a call in flight.
    assert_eq!(slots.turn(&mut handed, || 3), SlotTurn::Entered);
    assert!(matches!(slots.turn(&mut waiting, || 4), SlotTurn::Refused(refusal) if refusal.reason() == Reason::Closed));
    assert_eq!((slots.in_flight(), slots.queued()), (2, 0));
    assert!(slots.exit(1, &START).is_empty() && slots.exit(1, &START).is_empty());
    assert_eq!((slots.in_flight(), slots.available()), (0, 2));
    assert_eq!(reason(slots.enter(1, true, START, || 5)), Some(Reason::Closed), "though there is room");
}

#[test]
fn a_waker_is_replaced_and_the_last_one_is_woken() {
    let slots = taken(SlotsConfig::new(1).max_queued(1));
    let mut place = Some(wait(&slots, 1, true, 0));
    assert_eq!(slots.turn(&mut place, || 1), SlotTurn::Waiting);
    assert_eq!(woken(slots.exit(1, &START)), [1]);
    assert_eq!(slots.turn(&mut place, || unreachable!("it is over")), SlotTurn::Entered);
    assert_eq!(place, None);
}

/// Target 5 ns, interval 10 ns, all slots taken, and somebody waits since each of those times.
fn controlled<const N: usize>(since: [u64; N]) -> (Slots<usize>, [Option<Place>; N]) {
    let order = Order::CoDel { target: nanos(5), interval: nanos(10) };
    let slots = taken(SlotsConfig::new(2).max_queued(N).order(order));
    let mut number = 0..;
    let places = since.map(|since| {
        Some(wait_since(&slots, Instant::from_nanos(since), 1, true, number.next().expect("it is endless")))
    });
    (slots, places)
}

#[test]
fn without_overload_codel_sheds_nobody_and_serves_the_oldest() {
    // At 9 there has been a queue for less than an interval, and the first has waited for longer than the target.
    let (slots, mut places) = controlled([0, 3, 8]);
    assert_eq!(woken(slots.exit(1, &Instant::from_nanos(9))), [0]);
    assert_eq!(slots.turn(&mut places[0], || 9), SlotTurn::Entered);
}

#[test]
fn under_overload_codel_sheds_after_the_target_and_serves_the_newest() {
    let (slots, mut places) = controlled([0, 4, 5, 9]);
    // At 10 the queue has not been empty for an interval. Two have waited for longer than 5; one for exactly 5 has not.
    assert_eq!(woken(slots.exit(1, &Instant::from_nanos(10))), [0, 1, 3]);
    for place in &mut places[..2] {
        assert!(matches!(slots.turn(place, || 9), SlotTurn::Refused(refusal) if refusal.reason() == Reason::Shed));
    }
    assert_eq!(slots.turn(&mut places[3], || 9), SlotTurn::Entered);
    assert_eq!(slots.turn(&mut places[2], || 9), SlotTurn::Waiting);
}

#[test]
fn overload_is_over_when_nobody_waits() {
    let (slots, _places) = controlled([1, 8]);
    assert_eq!(woken(slots.exit(1, &Instant::from_nanos(20))), [0, 1], "both are shed");
    slots.try_enter(1).unwrap();
    let _later = [(21, 7), (22, 8)].map(|(at, number)| wait_since(&slots, Instant::from_nanos(at), 1, true, number));
    assert_eq!(woken(slots.exit(1, &Instant::from_nanos(30))), [7], "the oldest, and none is shed after 9 of 10");
}

#[test]
fn under_overload_a_newcomer_that_fits_has_its_turn() {
    let order = Order::CoDel { target: nanos(5), interval: nanos(10) };
    let slots = Slots::new(SlotsConfig::new(3).max_queued(3).order(order));
    slots.try_enter(2).unwrap();
    let _heavy = wait(&slots, 2, true, 0);
    let _early = wait_since(&slots, Instant::from_nanos(9), 1, true, 1);
    assert_eq!(slots.enter(1, true, Instant::from_nanos(10), || 2), Ok(SlotEntry::Entered));
}

/// A caller that counts how often it is asked for the time.
struct Counting(Cell<u32>);

impl Caller for Counting {
    fn now(&self) -> Instant {
        self.0.set(self.0.get() + 1);
        START
    }

    fn lane(&self) -> usize {
        0
    }
}

#[test]
fn the_time_is_asked_for_only_where_it_matters() {
    for (order, asked) in [(Order::Fifo, [0, 0]), (Order::Lifo, [0, 0]), (Order::codel(), [0, 1])] {
        let slots = taken(SlotsConfig::new(2).max_queued(1).order(order));
        let caller = Counting(Cell::new(0));
        let _ = slots.exit(1, &caller);
        assert_eq!(caller.0.get(), asked[0], "nobody waits");
        slots.try_enter(1).unwrap();
        let _place = wait(&slots, 1, true, 0);
        let _ = slots.exit(1, &caller);
        assert_eq!(caller.0.get(), asked[1], "somebody waits");
    }
}

/// A waker whose drop panics, if it was not woken.
struct Touchy(bool);

impl Drop for Touchy {
    fn drop(&mut self) {
        assert!(!self.0, "dropped");
    }
}

#[test]
fn a_slot_survives_a_waker_that_panics() {
    let slots = Slots::new(SlotsConfig::new(1).max_queued(1));
    slots.try_enter(1).unwrap();
    // The slot comes free while the waker is made, so it is not needed.
    let entry = slots.enter(1, true, START, || {
        assert!(slots.exit(1, &START).is_empty());
        Touchy(true)
    });
    assert_eq!(entry, Ok(SlotEntry::Entered));
    // The same with a place.
    let mut place = Some(wait(&slots, 1, true, Touchy(false)));
    let asked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        slots.turn(&mut place, || {
            assert_eq!(slots.exit(1, &START).len(), 1);
            Touchy(true)
        })
    }));
    assert!(asked.is_err() && place.is_some(), "whoever asked still has its place");
    assert_eq!(slots.turn(&mut place, || Touchy(true)), SlotTurn::Entered);
}
