//! What users hold: its parts, its debug form, and where it may be sent.

use std::future;

use crate::support::{Reply, failed, free, quick};
use seawall_core::{Backoff, Budget, Hint};
use seawall_retry::{Attempt, Retry};
use seawall_testkit::time::SECOND;
use tokio_test::{assert_pending, task};
use tower::{Layer, Service, service_fn};

#[test]
fn all_that_users_hold_can_be_printed_whatever_is_in_it() {
    /// Has no debug form.
    #[derive(Clone)]
    struct Opaque;
    let hint = |_: &Attempt, _: &Reply| Hint::None;
    let builder = quick().hint(hint).budget(Budget::ratio(0.5)).on_event(|_| {});
    assert!(format!("{builder:?}").starts_with("Builder { name: \"t\", config: RetryConfig { max_attempts: 3,"));
    let retry = builder.build();
    let text = format!("{retry:?}");
    assert!(text.starts_with("Retry { name: \"t\", config: RetryConfig { max_attempts: 3,"), "{text}");
    assert!(text.contains("budget: Budget { ratio: 0.5, floor: 1, burst: 50, balance: 10.0 }"), "{text}");
    let layer = retry.layer().clone_request(|_: &u32| None);
    assert!(format!("{layer:?}").starts_with("RetryLayer { policy: Retry {"));
    assert!(format!("{:?}", layer.layer(())).starts_with("RetryService { inner: (), policy: Retry {"));
    let opaque = Opaque;
    let mut service = layer.layer(service_fn(move |_| {
        let _held = opaque.clone();
        future::ready(failed(1))
    }));
    assert_eq!(format!("{:?}", service.call(1)), "ResponseFuture { attempt: 1, waiting: false, .. }");
}

#[test]
fn a_call_that_waits_says_so() {
    let retry = free().backoff(SECOND).clock(seawall_core::time::ManualClock::new()).build();
    let mut call = task::spawn(retry.execute(|| future::ready(failed(1))));
    assert_pending!(call.poll());
    assert_eq!(format!("{:?}", *call), "ResponseFuture { attempt: 1, waiting: true, .. }");
}

#[test]
fn a_retry_and_its_layer_and_service_may_go_to_other_threads() {
    fn goes<T: Send + Sync + Clone + 'static>(_: &T) {}
    let retry = Retry::builder("t").on_event(|_| {}).build();
    goes(&retry);
    goes(&retry.layer().clone_all());
    goes(&retry.layer().clone_all().any_error());
    goes(&retry.layer().clone_all().clone_all().layer(()));
}

#[test]
fn a_service_shows_its_parts() {
    let mut service = quick().build().layer().clone_all().layer(7);
    *service.get_mut() += 1;
    assert_eq!((*service.get_ref(), service.policy().name()), (8, "t"));
    assert_eq!(quick().build().layer().policy().name(), "t");
}

#[test]
fn a_retry_is_built_from_a_duration_or_a_backoff_and_a_literal_or_a_string() {
    let one = Retry::builder("t").backoff(SECOND).build();
    let two = Retry::builder(String::from("t")).backoff(Backoff::constant(SECOND)).build();
    assert_eq!(format!("{one:?}"), format!("{two:?}"));
    assert_eq!(Retry::new("t").name(), "t");
}
