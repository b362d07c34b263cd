//! Bodies: responses that keep a call's leave until they are read, and requests that can be sent again.

mod error;
pub mod future;
mod held;
mod hold;
mod kept;
mod late;
mod replay;
mod replay_layer;
mod resend;
mod shared;
mod tape;

pub(crate) use error::BoxError;
pub use error::{CutOff, NotKept};
pub use held::HeldBody;
pub use hold::{HoldBody, HoldBodyService, hold_body};
pub use replay::{DEFAULT_MAX_KEPT, ReplayBody};
pub use replay_layer::{ReplayLayer, ReplayService};
pub use resend::CloneIdempotent;
