//! Hystrix, Finagle and Linkerd: CB-63 to CB-65.

use seawall_core::{
    Backoff, Jitter,
    breaker::{State, Trip},
};

use crate::conformance::script::{
    Breaker, Case, Setup,
    Step::{self, All, At, Begin, ByHand, State as Is, Wait},
    calls, crowded, end, ms, refused, secs, sees,
};
use seawall_testkit::time::exactly;

pub(crate) fn cases() -> Vec<Case> {
    vec![
        Case::new("CB-63", "the state says half-open while the probe is on its way", four_calls, {
            let probe = vec![Wait(ms(200)), Begin("a"), Is(State::HalfOpen), crowded(), end('a', 'S'), sees(0, 0)];
            let closed = vec![Is(State::Closed), calls("FFF"), Is(State::Closed), sees(3, 3)];
            vec![calls("FFFF"), Is(State::Open), All(probe), All(closed), calls("F"), Is(State::Open)]
        }),
        Case::new("CB-64", "`revived()` is `reset()`, or the success of a probe", three, {
            vec![calls("FF"), Is(State::Closed), calls("F"), refused(secs(5))]
        })
        .and(three, vec![calls("FSFF"), Is(State::Closed), calls("F"), refused(secs(5))])
        .and(three, {
            let revived = vec![calls("FF"), ByHand(Breaker::reset)];
            vec![All(revived), calls("FF"), Is(State::Closed), calls("F"), Is(State::Open)]
        })
        .and(growing, vec![all_delays(), calls("S"), Is(State::Closed), all_delays()])
        .and(growing, vec![all_delays(), ByHand(Breaker::reset), all_delays()]),
        Case::new("CB-65", "their open is our closed", two, {
            let opened = vec![Begin("o"), calls("F"), Is(State::Closed), calls("F"), Is(State::Open)];
            let probed = vec![At(ms(500)), refused(ms(500)), At(secs(1)), Begin("p"), crowded(), end('p', 'F')];
            let stray = vec![Is(State::Open), refused(secs(2)), Wait(secs(1)), refused(secs(1)), end('o', 'S')];
            let closed = vec![refused(secs(1)), Wait(secs(1)), Begin("q"), crowded(), end('q', 'S'), Is(State::Closed)];
            [opened, probed, stray, closed].into_iter().map(All).collect()
        }),
    ]
}

fn four_calls(b: Setup) -> Setup {
    b.trip(Trip::failure_rate(0.5).min_calls(4)).open_for(exactly(ms(200)))
}

fn three(b: Setup) -> Setup {
    b.trip(Trip::consecutive(3)).open_for(exactly(secs(5)))
}

fn growing(b: Setup) -> Setup {
    b.trip(Trip::consecutive(1)).open_for(Backoff::exponential(secs(5)).jitter(Jitter::None))
}

fn two(b: Setup) -> Setup {
    b.trip(Trip::consecutive(2)).open_for(Backoff::exponential(secs(1)).max(secs(100)).jitter(Jitter::None))
}

/// Six delays that double, then the longest for each further one.
fn all_delays() -> Step {
    let delay = |delay| All(vec![calls("F"), Is(State::Open), refused(secs(delay)), Wait(secs(delay))]);
    All([5, 10, 20, 40, 80, 160, 300, 300, 300].map(delay).into())
}
