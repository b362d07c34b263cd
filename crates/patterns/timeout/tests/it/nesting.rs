//! Random nests of scopes and timeouts against a naive model: a list of limits, of which the earliest holds.

use std::{
    cell::{Cell, RefCell},
    future::{self, Future},
    ops::Range,
    pin::Pin,
    time::Duration,
};

use crate::support::{Failed, Probe, cut_off, steps};
use futures::FutureExt;
use proptest::{
    collection::vec,
    option::weighted,
    prelude::{Just, ProptestConfig, Strategy},
    prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use seawall_core::{
    Deadline,
    time::{Clock, Instant},
};
use seawall_timeout::Timeout;
use tokio_test::task;

/// Something that happens inside of all limits around it.
#[derive(Debug, Clone)]
enum Node {
    /// The clock goes on.
    Pass(u64),
    /// Somebody asks for the deadline.
    Ask,
    /// All that is around leaves the thread, and comes back.
    Yield,
    /// Inside of a deadline, so long from now.
    Scope(u64, Vec<Node>),
    /// Inside of a timeout of that limit; `None` is none.
    Timeout(Option<u64>, Vec<Node>),
}

/// Times are of a size at which different limits are often the earliest, and now and then the same.
fn nodes(limits: Range<u64>) -> impl Strategy<Value = Vec<Node>> {
    let leaf = prop_oneof![(0..20_u64).prop_map(Node::Pass), Just(Node::Ask), Just(Node::Yield)];
    let node = leaf.prop_recursive(5, 40, 5, move |inner| {
        let inner = vec(inner, 0..5);
        prop_oneof![
            (limits.clone(), inner.clone()).prop_map(|(within, inner)| Node::Scope(within, inner)),
            (weighted(0.9, limits.clone()), inner).prop_map(|(limit, inner)| Node::Timeout(limit, inner)),
        ]
    });
    vec(node, 0..6)
}

/// A limit as the model sees it.
#[derive(Debug, Clone, Copy)]
enum Limit {
    At(u64),
    /// So long, from when somebody asks.
    Long(u64),
}

/// The limits around what runs, and how often the clock was read for them.
#[derive(Debug, Default)]
struct Model {
    limits: RefCell<Vec<Limit>>,
    reads: Cell<u32>,
}

impl Model {
    /// When the earliest of those ends that are known to have begun.
    fn known(&self) -> Option<u64> {
        self.limits.borrow().iter().filter_map(|limit| if let Limit::At(at) = limit { Some(*at) } else { None }).min()
    }

    /// Somebody asks: all that had not begun begin now.
    fn ask(&self, now: u64) -> Option<u64> {
        let mut unread = true;
        for limit in self.limits.borrow_mut().iter_mut() {
            if let Limit::Long(long) = *limit {
                *limit = Limit::At(now + long);
                self.reads.set(self.reads.get() + u32::from(unread));
                unread = false;
            }
        }
        self.known()
    }
}

/// Plays nodes on the real thing and on the model, at the same time.
struct Play {
    probe: Probe,
    model: Model,
    /// How often the test itself looked at the clock.
    looks: Cell<u32>,
}

type Boxed<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

impl Play {
    fn new() -> Self {
        Self { probe: Probe::default(), model: Model::default(), looks: Cell::new(0) }
    }

    fn now(&self) -> u64 {
        self.looks.set(self.looks.get() + 1);
        self.probe.now().as_nanos()
    }

    fn ask(&self) {
        let found = Deadline::current_by(&self.probe).map(|deadline| deadline.instant().as_nanos());
        assert_eq!(found, self.model.ask(self.now()), "{:?}", self.model);
    }

    fn timeout(&self, limit: Option<u64>) -> Timeout<Duration, Probe> {
        let limit = limit.map_or(Duration::MAX, Duration::from_nanos);
        Timeout::builder("nested", limit).clock(self.probe.clone()).build()
    }

    fn enter(&self, limit: Option<Limit>) -> usize {
        let mut limits = self.model.limits.borrow_mut();
        let count = limits.len();
        limits.extend(limit);
        count
    }

    fn leave(&self, count: usize) {
        self.model.limits.borrow_mut().truncate(count);
    }

    /// Plays them where calls are made.
    fn at_once(&self, nodes: &[Node]) {
        for node in nodes {
            match node {
                Node::Pass(nanos) => self.probe.advance(Duration::from_nanos(*nanos)),
                Node::Ask | Node::Yield => self.ask(),
                Node::Scope(within, inner) => {
                    let at = self.now() + within;
                    let count = self.enter(Some(Limit::At(at)));
                    Deadline::at(Instant::from_nanos(at)).scope_blocking(|| self.at_once(inner));
                    self.leave(count);
                }
                Node::Timeout(limit, inner) => self.call_at_once(*limit, inner),
            }
        }
    }

    fn call_at_once(&self, limit: Option<u64>, inner: &[Node]) {
        let known = self.model.known();
        let has_passed = known.is_some_and(|known| known <= self.now());
        // Only who could be refused by a deadline looks at the clock for it.
        self.model.reads.set(self.model.reads.get() + u32::from(known.is_some() && limit != Some(0)));
        let count = self.enter(limit.map(Limit::Long));
        let call = self.timeout(limit).execute(|| {
            self.at_once(inner);
            future::ready(Ok::<_, Failed>(()))
        });
        self.leave(count);
        let reply = call.now_or_never().unwrap();
        let refused = cut_off(&reply).map(|cut| (cut.limit(), cut.is_by_deadline()));
        let expected = if limit == Some(0) { Some(false) } else { has_passed.then_some(true) };
        assert_eq!(refused, expected.map(|by_deadline| (Duration::ZERO, by_deadline)), "{:?}", self.model);
    }

    /// Plays them in the polls of calls.
    fn in_polls<'a>(&'a self, nodes: &'a [Node]) -> Boxed<'a> {
        Box::pin(async move {
            for node in nodes {
                match node {
                    Node::Pass(nanos) => self.probe.advance(Duration::from_nanos(*nanos)),
                    Node::Ask => self.ask(),
                    Node::Yield => {
                        // Who has to wait asks.
                        self.model.ask(self.now());
                        steps(1, || ()).await;
                        self.ask();
                    }
                    Node::Scope(within, inner) => {
                        let at = self.now() + within;
                        let count = self.enter(Some(Limit::At(at)));
                        Deadline::at(Instant::from_nanos(at)).scope(self.in_polls(inner)).await;
                        self.leave(count);
                    }
                    Node::Timeout(limit, inner) => {
                        let count = self.enter(limit.map(Limit::Long));
                        let call = self.timeout(*limit).execute(|| self.in_polls(inner).map(Ok::<_, Failed>));
                        assert_eq!(call.await, Ok(()), "none of these is ever over");
                        self.leave(count);
                    }
                }
            }
        })
    }
}

/// Longer than all that passes in one play.
const LONG: u64 = 100_000;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_earliest_limit_holds_where_calls_are_made(nodes in nodes(0..60)) {
        let play = Play::new();
        play.at_once(&nodes);
        prop_assert_eq!(Deadline::current_by(&play.probe), None);
        prop_assert_eq!(play.probe.asked().0, play.model.reads.get() + play.looks.get(), "looks at the clock");
    }

    #[test]
    fn the_earliest_limit_holds_in_the_polls_of_calls(nodes in nodes(LONG..LONG + 60)) {
        let play = Play::new();
        let mut all = task::spawn(play.in_polls(&nodes));
        while all.poll().is_pending() {
            prop_assert_eq!(Deadline::current_by(&play.probe), None);
            play.probe.advance(Duration::from_nanos(7));
        }
        prop_assert!(play.probe.now().as_nanos() < LONG);
    }
}
