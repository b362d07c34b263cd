use std::time::Duration;

use seawall_bulkhead::{Builder, Bulkhead, Reason};

/// A row: what a reference asserts, as scripts.
pub(crate) struct Case {
    pub(crate) id: &'static str,
    /// What differs from the reference; empty where nothing does.
    pub(crate) note: &'static str,
    pub(crate) scripts: Vec<Script>,
    /// What takes threads, or more than one call's way.
    pub(crate) own: Option<fn()>,
}

/// A bulkhead, and what happens to it.
pub(crate) struct Script {
    pub(crate) setup: fn() -> Builder,
    pub(crate) steps: Vec<Step>,
    /// Whether it is about waiting, and so for the ways that can wait.
    pub(crate) waits: bool,
}

/// Something that happens, or that must be so. Calls have letters as their names.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// These come, and are let in.
    Enter(&'static str),
    /// One comes, and is refused.
    Refused(Reason),
    /// These come, and wait.
    Wait(&'static str),
    /// They have not been woken, and wait on.
    WaitOn(&'static str),
    /// The turn of these has come.
    Run(&'static str),
    /// This one has waited in vain.
    InVain(char, Reason),
    /// These end.
    End(&'static str),
    /// These are dropped, wherever they are.
    Drop(&'static str),
    After(Duration),
    Resize(usize),
    Available(usize),
    InFlight(usize),
    /// All events since the last such step.
    Told(Vec<&'static str>),
}

impl Case {
    pub(crate) fn new(id: &'static str, note: &'static str) -> Self {
        Self { id, note, scripts: Vec::new(), own: None }
    }

    /// One script more, of a bulkhead without a queue.
    pub(crate) fn script(mut self, setup: fn() -> Builder, steps: Vec<Step>) -> Self {
        self.scripts.push(Script { setup, steps, waits: false });
        self
    }

    /// One script more, of a bulkhead with a queue.
    pub(crate) fn waiting(mut self, setup: fn() -> Builder, steps: Vec<Step>) -> Self {
        self.scripts.push(Script { setup, steps, waits: true });
        self
    }

    pub(crate) fn own(self, test: fn()) -> Self {
        Self { own: Some(test), ..self }
    }
}

pub(crate) fn slots(max_concurrent: usize) -> Builder {
    Bulkhead::builder("conformance", max_concurrent)
}

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
