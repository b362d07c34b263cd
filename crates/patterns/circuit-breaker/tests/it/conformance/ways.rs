use std::{future::Future, task::Poll};

use futures::{FutureExt, channel::oneshot};
use seawall_circuit_breaker::{CircuitBreakerService, Permit};
use seawall_core::{Error, Rejection, time::ManualClock};
use tokio_test::task;
use tower::{BoxError, Layer, ServiceExt, util::MapResult};
use tower_test::mock;

use crate::conformance::{
    script::{Breaker, Classifier},
    verdict::Verdict,
};

/// The ways in which a call can be made. What they have in common is the breaker alone.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    Execute,
    Call,
    /// Calls that are held are permits here: one that blocks cannot be.
    ExecuteBlocking,
    TryAcquire,
    Tower,
    /// Each call in another way, over one breaker: all of them see one state.
    InTurn,
}

/// Makes calls in one of the ways. A refused call must not touch the callee: each checks that.
pub(crate) trait Api {
    /// Begins a call and holds it.
    fn begin(&mut self) -> Result<Box<dyn Held>, Rejection>;

    /// Makes a whole call, during which `during` happens.
    fn call(&mut self, verdict: Verdict, during: &dyn Fn()) -> Result<Verdict, Rejection> {
        let held = self.begin()?;
        during();
        Ok(held.end(verdict))
    }
}

/// A call on its way. To drop it is to abandon the call.
pub(crate) trait Held {
    /// Ends it, and answers with what the caller then gets.
    fn end(self: Box<Self>, verdict: Verdict) -> Verdict;
}

impl Way {
    pub(crate) const ALL: [Self; 6] =
        [Self::Execute, Self::Call, Self::ExecuteBlocking, Self::TryAcquire, Self::Tower, Self::InTurn];

    pub(crate) fn api(self, breaker: &Breaker) -> Box<dyn Api> {
        let breaker = breaker.clone();
        match self {
            Self::Execute => Box::new(Execute(breaker)),
            Self::Call => Box::new(Call(breaker)),
            Self::ExecuteBlocking => Box::new(ExecuteBlocking(breaker)),
            Self::TryAcquire => Box::new(TryAcquire(breaker)),
            Self::Tower => Box::new(Tower::new(&breaker)),
            Self::InTurn => {
                let apis = [Self::Tower, Self::Execute, Self::TryAcquire, Self::Call, Self::ExecuteBlocking];
                Box::new(InTurn(apis.map(|way| way.api(&breaker)).into()))
            }
        }
    }
}

// ===== the plain ways =====

struct Execute(Breaker);

impl Api for Execute {
    fn begin(&mut self) -> Result<Box<dyn Held>, Rejection> {
        let mut callee = None;
        let call = self.0.execute(|| answer(&mut callee));
        begun(call.map(|result| result.map_err(unwrap)), callee)
    }
}

struct Call(Breaker);

impl Api for Call {
    fn begin(&mut self) -> Result<Box<dyn Held>, Rejection> {
        let mut callee = None;
        let call = self.0.call(|| answer(&mut callee));
        begun(call, callee)
    }
}

struct ExecuteBlocking(Breaker);

impl Api for ExecuteBlocking {
    fn begin(&mut self) -> Result<Box<dyn Held>, Rejection> {
        TryAcquire(self.0.clone()).begin()
    }

    fn call(&mut self, verdict: Verdict, during: &dyn Fn()) -> Result<Verdict, Rejection> {
        let mut touched = false;
        let callee = || {
            touched = true;
            during();
            verdict.carry_out()
        };
        let got = Verdict::of(|| self.0.execute_blocking(callee).map_err(unwrap));
        assert_eq!(touched, got.is_ok(), "the callee is touched if and only if the call is let in");
        got
    }
}

struct TryAcquire(Breaker);

impl Api for TryAcquire {
    fn begin(&mut self) -> Result<Box<dyn Held>, Rejection> {
        Ok(Box::new(self.0.try_acquire()?))
    }
}

impl Held for Permit<Classifier, ManualClock> {
    fn end(self: Box<Self>, verdict: Verdict) -> Verdict {
        let call = || {
            let (permit, result) = (self, verdict.carry_out());
            permit.record(&result);
            result
        };
        Verdict::of(call).expect("a permit is not refused any more")
    }
}

// ===== the tower way =====

struct Tower {
    service: mock::Spawn<Guarded>,
    callee: mock::Handle<(), Verdict>,
}

type Guarded = CircuitBreakerService<MapResult<mock::Mock<(), Verdict>, CarryOut>, Classifier, ManualClock>;
type CarryOut = fn(Result<Verdict, BoxError>) -> Result<(), BoxError>;

impl Tower {
    fn new(breaker: &Breaker) -> Self {
        let (service, callee) = mock::pair();
        let service = service.map_result((|said| said.and_then(Verdict::carry_out)) as CarryOut);
        Self { service: mock::Spawn::new(breaker.layer().layer(service)), callee }
    }
}

impl Api for Tower {
    fn begin(&mut self) -> Result<Box<dyn Held>, Rejection> {
        // A refusal is ready although the callee is not; a call that is let in waits for the callee.
        self.callee.allow(0);
        let refused = self.service.poll_ready().is_ready();
        if !refused {
            self.callee.allow(1);
            assert!(self.service.poll_ready().is_ready());
        }
        let call = self.service.call(());
        let callee = match self.callee.poll_request() {
            Poll::Ready(Some(((), callee))) => {
                Some(Box::new(move |verdict| callee.send_response(verdict)) as Box<dyn FnOnce(Verdict)>)
            }
            _ => None,
        };
        assert_eq!(refused, callee.is_none(), "`call` does what `poll_ready` found");
        begun(call, callee)
    }
}

// ===== all in turn =====

struct InTurn(Vec<Box<dyn Api>>);

impl InTurn {
    fn next(&mut self) -> &mut dyn Api {
        self.0.rotate_left(1);
        &mut *self.0[0]
    }
}

impl Api for InTurn {
    fn begin(&mut self) -> Result<Box<dyn Held>, Rejection> {
        self.next().begin()
    }

    fn call(&mut self, verdict: Verdict, during: &dyn Fn()) -> Result<Verdict, Rejection> {
        self.next().call(verdict, during)
    }
}

// ===== futures that are held =====

/// How the callee is told what to do; there is none while nobody has called it.
type Callee = Option<Box<dyn FnOnce(Verdict)>>;

struct OnItsWay<F: Future> {
    call: task::Spawn<F>,
    callee: Box<dyn FnOnce(Verdict)>,
}

impl<F: Future<Output = Result<(), BoxError>>> Held for OnItsWay<F> {
    fn end(self: Box<Self>, verdict: Verdict) -> Verdict {
        let Self { mut call, callee } = *self;
        callee(verdict);
        let end = || match call.poll() {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("the callee has ended, the call has not"),
        };
        Verdict::of(end).expect("a call is not refused once it was let in")
    }
}

fn begun<F>(call: F, callee: Callee) -> Result<Box<dyn Held>, Rejection>
where
    F: Future<Output = Result<(), BoxError>> + 'static,
{
    let mut call = task::spawn(call);
    match (call.poll(), callee) {
        (Poll::Pending, Some(callee)) => Ok(Box::new(OnItsWay { call, callee })),
        (Poll::Ready(result), None) => Err(Verdict::of(|| result).expect_err("nobody called the callee")),
        (poll, callee) => panic!("ready: {}, and the callee touched: {}", poll.is_ready(), callee.is_some()),
    }
}

/// A callee that waits for its verdict.
fn answer(callee: &mut Callee) -> impl Future<Output = Result<(), BoxError>> + use<> {
    let (tell, told) = oneshot::channel::<Verdict>();
    *callee = Some(Box::new(move |verdict| tell.send(verdict).expect("the call is held")));
    told.map(|verdict| verdict.expect("the script tells").carry_out())
}

fn unwrap(error: Error<BoxError>) -> BoxError {
    match error {
        Error::Rejected(rejection) => rejection.into(),
        Error::Inner(error) => error,
    }
}
