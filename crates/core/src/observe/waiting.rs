use std::{collections::VecDeque, mem};

use super::{Event, Kind, Level};

/// The events that have happened and have not been told, in the order in which they are told. Its bounds hold whatever
/// comes: [`MAX_OF_CALLS`] events of single calls, [`MAX_CHANGES`] changes.
pub(super) struct EventQueue<K> {
    entries: VecDeque<QueuedEvent<K>>,
    /// The number of the next transition to tell.
    next: u32,
    /// How many events have come.
    come: u64,
    /// How many of the entries are events of single calls.
    of_calls: usize,
    /// How many events were lost, and how many of these an event has told of.
    lost: u64,
    lost_told: u64,
}

pub(super) struct QueuedEvent<K> {
    at: At,
    /// How many events had come before this event.
    pub(super) place: u64,
    pub(super) level: Level,
    pub(super) event: Event<K>,
}

/// Where an event belongs among the transitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// The transitions with these numbers: one, or several that were merged.
    Transitions { first: u32, last: u32 },
    /// Behind the transition with this number.
    After(u32),
}

impl<K: Kind> EventQueue<K> {
    pub(super) fn new() -> Self {
        Self { entries: VecDeque::new(), next: 0, come: 0, of_calls: 0, lost: 0, lost_told: 0 }
    }

    /// Begins with the transition of that number.
    pub(super) fn begin_at(&mut self, next: u32) {
        self.next = next;
    }

    /// How many events have come.
    pub(super) fn come(&self) -> u64 {
        self.come
    }

    /// How many events were lost.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// How many events wait.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Takes an event in; its place.
    ///
    /// # Errors
    ///
    /// The event, if it is lost, or is a transition from before the first observer came.
    pub(super) fn put(&mut self, at: At, level: Level, event: Event<K>) -> Result<u64, Event<K>> {
        if matches!(at, At::Transitions { last, .. } if is_before(last, self.next)) {
            return Err(event);
        }
        let place = self.come;
        self.come += 1;
        let entry = QueuedEvent { at, place, level, event };
        if entry.is_of_call() {
            if self.of_calls == MAX_OF_CALLS {
                self.lost += 1;
                return Err(entry.event);
            }
            self.of_calls += 1;
        } else if self.changes() == MAX_CHANGES {
            self.merge_oldest();
        }
        // Most often behind all others: events come almost in order.
        let later = self.entries.iter().rev().take_while(|other| at.is_before(other.at)).count();
        self.entries.insert(self.entries.len() - later, entry);
        Ok(place)
    }

    /// The next event, if its turn has come.
    pub(super) fn take(&mut self) -> Option<QueuedEvent<K>> {
        match self.entries.front()?.at {
            At::Transitions { first, last } if first == self.next => self.next = following(last),
            At::After(number) if is_before(number, self.next) => {}
            _ => return None,
        }
        let mut taken = self.entries.pop_front()?;
        self.of_calls -= usize::from(taken.is_of_call());
        taken.event.lost = u32::try_from(self.lost - self.lost_told).unwrap_or(u32::MAX);
        self.lost_told = self.lost;
        Some(taken)
    }

    /// Loses the events of single calls that wait.
    #[must_use = "events are dropped outside of the lock"]
    pub(super) fn lose_of_calls(&mut self) -> VecDeque<QueuedEvent<K>> {
        let all = mem::take(&mut self.entries);
        let (of_calls, changes): (VecDeque<_>, _) = all.into_iter().partition(QueuedEvent::is_of_call);
        self.entries = changes;
        self.lost += of_calls.len() as u64;
        self.of_calls = 0;
        of_calls
    }

    /// Forgets all that waits, as no observer is left.
    #[must_use = "events are dropped outside of the lock"]
    pub(super) fn clear(&mut self) -> VecDeque<QueuedEvent<K>> {
        self.of_calls = 0;
        mem::take(&mut self.entries)
    }

    /// Gives memory back after many have waited.
    pub(super) fn tidy(&mut self) {
        if self.entries.is_empty() && self.entries.capacity() > ROOM_TO_KEEP {
            self.entries = VecDeque::new();
        }
    }

    fn changes(&self) -> usize {
        self.entries.len() - self.of_calls
    }

    /// Merges the two oldest changes that are neighbours, at the place of the older change: the events of calls behind it
    /// must not be told before the change that they happened after.
    fn merge_oldest(&mut self) {
        let changes = || self.entries.iter().enumerate().filter(|(_, entry)| !entry.is_of_call());
        let mut pairs = changes().zip(changes().skip(1));
        let Some((older, newer)) =
            pairs.find_map(|((a, older), (b, newer))| older.at.joined(newer.at).is_some().then_some((a, b)))
        else {
            // Gaps between all of them: for each gap, a thread is about to bring the transition.
            return;
        };
        if let Some(mut newer) = self.entries.remove(newer) {
            let slot = &mut self.entries[older];
            newer.at = slot.at.joined(newer.at).unwrap_or(newer.at);
            let older = mem::replace(slot, newer);
            // An observer of warnings is told of a change that stands for a warning.
            slot.level = slot.level.min(older.level);
            slot.event.absorb(older.event);
        }
    }
}

impl<K> QueuedEvent<K> {
    /// Whether the event happened to one call, and so may be lost.
    fn is_of_call(&self) -> bool {
        self.level == Level::Debug
    }

    /// Whether the event happened after an observer was added: `first` was the next transition, and `added_after` events had
    /// come.
    pub(super) fn is_since(&self, first: u32, added_after: u64) -> bool {
        match self.at {
            At::Transitions { last, .. } => !is_before(last, first),
            At::After(_) => self.place >= added_after,
        }
    }
}

impl At {
    /// Whether an event that comes now is told before `other`, which waits.
    fn is_before(self, other: Self) -> bool {
        match (self, other) {
            (Self::Transitions { first, .. }, Self::Transitions { first: other, .. }) => is_before(first, other),
            (Self::Transitions { first, .. }, Self::After(other)) => !is_before(other, first),
            (Self::After(number), Self::Transitions { first: other, .. } | Self::After(other)) => {
                is_before(number, other)
            }
        }
    }

    /// The place of a merged change that stands for a change here and for the next change, at `newer`.
    fn joined(self, newer: Self) -> Option<Self> {
        match (self, newer) {
            (Self::Transitions { first, last }, Self::Transitions { first: next, last: newest }) => {
                (following(last) == next).then_some(Self::Transitions { first, last: newest })
            }
            (_, Self::After(_)) => Some(self),
            // The events between the two may be told before the newer one's turn.
            (Self::After(_), Self::Transitions { .. }) => None,
        }
    }
}

/// The number after `number`, modulo 2^29.
pub(super) fn following(number: u32) -> u32 {
    (number + 1) & NUMBERS
}

/// Whether `number` comes before `other`, on a circle of 2^29.
fn is_before(number: u32, other: u32) -> bool {
    let ahead = other.wrapping_sub(number) & NUMBERS;
    ahead != 0 && ahead <= NUMBERS / 2
}

const NUMBERS: u32 = (1 << 29) - 1;
/// As many as an observer that takes 1 us is told of in 1 ms; of the largest events they take 140 KB.
pub(super) const MAX_OF_CALLS: usize = 1_024;
/// More changes than a policy makes in a minute, unless it flaps.
pub(super) const MAX_CHANGES: usize = 64;
/// As many as wait when a few threads meet.
const ROOM_TO_KEEP: usize = 64;

#[cfg(all(test, not(loom)))]
mod tests {
    use std::fmt;

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::observe::EventFacts;

    /// A change from a number to the next one, or the number of an event of a call.
    #[derive(Debug, Clone, PartialEq)]
    enum Test {
        Changed(u32, u32),
        Called(u32),
    }

    impl Kind for Test {
        fn facts(&self) -> EventFacts<'_> {
            let level = if let Self::Called(_) = self { Level::Debug } else { Level::Info };
            EventFacts::new("test", "happened", level)
        }

        fn absorb(&mut self, older: Self) {
            if let (Self::Changed(from, _), Self::Changed(former, _)) = (self, older) {
                *from = former;
            }
        }

        fn describe(&self, _: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{self:?}")
        }
    }

    #[derive(Debug, Clone)]
    enum Op {
        /// So many transitions come; each the next but so many.
        Transitions(usize, usize),
        /// So many calls tell, each after the transition that was the last so many transitions ago.
        Calls(usize, u32),
        Take(usize),
        Lose,
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            4 => (0..40_usize, 0..3_usize).prop_map(|(count, ahead)| Op::Transitions(count, ahead)),
            3 => (0..500_usize, 0..3_u32).prop_map(|(count, ago)| Op::Calls(count, ago)),
            3 => (0..200_usize).prop_map(Op::Take),
            1 => Just(Op::Lose),
        ]
    }

    /// The same as a plain list that is searched from end to end.
    struct Naive {
        events: Vec<(u32, u32, Test, u64)>,
        next: u32,
        lost: u64,
    }

    impl Naive {
        fn put(&mut self, number: u32, test: Test) {
            let of_calls = self.events.iter().filter(|(_, _, test, _)| matches!(test, Test::Called(_))).count();
            if matches!(test, Test::Called(_)) && of_calls == 1_024 {
                self.lost += 1;
                return;
            }
            if matches!(test, Test::Changed(..)) && self.events.len() - of_calls == 64 {
                self.merge();
            }
            self.events.push((number, number, test, 0));
            // The sort is stable: what comes first of two equals is told first.
            self.events.sort_by_key(|(first, _, test, _)| (*first, matches!(test, Test::Called(_))));
        }

        fn merge(&mut self) {
            let changes: Vec<usize> =
                (0..self.events.len()).filter(|at| matches!(self.events[*at].2, Test::Changed(..))).collect();
            let pair = changes.windows(2).find(|pair| self.events[pair[0]].1 + 1 == self.events[pair[1]].0);
            if let Some(&[older, newer]) = pair {
                let (_, last, Test::Changed(_, to), merged) = self.events.remove(newer) else { unreachable!() };
                let (first, _, Test::Changed(from, _), more) = self.events[older] else { unreachable!() };
                self.events[older] = (first, last, Test::Changed(from, to), merged + more + 1);
            }
        }

        fn take(&mut self) -> Option<(Test, u64)> {
            let (first, last, test, merged) = self.events.first()?.clone();
            match test {
                Test::Changed(..) if first == self.next => self.next = last + 1,
                Test::Called(_) if first < self.next => {}
                _ => return None,
            }
            self.events.remove(0);
            Some((test, merged))
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn events_wait_as_in_a_plain_list_within_the_bounds(ops in vec(op(), 1..20)) {
            let (mut waiting, mut naive) = (EventQueue::new(), Naive { events: Vec::new(), next: 1, lost: 0 });
            waiting.begin_at(1);
            // The transitions that were made and have not come yet, and the latest that was made.
            let (mut made, mut latest) = (Vec::new(), 0);
            let (mut count, mut told, mut lost_told) = (0_u64, 0_u64, 0_u64);
            let mut chain = 0;
            let event = |test: &Test| Event::new("t".into(), test.clone());
            for op in ops.into_iter().chain([Op::Transitions(3, 0), Op::Take(usize::MAX)]) {
                match op {
                    Op::Transitions(many, ahead) => for _ in 0..many {
                        while made.len() <= ahead {
                            latest += 1;
                            made.push(latest);
                        }
                        let number = made.remove(ahead);
                        let test = Test::Changed(number - 1, number);
                        let at = At::Transitions { first: number, last: number };
                        prop_assert!(waiting.put(at, Level::Info, event(&test)).is_ok());
                        naive.put(number, test);
                        count += 1;
                    },
                    Op::Calls(many, ago) => for _ in 0..many {
                        let (number, test) = (u32::saturating_sub(latest, ago), Test::Called(latest));
                        let is_lost = naive.lost;
                        naive.put(number, test.clone());
                        let put = waiting.put(At::After(number), Level::Debug, event(&test));
                        prop_assert_eq!(put.is_err(), naive.lost > is_lost);
                        count += 1;
                    },
                    Op::Take(most) => for _ in 0..most {
                        let taken = waiting.take();
                        let seen = taken.as_ref().map(|entry| (entry.event.kind().clone(), entry.event.merged()));
                        prop_assert_eq!(&seen, &naive.take());
                        let Some(entry) = taken else { break };
                        told += 1 + entry.event.merged();
                        lost_told += entry.event.lost();
                        prop_assert_eq!(lost_told, waiting.lost());
                        if let Test::Changed(from, to) = *entry.event.kind() {
                            prop_assert_eq!(from, chain, "the changes are one chain");
                            chain = to;
                        }
                    },
                    Op::Lose => {
                        drop(waiting.lose_of_calls());
                        let before = naive.events.len();
                        naive.events.retain(|(_, _, test, _)| matches!(test, Test::Changed(..)));
                        naive.lost += (before - naive.events.len()) as u64;
                    }
                }
                prop_assert!(waiting.of_calls <= MAX_OF_CALLS);
                // Beside a gap there may be changes that no neighbour can take in.
                prop_assert!(waiting.changes() <= MAX_CHANGES + 4, "{}", waiting.changes());
                prop_assert_eq!(waiting.lost(), naive.lost);
            }
            let held: u64 = waiting.entries.iter().map(|entry| 1 + entry.event.merged()).sum();
            prop_assert_eq!(told + held + waiting.lost(), count, "each was told, waits, or is counted");
        }
    }
}
