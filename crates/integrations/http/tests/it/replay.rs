//! Bodies that can be sent again: what copies give, when there are none, and who reads.

use std::{
    error::Error,
    io,
    marker::PhantomPinned,
    pin::Pin,
    task::{Context, Poll},
};

use crate::body_support::{NOT_KEPT, Script, Step, broken, data, panic_words, poll, rest, trailers};
use bytes::{Buf, Bytes};
use futures::executor::block_on;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full};
use seawall_http::{ReplayBody, body::NotKept};

#[test]
fn a_copy_gives_what_was_read_and_then_the_rest_of_the_body() {
    let script = Script::pieces(&["one ", "two ", "three"]);
    let watch = script.watch();
    let mut first = ReplayBody::new(script, 100);
    let mut second = first.try_clone().unwrap();
    assert_eq!([poll(&mut first), poll(&mut first)], ["one ", "two "]);
    drop(first);
    let third = second.try_clone().unwrap();
    assert_eq!(rest(&mut second), ["one two ", "three", "end"]);
    assert_eq!(watch.polls(), 4, "no more than once through");
    assert!(watch.is_dropped(), "it has ended, and is not needed for the copies");
    drop(second);
    let mut third = third;
    assert_eq!(rest(&mut third), ["one two ", "three", "end"]);
}

#[test]
fn trailers_are_given_again() {
    let shown = format!("{:?}", trailers());
    for says_end in [false, true] {
        let script = Script::new([data("a"), Step::Trailers(trailers())]);
        let mut first = ReplayBody::new(if says_end { script.says_end() } else { script }, 100);
        let mut second = first.try_clone().unwrap();
        assert_eq!([poll(&mut first), poll(&mut first)], ["a", &shown]);
        assert_eq!(first.is_end_stream(), says_end);
        assert_eq!([poll(&mut second), poll(&mut second)], ["a", &shown]);
        assert_eq!(second.is_end_stream(), says_end);
        assert_eq!(poll(&mut second), "end");
        assert!(second.is_end_stream());
    }
}

#[test]
fn a_body_of_exactly_the_cap_is_kept_and_one_byte_more_is_not() {
    for (cap, kept) in [(6, true), (5, false), (0, false)] {
        let mut first = ReplayBody::new(Script::pieces(&["abc", "def"]), cap);
        let mut second = first.try_clone().unwrap();
        assert_eq!(rest(&mut first), ["abc", "def", "end"], "undisturbed under {cap}");
        assert_eq!((second.is_whole(), second.try_clone().is_some()), (kept, kept), "{cap}");
        let seen = rest(&mut second);
        if kept {
            assert_eq!(seen, ["abcdef", "end"]);
        } else {
            assert_eq!(seen, [NOT_KEPT, "end"]);
        }
    }
}

#[test]
fn trailers_count_against_the_cap() {
    // A name of 6 bytes, a value of 3, and 32.
    for (cap, kept) in [(42, true), (41, false)] {
        let mut first = ReplayBody::new(Script::new([data("a"), Step::Trailers(trailers())]), cap);
        let second = first.try_clone().unwrap();
        assert_eq!(rest(&mut first).len(), 3);
        assert_eq!(second.is_whole(), kept, "{cap}");
    }
}

#[test]
fn what_outgrows_the_cap_midway_goes_on_for_its_reader_alone() {
    let script = Script::pieces(&["abc", "def", "ghi"]);
    let mut first = ReplayBody::new(script, 4);
    let mut early = first.try_clone().unwrap();
    assert_eq!(poll(&mut first), "abc");
    assert!(early.is_whole());
    assert_eq!(poll(&mut first), "def");
    assert!(!early.is_whole());
    assert_eq!(rest(&mut early), [NOT_KEPT, "end"]);
    assert_eq!(rest(&mut first), ["ghi", "end"], "one that cannot have the whole cuts nobody off");
}

#[test]
fn a_second_attempt_too_may_outgrow_the_cap_and_go_on() {
    let mut first = ReplayBody::new(Script::pieces(&["abc", "def", "ghi"]), 4);
    let mut second = first.try_clone().unwrap();
    assert_eq!(poll(&mut first), "abc");
    drop(first);
    let third = second.try_clone().unwrap();
    assert_eq!(rest(&mut second), ["abc", "def", "ghi", "end"]);
    assert!(!third.is_whole());
    assert!(third.try_clone().is_none());
}

#[test]
fn a_body_that_says_that_it_is_too_large_has_no_copies_from_the_beginning() {
    for (size, copies) in [(7, false), (6, true)] {
        let mut body = ReplayBody::new(Script::pieces(&["abc", "def"]).exactly(size), 6);
        assert_eq!(body.try_clone().is_some(), copies, "{size}");
        assert!(body.is_whole());
        assert_eq!(body.size_hint().exact(), Some(size));
        assert_eq!(rest(&mut body), ["abc", "def", "end"]);
    }
}

#[test]
fn a_body_that_lies_about_its_size_is_bounded_all_the_same() {
    let mut first = ReplayBody::new(Script::pieces(&["abc", "def"]).exactly(3), 5);
    let mut second = first.try_clone().unwrap();
    assert_eq!(rest(&mut first), ["abc", "def", "end"]);
    assert_eq!(first.size_hint().exact(), Some(0), "and no number overflows");
    assert_eq!(poll(&mut second), NOT_KEPT);
}

#[test]
fn an_empty_body_is_empty_as_often_as_one_likes() {
    let script = Script::empty();
    let watch = script.watch();
    let mut first = ReplayBody::new(script, 0);
    let mut second = first.try_clone().unwrap();
    for body in [&mut first, &mut second] {
        assert!(body.is_end_stream() && body.is_whole());
        assert_eq!(body.size_hint().exact(), Some(0));
        assert_eq!(poll(body), "end");
    }
    assert_eq!(watch.polls(), 0);
}

#[test]
fn frames_without_data_take_no_room() {
    let mut first = ReplayBody::new(Script::pieces(&["", "a", "", ""]), 1);
    let mut second = first.try_clone().unwrap();
    assert_eq!(rest(&mut first), ["", "a", "", "", "end"]);
    assert_eq!(rest(&mut second), ["a", "end"]);
}

#[test]
fn an_error_of_the_body_is_passed_on_as_it_is_and_ends_its_copies() {
    let mut first = ReplayBody::new(Script::new([data("a"), Step::Error]), 100);
    let second = first.try_clone().unwrap();
    assert_eq!(poll(&mut first), "a");
    let error = block_on(first.frame()).unwrap().unwrap_err();
    assert_eq!(error.downcast::<io::Error>().unwrap().kind(), broken().kind());
    assert_eq!(poll(&mut first), "end");
    assert!(first.try_clone().is_none() && second.try_clone().is_none());
    let error = block_on(second.collect()).unwrap_err();
    assert!(error.is::<NotKept>());
}

#[test]
fn an_error_before_anything_else_ends_the_copies_too() {
    let mut first = ReplayBody::new(Script::new([Step::Error]), 100);
    let mut second = first.try_clone().unwrap();
    assert_eq!(poll(&mut first), format!("error: {}", broken()));
    assert_eq!(rest(&mut second), [NOT_KEPT, "end"]);
}

#[test]
fn a_panic_of_the_body_goes_on_and_ends_its_copies() {
    let mut first = ReplayBody::new(Script::new([data("a"), Step::Panic]), 100);
    let mut second = first.try_clone().unwrap();
    assert_eq!(poll(&mut first), "a");
    assert_eq!(panic_words(|| poll(&mut first)).unwrap(), "the body panics");
    assert!(!second.is_whole());
    assert_eq!(rest(&mut second), [NOT_KEPT, "end"]);
    assert_eq!(poll(&mut first), NOT_KEPT);
}

#[test]
fn nothing_is_kept_where_there_is_no_copy_to_keep_it_for() {
    let mut alone = ReplayBody::new(Script::pieces(&["a", "b", "c"]), 100);
    assert!(alone.try_clone().is_some(), "nothing has passed, and the copy is gone");
    assert_eq!(poll(&mut alone), "a");
    assert!(alone.try_clone().is_none());
    assert_eq!(rest(&mut alone), ["b", "c", "end"]);

    let mut first = ReplayBody::new(Script::pieces(&["a", "b"]), 100);
    let second = first.try_clone();
    assert_eq!(poll(&mut first), "a");
    drop(second);
    assert!(first.try_clone().is_some(), "what has passed was kept for the copy");
    assert_eq!(rest(&mut first), ["b", "end"]);
    assert!(first.try_clone().is_none());
}

#[test]
fn sizes_and_ends_are_those_of_what_is_left() {
    let mut first = ReplayBody::new(Script::pieces(&["abc", "de"]).exactly(5).says_end(), 100);
    let mut second = first.try_clone().unwrap();
    let left = |body: &ReplayBody<_>| (body.size_hint().exact(), body.is_end_stream());
    assert_eq!(left(&first), (Some(5), false));
    poll(&mut first);
    assert_eq!((left(&first), left(&second)), ((Some(2), false), (Some(5), false)));
    poll(&mut first);
    assert_eq!((left(&first), left(&second)), ((Some(0), true), (Some(5), false)));
    assert_eq!(poll(&mut second), "abcde");
    assert_eq!(left(&second), (Some(0), true));
}

// ===== other bodies =====

/// Data in two pieces, and no `Bytes`.
struct Split(&'static [u8], &'static [u8]);

impl Buf for Split {
    fn remaining(&self) -> usize {
        self.0.len() + self.1.len()
    }

    fn chunk(&self) -> &[u8] {
        if self.0.is_empty() { self.1 } else { self.0 }
    }

    fn advance(&mut self, count: usize) {
        let first = count.min(self.0.len());
        self.0 = &self.0[first..];
        self.1 = &self.1[count - first..];
    }
}

#[test]
fn data_of_any_kind_is_read_and_replayed() {
    let first = ReplayBody::new(Full::new(Split(b"ab", b"cd")), 4);
    let second = first.try_clone().unwrap();
    assert_eq!(first.size_hint().exact(), Some(4));
    assert_eq!(block_on(first.collect()).unwrap().to_bytes(), "abcd");
    assert_eq!(block_on(second.collect()).unwrap().to_bytes(), "abcd");
    let through = ReplayBody::new(Full::new(Split(b"ab", b"cd")), 3);
    assert_eq!(block_on(through.collect()).unwrap().to_bytes(), "abcd");
}

/// A body that must not be moved once it has been polled; it may say that it is large.
struct Unmovable(PhantomPinned, u64);

impl Body for Unmovable {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(None)
    }

    fn size_hint(&self) -> SizeHint {
        let mut size = SizeHint::new();
        size.set_lower(self.1);
        size
    }
}

#[test]
fn it_can_be_moved_though_the_body_cannot_and_goes_to_other_threads() {
    fn as_hyper_wants_it<T: Unpin + Send + Sync + 'static>(value: T) -> T {
        value
    }
    for size in [0, u64::MAX] {
        let mut body = as_hyper_wants_it(ReplayBody::new(Unmovable(PhantomPinned, size), 1));
        assert_eq!(poll(&mut body), "end");
    }
}
