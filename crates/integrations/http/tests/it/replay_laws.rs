//! What a call's attempts read of one body, against a naive model: the whole of it, byte for byte, or a refusal.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use crate::body_support::{Script, Step, trailers};
use bytes::Bytes;
use futures::task::noop_waker_ref;
use http_body::Body;
use proptest::{collection::vec, prelude::*};
use seawall_http::{
    ReplayBody,
    body::{CutOff, NotKept},
};

/// A body, and what the attempts do with it.
#[derive(Debug, Clone)]
struct Course {
    /// Sizes of the pieces, before each of which it may be pending.
    pieces: Vec<(usize, bool)>,
    trailers: bool,
    breaks_off: bool,
    says_end: bool,
    says_size: bool,
    cap: usize,
    /// After how many polls each attempt but the last stops, and whether it is kept alive then.
    stops: Vec<(usize, bool)>,
}

fn courses() -> impl Strategy<Value = Course> {
    let pieces = vec((prop_oneof![Just(0), 1..8_usize, 4000..4200_usize], any::<bool>()), 0..12);
    let cap = prop_oneof![0..60_usize, 4000..20_000_usize];
    let stops = vec((0..16_usize, any::<bool>()), 0..4);
    (pieces, any::<[bool; 3]>(), prop::bool::weighted(0.2), cap, stops).prop_map(
        |(pieces, [trailers, says_end, says_size], breaks_off, cap, stops)| Course {
            pieces,
            trailers,
            breaks_off,
            says_end,
            says_size,
            cap,
            stops,
        },
    )
}

impl Course {
    fn whole(&self) -> Vec<u8> {
        let size: usize = self.pieces.iter().map(|(size, _)| size).sum();
        (0..size).map(|at| (at % 251) as u8).collect()
    }

    fn script(&self) -> Script {
        let mut whole = Bytes::from(self.whole());
        let size = whole.len();
        let mut steps = Vec::new();
        for (size, pending) in &self.pieces {
            steps.extend(pending.then_some(Step::Pending));
            steps.push(Step::Data(whole.split_to(*size)));
        }
        steps.extend(self.trailers.then(|| Step::Trailers(trailers())));
        steps.extend(self.breaks_off.then_some(Step::Error));
        let mut script = Script::new(steps);
        if self.says_end {
            script = script.says_end();
        }
        if self.says_size { script.exactly(size as u64) } else { script }
    }
}

/// What an attempt has read.
#[derive(Debug, Default)]
struct Read {
    data: Vec<u8>,
    trailers: usize,
    end: Option<End>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Ended,
    BrokeOff,
    NotKept,
    CutOff,
}

/// Reads for at most that many polls.
fn read(body: &mut ReplayBody<Script>, polls: usize) -> Read {
    let mut read = Read::default();
    for _ in 0..polls {
        let hint = body.size_hint();
        assert!(!body.is_end_stream() || read.end.is_some() || hint.lower() == 0);
        match Pin::new(&mut *body).poll_frame(&mut Context::from_waker(noop_waker_ref())) {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => read.data.extend_from_slice(&data),
                Err(_) => read.trailers += 1,
            },
            Poll::Ready(end) => {
                read.end = Some(match end {
                    None => End::Ended,
                    Some(Err(error)) if error.is::<NotKept>() => End::NotKept,
                    Some(Err(error)) if error.is::<CutOff>() => End::CutOff,
                    Some(_) => End::BrokeOff,
                });
                return read;
            }
        }
    }
    read
}

/// How much has come out of the inner body: all there is to know of what can be replayed.
#[derive(Debug, Default)]
struct Model {
    data: usize,
    trailers: usize,
    broke_off: bool,
}

impl Model {
    fn is_whole(&self, cap: usize) -> bool {
        // 41 is the size of the trailers: name, value, and 32.
        !self.broke_off && self.data + self.trailers * 41 <= cap
    }

    fn pass(&mut self, read: &Read) {
        self.data = self.data.max(read.data.len());
        self.trailers = self.trailers.max(read.trailers);
        self.broke_off |= read.end == Some(End::BrokeOff);
    }
}

fn check(course: &Course) -> Result<(), TestCaseError> {
    let whole = course.whole();
    let mut next = ReplayBody::new(course.script(), course.cap);
    let mut model = Model::default();
    let mut alive = Vec::new();
    let says_too_large = course.says_size && whole.len() > course.cap;
    for stop in course.stops.iter().map(Some).chain([None]) {
        let mut body = next;
        let copy = body.try_clone();
        prop_assert_eq!(copy.is_some(), model.is_whole(course.cap) && !says_too_large);
        let was_whole = says_too_large || model.is_whole(course.cap);
        let got = read(&mut body, stop.map_or(usize::MAX, |(polls, _)| *polls));

        if !was_whole && stop.is_none_or(|(polls, _)| *polls > 0) {
            prop_assert_eq!(got.end, Some(End::NotKept));
            prop_assert!(got.data.is_empty() && got.trailers == 0);
            return Ok(());
        }
        prop_assert!(whole.starts_with(&got.data) && got.trailers <= usize::from(course.trailers));
        if got.trailers > 0 || matches!(got.end, Some(End::Ended | End::BrokeOff)) {
            prop_assert_eq!(&got.data, &whole, "nothing is left out");
        }
        let right_end = if course.breaks_off { End::BrokeOff } else { End::Ended };
        prop_assert!(got.end.is_none_or(|end| end == right_end), "{:?}", got.end);
        if got.end == Some(End::Ended) {
            prop_assert_eq!(got.trailers, usize::from(course.trailers));
            prop_assert!(body.is_end_stream() || says_too_large);
        }
        model.pass(&got);
        if stop.is_none() {
            prop_assert_eq!(got.end, Some(right_end));
        }
        let Some(copy) = copy else { return Ok(()) };
        prop_assert_eq!(copy.is_whole(), model.is_whole(course.cap));
        if stop.is_some_and(|(polls, stays)| *stays && *polls > 0) && got.end.is_none() {
            alive.push(body);
        }
        next = copy;
    }
    // Whoever is not the last to have begun never gets another byte of it.
    for mut body in alive {
        let got = read(&mut body, 8);
        prop_assert!(got.data.is_empty() && got.trailers == 0 && got.end.is_some_and(|end| end != End::BrokeOff));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_attempt_reads_the_whole_body_or_is_refused(course in courses()) {
        check(&course)?;
    }
}
