use std::{iter::Chain, mem, num::NonZeroU32, option, vec};

use crate::time::Instant;

/// Who waits, in the order of arrival. Lies under a lock of its owner.
///
/// `W` is what is woken: a [`Waker`](std::task::Waker), or anything in a test. It is never dropped or called here, as to
/// do so is to run someone's code, and that must happen outside of the lock: what is taken out is handed to the caller.
/// `V` is the verdict that ends a wait.
///
/// A doubly linked list in a slab, so that joining, leaving from anywhere and settling either end take constant time,
/// and memory is reused. It is not given back while the owner lives.
pub(crate) struct Waiters<W, V> {
    nodes: Vec<Node<W, V>>,
    free: Option<Id>,
    first: Option<Id>,
    last: Option<Id>,
    len: u32,
    bounded: u32,
    cost: u64,
    /// The costs of all that ever joined, in all; it wraps.
    joined: u64,
}

/// What is known of one who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WaitingCall {
    pub(crate) cost: u32,
    pub(crate) since: Instant,
    /// The end of its longest wait.
    pub(crate) latest: Instant,
    /// Whether it counts against the limit of the queue.
    pub(crate) bounded: bool,
}

/// How a wait stands when it is given up.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WaitState<W, V> {
    Undecided(W),
    Settled(V),
}

/// A place among those who wait. It must be handed back to whoever gave it, or it is kept for ever.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a place must be handed back, or it stays taken"]
pub struct Place(Id);

/// Whom to wake, in the order in which their turns came.
#[derive(Debug)]
#[must_use = "who waits for its turn sleeps on until it is woken"]
pub struct Woken<W> {
    // Most often one at most, and then nothing is allocated.
    first: Option<W>,
    rest: Vec<W>,
}

enum Node<W, V> {
    Free { next: Option<Id> },
    Waiting { waiter: WaitingCall, waker: W, upto: u64, before: Option<Id>, behind: Option<Id> },
    Settled { waiter: WaitingCall, verdict: V },
}

/// The number of a node, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Id(NonZeroU32);

// ===== impl Waiters =====

impl<W, V: Copy> Waiters<W, V> {
    pub(crate) const fn new() -> Self {
        Self { nodes: Vec::new(), free: None, first: None, last: None, len: 0, bounded: 0, cost: 0, joined: 0 }
    }

    /// Takes the last place.
    pub(crate) fn join(&mut self, waiter: WaitingCall, waker: W) -> Place {
        self.joined = self.joined.wrapping_add(waiter.cost.into());
        let node = Node::Waiting { waiter, waker, upto: self.joined, before: self.last, behind: None };
        let id = match self.free {
            Some(id) => {
                let Node::Free { next } = mem::replace(&mut self.nodes[id.index()], node) else {
                    unreachable!("a node in the list of the free ones is free");
                };
                self.free = next;
                id
            }
            None => {
                self.nodes.push(node);
                Id::last_of(self.nodes.len())
            }
        };
        self.link(self.last, Some(id));
        self.last = Some(id);
        self.len += 1;
        self.bounded += u32::from(waiter.bounded);
        self.cost += u64::from(waiter.cost);
        Place(id)
    }

    /// Gives a place up, from anywhere.
    pub(crate) fn leave(&mut self, place: Place) -> (WaitingCall, WaitState<W, V>) {
        let Place(id) = place;
        let node = Node::Free { next: self.free };
        let left = match self.nodes[id.index()] {
            Node::Waiting { .. } => {
                let (waiter, waker) = self.take(id, node);
                (waiter, WaitState::Undecided(waker))
            }
            Node::Settled { waiter, verdict } => {
                self.nodes[id.index()] = node;
                (waiter, WaitState::Settled(verdict))
            }
            Node::Free { .. } => unreachable!("{NOT_OURS}"),
        };
        self.free = Some(id);
        left
    }

    /// Ends the wait of whoever has waited longest.
    pub(crate) fn settle_first(&mut self, verdict: V) -> Option<W> {
        self.first.map(|id| self.settle(id, verdict))
    }

    /// Ends the wait of whoever came last.
    pub(crate) fn settle_last(&mut self, verdict: V) -> Option<W> {
        self.last.map(|id| self.settle(id, verdict))
    }

    /// Ends the wait of all of whom `which` is true, in the order of their arrival. Takes time with their number.
    pub(crate) fn settle_each(
        &mut self,
        mut which: impl FnMut(&WaitingCall) -> bool,
        verdict: V,
        woken: &mut Woken<W>,
    ) {
        let mut next = self.first;
        while let Some(id) = next {
            let Node::Waiting { waiter, behind, .. } = &self.nodes[id.index()] else { unreachable!("{LISTED}") };
            next = *behind;
            if which(waiter) {
                woken.push(self.settle(id, verdict));
            }
        }
    }

    /// Has `waker` woken from now on. The former one; or, if the wait is over, `waker` itself as an error.
    pub(crate) fn set_waker(&mut self, place: &Place, waker: W) -> Result<W, W> {
        match &mut self.nodes[place.0.index()] {
            Node::Waiting { waker: former, .. } => Ok(mem::replace(former, waker)),
            _ => Err(waker),
        }
    }

    /// Has another waker woken for whoever has waited longest; the former one.
    pub(crate) fn replace_first(&mut self, waker: W) -> Option<W> {
        match &mut self.nodes[self.first?.index()] {
            Node::Waiting { waker: former, .. } => Some(mem::replace(former, waker)),
            _ => unreachable!("{LISTED}"),
        }
    }

    /// Has what `waker` makes woken for each waiter from now on, and wakes all that were to be woken before. Takes time with
    /// their number.
    pub(crate) fn replace_each(&mut self, waker: impl Fn() -> W, mut woken: impl FnMut(W)) {
        let mut next = self.first;
        while let Some(id) = next {
            let Node::Waiting { waker: former, behind, .. } = &mut self.nodes[id.index()] else {
                unreachable!("{LISTED}")
            };
            next = *behind;
            woken(mem::replace(former, waker()));
        }
    }

    /// How the wait has ended, if it has.
    pub(crate) fn verdict(&self, place: &Place) -> Option<V> {
        match &self.nodes[place.0.index()] {
            Node::Waiting { .. } => None,
            Node::Settled { verdict, .. } => Some(*verdict),
            Node::Free { .. } => unreachable!("{NOT_OURS}"),
        }
    }

    /// Who has waited longest.
    pub(crate) fn first(&self) -> Option<WaitingCall> {
        self.first.map(|id| self.waiter(id))
    }

    /// The caller in `place`, if its wait goes on.
    pub(crate) fn waiting(&self, place: &Place) -> Option<WaitingCall> {
        match &self.nodes[place.0.index()] {
            Node::Waiting { waiter, .. } => Some(*waiter),
            _ => None,
        }
    }

    /// The costs from the first waiter up to the one in `place`, its own included; those that have left from between the two
    /// may still count.
    pub(crate) fn cost_through(&self, place: &Place) -> u64 {
        let upto = |id: Id| match &self.nodes[id.index()] {
            Node::Waiting { upto, waiter, .. } => (*upto, u64::from(waiter.cost)),
            _ => unreachable!("{LISTED}"),
        };
        let (first, cost) = upto(self.first.expect(LISTED));
        upto(place.0).0.wrapping_sub(first).saturating_add(cost)
    }

    /// Who came last.
    pub(crate) fn last(&self) -> Option<WaitingCall> {
        self.last.map(|id| self.waiter(id))
    }

    /// How many wait. Who is settled does not.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// How many of those who wait count against the limit of the queue.
    pub(crate) fn bounded_len(&self) -> u32 {
        self.bounded
    }

    /// The costs of those who wait, in all.
    pub(crate) fn cost(&self) -> u64 {
        self.cost
    }

    // ----- helpers -----

    fn waiter(&self, id: Id) -> WaitingCall {
        let Node::Waiting { waiter, .. } = self.nodes[id.index()] else { unreachable!("{LISTED}") };
        waiter
    }

    fn settle(&mut self, id: Id, verdict: V) -> W {
        let waiter = self.waiter(id);
        self.take(id, Node::Settled { waiter, verdict }).1
    }

    /// Takes one who waits out of the list, and leaves `node` in its place.
    fn take(&mut self, id: Id, node: Node<W, V>) -> (WaitingCall, W) {
        let node = mem::replace(&mut self.nodes[id.index()], node);
        let Node::Waiting { waiter, waker, before, behind, .. } = node else { unreachable!("{LISTED}") };
        self.link(before, behind);
        if behind.is_none() {
            self.last = before;
        }
        self.len -= 1;
        self.bounded -= u32::from(waiter.bounded);
        self.cost -= u64::from(waiter.cost);
        (waiter, waker)
    }

    /// Makes two places neighbours; none is what lies before the first, or behind the last.
    fn link(&mut self, ahead: Option<Id>, after: Option<Id>) {
        match ahead.map(|id| &mut self.nodes[id.index()]) {
            Some(Node::Waiting { behind, .. }) => *behind = after,
            _ => self.first = after,
        }
        if let Some(Node::Waiting { before, .. }) = after.map(|id| &mut self.nodes[id.index()]) {
            *before = ahead;
        }
    }
}

// ===== impl Id, Woken =====

impl Id {
    fn last_of(len: usize) -> Self {
        let number = u32::try_from(len).ok().and_then(NonZeroU32::new);
        Self(number.expect("one was pushed, and memory ends before 2^32 of them"))
    }

    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl<W> Woken<W> {
    /// Nobody.
    #[inline]
    pub const fn none() -> Self {
        Self { first: None, rest: Vec::new() }
    }

    /// Whether there is nobody to wake.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// How many there are to wake.
    pub fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.rest.len()
    }

    pub(crate) fn push(&mut self, waker: W) {
        match self.first {
            None => self.first = Some(waker),
            Some(_) => self.rest.push(waker),
        }
    }
}

impl<W> Extend<W> for Woken<W> {
    fn extend<I: IntoIterator<Item = W>>(&mut self, wakers: I) {
        wakers.into_iter().for_each(|waker| self.push(waker));
    }
}

impl<W> IntoIterator for Woken<W> {
    type Item = W;
    type IntoIter = Chain<option::IntoIter<W>, vec::IntoIter<W>>;

    #[inline]
    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.rest)
    }
}

const LISTED: &str = "who is in the list waits";
const NOT_OURS: &str = "a place is handed to whoever gave it";

#[cfg(all(test, not(loom)))]
mod tests {
    use std::collections::VecDeque;

    use proptest::{collection::vec, prelude::*, sample::Index};

    use super::*;

    #[derive(Debug, Clone)]
    enum Op {
        Join(u32, bool),
        Leave(Index),
        SettleFirst,
        SettleLast,
        SettleAbove(u32),
        SetWaker(Index),
        ReplaceFirst,
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            4 => (0..5_u32, any::<bool>()).prop_map(|(cost, bounded)| Op::Join(cost, bounded)),
            2 => any::<Index>().prop_map(Op::Leave),
            1 => Just(Op::SettleFirst),
            1 => Just(Op::SettleLast),
            1 => (0..5_u32).prop_map(Op::SettleAbove),
            1 => any::<Index>().prop_map(Op::SetWaker),
            1 => Just(Op::ReplaceFirst),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn they_do_what_a_plain_queue_does(ops in vec(op(), 1..60)) {
            let mut waiters = Waiters::new();
            // The wakers are numbers, and the verdicts too.
            let mut queue: VecDeque<(WaitingCall, usize)> = VecDeque::new();
            let mut places: Vec<(Place, WaitingCall, WaitState<usize, usize>)> = Vec::new();
            let mut most = 0;
            // Then costs of those that left may still count.
            let mut left_between = false;
            for (number, op) in ops.into_iter().enumerate() {
                // Who is settled by this step, in order.
                let mut settled = Vec::new();
                match op {
                    Op::Join(cost, bounded) => {
                        let waiter = WaitingCall { cost, bounded, since: Instant::from_nanos(number as u64), latest: Instant::MAX };
                        queue.push_back((waiter, number));
                        places.push((waiters.join(waiter, number), waiter, WaitState::Undecided(number)));
                    }
                    Op::Leave(which) if !places.is_empty() => {
                        let (place, waiter, wait) = places.remove(which.index(places.len()));
                        left_between |= queue.iter().skip(1).any(|(other, _)| *other == waiter);
                        queue.retain(|(other, _)| *other != waiter);
                        prop_assert_eq!(waiters.leave(place), (waiter, wait));
                    }
                    Op::SettleFirst => {
                        settled.extend(queue.pop_front());
                        prop_assert_eq!(waiters.settle_first(number), settled.first().map(|(_, waker)| *waker));
                    }
                    Op::SettleLast => {
                        left_between = true;
                        settled.extend(queue.pop_back());
                        prop_assert_eq!(waiters.settle_last(number), settled.first().map(|(_, waker)| *waker));
                    }
                    Op::SettleAbove(limit) => {
                        left_between = true;
                        let is_above = |waiter: &WaitingCall| waiter.cost > limit;
                        settled.extend(queue.iter().filter(|(waiter, _)| is_above(waiter)).copied());
                        queue.retain(|(waiter, _)| !is_above(waiter));
                        let mut woken = Woken::none();
                        waiters.settle_each(is_above, number, &mut woken);
                        prop_assert_eq!(woken.is_empty(), settled.is_empty());
                        prop_assert_eq!(woken.len(), settled.len());
                        prop_assert!(woken.into_iter().eq(settled.iter().map(|(_, waker)| *waker)));
                    }
                    Op::SetWaker(which) if !places.is_empty() => {
                        let (place, waiter, wait) = which.get(&places);
                        let expected = match wait {
                            WaitState::Undecided(former) => Ok(*former),
                            WaitState::Settled(_) => Err(number),
                        };
                        prop_assert_eq!(waiters.set_waker(place, number), expected);
                        let replaced = expected.is_ok().then_some(*waiter);
                        replace(&mut queue, &mut places, replaced, number);
                    }
                    Op::ReplaceFirst => {
                        let former = queue.front().copied();
                        prop_assert_eq!(waiters.replace_first(number), former.map(|(_, waker)| waker));
                        replace(&mut queue, &mut places, former.map(|(waiter, _)| waiter), number);
                    }
                    Op::Leave(_) | Op::SetWaker(_) => {}
                }
                for (_, waiter, wait) in &mut places {
                    if settled.iter().any(|(other, _)| other == waiter) {
                        *wait = WaitState::Settled(number);
                    }
                }

                let front = queue.front().map(|(waiter, _)| *waiter);
                prop_assert_eq!(waiters.first(), front);
                prop_assert_eq!(waiters.last(), queue.back().map(|(waiter, _)| *waiter));
                prop_assert_eq!(waiters.len() as usize, queue.len());
                prop_assert_eq!(waiters.bounded_len() as usize, queue.iter().filter(|(waiter, _)| waiter.bounded).count());
                prop_assert_eq!(waiters.cost(), queue.iter().map(|(waiter, _)| u64::from(waiter.cost)).sum::<u64>());
                for (place, waiter, wait) in &places {
                    let verdict = match wait {
                        WaitState::Undecided(_) => None,
                        WaitState::Settled(verdict) => Some(*verdict),
                    };
                    prop_assert_eq!(waiters.verdict(place), verdict);
                    prop_assert_eq!(waiters.waiting(place), verdict.is_none().then_some(*waiter));
                    let until = queue.iter().position(|(other, _)| other == waiter);
                    if let Some(position) = until {
                        let through = queue.iter().take(position + 1).map(|(other, _)| u64::from(other.cost)).sum::<u64>();
                        let told = waiters.cost_through(place);
                        prop_assert!(told >= through && (told == through || left_between), "{} of {}", told, through);
                    }
                }
                most = most.max(places.len());
                prop_assert_eq!(waiters.nodes.len(), most, "memory is used again");
            }
        }
    }

    /// Gives that one, who waits, another waker.
    fn replace(
        queue: &mut VecDeque<(WaitingCall, usize)>,
        places: &mut [(Place, WaitingCall, WaitState<usize, usize>)],
        whose: Option<WaitingCall>,
        with: usize,
    ) {
        let waits = queue.iter_mut().filter(|(waiter, _)| Some(*waiter) == whose);
        waits.for_each(|(_, waker)| *waker = with);
        let held = places.iter_mut().filter(|(_, waiter, _)| Some(*waiter) == whose);
        held.for_each(|(.., wait)| *wait = WaitState::Undecided(with));
    }

    #[test]
    fn one_to_wake_needs_no_memory() {
        let mut woken = Woken::none();
        woken.push(1);
        assert_eq!(woken.rest.capacity(), 0);
        woken.push(2);
        assert_eq!(woken.into_iter().collect::<Vec<_>>(), [1, 2]);
    }
}
