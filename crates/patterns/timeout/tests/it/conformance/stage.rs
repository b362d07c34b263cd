use std::{cell::Cell, future, time::Duration};

use seawall_core::{Backoff, Budget, Error, Jitter};
use seawall_retry::Retry;
use seawall_timeout::{EventKind, Timeout};
use tokio::{
    runtime,
    time::{Instant, sleep},
};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{self, Boxed, FAILED, Log, Reply, cut_off, ms, some_day};

/// A row: what a reference asserts.
pub(crate) struct Case {
    pub(crate) id: &'static str,
    /// What differs from the reference; empty where nothing does.
    note: &'static str,
    scripts: Vec<Script>,
    /// What is not one call through one stack.
    own: Option<fn()>,
}

/// One call through a stack of policies, and all that comes of it.
pub(crate) struct Script {
    /// From the outside in.
    pub(crate) stack: Vec<Policy>,
    /// What it does in its attempts; the last of it in all that follow.
    pub(crate) callee: Vec<Act>,
    pub(crate) come: Come,
    /// In milliseconds.
    pub(crate) takes: u64,
    pub(crate) attempts: usize,
    /// The timeouts that told of a call that they cut off by their own limit, in turn.
    pub(crate) cut_off: Vec<&'static str>,
    /// The same, by a deadline around them.
    pub(crate) by_deadline: Vec<&'static str>,
    /// What comes, and who cuts off, if the timeout around the innermost layer sees that layer's rejection.
    pub(crate) seen_around: Option<(Come, Vec<&'static str>)>,
}

/// Times are in milliseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Policy {
    Timeout(&'static str, u64),
    /// So many attempts, so far apart.
    Retry(u32, u64),
}

/// Something that a callee does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    Returns(u64),
    Fails(u64),
    Hangs,
}

/// What a call comes to: an end, or who cut it off, and what the limit was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Come {
    Result,
    Failed,
    CutOff(&'static str, u64),
    ByDeadline(&'static str, u64),
}

/// The ways in which a call can be made.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    /// In one way through the whole stack.
    All(support::Way),
    /// Each layer in another way, from this one on.
    InTurn(usize),
}

impl Case {
    pub(crate) fn new(id: &'static str, note: &'static str) -> Self {
        Self { id, note, scripts: Vec::new(), own: None }
    }

    pub(crate) fn script(mut self, script: Script) -> Self {
        self.scripts.push(script);
        self
    }

    pub(crate) fn own(self, test: fn()) -> Self {
        Self { own: Some(test), ..self }
    }
}

impl Script {
    pub(crate) const NOTHING: Self = Self {
        stack: Vec::new(),
        callee: Vec::new(),
        come: Come::Result,
        takes: 0,
        attempts: 0,
        cut_off: Vec::new(),
        by_deadline: Vec::new(),
        seen_around: None,
    };
}

impl Way {
    const ALL: [Self; 6] = [
        Self::All(support::Way::Execute),
        Self::All(support::Way::Call),
        Self::All(support::Way::Service),
        Self::InTurn(0),
        Self::InTurn(1),
        Self::InTurn(2),
    ];

    /// How the layer with that number is called.
    fn at(self, layer: usize) -> support::Way {
        match self {
            Self::All(way) => way,
            Self::InTurn(first) => support::Way::ALL[(first + layer) % 3],
        }
    }
}

/// Plays the case in each way.
pub(crate) fn play(case: &Case) {
    for (number, script) in case.scripts.iter().enumerate() {
        for way in Way::ALL {
            let what = format!("{} ({}), script {number}, {way:?}", case.id, case.note);
            let runtime = runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
            runtime.block_on(some_day(Stage::new(script, way).play(&what)));
        }
    }
    if let Some(own) = case.own {
        own();
    }
}

struct Stage<'a> {
    script: &'a Script,
    way: Way,
    layers: Vec<Built>,
    attempts: Cell<usize>,
    /// Who told, and whether it was by a deadline.
    told: Log<(String, bool)>,
}

enum Built {
    Timeout(Timeout),
    Retry(Retry),
}

impl<'a> Stage<'a> {
    fn new(script: &'a Script, way: Way) -> Self {
        let told = Log::default();
        let layers = script.stack.iter().map(|policy| policy.build(&told)).collect();
        Self { script, way, layers, attempts: Cell::new(0), told }
    }

    async fn play(&self, what: &str) {
        let began = Instant::now();
        let reply = self.call(0).await;
        let (took, due) = (began.elapsed(), ms(self.script.takes));
        // By `execute` these tests convert the error of the layer below, so the timeout around it does not see the rejection.
        let is_converted = self.way.at(self.layers.len() - 1) == support::Way::Execute;
        let (expected, cut_off) = match &self.script.seen_around {
            Some((come, cut_off)) if !is_converted => (*come, cut_off),
            _ => (self.script.come, &self.script.cut_off),
        };
        assert_eq!(come(&reply), expected, "{what}");
        // Tokio's timers are late by up to a millisecond each.
        assert!(took >= due && took <= due + ms(5), "{what}: it took {took:?}");
        // What would come later must not come.
        sleep(Duration::from_secs(3_600)).await;
        assert_eq!(self.attempts.get(), self.script.attempts, "{what}");
        let told = |by_deadline: bool| {
            let told = self.told.lock().unwrap().clone();
            told.into_iter().filter(|(_, is)| *is == by_deadline).map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!((told(false), told(true)), (strings(cut_off), strings(&self.script.by_deadline)), "{what}");
    }

    /// Calls the layer with that number, or the callee below the last.
    fn call(&self, layer: usize) -> Boxed<'_> {
        let below = move || self.call(layer + 1);
        match (self.layers.get(layer), self.way.at(layer)) {
            (None, _) => Box::pin(self.attempt()),
            (Some(Built::Timeout(timeout)), way) => way.start(timeout, below),
            (Some(Built::Retry(retry)), support::Way::Execute) => Box::pin(retry.execute(below)),
            (Some(Built::Retry(retry)), support::Way::Call) => Box::pin(retry.call(below)),
            (Some(Built::Retry(retry)), support::Way::Service) => {
                Box::pin(retry.layer().clone_all().layer(service_fn(move |()| below())).oneshot(()))
            }
        }
    }

    async fn attempt(&self) -> Reply {
        let number = self.attempts.get();
        self.attempts.set(number + 1);
        let (takes, end) = match self.script.callee[number.min(self.script.callee.len() - 1)] {
            Act::Returns(takes) => (takes, Ok(())),
            Act::Fails(takes) => (takes, FAILED),
            Act::Hangs => future::pending().await,
        };
        if takes > 0 {
            sleep(ms(takes)).await;
        }
        end
    }
}

impl Policy {
    fn build(self, told: &Log<(String, bool)>) -> Built {
        match self {
            Self::Timeout(name, limit) => {
                let told = told.clone();
                let builder = Timeout::builder(name, ms(limit)).on_event(move |event| {
                    let EventKind::TimedOut(timed_out) = event.kind() else { panic!("{event}") };
                    told.lock().unwrap().push((event.policy().to_owned(), timed_out.is_by_deadline()));
                });
                Built::Timeout(builder.build())
            }
            Self::Retry(attempts, apart) => {
                let builder = Retry::builder("retry").max_attempts(attempts).budget(Budget::unlimited());
                Built::Retry(builder.backoff(Backoff::constant(ms(apart)).jitter(Jitter::None)).build())
            }
        }
    }
}

fn come(reply: &Reply) -> Come {
    let name = |name: &str| ["limit", "outer", "inner"].into_iter().find(|known| *known == name).unwrap();
    match (reply, cut_off(reply)) {
        (Err(Error::Rejected(rejection)), Some(cut)) => {
            let (name, limit) = (name(rejection.policy()), cut.limit().as_millis() as u64);
            if cut.is_by_deadline() { Come::ByDeadline(name, limit) } else { Come::CutOff(name, limit) }
        }
        (Ok(()), _) => Come::Result,
        (Err(_), _) => Come::Failed,
    }
}

fn strings(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| String::from(*name)).collect()
}
