use std::fmt;

use super::{Concern, Describe, Stack, Summary, check};

impl<P: Describe> Stack<P> {
    /// Returns a summary of each policy, outermost first.
    pub fn summaries(&self) -> Vec<Summary> {
        let mut summaries = Vec::new();
        self.policies().describe(&mut summaries);
        summaries
    }

    /// Returns a drawing of the stack: a line for each policy, outermost first.
    ///
    /// ```
    /// # use std::time::Duration;
    /// use seawall::{CircuitBreaker, Retry, Stack, Timeout};
    ///
    /// let stack = Stack::new()
    ///     .timeout(Timeout::new("inventory", Duration::from_secs(10)))
    ///     .retry(Retry::new("inventory"))
    ///     .circuit_breaker(CircuitBreaker::new("inventory"));
    /// assert_eq!(stack.describe().to_string(), "\
    /// timeout `inventory`: 10s
    ///   retry `inventory`: 3 attempts, within a budget
    ///     circuit breaker `inventory`
    ///       the call");
    /// ```
    pub fn describe(&self) -> Drawing {
        Drawing(self.summaries())
    }

    /// Returns the probable mistakes in the order or the numbers of these policies.
    ///
    /// Each concern says in words what is wrong, and what to do. Nothing calls `check` for you: call it when the stack is built,
    /// and log or assert its result.
    ///
    /// ```
    /// use seawall::{CircuitBreaker, Retry, Stack};
    ///
    /// let stack = Stack::new().circuit_breaker(CircuitBreaker::new("a")).retry(Retry::new("a"));
    /// for concern in stack.check() {
    ///     println!("{concern}");
    /// }
    /// ```
    ///
    #[doc = include_str!("check.md")]
    pub fn check(&self) -> Vec<Concern> {
        check::check(&self.summaries())
    }
}

/// A drawing of a stack, from [`Stack::describe`].
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing(Vec<Summary>);

impl fmt::Display for Drawing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, summary) in self.0.iter().enumerate() {
            writeln!(f, "{:1$}{summary}", "", 2 * depth)?;
        }
        write!(f, "{:1$}the call", "", 2 * self.0.len())
    }
}

impl<P: Describe> fmt::Debug for Stack<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.summaries().iter().map(ToString::to_string)).finish()
    }
}
