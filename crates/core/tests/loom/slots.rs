//! As `loom`: slots that are taken, handed on and given back by two threads at once.
use loom::{
    cell::Cell,
    sync::Arc,
    thread::{self, JoinHandle},
};
use seawall_core::{
    slots::{Order, Place, Reason, SlotEntry, SlotTurn, Slots, SlotsConfig, Woken},
    time::Instant,
};

const START: Instant = Instant::from_nanos(0);

/// What is woken is a number.
type Numbered = Slots<u32>;

fn spawn<T: 'static>(slots: &Arc<Numbered>, run: impl FnOnce(&Numbered) -> T + 'static) -> JoinHandle<T> {
    let slots = slots.clone();
    thread::spawn(move || run(&slots))
}

/// So many slots, all of them taken, and as many may wait as want to.
fn taken(limit: usize) -> Arc<Numbered> {
    let slots = Slots::new(SlotsConfig::new(limit).max_queued(usize::MAX));
    (0..limit).for_each(|_| slots.try_enter(1).expect("it is free"));
    Arc::new(slots)
}

fn wait(slots: &Numbered, cost: u32, waker: u32) -> Option<Place> {
    match slots.enter(cost, true, START, || waker).expect("the queue is not full") {
        SlotEntry::Entered => None,
        SlotEntry::Waiting(place) => Some(place),
    }
}

fn numbers(woken: Woken<u32>) -> Vec<u32> {
    woken.into_iter().collect()
}

/// Asks for the last time, when all have done what they do.
fn turn(slots: &Numbered, place: Option<Place>) -> SlotTurn {
    let mut place = place;
    slots.turn(&mut place, || 99)
}

#[test]
fn one_slot_is_taken_once() {
    loom::model(|| {
        let slots = Arc::new(Slots::new(SlotsConfig::new(1)));
        let other = spawn(&slots, |slots| slots.try_enter(1).is_ok());
        let mine = slots.try_enter(1).is_ok();
        assert!(mine ^ other.join().unwrap());
        assert_eq!((slots.in_flight(), slots.available()), (1, 0));
    });
}

#[test]
fn an_exit_and_an_entry_are_both_counted() {
    loom::model(|| {
        let slots = Arc::new(Slots::new(SlotsConfig::new(3)));
        slots.try_enter(1).unwrap();
        let other = spawn(&slots, |slots| slots.exit(1, &START).is_empty());
        slots.try_enter(2).unwrap();
        assert!(other.join().unwrap());
        assert_eq!((slots.in_flight(), slots.available()), (2, 1));
    });
}

#[test]
fn a_slot_that_comes_free_finds_who_is_about_to_wait() {
    loom::model(|| {
        let slots = taken(1);
        let other = spawn(&slots, |slots| numbers(slots.exit(1, &START)));
        let place = wait(&slots, 1, 7);
        let woken = other.join().unwrap();
        match place {
            None => assert_eq!(woken, []),
            Some(place) => {
                assert_eq!(woken, [7]);
                assert_eq!(turn(&slots, Some(place)), SlotTurn::Entered);
            }
        }
        assert_eq!((slots.in_flight(), slots.queued()), (1, 0));
        assert!(slots.exit(1, &START).is_empty());
        slots.try_enter(1).expect("nobody waits any more");
    });
}

#[test]
fn a_slot_that_is_handed_to_one_who_leaves_is_not_lost() {
    loom::model(|| {
        let slots = taken(1);
        let place = wait(&slots, 1, 7).unwrap();
        let other = spawn(&slots, |slots| numbers(slots.exit(1, &START)));
        let left = slots.leave(place, &START);
        assert!(left.woken.is_empty());
        assert_eq!(left.waker.is_none(), other.join().unwrap() == [7], "it was woken, or handed back");
        assert_eq!((slots.in_flight(), slots.queued()), (0, 0));
        slots.try_enter(1).expect("nobody waits any more");
    });
}

#[test]
fn a_slot_goes_on_past_a_head_that_leaves() {
    loom::model(|| {
        let slots = taken(1);
        let (head, next) = (wait(&slots, 1, 7).unwrap(), wait(&slots, 1, 8));
        let other = spawn(&slots, |slots| numbers(slots.exit(1, &START)));
        let mut woken = numbers(slots.leave(head, &START).woken);
        woken.extend(other.join().unwrap());
        assert_eq!(woken.iter().filter(|number| **number == 8).count(), 1, "{woken:?}");
        assert_eq!(turn(&slots, next), SlotTurn::Entered);
        assert_eq!((slots.in_flight(), slots.queued()), (1, 0));
    });
}

#[test]
fn who_waited_behind_a_heavy_head_gets_the_slot_when_it_leaves() {
    loom::model(|| {
        let slots = taken(2);
        let (heavy, light) = (wait(&slots, 2, 7).unwrap(), wait(&slots, 1, 8));
        let other = spawn(&slots, |slots| numbers(slots.exit(1, &START)));
        let mut woken = numbers(slots.leave(heavy, &START).woken);
        woken.extend(other.join().unwrap());
        assert_eq!(woken, [8]);
        assert_eq!(turn(&slots, light), SlotTurn::Entered);
        assert_eq!((slots.in_flight(), slots.queued()), (2, 0));
    });
}

#[test]
fn a_newcomer_snatches_nothing() {
    loom::model(|| {
        let slots = taken(1);
        let place = wait(&slots, 1, 7);
        let other = spawn(&slots, |slots| slots.try_enter(1).is_err());
        assert_eq!(numbers(slots.exit(1, &START)), [7]);
        assert!(other.join().unwrap(), "the slot was another's all the time");
        assert_eq!(turn(&slots, place), SlotTurn::Entered);
    });
}

#[test]
fn one_who_joins_while_the_last_one_leaves_is_seen() {
    loom::model(|| {
        let slots = taken(1);
        let last = wait(&slots, 1, 7).unwrap();
        let other = spawn(&slots, |slots| slots.leave(last, &START).waker);
        let place = wait(&slots, 1, 8);
        assert_eq!(other.join().unwrap(), Some(7));
        assert_eq!(slots.queued(), 1);
        assert_eq!(numbers(slots.exit(1, &START)), [8]);
        assert_eq!(turn(&slots, place), SlotTurn::Entered);
    });
}

#[test]
fn a_call_that_ends_one_that_leaves_and_one_that_comes_leave_no_slot_idle() {
    loom::model(|| {
        let slots = taken(1);
        let head = wait(&slots, 1, 7).unwrap();
        let ends = spawn(&slots, |slots| numbers(slots.exit(1, &START)));
        let leaves = spawn(&slots, |slots| numbers(slots.leave(head, &START).woken));
        let place = wait(&slots, 1, 8);
        let woken = [ends.join().unwrap(), leaves.join().unwrap()].concat();
        assert_eq!(woken.contains(&8), place.is_some());
        assert!(place.is_none() || turn(&slots, place) == SlotTurn::Entered);
        assert_eq!((slots.in_flight(), slots.queued()), (1, 0));
        assert!(slots.exit(1, &START).is_empty());
        slots.try_enter(1).expect("nobody waits any more");
    });
}

#[test]
fn the_newest_and_the_heavy_one_do_not_share_a_slot() {
    loom::model(|| {
        let slots = Arc::new(Slots::new(SlotsConfig::new(2).max_queued(2).order(Order::Lifo)));
        slots.try_enter(1).unwrap();
        let heavy = wait(&slots, 2, 7);
        let other = spawn(&slots, |slots| numbers(slots.exit(1, &START)));
        let newest = wait(&slots, 1, 8);
        match newest {
            None => {
                assert_eq!(other.join().unwrap(), []);
                assert_eq!((slots.in_flight(), slots.queued()), (1, 1));
                assert_eq!(numbers(slots.exit(1, &START)), [7]);
            }
            Some(_) => {
                assert_eq!(other.join().unwrap(), [7]);
                assert_eq!((slots.in_flight(), slots.queued()), (2, 1));
            }
        }
        assert_eq!(turn(&slots, heavy), SlotTurn::Entered);
    });
}

#[test]
fn a_slot_that_is_handed_on_and_one_that_comes_free_are_both_counted() {
    loom::model(|| {
        let slots = taken(2);
        let place = wait(&slots, 1, 7);
        let other = spawn(&slots, |slots| numbers(slots.exit(1, &START)));
        let woken = [numbers(slots.exit(1, &START)), other.join().unwrap()].concat();
        assert_eq!(woken, [7], "once, by either");
        assert_eq!(turn(&slots, place), SlotTurn::Entered);
        assert_eq!((slots.in_flight(), slots.available()), (1, 1));
    });
}

#[test]
fn it_is_the_last_waker_that_is_woken() {
    loom::model(|| {
        let slots = taken(1);
        let mut place = wait(&slots, 1, 7);
        let other = spawn(&slots, |slots| numbers(slots.exit(1, &START)));
        match slots.turn(&mut place, || 8) {
            SlotTurn::Waiting => assert_eq!(other.join().unwrap(), [8]),
            SlotTurn::Entered => assert_eq!(other.join().unwrap(), [7]),
            SlotTurn::Refused(refusal) => panic!("{refusal:?}"),
        }
        assert_eq!(slots.in_flight(), 1);
    });
}

#[test]
fn nothing_enters_above_a_limit_that_was_lowered() {
    loom::model(|| {
        let slots = Arc::new(Numbered::new(SlotsConfig::new(1)));
        let other = spawn(&slots, |slots| slots.try_enter(1).is_ok());
        assert_eq!(slots.resize(0, &START).0, 1);
        let in_flight = slots.in_flight();
        assert_eq!(other.join().unwrap(), in_flight == 1, "it entered before, or not at all");
        assert_eq!(slots.in_flight(), in_flight);
    });
}

#[test]
fn an_exit_is_not_lost_while_the_limit_changes() {
    loom::model(|| {
        let slots = taken(2);
        let other = spawn(&slots, |slots| slots.exit(1, &START).is_empty());
        assert_eq!(slots.resize(3, &START).0, 2);
        assert!(other.join().unwrap());
        assert_eq!((slots.in_flight(), slots.available()), (1, 2));
    });
}

#[test]
fn a_slot_that_is_added_finds_who_is_about_to_wait() {
    loom::model(|| {
        let slots = taken(1);
        let other = spawn(&slots, |slots| numbers(slots.resize(2, &START).1));
        let place = wait(&slots, 1, 7);
        assert_eq!(other.join().unwrap().is_empty(), place.is_none());
        assert_eq!((slots.in_flight(), slots.queued()), (2, 0));
    });
}

#[test]
fn nobody_waits_for_slots_that_are_closed() {
    loom::model(|| {
        let slots = taken(1);
        let other = spawn(&slots, |slots| numbers(slots.close()));
        let entry = slots.enter(1, true, START, || 7);
        let woken = other.join().unwrap();
        let refusal = match entry {
            Err(refusal) => refusal,
            Ok(SlotEntry::Waiting(place)) => {
                assert_eq!(woken, [7]);
                match turn(&slots, Some(place)) {
                    SlotTurn::Refused(refusal) => refusal,
                    turn => panic!("{turn:?}"),
                }
            }
            Ok(SlotEntry::Entered) => panic!("there is no room"),
        };
        assert_eq!(refusal.reason(), Reason::Closed);
        assert_eq!((slots.in_flight(), slots.queued()), (1, 0));
    });
}

#[test]
fn nothing_enters_after_closing() {
    loom::model(|| {
        let slots = Arc::new(Numbered::new(SlotsConfig::new(1)));
        let other = spawn(&slots, |slots| slots.try_enter(1).is_ok());
        assert!(slots.close().is_empty());
        let in_flight = slots.in_flight();
        assert_eq!(other.join().unwrap(), in_flight == 1, "it entered before, or not at all");
    });
}

/// What a call leaves behind, which is not atomic: loom complains if it is looked at before it can be seen.
type Trace = Arc<Cell<u32>>;

/// A call that is in flight leaves a trace and then ends.
fn ends(slots: &Arc<Numbered>, trace: &Trace) -> JoinHandle<Vec<u32>> {
    let trace = trace.clone();
    spawn(slots, move |slots| {
        trace.set(1);
        numbers(slots.exit(1, &START))
    })
}

#[test]
fn what_a_call_did_is_seen_by_the_next_one() {
    loom::model(|| {
        let (slots, trace) = (taken(1), Trace::default());
        let other = ends(&slots, &trace);
        if slots.try_enter(1).is_ok() {
            assert_eq!(trace.get(), 1);
        }
        other.join().unwrap();
    });
}

#[test]
fn what_a_call_did_is_seen_by_who_waited_for_it() {
    loom::model(|| {
        let (slots, trace) = (taken(1), Trace::default());
        let other = ends(&slots, &trace);
        let mut place = wait(&slots, 1, 7);
        if place.is_none() || slots.turn(&mut place, || 8) == SlotTurn::Entered {
            assert_eq!(trace.get(), 1);
        }
        other.join().unwrap();
    });
}

#[test]
fn what_two_calls_did_is_seen_by_who_waited_for_both() {
    loom::model(|| {
        let (slots, traces) = (taken(2), [Trace::default(), Trace::default()]);
        // Another waits on behind it, so that whoever hands over has nothing more to say to the rest of the world.
        let (mut place, _behind) = (wait(&slots, 2, 7), wait(&slots, 1, 8));
        let others = [ends(&slots, &traces[0]), ends(&slots, &traces[1])];
        if slots.turn(&mut place, || 9) == SlotTurn::Entered {
            assert_eq!(traces.iter().map(|trace| trace.get()).sum::<u32>(), 2);
        }
        let woken: Vec<u32> = others.into_iter().flat_map(|other| other.join().unwrap()).collect();
        assert_eq!(woken.len(), 1, "once, by either");
    });
}
