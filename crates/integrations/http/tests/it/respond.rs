//! What a responder makes of rejections: statuses, fields, bodies.

use std::convert::Infallible;

use crate::rejections::{
    SECOND, SECRET, all_four, bulkhead_full, circuit_open, forced_open, rate_limited, timed_out, too_large,
};
use bytes::Bytes;
use futures::FutureExt;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use seawall::{Bulkhead, CircuitBreaker, Name, Quota, RateLimiter, Rejection, TimedOut};
use seawall_http::Responder;
use serde_json::{Value, json};
use tokio_test::{assert_pending, assert_ready_ok, task};
use tower::{Layer, ServiceExt, service_fn};
use tower_test::mock;

fn respond(responder: &Responder, rejection: &Rejection) -> Response<Bytes> {
    responder.response(rejection)
}

fn text(response: &Response<Bytes>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    let mut names: Vec<_> = headers.keys().map(|name| name.as_str()).collect();
    names.sort();
    names
}

#[test]
fn each_rejection_has_its_status_its_fields_and_its_words() {
    for (rejection, status, fields, words) in [
        (
            rate_limited(),
            StatusCode::TOO_MANY_REQUESTS,
            &["content-type", "ratelimit", "ratelimit-policy", "retry-after"][..],
            "too many requests",
        ),
        (circuit_open(), StatusCode::SERVICE_UNAVAILABLE, &["content-type", "retry-after"], "temporarily unavailable"),
        (forced_open(), StatusCode::SERVICE_UNAVAILABLE, &["content-type"], "temporarily unavailable"),
        (bulkhead_full(), StatusCode::SERVICE_UNAVAILABLE, &["content-type"], "too busy"),
        (timed_out(), StatusCode::GATEWAY_TIMEOUT, &["content-type"], "timed out"),
    ] {
        let response = respond(&Responder::new(), &rejection);
        assert_eq!(response.status(), status, "{rejection}");
        assert_eq!(names(response.headers()), fields, "{rejection}");
        assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(text(&response), words, "{rejection}");
    }
}

#[test]
fn the_fields_of_a_rate_limit_say_what_holds() {
    let response = respond(&Responder::new(), &rate_limited());
    let headers = response.headers();
    assert_eq!(headers["retry-after"], "20");
    assert_eq!(headers["ratelimit-policy"], r#""default";q=3;w=60"#);
    assert_eq!(headers["ratelimit"], r#""default";r=0;t=20"#);
    let named = respond(&Responder::new().policy_name(String::from("api")), &rate_limited());
    assert_eq!(named.headers()["ratelimit-policy"], r#""api";q=3;w=60"#);
    assert_eq!(named.headers()["ratelimit"], r#""api";r=0;t=20"#);
}

#[test]
fn a_circuit_says_when_its_next_probe_is() {
    assert_eq!(respond(&Responder::new(), &circuit_open()).headers()["retry-after"], "91");
}

#[test]
fn what_never_passes_is_not_told_to_come_again() {
    let response = respond(&Responder::new().legacy_fields(), &too_large());
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(names(response.headers()), ["content-type", "ratelimit-policy", "x-ratelimit-limit"]);
}

#[test]
fn statuses_are_as_configured_each_by_itself() {
    let teapot = StatusCode::IM_A_TEAPOT;
    let new = Responder::new;
    let variants =
        [new().rate_limited(teapot), new().circuit_open(teapot), new().bulkhead_full(teapot), new().timed_out(teapot)];
    for (at, variant) in variants.iter().enumerate() {
        for (which, rejection) in all_four().iter().enumerate() {
            let expected = if at == which { teapot } else { new().status(rejection) };
            assert_eq!(variant.status(rejection), expected);
            assert_eq!(respond(variant, rejection).status(), expected);
        }
    }
}

#[test]
fn no_status_panics() {
    for status in (100..1_000).map(|status| StatusCode::from_u16(status).unwrap()) {
        let responder = Responder::new().timed_out(status);
        assert_eq!(respond(&responder, &timed_out()).status(), status);
        let problem = respond(&responder.problem_json().own_words(), &timed_out());
        let problem: Value = serde_json::from_slice(problem.body()).unwrap();
        assert_eq!(problem["status"], status.as_u16());
        assert_eq!(problem.get("title").and_then(Value::as_str), status.canonical_reason());
    }
}

#[test]
fn a_problem_is_one_of_rfc_9457() {
    let response = respond(&Responder::new().problem_json(), &rate_limited());
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: Value = serde_json::from_slice(response.body()).unwrap();
    let expected =
        json!({"type": "about:blank", "title": "Too Many Requests", "status": 429, "detail": "too many requests"});
    assert_eq!(problem, expected);
    let teapot = respond(&Responder::new().problem_json().rate_limited(StatusCode::IM_A_TEAPOT), &rate_limited());
    assert!(text(&teapot).contains(r#""title":"I'm a teapot","status":418"#));
}

#[test]
fn nothing_internal_is_in_a_response_unless_asked_for() {
    let every = [Responder::new(), Responder::new().problem_json(), Responder::new().problem_json().legacy_fields()];
    for responder in every {
        for rejection in all_four().into_iter().chain([too_large(), forced_open()]) {
            assert!(rejection.to_string().contains(SECRET), "{rejection}");
            let response = respond(&responder, &rejection);
            let all = format!("{:?} {}", response.headers(), text(&response));
            assert!(!all.contains(SECRET), "{all}");
            let words = text(&response).replace("\"status\":", "").replace(response.status().as_str(), "");
            assert!(!words.contains(|c: char| c.is_ascii_digit()), "a measured value: {words}");
        }
    }
}

#[test]
fn the_rejections_own_words_are_shown_if_asked_for() {
    for rejection in all_four() {
        let plain = respond(&Responder::new().own_words(), &rejection);
        assert_eq!(text(&plain), rejection.to_string());
        let problem = respond(&Responder::new().own_words().problem_json(), &rejection);
        let problem: Value = serde_json::from_slice(problem.body()).unwrap();
        assert_eq!(problem["detail"], rejection.to_string());
    }
}

#[test]
fn a_policys_name_cannot_break_a_problem() {
    let every: String = (0..0x250_u32).chain([0x2028, 0x1f600]).filter_map(char::from_u32).collect();
    for name in [every.as_str(), "\",\"status\":200,\"x\":\"", "\\", "\\\"", "\r\n\r\n"] {
        let rejection: Rejection = TimedOut::new(Name::from(name.to_owned()), SECOND, SECOND).into();
        let response = respond(&Responder::new().own_words().problem_json(), &rejection);
        let problem: Value = serde_json::from_slice(response.body()).unwrap();
        let expected = json!({
            "type": "about:blank", "title": "Gateway Timeout", "status": 504, "detail": rejection.to_string(),
        });
        assert_eq!(problem, expected);
    }
}

#[test]
fn legacy_fields_are_sent_if_asked_for() {
    let response = respond(&Responder::new().legacy_fields(), &rate_limited());
    let headers = response.headers();
    assert_eq!(headers["x-ratelimit-limit"], "3");
    assert_eq!(headers["x-ratelimit-remaining"], "0");
    assert_eq!(headers["x-ratelimit-reset"], "20");
    assert_eq!(headers["ratelimit"], r#""default";r=0;t=20"#);
    for rejection in [circuit_open(), bulkhead_full(), timed_out()] {
        let response = respond(&Responder::new().legacy_fields(), &rejection);
        assert!(names(response.headers()).iter().all(|name| !name.starts_with("x-")), "{rejection}");
    }
}

#[test]
fn the_quota_can_be_kept_to_oneself() {
    let response = respond(&Responder::new().without_rate_limit_fields(), &rate_limited());
    assert_eq!(names(response.headers()), ["content-type", "retry-after"]);
}

#[test]
fn fields_of_the_same_names_are_replaced_and_others_stay() {
    let mut headers = HeaderMap::new();
    headers.append("retry-after", HeaderValue::from_static("1"));
    headers.append("retry-after", HeaderValue::from_static("2"));
    headers.append("x-request-id", HeaderValue::from_static("7"));
    Responder::new().set_fields(&timed_out(), &mut headers);
    assert_eq!(headers.get_all("retry-after").iter().count(), 2, "a timeout knows no better");
    Responder::new().set_fields(&rate_limited(), &mut headers);
    assert_eq!(headers.get_all("retry-after").iter().collect::<Vec<_>>(), ["20"]);
    assert_eq!(names(&headers), ["ratelimit", "ratelimit-policy", "retry-after", "x-request-id"]);
}

#[test]
#[should_panic(expected = "`policy_name` must be visible ASCII and blanks")]
fn a_name_that_no_field_can_carry_is_refused() {
    let _ = Responder::new().policy_name("a\r\nSet-Cookie: b");
}

#[test]
fn a_body_can_be_made_by_a_function() {
    type Body = BoxBody<Bytes, Infallible>;
    let limiter = RateLimiter::new(SECRET, Quota::per_minute(1));
    let responder = Responder::new().with_body(|text| -> Body { Full::new(text).boxed() });
    let service = responder.clone().respond(limiter.layer()).layer(service_fn(async |_: Request<Body>| {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from("home")).boxed()))
    }));
    for (status, body) in [(200, "home"), (429, "too many requests")] {
        let request = Request::new(Full::new(Bytes::new()).boxed());
        let response = service.clone().oneshot(request).now_or_never().unwrap().unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.into_body().collect().now_or_never().unwrap().unwrap().to_bytes(), body);
    }
    assert_eq!(responder.response::<Body>(&timed_out()).status(), 504);
    assert!(format!("{responder:?}").starts_with("WithBody"));
}

#[test]
fn a_call_that_ran_is_left_alone() {
    let breaker = CircuitBreaker::new(SECRET);
    let answer = async |_: ()| Err::<Response<Bytes>, _>("its own error");
    let service = seawall_http::respond(breaker.layer()).layer(service_fn(answer));
    assert_eq!(service.oneshot(()).now_or_never().unwrap().unwrap_err(), "its own error");
}

#[tokio::test]
async fn a_refused_call_is_answered_though_the_inner_service_is_not_ready() {
    let bulkhead = Bulkhead::new(SECRET, 1);
    let _taken = bulkhead.try_acquire().unwrap();
    let (mut service, mut handle) = mock::spawn_layer::<_, Response<Bytes>, _>(seawall_http::respond(bulkhead.layer()));
    handle.allow(0);
    assert_ready_ok!(service.poll_ready());
    let answer = task::spawn(service.call(())).poll();
    assert_eq!(assert_ready_ok!(answer).status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_pending!(handle.poll_request());
}

#[test]
fn it_is_small_and_cheap_to_clone() {
    // It lies in each service, and in each future of a call.
    assert!(size_of::<Responder>() <= 40, "{}", size_of::<Responder>());
}
