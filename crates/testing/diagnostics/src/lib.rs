//! The compiler's words for code that does not compile, as tests.
//!
//! A crate of its own, because `trybuild` builds the dependencies of the crate that it runs in a second time, and these
//! are few.
