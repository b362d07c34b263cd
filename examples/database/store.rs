//! An application's database: one object that holds the pool and the policies.

use std::panic;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use deadpool_sqlite::rusqlite::{self, Connection, ErrorCode};
use deadpool_sqlite::{BuildError, Config, Manager, Pool, PoolError, Runtime};
use seawall::retry::{ByOutcome, Plan};
use seawall::stack::Describe;
use seawall::{
    Backoff, Budget, Bulkhead, CircuitBreaker, Classify, Error, Outcome, Retry, Stack, State, Timeout, Trip,
};
use tokio::task;

pub(crate) struct Store {
    pool: Pool,
    slots: Bulkhead,
    timeout: Timeout,
    policies: Stack<Policies>,
    breaker: CircuitBreaker<Health>,
    retried: AtomicU64,
    recovered: AtomicU64,
}

/// Outermost first.
type Policies = (Timeout, (Retry<Plan<ByOutcome<Busy>>>, (CircuitBreaker<Health>, ())));

impl Store {
    pub(crate) fn open(path: PathBuf) -> Result<Self, BuildError> {
        let manager = Manager::from_config(&Config::new(path), Runtime::Tokio1);
        let retry = Retry::builder("orders")
            .max_attempts(8)
            .backoff(Backoff::exponential(Duration::from_millis(5)).max(Duration::from_millis(80)))
            // Far more than by default: writers meet each other all the time, not only in an outage.
            .budget(Budget::ratio(5.0).floor(100))
            // The breaker's rejections end the call at once: the retry does not wait for the circuit.
            .max_rejection_wait(Duration::ZERO)
            .classify(Busy)
            .build();
        let breaker =
            CircuitBreaker::builder("orders").trip(Trip::consecutive(5)).open_for(OPEN_FOR).classify(Health).build();
        breaker.on_event(|event| {
            // The other events are the rejected calls.
            if event.change().is_some() {
                println!("  {event}");
            }
        });
        Ok(Self {
            pool: Pool::builder(manager).max_size(CONNECTIONS).build()?,
            // As many slots as connections, so that no call waits in the pool, whose queue has no bound.
            slots: Bulkhead::builder("connections", CONNECTIONS)
                .max_queued(16)
                .max_wait(Duration::from_millis(50))
                .build(),
            timeout: Timeout::builder("attempt", Duration::from_secs(1)).build(),
            policies: Stack::new()
                .timeout(Timeout::builder("call", Duration::from_secs(10)).build())
                .retry(retry)
                .circuit_breaker(breaker.clone()),
            breaker,
            retried: AtomicU64::new(0),
            recovered: AtomicU64::new(0),
        })
    }

    /// Does `work` with a connection of the pool, in a thread that may block. A call that waits for another attempt holds
    /// neither slot nor connection.
    pub(crate) async fn call<T, F>(&self, work: F) -> Result<T, Error<PoolError>>
    where
        T: Send + 'static,
        F: Fn(&mut Connection) -> rusqlite::Result<T> + Clone + Send + 'static,
    {
        let mut attempts = 0;
        let call = self.policies.call(|| {
            attempts += 1;
            self.attempt(work.clone())
        });
        let result = call.await;
        if attempts > 1 {
            self.retried.fetch_add(attempts - 1, Relaxed);
            self.recovered.fetch_add(u64::from(result.is_ok()), Relaxed);
        }
        result
    }

    async fn attempt<T, F>(&self, work: F) -> Result<T, Error<PoolError>>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let slot = self.slots.acquire().await?.into_owned();
        self.timeout
            .call(async || {
                let connection = self.pool.get().await.map_err(Error::Inner)?;
                let blocking = task::spawn_blocking(move || {
                    let result = {
                        let mut connection =
                            connection.lock().expect("a connection whose user panicked is not in the pool");
                        // By default SQLite would wait for the other writer here, and hold the connection and this thread.
                        connection.busy_timeout(Duration::ZERO).and_then(|()| work(&mut connection))
                    };
                    // The waiting call may be cut off. The slot stays taken until the work has ended and the connection is back.
                    drop(connection);
                    drop(slot);
                    result
                });
                let result = blocking.await.unwrap_or_else(|error| panic::resume_unwind(error.into_panic()));
                result.map_err(|error| Error::Inner(PoolError::Backend(error)))
            })
            .await
    }

    /// Returns all policies as a stack, to draw them. The real inner two are outside the stack, because a slot inside would be
    /// free as soon as the call is cut off, while its work goes on.
    pub(crate) fn drawn(&self) -> Stack<impl Describe> {
        self.policies.clone().bulkhead(self.slots.clone()).timeout(self.timeout.clone())
    }

    /// Returns how many attempts followed a first attempt.
    pub(crate) fn retried(&self) -> u64 {
        self.retried.load(Relaxed)
    }

    /// Returns how many calls a further attempt saved.
    pub(crate) fn recovered(&self) -> u64 {
        self.recovered.load(Relaxed)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.breaker.state() == State::Closed
    }
}

/// The retry's classifier. Only a busy database is a failure: another writer will be done in a moment.
#[derive(Clone, Copy)]
pub(crate) struct Busy;

impl<T> Classify<T, Error<PoolError>> for Busy {
    fn classify(&self, result: &Result<T, Error<PoolError>>) -> Outcome {
        match result {
            Err(error) if is_busy(error) => Outcome::Failure,
            Err(_) => Outcome::Ignored,
            Ok(_) => Outcome::Success,
        }
    }
}

/// The breaker's classifier. A busy database is no failure, and neither is a mistake of the caller.
#[derive(Clone, Copy)]
pub(crate) struct Health;

impl<T> Classify<T, Error<PoolError>> for Health {
    fn classify(&self, result: &Result<T, Error<PoolError>>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(error) if is_busy(error) || code(error) == Some(ErrorCode::ConstraintViolation) => Outcome::Ignored,
            Err(_) => Outcome::Failure,
        }
    }
}

pub(crate) fn is_busy(error: &Error<PoolError>) -> bool {
    matches!(code(error), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn code(error: &Error<PoolError>) -> Option<ErrorCode> {
    match error {
        Error::Inner(PoolError::Backend(error)) => error.sqlite_error_code(),
        _ => None,
    }
}

const CONNECTIONS: usize = 4;
pub(crate) const OPEN_FOR: Duration = Duration::from_millis(200);
