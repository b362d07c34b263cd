use std::{error, fmt, time::Duration};

/// A number of a quota is out of its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidQuota {
    pub(super) field: &'static str,
    pub(super) value: Value,
    pub(super) range: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    Number(u32),
    Time(Duration),
    /// So many calls in so long.
    Rate(u32, Duration),
}

impl InvalidQuota {
    /// Which number it is: `count`, `period`, `rate` or `burst`.
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// The range that the number must be in, in words.
    pub const fn range(&self) -> &'static str {
        self.range
    }
}

impl fmt::Display for InvalidQuota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of a quota is ", self.field)?;
        match self.value {
            Value::Number(number) => write!(f, "{number}")?,
            Value::Time(time) => write!(f, "{time:?}")?,
            Value::Rate(count, period) => write!(f, "{count} in {period:?}")?,
        }
        write!(f, "; it must be {}", self.range)
    }
}

impl error::Error for InvalidQuota {}
