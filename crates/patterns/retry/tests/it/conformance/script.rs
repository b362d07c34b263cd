use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use seawall_core::{Backoff, Hint, Jitter};
use seawall_retry::{Attempt, Builder, ByOutcome, EventKind, NoHint};

use crate::support::{Reply, Way, failed, free, log, run, run_blocking};
use seawall_testkit::{clock::LeapingClock, time::ms};

pub(crate) type Plain = Builder<ByOutcome, NoHint, LeapingClock>;

/// A row: what a reference asserts.
pub(crate) struct Case {
    pub(crate) id: &'static str,
    /// What differs from the reference; empty where nothing does.
    pub(crate) note: &'static str,
    pub(crate) plays: Vec<Play>,
    /// What is more than one call.
    pub(crate) own: Vec<fn()>,
}

/// One call: how it is set up, what its attempts come to, and how it goes.
pub(crate) struct Play {
    setup: Box<dyn Fn(Plain) -> Plain>,
    repeat: fn(&Attempt, &Reply) -> bool,
    hint: fn(&Attempt, &Reply) -> Hint,
    /// What the attempts come to; those behind the last one come to the same.
    replies: Vec<Result<u32, u32>>,
    attempts: u32,
    /// Those that are not zero.
    waits: Vec<Duration>,
}

impl Case {
    pub(crate) fn new(id: &'static str, note: &'static str) -> Self {
        Self { id, note, plays: Vec::new(), own: Vec::new() }
    }

    pub(crate) fn play(mut self, play: Play) -> Self {
        self.plays.push(play);
        self
    }

    pub(crate) fn own(mut self, test: fn()) -> Self {
        self.own.push(test);
        self
    }
}

impl Play {
    /// A call whose attempts come to `replies`, and of which there are so many.
    pub(crate) fn new(
        setup: impl Fn(Plain) -> Plain + 'static,
        replies: &[Result<u32, u32>],
        attempts: u32,
        waits: &[u64],
    ) -> Self {
        Self {
            setup: Box::new(setup),
            repeat: |_, result| result.is_err(),
            hint: |_, _| Hint::None,
            replies: replies.to_vec(),
            attempts,
            waits: waits.iter().map(|&millis| ms(millis)).collect(),
        }
    }

    /// A call that always fails, with those waits by that backoff without jitter.
    pub(crate) fn failing(backoff: Backoff, waits: &[u64]) -> Self {
        let attempts = waits.len() as u32 + 1;
        let setup = move |builder: Plain| builder.max_attempts(attempts).backoff(backoff.jitter(Jitter::None));
        let mut play = Self::new(setup, &[Err(1)], attempts, waits);
        play.waits.retain(|wait| *wait > Duration::ZERO);
        play
    }

    pub(crate) fn repeat(self, repeat: fn(&Attempt, &Reply) -> bool) -> Self {
        Self { repeat, ..self }
    }

    pub(crate) fn hint(self, hint: fn(&Attempt, &Reply) -> Hint) -> Self {
        Self { hint, ..self }
    }

    fn reply(&self, number: u32) -> Reply {
        let last = self.replies.len() - 1;
        self.replies[last.min(number as usize - 1)].or_else(failed)
    }

    /// By one way; blocking if there is none.
    fn run(&self, way: Option<Way>, what: &str) {
        let (clock, (log, observer)) = (LeapingClock::default(), log());
        let retry =
            (self.setup)(free().clock(clock.clone())).retry_if(self.repeat).hint(self.hint).on_event(observer).build();
        let reply = |number| self.reply(number);
        let found = match way {
            Some(way) => run(way, &retry, reply),
            None => run_blocking(&retry, reply),
        };
        assert_eq!(found, (self.reply(self.attempts), self.attempts), "{what}");
        assert_eq!(clock.take_waits(), self.waits, "{what}");
        let (mut told, mut retrying) = (Vec::new(), 0);
        for event in log.lock().unwrap().iter() {
            match event {
                EventKind::Retrying { wait, .. } => {
                    retrying += 1;
                    told.extend((*wait > Duration::ZERO).then_some(*wait));
                }
                EventKind::Recovered { attempts, .. } | EventKind::GaveUp { attempts, .. } => {
                    assert_eq!(*attempts, self.attempts, "{what}");
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((retrying, told), (self.attempts - 1, self.waits.clone()), "{what}: events");
    }
}

/// Plays all cases in all ways, and tells at the end which of them failed.
pub(crate) fn play(cases: Vec<Case>) {
    let mut failed = Vec::new();
    for case in cases {
        for (number, play) in (1..).zip(&case.plays) {
            let blocking = play.waits.is_empty().then_some(None);
            for way in Way::ALL.into_iter().map(Some).chain(blocking) {
                let what = format!("{}, play {number}, by {way:?} ({})", case.id, case.note);
                let run = catch_unwind(AssertUnwindSafe(|| play.run(way, &what)));
                failed.extend(run.is_err().then_some(what));
            }
        }
        let own = (1..).zip(&case.own).filter(|(_, test)| catch_unwind(*test).is_err());
        failed.extend(own.map(|(number, _)| format!("{}, its own test {number} ({})", case.id, case.note)));
    }
    assert!(failed.is_empty(), "these failed: {failed:#?}");
}
