use std::time::Duration;

use seawall_core::{
    Backoff, Jitter, Outcome,
    breaker::{Breaker, BreakerConfig, Settled, Trip},
    time::Instant,
};

use crate::input::Input;

/// A backoff of any base, factor, cap and jitter, at any step and with any random number.
pub fn backoff(input: &[u8]) {
    let case = Case::new(&mut Input::new(input));
    no_delay_is_above_the_cap(&case);
    no_delay_is_below_the_one_before(&case);
    a_constant_is_constant(&case);
    drawn_delays_keep_their_bounds(&case);
    a_circuit_opens_for_the_delay_that_chance_leaves(&case);
}

#[derive(Debug)]
struct Case {
    backoff: Backoff,
    base: Duration,
    cap: Duration,
    jitter: Jitter,
    step: u32,
    random: u64,
}

impl Case {
    fn new(input: &mut Input<'_>) -> Self {
        let (base, cap) = (input.duration(), input.duration());
        let factor = factor(input.u64());
        let (jitter, step, random) = (jitter(input.byte()), input.u32(), input.u64());
        let backoff = match input.byte() % 3 {
            0 => Backoff::linear(base).max(cap).jitter(jitter),
            1 => Backoff::decorrelated(base).max(cap).jitter(jitter),
            _ => Backoff::exponential(base).factor(factor).max(cap).jitter(jitter),
        };
        Self { backoff, base, cap, jitter, step, random }
    }

    /// The steps that matter: the first, those about the given one, and the last.
    fn steps(&self) -> impl Iterator<Item = u32> {
        let near = self.step.saturating_sub(8)..=self.step.saturating_add(8);
        (0..70).chain(near).chain([u32::MAX - 1, u32::MAX])
    }
}

fn no_delay_is_above_the_cap(case: &Case) {
    for step in case.steps() {
        let delay = case.backoff.delay(step);
        assert!(delay <= case.cap, "{case:?}: {delay:?} at {step}");
    }
}

/// Before jitter, that is.
fn no_delay_is_below_the_one_before(case: &Case) {
    for step in case.steps() {
        let (delay, next) = (case.backoff.delay(step), case.backoff.delay(step.saturating_add(1)));
        assert!(delay <= next, "{case:?}: {delay:?} at {step}, then {next:?}");
    }
}

fn a_constant_is_constant(case: &Case) {
    let constant = Backoff::constant(case.base);
    // A delay of 584 years and more is for ever.
    let base = case.base.min(Duration::from_nanos(u64::MAX));
    assert_eq!(constant.delay(case.step), base);
    assert_eq!(constant.max(case.cap).delay(case.step), base.min(case.cap));
}

/// Of what a loop of one's own would wait for, with chance in it.
fn drawn_delays_keep_their_bounds(case: &Case) {
    for backoff in
        [case.backoff, Backoff::linear(case.base).max(case.cap), Backoff::decorrelated(case.base).max(case.cap)]
    {
        let (mut again, mut last) = (backoff.delays_from(case.random), Duration::ZERO);
        for (step, delay) in (0..200).zip(backoff.delays_from(case.random)) {
            assert!(
                delay <= case.cap && delay <= backoff.delay(step),
                "{backoff:?}: {delay:?} at {step}, after {last:?}"
            );
            assert_eq!(again.next(), Some(delay), "{backoff:?} at {step}");
            last = delay;
        }
    }
}

/// Jitter shows where it is used: in how long a circuit stays open each time that its probe fails.
fn a_circuit_opens_for_the_delay_that_chance_leaves(case: &Case) {
    let config = BreakerConfig::new().trip(Trip::consecutive(1)).open_for(case.backoff).seed(case.random);
    let breaker = Breaker::new(config);
    let mut now = Instant::ORIGIN;
    for step in 0..4 {
        let pass = breaker.enter(&now).expect("a circuit lets a call in when its time has come").pass;
        let settled = breaker.exit(pass, Outcome::Failure, &now);
        assert!(matches!(settled, Settled::Changed(_)), "{case:?}: {settled:?} at {step}");
        // An instant reaches no further than 584 years, nor does what a circuit waits for.
        let most = case.backoff.delay(step).min(Duration::from_nanos(u64::MAX));
        let least = match case.jitter {
            Jitter::None => most,
            Jitter::Tenth => most - most / 10,
            Jitter::Equal => most / 2,
            Jitter::Full => Duration::ZERO,
        };
        let wait = match breaker.refusal(now) {
            Some(refusal) => refusal.retry_after(),
            None => Some(Duration::ZERO),
        };
        // At the end of time nobody can say.
        let Some(wait) = wait else { return };
        assert!(least <= wait && wait <= most, "{case:?}: open for {wait:?} at {step}");
        now = now + wait;
    }
}

/// A factor that is allowed: the bits as a float where that is one, else what they say of the way from 1 to 4.
fn factor(bits: u64) -> f64 {
    let factor = f64::from_bits(bits);
    if factor.is_finite() && factor >= 1.0 { factor } else { 1.0 + 3.0 * (bits as f64 / u64::MAX as f64) }
}

fn jitter(byte: u8) -> Jitter {
    match byte % 4 {
        3 => Jitter::Tenth,
        0 => Jitter::None,
        1 => Jitter::Equal,
        _ => Jitter::Full,
    }
}
