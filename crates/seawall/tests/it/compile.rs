//! The bounds of a stack on its inner service.

use seawall::{Retry, Stack, StackService, retry::CloneAll};
use tower::{
    BoxError, Layer, Service,
    util::{BoxCloneService, BoxService},
};

/// The inherent method answers for a service, and the trait's method for other types: the compiler prefers the inherent method.
struct Asks<S>(S);

impl<S: Service<u32>> Asks<S> {
    fn is_service(&self) -> bool {
        true
    }
}

trait IsNone {
    fn is_service(&self) -> bool {
        false
    }
}

impl<S> IsNone for Asks<S> {}

type Guarded<S> = StackService<S, (Retry, ()), CloneAll>;

fn guard<S>(inner: S) -> Asks<Guarded<S>> {
    Asks(Stack::new().retry(Retry::new("t")).layer().clone_all().layer(inner))
}

async fn double(number: u32) -> Result<u32, BoxError> {
    Ok(2 * number)
}

#[test]
fn a_stack_asks_clone_of_its_service() {
    let inner = || tower::service_fn(double);
    assert!(guard(inner()).is_service());
    assert!(guard(BoxCloneService::new(inner())).is_service());
    assert!(!guard(BoxService::new(inner())).is_service());
}
