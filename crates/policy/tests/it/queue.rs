//! `Acquire` and `Waiting`: when they ask the queue, and when they make a timer.

use std::{cell::RefCell, collections::VecDeque, rc::Rc, task::Waker};

use crate::door::{Door, Full};
use seawall_core::{
    Rejection,
    time::{Instant, ManualClock},
};
use seawall_policy::{Acquire, Policy, Queue, Turn, WaitLimit, Waiting, wake};
use seawall_testkit::{
    clock::ProbeClock,
    time::SECOND,
    wake::{CountingWaker, panicking_waker},
};
use tokio_test::{assert_pending, assert_ready_eq, assert_ready_err, assert_ready_ok, task};

/// A queue that gives the answers of a script.
struct Script {
    clock: ProbeClock,
    answers: Rc<RefCell<VecDeque<Turn<&'static str, &'static str>>>>,
}

impl Queue for Script {
    type Timer = ProbeClock;
    type Leave = &'static str;
    type Refusal = &'static str;

    fn timer(&self) -> &ProbeClock {
        &self.clock
    }

    fn poll_turn(&mut self, _: &Waker) -> Turn<&'static str, &'static str> {
        self.answers.borrow_mut().pop_front().expect("the queue is asked as often as the script says")
    }

    fn refuse(&self, refusal: &'static str) -> Rejection {
        unreachable!("{refusal}: `Acquire` reports nothing")
    }
}

/// A wait by that script, its clock, and how many answers are left.
fn acquire<const N: usize>(
    script: [Turn<&'static str, &'static str>; N],
) -> (task::Spawn<Acquire<Script>>, ProbeClock, impl Fn() -> usize) {
    let (clock, answers) = (ProbeClock::default(), Rc::new(RefCell::new(VecDeque::from(script))));
    let left = answers.clone();
    let queue = Script { clock: clock.clone(), answers };
    (task::spawn(Acquire::new(queue)), clock, move || left.borrow().len())
}

const fn wait(seconds: u64) -> Turn<&'static str, &'static str> {
    Turn::Wait { until: Instant::from_nanos(seconds * 1_000_000_000) }
}

#[test]
fn the_queue_is_asked_by_the_first_poll_and_not_before() {
    let (mut turn, clock, left) = acquire([Turn::Entered("leave")]);
    assert_eq!(left(), 1);
    assert_ready_eq!(turn.poll(), Ok("leave"));
    assert_eq!((left(), clock.asked()), (0, (0, 0)), "without a wait there is no timer");
    let (mut turn, clock, _) = acquire([Turn::Refused("refusal")]);
    assert_ready_eq!(turn.poll(), Err("refusal"));
    assert_eq!(clock.asked(), (0, 0));
}

#[test]
fn a_wait_that_time_does_not_end_makes_no_timer() {
    let (mut turn, clock, left) =
        acquire([Turn::Wait { until: Instant::MAX }, Turn::Wait { until: Instant::MAX }, Turn::Entered("leave")]);
    assert_pending!(turn.poll());
    assert_pending!(turn.poll());
    assert_eq!((left(), clock.asked()), (1, (0, 0)));
    assert_ready_eq!(turn.poll(), Ok("leave"));
}

#[test]
fn a_timer_is_kept_while_the_wait_ends_at_the_same_instant_and_replaced_when_it_changes() {
    let (mut turn, clock, _) = acquire([wait(5), wait(5), wait(3), wait(3), Turn::Entered("leave")]);
    assert_pending!(turn.poll());
    assert_pending!(turn.poll());
    assert_eq!((clock.asked().1, clock.alive()), (1, 1));
    assert_pending!(turn.poll());
    assert_eq!((clock.asked().1, clock.alive()), (2, 1), "the earlier timer is dropped");
    assert_pending!(turn.poll());
    assert_eq!((clock.asked().1, clock.alive()), (2, 1));
    assert_ready_eq!(turn.poll(), Ok("leave"));
    drop(turn);
    assert_eq!(clock.alive(), 0);
}

#[test]
fn a_wait_that_no_time_ends_any_more_drops_its_timer() {
    let (mut turn, clock, _) = acquire([wait(5), Turn::Wait { until: Instant::MAX }, wait(5), Turn::Entered("leave")]);
    assert_pending!(turn.poll());
    assert_pending!(turn.poll());
    assert_eq!((clock.asked().1, clock.alive()), (1, 0));
    assert_pending!(turn.poll());
    assert_eq!((clock.asked().1, clock.alive()), (2, 1));
}

#[test]
fn the_queue_is_asked_again_when_the_timer_ends() {
    let (mut turn, clock, left) = acquire([wait(5), wait(5), wait(9), Turn::Refused("refusal")]);
    assert_pending!(turn.poll());
    clock.advance(5 * SECOND);
    // The queue is asked, the timer has ended, the queue is asked again, and the wait is a longer wait.
    assert_pending!(turn.poll());
    assert_eq!((left(), clock.alive()), (1, 1));
    clock.advance(4 * SECOND);
    assert_ready_eq!(turn.poll(), Err("refusal"));
}

#[test]
fn timers_that_end_at_once_again_and_again_do_not_keep_the_thread() {
    let script: [_; 100] = std::array::from_fn(|i| if i < 99 { wait(0) } else { Turn::Entered("leave") });
    let (mut turn, _, left) = acquire(script);
    let mut polls = 1;
    while turn.poll().is_pending() {
        assert!(turn.is_woken(), "the wait goes on");
        assert!(left() >= 100 - 20 * polls, "a poll makes few timers");
        polls += 1;
    }
    assert!(left() == 0 && polls > 5, "{polls} polls");
}

#[test]
fn an_entry_counts_and_reports_a_refusal_and_makes_a_ticket_of_leave() {
    let clock = ManualClock::new();
    let door = Door::with_line(1, SECOND, &clock);
    let mut entry = task::spawn(Waiting::<_, Door>::new(door.in_line(WaitLimit::Configured)));
    let ticket = assert_ready_ok!(entry.poll());
    assert_eq!(door.taken_and_waiting(), (1, 0));
    let mut late = task::spawn(Waiting::<_, Door>::new(door.in_line(WaitLimit::Configured)));
    assert_pending!(late.poll());
    clock.advance(SECOND);
    assert!(late.is_woken());
    assert_eq!(door.counts().rejected, 0);
    let rejection = assert_ready_err!(late.poll());
    assert_eq!((rejection.policy(), door.counts().rejected), ("door", 1));
    drop(ticket);
    assert_eq!(door.taken_and_waiting(), (0, 0));
}

#[test]
fn an_acquire_counts_and_reports_nothing() {
    let clock = ManualClock::new();
    let door = Door::with_line(0, SECOND, &clock);
    let mut turn = task::spawn(Acquire::new(door.in_line(WaitLimit::Configured)));
    assert_pending!(turn.poll());
    clock.advance(SECOND);
    assert_eq!(assert_ready_err!(turn.poll()), Full);
    assert_eq!(door.counts().rejected, 0);
}

#[test]
fn a_wait_without_limit_is_not_ended_by_time() {
    let clock = ManualClock::new();
    let door = Door::with_line(1, SECOND, &clock);
    let ticket = door.enter().unwrap();
    let mut turn = task::spawn(Acquire::new(door.in_line(WaitLimit::Unlimited)));
    assert_pending!(turn.poll());
    clock.advance(100 * SECOND);
    assert_pending!(turn.poll());
    drop(ticket);
    assert!(turn.is_woken());
    drop(assert_ready_ok!(turn.poll()));
    assert_eq!(door.taken_and_waiting(), (0, 0));
}

#[test]
fn a_waker_that_panics_keeps_no_other_waker_from_its_call() {
    let (first, last) = (CountingWaker::default(), CountingWaker::default());
    wake([first.waker(), panicking_waker(), last.waker()]);
    assert_eq!((first.woken(), last.woken()), (1, 1));
}
