use std::{error, fmt};

/// Any error, boxed: the body's own, [`NotKept`] or [`CutOff`].
pub(crate) type BoxError = Box<dyn error::Error + Send + Sync>;

/// The body cannot be read from its beginning any more: more of it has passed than may be kept, or when nobody kept it, or it
/// has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotKept(pub(super) ());

/// Another copy of the body has begun to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutOff(pub(super) ());

impl fmt::Display for NotKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body was not kept, and cannot be sent again")
    }
}

impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("another attempt has begun to read the body")
    }
}

impl error::Error for NotKept {}

impl error::Error for CutOff {}
