/// Policies to which another policy can be added, inside the others.
pub trait Append<A> {
    /// The policies with the added policy.
    type Appended;

    /// Adds a policy as the innermost.
    fn append(self, policy: A) -> Self::Appended;
}

impl<A> Append<A> for () {
    type Appended = (A, ());

    fn append(self, policy: A) -> (A, ()) {
        (policy, ())
    }
}

impl<A, P, R: Append<A>> Append<A> for (P, R) {
    type Appended = (P, R::Appended);

    fn append(self, policy: A) -> Self::Appended {
        (self.0, self.1.append(policy))
    }
}
