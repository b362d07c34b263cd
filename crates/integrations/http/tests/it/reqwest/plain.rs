//! Plain calls around `send()`, and what each kind of result means.

use reqwest::{Client, Response, redirect::Policy};
use seawall::{CircuitBreaker, Classify, Error, Outcome, State, Trip};
use seawall_http::reqwest::{Health, Transient};
use tokio::net::TcpListener;

use crate::reqwest::{
    MILLISECOND, client, quick,
    server::{Act, Server},
};

/// What both classifiers say of a result: of health, and whether to try again.
fn verdicts(result: &Result<Response, reqwest::Error>) -> (Outcome, bool) {
    (Health.classify(result), Transient.classify(result) == Outcome::Failure)
}

#[tokio::test]
async fn a_breaker_around_send() {
    let server =
        Server::start([Act::Status(404), Act::Status(500), Act::Status(429), Act::Reset, Act::Status(502)]).await;
    let client = client();
    let breaker = CircuitBreaker::builder("inventory").trip(Trip::consecutive(3)).classify(Health).build();
    for expected in [Some(404), Some(500), Some(429), None, Some(502)] {
        assert_eq!(breaker.state(), State::Closed);
        let result = breaker.execute(|| client.get(server.url()).send()).await;
        assert_eq!(result.ok().map(|response| response.status().as_u16()), expected);
    }
    assert_eq!(breaker.state(), State::Open);
    let refused = breaker.execute(|| client.get(server.url()).send()).await;
    assert!(matches!(refused, Err(Error::Rejected(_))));
    assert_eq!(server.count(), 5);
}

#[tokio::test]
async fn a_retry_around_send_repeats_what_its_closure_does() {
    let server = Server::start([Act::Status(503), Act::Reset]).await;
    let (client, retry) = (client(), quick().classify(Transient).build());
    let response = retry.execute(|| client.post(server.url()).body("stock: 8").send()).await.unwrap();
    assert_eq!((response.status().as_u16(), server.count()), (200, 3));
}

#[tokio::test]
async fn a_retry_around_a_breaker_around_send() {
    let server = Server::start([Act::Status(503), Act::Reset]).await;
    let (client, retry) = (client(), quick().classify(Transient).build());
    let breaker = CircuitBreaker::builder("inventory").classify(Health).build();
    let response = retry.call(|| breaker.execute(|| client.get(server.url()).send())).await.unwrap();
    assert_eq!((response.status().as_u16(), server.count()), (200, 3));
}

#[tokio::test]
async fn connections_that_fail_are_the_callees_fault_and_transient() {
    // A port that was free a moment ago.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let refused = client().get(format!("http://{addr}/")).send().await;
    assert!(refused.as_ref().unwrap_err().is_connect());
    assert_eq!(verdicts(&refused), (Outcome::Failure, true));

    let server = Server::start([Act::Reset, Act::Hang]).await;
    let reset = client().get(server.url()).send().await;
    assert!(!reset.as_ref().unwrap_err().is_connect());
    assert_eq!(verdicts(&reset), (Outcome::Failure, true));

    let hung = client().get(server.url()).timeout(100 * MILLISECOND).send().await;
    assert!(hung.as_ref().unwrap_err().is_timeout());
    assert_eq!(verdicts(&hung), (Outcome::Failure, true));
}

#[tokio::test]
async fn what_the_caller_did_wrong_says_nothing_of_the_callee() {
    let unbuilt = client().get("no url").send().await;
    assert!(unbuilt.as_ref().unwrap_err().is_builder());
    assert_eq!(verdicts(&unbuilt), (Outcome::Ignored, false));

    let server = Server::start([Act::With(302, "location", "/8"), Act::With(302, "location", "/9")]).await;
    let impatient = Client::builder().no_proxy().redirect(Policy::limited(1)).build().unwrap();
    let redirected = impatient.get(server.url()).send().await;
    assert!(redirected.as_ref().unwrap_err().is_redirect());
    assert_eq!(verdicts(&redirected), (Outcome::Ignored, false));
}

#[tokio::test]
async fn an_error_with_a_status_counts_as_that_status() {
    for (status, expected) in [
        (400, (Outcome::Success, false)),
        (404, (Outcome::Success, false)),
        (408, (Outcome::Ignored, true)),
        (429, (Outcome::Ignored, true)),
        (500, (Outcome::Failure, true)),
        (501, (Outcome::Success, false)),
        (503, (Outcome::Failure, true)),
    ] {
        let server = Server::start([Act::Status(status), Act::Status(status)]).await;
        let response = client().get(server.url()).send().await;
        assert_eq!(verdicts(&response), expected, "{status}");
        let error = client().get(server.url()).send().await.unwrap().error_for_status();
        assert!(error.as_ref().unwrap_err().is_status());
        assert_eq!(verdicts(&error), expected, "{status}");
        // Within our own error they are the same.
        let wrapped = error.map_err(Error::Inner);
        let verdicts = (Health.classify(&wrapped), Transient.classify(&wrapped) == Outcome::Failure);
        assert_eq!(verdicts, expected, "{status}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_the_callees_fault() {
    let server = Server::start([Act::CutBody, Act::CutBody]).await;
    let error = client().get(server.url()).send().await.unwrap().text().await.unwrap_err();
    assert_eq!((Health.of_error(&error), Transient.of_error(&error)), (Outcome::Failure, Outcome::Failure));

    let breaker = CircuitBreaker::builder("inventory")
        .trip(Trip::consecutive(1))
        .classify(|result: &Result<String, reqwest::Error>| {
            result.as_ref().err().map_or(Outcome::Success, |error| Health.of_error(error))
        })
        .build();
    let client = client();
    let get = || client.get(server.url()).send();
    assert!(breaker.execute(|| async { get().await?.text().await }).await.is_err());
    assert_eq!(breaker.state(), State::Open);
}
