use std::cell::Cell;

/// A scope in which an earlier attempt of the current call has reached the callee.
///
/// A retry opens it around each later attempt, so that the rejection of the later attempt by a policy below says that the
/// callee was [reached](super::Rejection::reached_callee). A call that is not a later attempt pays nothing for it: the flag
/// is read only when a rejection is made.
#[derive(Debug)]
#[must_use = "the scope ends when this is dropped"]
pub struct LaterAttempt {
    /// Inside another later attempt.
    is_nested: bool,
}

thread_local! {
    static REACHED: Cell<bool> = const { Cell::new(false) };
}

impl LaterAttempt {
    /// Opens the scope on this thread.
    pub fn enter() -> Self {
        Self { is_nested: REACHED.replace(true) }
    }
}

impl Drop for LaterAttempt {
    fn drop(&mut self) {
        REACHED.set(self.is_nested);
    }
}

/// Returns whether an earlier attempt of the current call has reached the callee.
pub(super) fn has_reached() -> bool {
    REACHED.get()
}
