use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use seawall_circuit_breaker::{CircuitBreaker, Event, EventKind};
use seawall_core::{
    Rejection,
    breaker::{Change, State},
    time::{Clock, Instant, ManualClock},
};

use crate::conformance::{
    script::{Breaker, Case, Classifier, Play, Script, Step},
    verdict::{Verdict, as_said},
    ways::{Api, Held, Way},
};

/// Plays all cases in all ways, and tells at the end which of them failed.
pub(crate) fn play(cases: Vec<Case>) {
    let mut failed = Vec::new();
    for case in cases {
        match case.play {
            Play::Own(test) => failed.extend(catch_unwind(test).is_err().then(|| case.id.to_owned())),
            Play::Scripts(scripts) => {
                for ((number, script), way) in (1..).zip(&scripts).flat_map(|it| Way::ALL.map(|way| (it, way))) {
                    let what = format!("{}, script {number}, by {way:?} ({})", case.id, case.note);
                    let run = catch_unwind(AssertUnwindSafe(|| Stage::new(script, way, &what).play(&script.steps)));
                    failed.extend(run.is_err().then_some(what));
                }
            }
        }
    }
    assert!(failed.is_empty(), "these failed: {failed:#?}");
}

/// A breaker while a script is played on it.
struct Stage<'a> {
    what: &'a str,
    step: Option<&'a Step>,
    clock: ManualClock,
    breaker: Breaker,
    way: Way,
    api: Box<dyn Api>,
    /// With the generation that they were let in under.
    held: HashMap<char, (Box<dyn Held>, u32)>,
    /// Of what changed, or would have.
    events: Arc<Mutex<Vec<Event>>>,
    rejections: Arc<Mutex<Vec<Rejection>>>,
    /// How many of the events a step has asked for.
    heard: usize,
    refused: u64,
    stale: u64,
}

impl<'a> Stage<'a> {
    fn new(script: &Script, way: Way, what: &'a str) -> Self {
        let clock = ManualClock::new();
        let builder = CircuitBreaker::builder("conformance").clock(clock.clone()).classify(as_said as Classifier);
        let breaker = (script.setup)(builder).build();
        let (events, rejections) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
        let (changed, rejected) = (events.clone(), rejections.clone());
        breaker.on_event(move |event| match event.kind() {
            EventKind::Rejected(rejection) => lock(&rejected).push(rejection.clone()),
            _ => lock(&changed).push(event.clone()),
        });
        let (api, held) = (way.api(&breaker), HashMap::new());
        Self { what, step: None, clock, breaker, way, api, held, events, rejections, heard: 0, refused: 0, stale: 0 }
    }

    fn play(&mut self, steps: &'a [Step]) {
        for step in steps {
            self.step = Some(step);
            self.take(step);
            self.check_laws();
        }
    }

    fn take(&mut self, step: &'a Step) {
        let snapshot = self.breaker.snapshot();
        match *step {
            Step::At(time) => {
                let now = self.clock.now();
                assert!(Instant::ORIGIN + time >= now, "a script does not go back");
                self.clock.advance(time.saturating_sub(now.saturating_duration_since(Instant::ORIGIN)));
            }
            Step::Wait(duration) => self.clock.advance(duration),
            Step::Calls(ref verdicts, duration) => {
                let during = || self.clock.advance(duration);
                let api = &mut *self.api;
                verdicts.chars().for_each(|letter| call(api, Verdict::new(letter), &during));
            }
            Step::Threads(threads, ref verdicts) => in_threads(threads, verdicts, &self.breaker, self.way),
            Step::Begin(names) => {
                for name in names.chars() {
                    let held = self.api.begin().unwrap_or_else(|rejection| panic!("`{name}`: {rejection}"));
                    let generation = self.breaker.snapshot().generation();
                    assert!(self.held.insert(name, (held, generation)).is_none(), "`{name}` is held already");
                }
            }
            Step::End(name, verdict) => assert_eq!(self.release(name).end(verdict), verdict),
            Step::Abandon(name) => drop(self.release(name)),
            Step::Refused { met, retry_after } => self.refuse(met, retry_after),
            Step::ByHand(act) => act(&self.breaker),
            Step::State(state) => assert_eq!(snapshot.state(), state),
            Step::Sees { rule, calls, failures, slow } => {
                let counts = snapshot.rules()[rule].counts;
                assert_eq!((counts.calls, counts.failures, counts.slow), (calls, failures, slow));
            }
            Step::Rate(rule, rate) => assert_eq!(snapshot.rules()[rule].rate, rate),
            Step::Row(failures) => assert_eq!(snapshot.consecutive_failures(), failures),
            Step::Undecided(probes) => assert_eq!(snapshot.undecided_probes(), probes),
            Step::RetryAfter(retry_after) => assert_eq!(snapshot.retry_after(), retry_after),
            Step::Generation(generation) => assert_eq!(snapshot.generation(), generation),
            Step::Told(ref wanted) => {
                let events = lock(&self.events);
                assert_eq!(events[self.heard..].iter().map(name_of).collect::<Vec<_>>(), *wanted);
                self.heard = events.len();
            }
            Step::Why(why) => assert_eq!(self.changes().last().map(|change| change.why()), Some(why)),
            Step::WouldOpen(trigger) => {
                let last = lock(&self.events).last().map(|event| event.kind().clone());
                assert_eq!(last, Some(EventKind::WouldOpen(trigger)));
            }
            Step::All(ref steps) => self.play(steps),
        }
    }

    fn release(&mut self, name: char) -> Box<dyn Held> {
        let (held, generation) = self.held.remove(&name).expect("a script ends what it began");
        self.stale += u64::from(generation != self.breaker.snapshot().generation());
        held
    }

    fn refuse(&mut self, met: State, retry_after: Option<Duration>) {
        let rejection = match self.api.call(Verdict::Success, &|| panic!("a refused call ran")) {
            Ok(_) => panic!("the call was let in"),
            Err(rejection) => rejection,
        };
        assert_eq!(rejection.retry_after(), retry_after);
        assert_eq!(rejection.policy(), "conformance");
        match &rejection {
            Rejection::CircuitOpen(open) => assert_eq!(open.state(), met),
            other => panic!("{other}"),
        }
        self.refused += 1;
        assert_eq!(lock(&self.rejections).last(), Some(&rejection), "it is told as it is answered");
    }

    fn changes(&self) -> Vec<Change> {
        lock(&self.events).iter().filter_map(|event| event.change().copied()).collect()
    }

    /// What holds after each step of each script.
    fn check_laws(&self) {
        let (snapshot, changes) = (self.breaker.snapshot(), self.changes());
        assert_eq!(snapshot.state(), self.breaker.state());
        assert_eq!(snapshot.rejected(), self.refused, "each refusal is counted, once");
        assert_eq!(lock(&self.rejections).len() as u64, self.refused, "each refusal is told, once");
        assert_eq!(snapshot.stale(), self.stale, "results of an older generation, and only they, count for nothing");
        for (number, pair) in (2..).zip(changes.windows(2)) {
            assert_eq!((pair[0].to(), pair[1].generation()), (pair[1].from(), number), "{changes:?}");
        }
        let Some(last) = changes.last() else {
            assert_eq!((snapshot.state(), snapshot.generation()), (State::Closed, 0), "a change is told");
            return;
        };
        assert_eq!((snapshot.generation(), snapshot.since()), (last.generation(), last.at()));
        let open_period_is_over = last.until().is_some_and(|until| self.clock.now() >= until);
        assert_eq!(snapshot.state(), if open_period_is_over { State::HalfOpen } else { last.to() });
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("^ in {} at {:?}", self.what, self.step);
        }
    }
}

fn call(api: &mut dyn Api, verdict: Verdict, during: &dyn Fn()) {
    match api.call(verdict, during) {
        Ok(got) => assert_eq!(got, verdict, "what the callee says is what the caller gets"),
        Err(rejection) => panic!("{rejection}"),
    }
}

fn in_threads(threads: usize, verdicts: &str, breaker: &Breaker, way: Way) {
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut api = way.api(breaker);
                verdicts.chars().for_each(|letter| call(&mut *api, Verdict::new(letter), &|| {}));
            });
        }
    });
}

fn lock<T>(told: &Mutex<Vec<T>>) -> MutexGuard<'_, Vec<T>> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

fn name_of(event: &Event) -> String {
    match event.kind() {
        EventKind::Changed(change) => format!("{} -> {}", change.from(), change.to()),
        EventKind::WouldOpen(_) => "would open".into(),
        other => panic!("{other:?}"),
    }
}
