//! Copies of one body that are read while others live: who reads, and what becomes of the others.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
};

use crate::body_support::{CUT_OFF, NOT_KEPT, Script, Step, broken, data, poll, rest};
use bytes::Bytes;
use futures::executor::block_on;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use seawall_http::{ReplayBody, body::CutOff};
use tokio_test::task;

#[test]
fn the_last_to_begin_reads_and_the_one_before_is_cut_off() {
    let mut first = ReplayBody::new(Script::new([data("a"), Step::Pending, data("b")]), 100);
    let mut second = first.try_clone().unwrap();
    assert_eq!([poll(&mut first), poll(&mut first)], ["a", "pending"]);
    assert_eq!(poll(&mut second), "a");
    assert_eq!(rest(&mut first), [CUT_OFF, "end"]);
    assert!(first.is_end_stream());
    assert_eq!(rest(&mut second), ["b", "end"]);
}

/// A body that is never ready, and wakes nobody.
struct Silent;

impl Body for Silent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Pending
    }
}

#[test]
fn a_reader_that_waits_for_ever_is_woken_when_it_is_cut_off() {
    let mut first = ReplayBody::new(Silent, 100);
    let mut second = first.try_clone().unwrap();
    let mut reads = task::spawn(());
    reads.enter(|cx, _| assert!(Pin::new(&mut first).poll_frame(cx).is_pending()));
    assert!(!reads.is_woken());
    assert_eq!(poll(&mut second), "pending");
    assert!(reads.is_woken());
    assert_eq!(poll(&mut first), CUT_OFF);
    assert_eq!(poll(&mut second), "pending", "and goes on waiting");
}

/// A body in whose poll another copy of it is polled.
struct Nested {
    copy: Arc<Mutex<Option<ReplayBody<Nested>>>>,
    woken: Arc<Woken>,
    breaks_off: bool,
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Body for Nested {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let copy = self.copy.lock().unwrap().take();
        if let Some(mut copy) = copy {
            let waker = Waker::from(Arc::clone(&self.woken));
            assert!(Pin::new(&mut copy).poll_frame(&mut Context::from_waker(&waker)).is_pending());
            *self.copy.lock().unwrap() = Some(copy);
        }
        Poll::Ready(Some(if self.breaks_off { Err(broken()) } else { Ok(Frame::data(Bytes::from_static(b"a"))) }))
    }
}

#[test]
fn one_that_begins_while_another_is_in_its_poll_waits_for_that_and_gets_what_it_gave() {
    let (copy, woken) = (Arc::default(), Arc::<Woken>::default());
    let nested = Nested { copy: Arc::clone(&copy), woken: Arc::clone(&woken), breaks_off: false };
    let mut first = ReplayBody::new(nested, 100);
    *copy.lock().unwrap() = first.try_clone();
    assert_eq!(poll(&mut first), "a");
    assert!(woken.0.load(Ordering::Relaxed));
    assert_eq!(poll(&mut first), CUT_OFF);
    let mut second = copy.lock().unwrap().take().unwrap();
    assert_eq!([poll(&mut second), poll(&mut second)], ["a", "a"]);
}

#[test]
fn one_that_begins_while_another_outgrows_the_cap_is_refused_and_the_other_goes_on() {
    let (copy, woken) = (Arc::default(), Arc::<Woken>::default());
    let nested = Nested { copy: Arc::clone(&copy), woken: Arc::clone(&woken), breaks_off: false };
    let mut first = ReplayBody::new(nested, 0);
    *copy.lock().unwrap() = first.try_clone();
    assert_eq!(poll(&mut first), "a");
    assert!(woken.0.load(Ordering::Relaxed));
    let mut second = copy.lock().unwrap().take().unwrap();
    assert_eq!(rest(&mut second), [CUT_OFF, "end"]);
    assert_eq!(poll(&mut first), "a");
}

#[test]
fn one_that_begins_while_another_breaks_off_is_refused() {
    let (copy, woken) = (Arc::default(), Arc::<Woken>::default());
    let nested = Nested { copy: Arc::clone(&copy), woken: Arc::clone(&woken), breaks_off: true };
    let mut first = ReplayBody::new(nested, 100);
    *copy.lock().unwrap() = first.try_clone();
    assert_eq!(poll(&mut first), format!("error: {}", broken()));
    assert!(woken.0.load(Ordering::Relaxed));
    let mut second = copy.lock().unwrap().take().unwrap();
    assert_eq!(rest(&mut second), [NOT_KEPT, "end"]);
}

#[test]
fn of_many_threads_one_reads_the_whole_and_the_body_is_polled_by_one_at_a_time() {
    const WHOLE: &str = "abcdefghijklmnopqrstuvwxyz";
    for _ in 0..200 {
        let pieces = (0..26).flat_map(|at| [data(&WHOLE[at..=at]), Step::Pending]);
        let body = ReplayBody::new(Script::new(pieces), 26);
        let copies: Vec<_> = (0..4).map(|_| body.try_clone().unwrap()).collect();
        let readers: Vec<_> = copies
            .into_iter()
            .map(|copy| thread::spawn(move || block_on(copy.collect()).map(|whole| whole.to_bytes())))
            .collect();
        let results: Vec<_> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        let whole = results.iter().filter(|result| result.as_ref().is_ok_and(|whole| whole == WHOLE)).count();
        let cut_off = results.iter().filter(|result| result.as_ref().is_err_and(|error| error.is::<CutOff>())).count();
        assert!(whole >= 1 && whole + cut_off == 4, "{results:?}");
        assert_eq!(block_on(body.collect()).unwrap().to_bytes(), WHOLE);
    }
}
