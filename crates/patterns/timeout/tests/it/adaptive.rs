//! A limit that follows how long calls took.

use std::{future, io, time::Duration};

use seawall_core::{Deadline, Error, time::Clock, time::DefaultClock};
use seawall_timeout::{Adaptive, AdaptiveTimeout, Timeout};
use tokio::time::{advance, sleep};
use tower::{Service, ServiceBuilder, ServiceExt};

const FLOOR: Duration = Duration::from_millis(10);
const CEILING: Duration = Duration::from_secs(5);

fn following() -> Timeout<AdaptiveTimeout> {
    let limit = Adaptive::quantile(0.9).factor(2.0).floor(FLOOR).ceiling(CEILING).min_calls(20);
    Timeout::adaptive("t", limit.window(Duration::from_secs(10))).build()
}

fn limit(timeout: &Timeout<AdaptiveTimeout>) -> Duration {
    timeout.limit().at(DefaultClock::default().now())
}

/// So many calls that take that long each, and then a moment for the limit to be reckoned anew.
async fn calls(timeout: &Timeout<AdaptiveTimeout>, count: u32, latency: Duration, succeed: bool) {
    for _ in 0..count {
        let call = || async move {
            sleep(latency).await;
            if succeed { Ok(()) } else { Err(io::Error::other("no")) }
        };
        let _ = timeout.execute(call).await;
    }
    advance(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn it_is_the_ceiling_until_enough_is_known_and_then_follows() {
    let timeout = following();
    assert_eq!(limit(&timeout), CEILING);
    calls(&timeout, 100, Duration::from_millis(50), true).await;
    let now = limit(&timeout);
    assert!(now >= Duration::from_millis(100) && now <= Duration::from_millis(120), "{now:?}");
    // A callee that hangs is cut off at the limit.
    let hangs = timeout.execute(future::pending::<Result<(), io::Error>>).await;
    let Err(Error::Rejected(rejection)) = hangs else { panic!("{hangs:?}") };
    assert!(rejection.to_string().starts_with("timeout `t`: not done in 1"), "{rejection}");
}

#[tokio::test(start_paused = true)]
async fn it_follows_a_callee_that_becomes_slower_and_is_not_stuck_cutting_it_off() {
    let timeout = following();
    calls(&timeout, 100, Duration::from_millis(50), true).await;
    for _ in 0..20 {
        calls(&timeout, 20, Duration::from_millis(250), true).await;
    }
    assert!(limit(&timeout) >= Duration::from_millis(500), "{:?}", limit(&timeout));
}

#[tokio::test(start_paused = true)]
async fn fast_failures_and_calls_that_a_deadline_cuts_off_do_not_make_it_shorter() {
    let timeout = following();
    calls(&timeout, 50, Duration::from_millis(50), true).await;
    let before = limit(&timeout);
    calls(&timeout, 100, Duration::from_millis(1), false).await;
    for _ in 0..100 {
        let deadline = Deadline::after(Duration::from_millis(2));
        let cut = deadline.scope(timeout.execute(future::pending::<Result<(), io::Error>>)).await;
        assert!(matches!(cut, Err(Error::Rejected(_))));
    }
    advance(Duration::from_secs(1)).await;
    assert_eq!(limit(&timeout), before);
}

#[tokio::test(start_paused = true)]
async fn a_service_and_plain_calls_share_it() {
    let timeout = following();
    let slow = |_: ()| async {
        sleep(Duration::from_millis(50)).await;
        Ok::<_, Error<io::Error>>(())
    };
    let mut service = ServiceBuilder::new().layer(timeout.layer()).service(tower::service_fn(slow));
    for _ in 0..100 {
        service.ready().await.unwrap().call(()).await.unwrap();
    }
    advance(Duration::from_secs(1)).await;
    assert!(limit(&timeout) < Duration::from_millis(120));
}

#[test]
#[should_panic(expected = "`floor` must be at most the ceiling")]
fn a_floor_above_the_ceiling_is_refused() {
    let _ = Timeout::adaptive("t", Adaptive::quantile(0.5).floor(CEILING).ceiling(FLOOR));
}
