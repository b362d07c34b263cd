use crate::CloneRequest;

/// A request that has a rule of its own about a second attempt.
///
/// Implement this for your own request type if a retry may send some of its requests again. A retry's layer, and a stack's,
/// goes by the rule unless the layer is told otherwise. `http::Request` has a rule with the feature `http`.
///
/// ```
/// use seawall_retry::RepeatRequest;
///
/// #[derive(Clone)]
/// enum Command { Read(u32), Add(u32) }
///
/// impl RepeatRequest for Command {
///     fn repeat(&self) -> Option<Self> {
///         matches!(self, Self::Read(_)).then(|| self.clone()) // to add twice is not the same as to add once
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no rule that says whether a retry may send it again",
    note = "implement `RepeatRequest` for the type, or choose on the layer: `.clone_all()` repeats every request, `.clone_request(|request| ..)` repeats a request if the function returns a copy"
)]
pub trait RepeatRequest: Sized {
    /// Returns a copy for the next attempt, or `None` if the request must be sent once.
    fn repeat(&self) -> Option<Self>;
}

/// Keeps requests by the rule of their type, [`RepeatRequest`]. The default.
#[derive(Debug, Clone, Copy, Default)]
pub struct OwnRule;

impl<Request: RepeatRequest> CloneRequest<Request> for OwnRule {
    const NEEDS_TIME: bool = false;

    fn clone_request(&self, request: &Request) -> Option<Request> {
        request.repeat()
    }
}
