use std::time::Duration;

/// The bytes of an input, taken from the front; where none are left there are zeros.
pub(crate) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        byte
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_le_bytes([(); 4].map(|()| self.byte()))
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_le_bytes([(); 8].map(|()| self.byte()))
    }

    /// Any time. The first byte says whether the number after it counts seconds, or what is likelier to matter.
    pub(crate) fn duration(&mut self) -> Duration {
        match self.byte() % 4 {
            0 => Duration::new(self.u64(), self.u32() % 1_000_000_000),
            1 => Duration::from_nanos(self.u64()),
            2 => Duration::from_nanos(self.u32().into()),
            _ => Duration::from_millis(self.u32().into()),
        }
    }
}
