//! The body of a response that holds its call's leave: when that is given back, and as what.

use crate::body_support::{
    Script, Step, broken, data,
    gate::{End, FAILURE, IGNORED, Log, SUCCESS},
    panic_words, poll, trailers,
};
use http::Response;
use http_body::Body;
use seawall_http::HeldBody;

/// Reads it to that many frames.
fn read(body: &mut HeldBody<Script, Log>, frames: usize) -> Vec<String> {
    (0..frames).map(|_| poll(body)).collect()
}

#[test]
fn the_leave_is_given_back_by_the_poll_that_gives_the_end() {
    let log = Log::default();
    let mut body = log.answer(200, Script::new([data("a"), Step::Pending, data("b"), Step::Trailers(trailers())]));
    let seen = read(&mut body, 4);
    assert_eq!(seen, ["a", "pending", "b", &format!("{:?}", trailers())]);
    assert!(body.is_held());
    assert_eq!(log.ends(), []);
    assert_eq!(poll(&mut body), "end");
    assert!(!body.is_held());
    assert_eq!(log.ends(), [SUCCESS]);
    drop(body);
    assert_eq!(log.ends(), [], "it is told once");
}

#[test]
fn a_body_that_says_that_it_has_ended_gives_the_leave_back_with_its_last_frame() {
    for (last, what) in [(data("b"), "data"), (Step::Trailers(trailers()), "trailers")] {
        let log = Log::default();
        let mut body = log.answer(200, Script::new([data("a"), last]).says_end());
        let watch = body.get_ref().watch();
        read(&mut body, 1);
        assert_eq!(log.ends(), [], "{what}");
        read(&mut body, 1);
        assert_eq!(log.ends(), [SUCCESS], "{what}");
        assert_eq!(watch.polls(), 2, "it is not polled for that");
        assert!(body.is_end_stream());
        drop(body);
        assert_eq!(log.ends(), [], "{what}");
    }
}

#[test]
fn the_verdict_on_the_head_stands_if_all_of_the_body_comes_and_a_failure_is_told_at_once() {
    for (status, at_the_head, at_the_end) in
        [(200, &[][..], &[SUCCESS][..]), (404, &[], &[IGNORED]), (503, &[FAILURE], &[])]
    {
        let log = Log::default();
        let mut body = log.answer(status, Script::pieces(&["a"]));
        assert_eq!(body.is_held(), at_the_head.is_empty(), "{status}");
        assert_eq!(log.ends(), at_the_head, "{status}");
        assert_eq!(read(&mut body, 2), ["a", "end"], "{status}");
        assert_eq!(log.ends(), at_the_end, "{status}");
    }
}

#[test]
fn a_response_without_a_body_gives_the_leave_back_at_once() {
    let log = Log::default();
    let body = log.answer(204, Script::empty());
    assert!(!body.is_held());
    assert_eq!(log.ends(), [SUCCESS]);
    assert_eq!(body.get_ref().watch().polls(), 0);
}

#[test]
fn a_body_that_breaks_off_has_failed_whatever_its_head_said() {
    for status in [200, 404] {
        let log = Log::default();
        let mut body = log.answer(status, Script::new([data("a"), Step::Error]));
        assert_eq!(read(&mut body, 1), ["a"]);
        assert_eq!(log.ends(), []);
        assert_eq!(poll(&mut body), format!("error: {}", broken()));
        assert_eq!(log.ends(), [FAILURE], "{status}");
        drop(body);
        assert_eq!(log.ends(), []);
    }
}

#[test]
fn a_body_that_is_dropped_at_any_frame_before_its_end_is_abandoned_after_it_is_gone() {
    let script = || Script::new([data("a"), Step::Pending, data("b"), Step::Trailers(trailers())]);
    for frames in 0..=5 {
        let log = Log::default();
        let mut body = log.answer(200, script());
        (0..frames).for_each(|_| drop(poll(&mut body)));
        drop(body);
        // Nothing follows the trailers, which are the fourth.
        assert_eq!(log.ends(), [if frames >= 4 { SUCCESS } else { End::Abandoned }], "after {frames}");
    }
}

#[test]
fn a_panic_in_the_body_is_a_failure_and_goes_on() {
    let log = Log::default();
    let mut body = log.answer(200, Script::new([data("a"), Step::Panic]));
    read(&mut body, 1);
    assert_eq!(panic_words(|| poll(&mut body)).unwrap(), "the body panics");
    assert_eq!(log.ends(), [FAILURE]);
    drop(body);
    assert_eq!(log.ends(), []);
}

#[test]
fn a_panic_in_the_verdict_on_the_head_is_a_failure_and_goes_on() {
    let log = Log::default();
    assert_eq!(panic_words(|| log.answer(418, Script::pieces(&["a"]))).unwrap(), "the judge panics");
    assert_eq!(log.ends(), [FAILURE]);
}

#[test]
fn size_and_end_are_those_of_the_body() {
    let body = Log::default().answer(200, Script::pieces(&["abc"]).exactly(3));
    assert_eq!(body.size_hint().exact(), Some(3));
    assert!(!body.is_end_stream());
    assert_eq!(format!("{:?}", HeldBody::<u8, Log>::default()), "HeldBody { body: 0, held: false }");
}

#[test]
fn a_body_that_is_dropped_when_all_that_was_announced_has_come_has_ended() {
    for (announced, frames, end) in [(2, 2, SUCCESS), (3, 2, End::Abandoned), (2, 1, End::Abandoned), (1, 2, SUCCESS)] {
        for by_field in [false, true] {
            let log = Log::default();
            let script = Script::pieces(&["a", "b"]);
            let body = if by_field {
                log.respond(Response::builder().header("content-length", announced), script)
            } else {
                log.answer(200, script.exactly(announced))
            };
            let mut body = body;
            read(&mut body, frames);
            assert_eq!(log.ends(), [], "it may still break off");
            drop(body);
            assert_eq!(log.ends(), [end], "{frames} of {announced}");
        }
    }
    for field in ["-1", "two", "1, 1", ""] {
        let log = Log::default();
        let mut body = log.respond(Response::builder().header("content-length", field), Script::pieces(&["a"]));
        read(&mut body, 1);
        drop(body);
        assert_eq!(log.ends(), [End::Abandoned], "{field}");
    }
}
