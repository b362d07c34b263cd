//! What the page says of tower-resilience 0.14 without showing it.

use tower::{Service, ServiceBuilder, ServiceExt};

use crate::{Callee, Failed, run};

/// After a thousand good calls, sixty bad ones in a row.
#[test]
fn a_count_window_of_theirs_does_not_slide_and_ours_does() -> Result<(), Failed> {
    use seawall::{CircuitBreaker, State, Trip, Window};
    use tower_resilience_circuitbreaker::CircuitBreakerLayer;

    fn is_bad(call: u32) -> bool {
        call >= 1_000
    }

    let client = tower::service_fn(|call: u32| std::future::ready(if is_bad(call) { Err(()) } else { Ok(()) }));
    let mut theirs = CircuitBreakerLayer::builder().sliding_window_size(100).build()?.layer_fn(client);
    let ours = CircuitBreaker::builder("ours").trip(Trip::failure_rate(0.5).over(Window::calls(100))).build();
    run(async {
        for call in 0..1_060 {
            let _ = theirs.ready().await.unwrap().call(call).await;
            let _ = ours.execute_blocking(|| if is_bad(call) { Err(()) } else { Ok(()) });
        }
    });
    assert_eq!((theirs.is_open(), ours.state()), (false, State::Open));
    Ok(())
}

#[test]
fn a_layer_of_theirs_makes_a_state_for_each_service_and_ours_shares_one() -> Result<(), Failed> {
    use seawall::{CircuitBreaker, Error, State, Trip};
    use tower::Layer;
    use tower_resilience_circuitbreaker::CircuitBreakerLayer;

    let callee = Callee::failing(u32::MAX);
    let client = || callee.service();
    let layer = CircuitBreakerLayer::builder().consecutive_failures(1).build()?;
    let (mut first, second) = (layer.layer_fn(client()), layer.layer_fn(client()));
    let breaker = CircuitBreaker::builder("ours").trip(Trip::consecutive(1)).build();
    let mut ours = breaker.layer().layer(ServiceBuilder::new().map_err(Error::Inner).service(client()));
    run(async {
        let _ = first.ready().await.unwrap().call(String::new()).await;
        let _ = ours.ready().await.unwrap().call(String::new()).await;
    });
    assert_eq!((first.is_open(), second.is_open(), breaker.state()), (true, false, State::Open));
    Ok(())
}
