use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use seawall_bulkhead::{EventKind, Reason};
use seawall_core::{Rejection, time::ManualClock};

use crate::{
    conformance::{
        script::{Case, Script, Step},
        ways::{Begun, Call, Look, Way},
    },
    support::{Log, Manual, log, reason},
};

/// Plays all cases in all ways, and tells at the end which of them failed.
pub(crate) fn play(cases: Vec<Case>) {
    let mut failed = Vec::new();
    for case in cases {
        for (number, script) in (1..).zip(&case.scripts) {
            for way in Way::all(script.waits) {
                let what = format!("{}, script {number}, by {way:?} ({})", case.id, case.note);
                let run = catch_unwind(AssertUnwindSafe(|| Stage::new(script, way, &what).play(&script.steps)));
                failed.extend(run.is_err().then_some(what));
            }
        }
        let own = case.own.is_some_and(|test| catch_unwind(test).is_err());
        failed.extend(own.then(|| case.id.to_owned()));
    }
    assert!(failed.is_empty(), "these failed: {failed:#?}");
}

/// A bulkhead while a script is played on it.
struct Stage<'a> {
    what: &'a str,
    step: Option<&'a Step>,
    way: Way,
    waits: bool,
    clock: ManualClock,
    bulkhead: Manual,
    in_flight: HashMap<char, Call>,
    waiting: HashMap<char, Call>,
    events: Log<String>,
    /// How many of the events a step has asked for.
    heard: usize,
    /// How many calls have come.
    come: usize,
    refused: u64,
}

impl<'a> Stage<'a> {
    fn new(script: &Script, way: Way, what: &'a str) -> Self {
        let clock = ManualClock::new();
        let bulkhead = (script.setup)().clock(clock.clone()).build();
        let events = log(&bulkhead, |event| match event.kind() {
            EventKind::Rejected(rejection) => Some(format!("refused: {:?}", reason(rejection))),
            EventKind::Resized { to, .. } => Some(format!("resized to {to}")),
            other => panic!("{other:?}"),
        });
        let (in_flight, waiting) = (HashMap::new(), HashMap::new());
        let (waits, step, heard, come, refused) = (script.waits, None, 0, 0, 0);
        Self { what, step, way, waits, clock, bulkhead, in_flight, waiting, events, heard, come, refused }
    }

    fn play(&mut self, steps: &'a [Step]) {
        for step in steps {
            self.step = Some(step);
            self.take(step);
            self.check_laws();
        }
    }

    fn take(&mut self, step: &'a Step) {
        match *step {
            Step::Enter(names) => names.chars().for_each(|name| match self.begin() {
                Begun::Entered(call) => assert!(self.in_flight.insert(name, call).is_none()),
                Begun::Waits(_) => panic!("`{name}` waits"),
                Begun::Refused(rejection) => panic!("`{name}`: {rejection}"),
            }),
            Step::Refused(reason) => match self.begin() {
                Begun::Refused(rejection) => self.refuse(&rejection, reason),
                _ => panic!("it is not refused"),
            },
            Step::Wait(names) => names.chars().for_each(|name| match self.begin() {
                Begun::Waits(call) => assert!(self.waiting.insert(name, call).is_none()),
                Begun::Entered(_) => panic!("`{name}` need not wait"),
                Begun::Refused(rejection) => panic!("`{name}`: {rejection}"),
            }),
            Step::WaitOn(names) => names.chars().for_each(|name| {
                let call = self.waiting.get_mut(&name).expect("it waits");
                assert!(matches!(call.look(), Look::Waits), "`{name}` waits no more");
            }),
            Step::Run(names) => names.chars().for_each(|name| {
                let mut call = self.leave_queue(name);
                assert!(matches!(call.look(), Look::Runs), "`{name}` does not run");
                self.in_flight.insert(name, call);
            }),
            Step::InVain(name, reason) => match self.leave_queue(name).look() {
                Look::Refused(rejection) => self.refuse(&rejection, reason),
                _ => panic!("`{name}` is not refused"),
            },
            Step::End(names) => names.chars().for_each(|name| {
                let call = self.in_flight.remove(&name).expect("a script ends what it began");
                call.end(|| {
                    let next = self.waiting.values().filter(|call| call.is_woken()).count();
                    assert_eq!(self.bulkhead.in_flight(), self.in_flight.len() + next, "though the future lives on");
                });
            }),
            Step::Drop(names) => names.chars().for_each(|name| {
                let call = self.in_flight.remove(&name).or_else(|| self.waiting.remove(&name));
                drop(call.expect("a script drops what it began"));
            }),
            Step::After(duration) => self.clock.advance(duration),
            Step::Resize(limit) => self.bulkhead.resize(limit),
            Step::Available(slots) => assert_eq!(self.bulkhead.available(), slots),
            Step::InFlight(calls) => assert_eq!(self.bulkhead.in_flight(), calls),
            Step::Told(ref wanted) => {
                let events = self.events.lock().unwrap();
                assert_eq!(events[self.heard..], *wanted);
                self.heard = events.len();
            }
        }
    }

    fn begin(&mut self) -> Begun {
        self.come += 1;
        self.way.begin(&self.bulkhead, self.come, self.waits)
    }

    fn leave_queue(&mut self, name: char) -> Call {
        let call = self.waiting.remove(&name).expect("it waits");
        assert!(call.is_woken(), "`{name}` would sleep on");
        call
    }

    fn refuse(&mut self, rejection: &Rejection, expected: Reason) {
        assert_eq!((reason(rejection), rejection.policy()), (expected, "conformance"));
        assert_eq!(rejection.retry_after(), None);
        self.refused += 1;
    }

    /// What holds after each step of each script.
    fn check_laws(&self) {
        let (bulkhead, snapshot) = (&self.bulkhead, self.bulkhead.snapshot());
        // Who is woken has a slot that it has not looked at, or has waited for long enough.
        let woken = self.waiting.values().filter(|call| call.is_woken()).count();
        let known = self.in_flight.len()..=self.in_flight.len() + woken;
        assert!(known.contains(&bulkhead.in_flight()), "{} in flight, {known:?} known", bulkhead.in_flight());
        let settled = bulkhead.in_flight() - self.in_flight.len();
        assert_eq!(bulkhead.queued() + settled, self.waiting.len(), "who waits is in the queue, or has its turn");
        let free = bulkhead.max_concurrent().saturating_sub(bulkhead.in_flight());
        assert_eq!(bulkhead.available(), if bulkhead.queued() == 0 { free } else { 0 });
        assert!(free == 0 || bulkhead.queued() == 0, "nobody waits while there is room");
        let told = self.events.lock().unwrap().iter().filter(|event| event.starts_with("refused")).count();
        assert_eq!((snapshot.rejected(), told as u64), (self.refused, self.refused), "each refusal is counted, once");
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("^ in {} at {:?}", self.what, self.step);
        }
    }
}
