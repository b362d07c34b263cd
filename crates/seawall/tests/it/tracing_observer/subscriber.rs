//! A subscriber that keeps its events.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::{self, DefaultGuard},
};

/// Returns the events since the last call, each as `LEVEL target: message {fields}`.
#[derive(Clone, Default)]
pub(crate) struct Records(Arc<Mutex<Vec<String>>>);

struct Recorder {
    records: Records,
    least: Level,
}

impl Records {
    /// Keeps this thread's events of the level or above, until the guard is dropped.
    pub(crate) fn from_level(least: Level) -> (Self, DefaultGuard) {
        let records = Self::default();
        let guard = subscriber::set_default(Recorder { records: records.clone(), least });
        (records, guard)
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.least
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let (metadata, Fields { message, others }) = (event.metadata(), fields);
        let record = format!("{} {}: {message} {{{}}}", metadata.level(), metadata.target(), others.join(", "));
        self.records.0.lock().unwrap().push(record);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// The fields in their order: text in quotes, numbers bare, and formatted values as their text.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<String>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => self.others.push(format!("{name}={value:?}")),
        }
    }
}
