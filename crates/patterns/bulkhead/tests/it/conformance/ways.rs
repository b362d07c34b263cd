use std::{cell::Cell, rc::Rc, task::Poll};

use futures::channel::oneshot;
use seawall_bulkhead::OwnedPermit;
use seawall_core::{Error, Rejection};
use tokio_test::task::{self, Spawn};

use crate::support::{self, Boxed, Failed, Manual, until_told};

/// The ways in which a call can be made. What they have in common is the bulkhead alone.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    /// `execute`, `call`, a permit that is waited for, and a service.
    Future(support::Way),
    TryAcquire,
    /// Calls that are held are permits here: one that blocks cannot be.
    ExecuteBlocking,
    /// Each call in another way, over one bulkhead: all of them see one set of slots.
    InTurn,
}

/// A call on its way. To drop it is to give it up.
pub(crate) enum Call {
    Future { task: Spawn<Boxed<'static>>, ends: oneshot::Sender<()>, touched: Rc<Cell<bool>> },
    Permit(OwnedPermit<seawall_core::time::ManualClock>),
}

/// What becomes of a call that is made.
pub(crate) enum Begun {
    Entered(Call),
    Waits(Call),
    Refused(Rejection),
}

impl Way {
    const WAITING: [Self; 5] = [
        Self::Future(support::Way::Execute),
        Self::Future(support::Way::Call),
        Self::Future(support::Way::Acquire),
        Self::Future(support::Way::Service),
        Self::InTurn,
    ];

    const AT_ONCE: [Self; 2] = [Self::TryAcquire, Self::ExecuteBlocking];

    /// The ways for a script that waits, or not.
    pub(crate) fn all(waits: bool) -> impl Iterator<Item = Self> {
        Self::WAITING.into_iter().chain(Self::AT_ONCE.into_iter().filter(move |_| !waits))
    }

    /// Makes the call with that number.
    pub(crate) fn begin(self, bulkhead: &Manual, number: usize, waits: bool) -> Begun {
        match self {
            Self::Future(way) => begin(way, bulkhead),
            Self::TryAcquire => match bulkhead.try_acquire() {
                Ok(permit) => Begun::Entered(Call::Permit(permit.into_owned())),
                Err(rejection) => Begun::Refused(rejection),
            },
            Self::ExecuteBlocking => {
                let mut touched = false;
                let in_flight = bulkhead.in_flight();
                let end = bulkhead.execute_blocking(|| {
                    touched = true;
                    assert_eq!(bulkhead.in_flight(), in_flight + 1);
                    Ok::<_, Failed>(())
                });
                assert_eq!(touched, end.is_ok(), "the callee is touched if and only if the call is let in");
                match end {
                    Err(Error::Rejected(rejection)) => Begun::Refused(rejection),
                    _ => Self::TryAcquire.begin(bulkhead, number, waits),
                }
            }
            Self::InTurn => {
                let ways: Vec<_> = Self::all(waits).filter(|way| !matches!(way, Self::InTurn)).collect();
                ways[number % ways.len()].begin(bulkhead, number, waits)
            }
        }
    }
}

fn begin(way: support::Way, bulkhead: &Manual) -> Begun {
    let ((ends, told), touched) = (until_told(), Rc::new(Cell::new(false)));
    let callee = touched.clone();
    let call = way.start(bulkhead, move || {
        callee.set(true);
        told
    });
    let mut call = Call::Future { task: task::spawn(call), ends, touched };
    match call.look() {
        Look::Runs => Begun::Entered(call),
        Look::Waits => Begun::Waits(call),
        Look::Refused(rejection) => Begun::Refused(rejection),
    }
}

/// How a call stands when it is polled.
pub(crate) enum Look {
    Runs,
    Waits,
    Refused(Rejection),
}

impl Call {
    pub(crate) fn is_woken(&self) -> bool {
        matches!(self, Self::Future { task, .. } if task.is_woken())
    }

    /// Polls it. A refused call must not touch the callee.
    pub(crate) fn look(&mut self) -> Look {
        let Self::Future { task, touched, .. } = self else { return Look::Runs };
        match (task.poll(), touched.get()) {
            (Poll::Pending, true) => Look::Runs,
            (Poll::Pending, false) => Look::Waits,
            (Poll::Ready(Err(Error::Rejected(rejection))), false) => Look::Refused(rejection),
            (Poll::Ready(reply), touched) => panic!("{reply:?}, and the callee touched: {touched}"),
        }
    }

    /// Has it end. The future is kept meanwhile: its slot is free nevertheless.
    pub(crate) fn end(self, check: impl FnOnce()) {
        match self {
            Self::Future { mut task, ends, .. } => {
                ends.send(()).expect("the callee is there");
                assert_eq!(task.poll(), Poll::Ready(Ok(())));
                check();
            }
            Self::Permit(permit) => {
                drop(permit);
                check();
            }
        }
    }
}
