//! A stack, plainly and as a service, and the nested single layers: the same calls have the same results at the same times, and
//! leave the policies in the same state.
//!
//! They differ in three ways, and the random scripts avoid these:
//! - A layer with a queue waits in `poll_ready`, before the outer policies are asked. A stack waits in the call. So a script has
//!   a queue only if a wait makes no difference to the outer policies. If a caller gives up, only the stacks are compared.
//! - Layers show each other's rejections to breakers and retries as errors, and a stack does not. Here a classifier answers like
//!   the stack, but it cannot see whether a deadline was the caller's or inside the breaker. So no script has two limits inside
//!   a breaker.
//! - Only a service needs a copy of its request, and keeps none if the budget is spent when the attempt begins. So the plain stack
//!   is compared only if no budget fills up during an attempt. The same is true for scripts with two retries, because the copy
//!   that a stack keeps for the inner retry serves the outer retry too.

mod run;
mod world;

use std::env;

use proptest::{prelude::*, test_runner::TestRunner};
use seawall::{Error, ManualClock, Outcome, Rejection, Stack};
use tower::{Layer, ServiceBuilder, ServiceExt};

use self::{
    run::{Client, Numbered, Story, run},
    world::{BudgetState, Numbers, numbers},
};
use crate::stack::support::Reply;

/// Classifies like a stack's breaker, for a breaker that is a layer.
fn as_a_stack_does(result: &Reply) -> Outcome {
    match result {
        Ok(_) => Outcome::Success,
        Err(Error::Inner(_)) => Outcome::Failure,
        Err(Error::Rejected(Rejection::TimedOut(timed_out))) if !timed_out.is_by_deadline() => Outcome::Failure,
        Err(Error::Rejected(_)) => Outcome::Ignored,
    }
}

/// The random choices about callers' patience and budgets.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Drawn {
    All,
    /// No budget that fills up.
    Steady,
    /// No budget: a layer's call begins when it has waited.
    Queues,
}

fn draw(drawn: Drawn) -> impl Strategy<Value = Numbers> {
    numbers().prop_map(move |mut numbers| {
        match (drawn, numbers.budget) {
            (Drawn::Queues, _) => numbers.budget = BudgetState::Unlimited,
            (Drawn::Steady, BudgetState::Filled(retries)) => numbers.budget = BudgetState::Of(retries),
            _ => {}
        }
        // A retry that is given up gives back what it paid.
        if numbers.budget != BudgetState::Unlimited {
            numbers.calls.iter_mut().for_each(|call| call.patience = None);
        }
        numbers
    })
}

fn assert_same(drawn: Drawn, story: impl Fn(&Numbers) -> [Story; 3]) {
    let cases = env::var("SEAWALL_CASES").ok().map_or(250, |cases| cases.parse().expect("a number"));
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let same = |numbers: Numbers| {
        let [plain, service, layers] = story(&numbers);
        prop_assert!([&plain, &service, &layers].iter().all(|story| story.is_at_rest), "what was taken is given back");
        if drawn != Drawn::Queues || numbers.calls.iter().all(|call| call.patience.is_none()) {
            prop_assert_eq!(&service, &layers, "as a service, and by layers");
        }
        if !matches!(numbers.budget, BudgetState::Filled(_)) {
            prop_assert_eq!(&plain, &service, "plainly, and as a service");
        }
        Ok(())
    };
    if let Err(error) = TestRunner::new(config).run(&draw(drawn), same) {
        panic!("{error}");
    }
}

/// Makes the stack of these policies, outermost first: plainly, as a service, and as single layers.
macro_rules! three_ways {
    ($name:ident, $drawn:ident: $($policy:ident($field:ident)),+) => {
        #[test]
        fn $name() {
            assert_same(Drawn::$drawn, |numbers| {
                let calls = &numbers.calls;
                let (plain, service, layers) = (ManualClock::new(), ManualClock::new(), ManualClock::new());
                let plain = {
                    let (client, world) = (Client::new(&plain, calls), numbers.world(&plain, seawall::ErrIsFailure));
                    let stack = Stack::new()$(.$policy(world.$field.clone()))+;
                    let ends = run(&plain, calls, |number| {
                        let (stack, client) = (stack.clone(), client.clone());
                        Box::pin(async move { stack.execute(|| client.send(number)).await })
                    });
                    Story { ends, made: client.made(), stands: world.stands(), is_at_rest: world.is_at_rest() }
                };
                let service = {
                    let (client, world) = (Client::new(&service, calls), numbers.world(&service, seawall::ErrIsFailure));
                    let sent_to = Stack::new()$(.$policy(world.$field.clone()))+.layer().layer(client.clone());
                    let ends = run(&service, calls, |number| Box::pin(sent_to.clone().oneshot(Numbered(number))));
                    Story { ends, made: client.made(), stands: world.stands(), is_at_rest: world.is_at_rest() }
                };
                let layers = {
                    let classify = as_a_stack_does as fn(&Reply) -> Outcome;
                    let (client, world) = (Client::new(&layers, calls), numbers.world(&layers, classify));
                    let sent_to = ServiceBuilder::new()$(.layer(world.$field.layer()))+
                        .map_err(Error::Inner)
                        .service(client.clone());
                    let ends = run(&layers, calls, |number| Box::pin(sent_to.clone().oneshot(Numbered(number))));
                    Story { ends, made: client.made(), stands: world.stands(), is_at_rest: world.is_at_rest() }
                };
                [plain, service, layers]
            });
        }
    };
}

three_ways!(all_five_and_a_limit_for_each_attempt, All:
    timeout(total), retry(retry), rate_limit(limiter), circuit_breaker(breaker), bulkhead(bulkhead), timeout(each));
three_ways!(a_bulkhead_around_a_retry, All:
    bulkhead(bulkhead), retry(retry), circuit_breaker(breaker), timeout(each));
three_ways!(a_breaker_around_a_retry, All:
    circuit_breaker(breaker), retry(retry), timeout(each), rate_limit(limiter));
three_ways!(a_limit_between_a_breaker_and_a_retry, All:
    rate_limit(limiter), circuit_breaker(breaker), timeout(total), retry(retry), bulkhead(bulkhead));
three_ways!(two_retries, Steady:
    timeout(total), retry(retry), circuit_breaker(breaker), retry(quick), bulkhead(bulkhead));
three_ways!(two_breakers_and_two_bulkheads, All:
    circuit_breaker(tougher), bulkhead(wider), retry(retry), circuit_breaker(breaker), bulkhead(bulkhead), timeout(each));
three_ways!(two_limits_around_a_breaker, All:
    timeout(total), timeout(each), circuit_breaker(breaker), rate_limit(limiter));
three_ways!(queues_around_all, Queues:
    rate_limit(paced), bulkhead(queued), timeout(total), retry(retry), circuit_breaker(breaker), timeout(each));
three_ways!(a_queue_inside_of_a_retry, Queues:
    retry(retry), bulkhead(queued), circuit_breaker(breaker), timeout(each));
three_ways!(a_paced_retry, Queues:
    retry(retry), rate_limit(paced), bulkhead(bulkhead), timeout(each), circuit_breaker(breaker));
