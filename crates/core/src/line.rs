use std::ops::Deref;

/// A value with cache lines of its own, so that writers of its neighbours do not slow its readers.
///
/// 128 bytes, not 64: x86-64 fetches lines in pairs, and some ARM cores have lines of that size.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct CacheAligned<T>(pub T);

impl<T> Deref for CacheAligned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
